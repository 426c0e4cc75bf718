# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# A PVH guest with 31 functions beside the host bridge on bus 0: 24 of three devices with eight functions each, and seven
# alone, every one an edu that answers. One is the test device with a BAR of 16 bytes.
# arch: x86_64 arm64
# timeout: 240

# shellcheck source=/dev/null
. /lab/parts/edu.sh

# 1 MiB for each edu is more than bridge pci has on arm64.
on=''
set --
if on_arch arm64; then
    on=,bridge=wide
    SEGMENT=0002
    set -- --bridge wide,memory=0x34000000+64M
    guest_tree "$WORK/wide.dtb" "$@"
    guest_create g pvh dtb="$WORK/wide.dtb"
else
    guest_create g pvh
fi
for device in 01 02 03; do
    for function in 0 1 2 3 4 5 6 7; do
        set -- "$@" --device "$EDU,addr=$device.$function$on"
    done
done
for device in 04 05 06 07 08 09; do
    set -- "$@" --device "$EDU,addr=$device$on"
done
ioreqd_start g "$@" --device "/usr/lib/ioreqd/tests/every-bar.so,id=bars,addr=1f,size=1M$on"
guest_unpause g
guest_wait_up g
guest_check g "32 functions are on the bus" 'lspci -n | wc -l'
expect_match '^32$'
guest_check g "each edu answers and computes" \
    'for f in /sys/bus/pci/devices/*; do [ "$(cat $f/device)" = 0x11e8 ] || continue; edu-check 1 ${f##*/} | grep -q "factorial of 7 is 5040" || echo "${f##*/} fails"; done; echo done' 120
expect_no_match 'fails'
expect_match '^done$'
guest_check g "small BARs share a page and are told apart" \
    "echo 1 >/sys/bus/pci/devices/$SEGMENT:00:1f.0/enable && bars-check $SEGMENT:00:1f.0" 60
expect_match '^BAR 1: 16 bytes'
guest_shutdown g
expect_guest_over g
