# shellcheck shell=sh disable=SC2154 # variables of tests/lab/lib.sh
# SPDX-License-Identifier: BSD-2-Clause
#
# fio writes at random places and verifies, at several depths, on packed and split rings, in an HVM guest with Debian 12's kernel.
# timeout: 420

# shellcheck source=/dev/null
. /lab/parts/blk.sh

tools_mount
disk_create "$WORK/packed.img" 32
disk_create "$WORK/split.img" 32
guest_create g hvm vcpus=2 memory=384
ioreqd_start g --device "$TOOLS_DISK,addr=10" --device "virtio-blk,file=$WORK/packed.img,serial=packed,queues=2,addr=11" \
    --device "virtio-blk,file=$WORK/split.img,serial=split,packed=off,addr=12"
guest_unpause g
guest_wait_up g
guest_tools g
for ring in packed split; do
    blk_disk $ring
    guest_check g "the ring is $ring" "cut -c35 /sys/block/$disk/device/features | grep -x $([ $ring = packed ] && echo 1 || echo 0)"
    for depth in 1 4 64; do
        blk_verify $ring $depth
    done
done
guest_destroy g
expect_guest_over g
