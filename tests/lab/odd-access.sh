# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# Accesses that no driver makes (tests/guest/odd-access.c), from a PVH and from an HVM guest: each is answered as it should be, and guest and
# ioreqd are alive afterwards.
# timeout: 360

# shellcheck source=/dev/null
. /lab/parts/blk.sh

# odd_round KIND ADDR FUNCTION
odd_round() {
    disk_create "$WORK/$1.img" 16
    guest_create "$1" "$1"
    ioreqd_start "$1" --device "virtio-blk,file=$WORK/$1.img,id=disk0,addr=$2"
    guest_unpause "$1"
    guest_wait_up "$1"

    step "odd accesses in $1"
    odd_status=0
    # It wants the function without a driver.
    guest_run "$1" "odd-access 0000:$3" 210 >"$OUTPUT" || odd_status=$?
    show_output
    cp "$OUTPUT" "$RESULTS/odd-access-$1"
    expect_no_match '^FAIL' "$RESULTS/odd-access-$1"
    expect_match '^odd-access: done' "$RESULTS/odd-access-$1"
    expect_equal "status of odd-access in $1" "$odd_status" 0
    note "$1: $(grep '^odd-access: done' "$RESULTS/odd-access-$1")"

    check "ioreqd for $1 is alive" ioreqd_runs "$1"
    blk_find "$1"
    guest_check "$1" "the disk works afterwards" \
        'pattern 2 4 >/tmp/data && dd if=/tmp/data of=/dev/vda bs=64k 2>/dev/null && sync && echo 3 >/proc/sys/vm/drop_caches &&
         dd if=/dev/vda bs=64k count=64 2>/dev/null | cmp - /tmp/data'
    guest_shutdown "$1"
    expect_guest_over "$1"
}

odd_round pvh 1 00:01.0
odd_round hvm 10 00:10.0
