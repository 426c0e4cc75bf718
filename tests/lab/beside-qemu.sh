# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# An HVM guest with devices of two emulators: QEMU's edu, and ioreqd's edu and disk. All work, at the same time as well, and
# QEMU's goes on after ioreqd has ended.
# timeout: 300

# shellcheck source=/dev/null
. /lab/parts/blk.sh

# edu_works OWNER FUNCTION: the edu device there answers, computes, and moves memory.
edu_works() {
    guest_check both "edu of $1 answers" "edu-check 1 0000:$2" 60
    expect_match '^identification 0x010000ed$'
    expect_match '^factorial of 7 is 5040$'
    expect_match '^dma there and back: same$'
}

disk_create "$WORK/both.img" 128
guest_create both hvm qemu="-device edu,addr=0x5"
ioreqd_start both --device "virtio-blk,file=$WORK/both.img,id=disk0,addr=10" --device edu,addr=11
guest_unpause both
guest_wait_up both
guest_check both "both functions are on the bus" 'lspci -n'
expect_match '^00:05.0 00ff: 1234:11e8'
expect_match '^00:10.0 0100: 1af4:1042'
expect_match '^00:11.0 00ff: 1234:11e8'
edu_works QEMU 00:05.0
edu_works ioreqd 00:11.0

blk_find both
# shellcheck disable=SC2034  # read by blk_exercise
BLK_MB=16
blk_exercise both
step "using both at once"
guest_check both "edu answers while the disk is written" \
    '(dd if=/dev/zero of=/dev/vda bs=256k seek=200 count=64 oflag=direct 2>/dev/null; echo "disk $?") & edu-check 50; wait' 60
expect_match '^disk 0$'
expect_match '^factorial of 7 is 5040$'

ioreqd_stop both TERM
expect_equal "exit status of ioreqd after SIGTERM" "$exit_status" 0
check "the guest runs without ioreqd" guest_runs both
edu_works QEMU 00:05.0
guest_destroy both
guest_wait_gone both 10
