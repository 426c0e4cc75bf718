# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# However a guest ends, its ioreqd exits with status 0 within 2 s, and Xen keeps no zombie of it.
# arch: x86_64 arm64
# timeout: 300

# shellcheck source=/dev/null
. /lab/parts/blk.sh

for way in poweroff crash destroy; do
    disk_create "$WORK/$way.img" 16
    # Linux tells Xen of its panic on x86 alone. On Arm it stands still unless told to restart, which ends the domain as well.
    guest_create "$way" pvh cmdline=panic=1
    ioreqd_start "$way" --device "virtio-blk,file=$WORK/$way.img,id=disk0,addr=1"
    guest_unpause "$way"
    guest_wait_up "$way"
    blk_find "$way"
    case $way in
    poweroff) guest_shutdown "$way" ;;
    crash)
        step "crashing the guest"
        guest_send "$way" 'echo c >/proc/sysrq-trigger'
        guest_wait_end "$way" 30
        ;;
    destroy)
        # In the middle of its work: requests are in flight.
        guest_send "$way" 'dd if=/dev/zero of=/dev/vda bs=64k count=256 oflag=direct'
        sleep 0.5
        guest_destroy "$way"
        ;;
    esac
    expect_guest_over "$way"
done
