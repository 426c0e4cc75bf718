# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# A guest's memory shrinks and grows while its disk is at work. Each page that it gives up makes Xen tell every emulator that
# mappings are stale (IOREQ_TYPE_INVALIDATE): data must stay right, the guest must not wait, and memory must be given back.
# timeout: 240

. /lab/parts/blk.sh

# The pages that Xen counts as the guest's own.
guest_memory_now() {
    xl list g | awk 'NR == 2 { print $3 }'
}

guest_has() {
    [ "$(guest_memory_now)" -le "$1" ]
}

guest_has_again() {
    [ "$(guest_memory_now)" -ge "$1" ]
}

disk_create "$WORK/disk.img" 128
guest_create g pvh vcpus=2 memory=320
ioreqd_start g --log-level debug --device "virtio-blk,file=$WORK/disk.img,id=disk0,addr=1"
guest_unpause g
guest_wait_up g
blk_find g
guest_check g "a file system" 'mkfs.ext4 -q -F /dev/vda && mount -t ext4 /dev/vda /mnt' 60

# Through the whole of its memory once, so that all of it is mapped.
guest_check g "the guest's memory has been used" 'pattern 7 60 >/mnt/before && cat /mnt/before >/dev/null' 60
guest_send g 'for i in 1 2 3; do pattern $i 16 >/mnt/$i; sync; echo 3 >/proc/sys/vm/drop_caches; done; md5sum /mnt/1 /mnt/2 /mnt/3' 120
for round in 1 2; do
    step "shrinking the guest, round $round"
    xl mem-set g 240
    check "the guest gave memory up" wait_until 40 guest_has 250
    step "growing it again, round $round"
    xl mem-set g 320
    check "the guest got it back" wait_until 40 guest_has_again 300
done
guest_check g "what was written meanwhile is right" 'sync; echo 3 >/proc/sys/vm/drop_caches
    for i in 1 2 3; do [ "$(pattern $i 16 | md5sum)" = "$(md5sum </mnt/$i)" ] || exit 1; done
    [ "$(pattern 7 60 | md5sum)" = "$(md5sum </mnt/before)" ]' 120
guest_check g "unmount" 'umount /mnt'
guest_shutdown g
expect_guest_over g
expect_status 0 fsck.ext4 -fn "$WORK/disk.img"
invalidations=$(sed -n 's/.* invalidate \([0-9]*\) .*/\1/p' "$(ioreqd_log g)")
check "Xen told ioreqd of stale mappings ($invalidations times)" [ "$invalidations" -gt 10 ]
note "g: $invalidations invalidations while 108 MB went to the disk"
