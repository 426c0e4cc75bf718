# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# What a guest does with an edu device is recorded, and repeated without the guest: the device answers as it did. A recording
# in which one answer was changed is told from it.

guest_create g pvh
ioreqd_start g --device edu,addr=10 --record "$WORK/edu.rec"
guest_unpause g
guest_wait_up g
guest_check g "edu answers and computes" 'edu-check 5' 60
expect_match '^factorial of 7 is 5040$'
guest_shutdown g
expect_guest_over g
cp "$WORK/edu.rec" "$RESULTS/"
note "$(wc -l <"$WORK/edu.rec") lines are recorded"
check "the identification register is among them" grep -q '0x10000ed' "$WORK/edu.rec"
# How often a driver sees the device busy depends on time: those bits, of the status and of the DMA command, are not compared.
sed -E -i 's/(read memory 0x[0-9a-f]+(020|098) 4 = 0x[0-9a-f]+)$/\1\/0xfffffffe/' "$WORK/edu.rec"
expect_status 0 ioreqd-replay "$WORK/edu.rec"
sed 's/0x10000ed/0x10000ee/' "$WORK/edu.rec" >"$WORK/wrong.rec"
expect_status 1 ioreqd-replay "$WORK/wrong.rec"
expect_match '10000e[de]'
