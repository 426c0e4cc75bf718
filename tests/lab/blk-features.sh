# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# What virtio-blk can do, in a PVH guest with Debian 13's kernel: fio writes at random places and verifies, at several depths, on packed and
# split rings, two queues, files, block devices, past the host's cache and by NBD; discard; new sizes while mounted; a medium
# that shrinks, one that fills up, and an NBD server that dies and comes back.
# arch: x86_64 arm64
# timeout: 900

# shellcheck source=/dev/null
. /lab/parts/blk.sh

# start_nbd: an NBD server for $WORK/nbd.img.
start_nbd() {
    rm -f "$WORK/nbd.sock"
    tool nbdkit --unix "$WORK/nbd.sock" --pidfile "$WORK/nbd.pid" /tools/usr/lib/*/nbdkit/plugins/nbdkit-file-plugin.so \
        "file=$WORK/nbd.img" || fail "nbdkit does not start"
    wait_until 10 [ -s "$WORK/nbd.pid" ] || fail "nbdkit has no pidfile"
}

tools_mount
disk_create "$WORK/file.img" 32
disk_create "$WORK/nbd.img" 32
disk_create "$WORK/block.img" 32
disk_create "$WORK/fs.img" 64
mkfs.ext4 -q -F "$WORK/fs.img"
mkdir -p "$WORK/fs" "$WORK/small"
mount -t ext4 -o loop "$WORK/fs.img" "$WORK/fs"
echo "$WORK/fs" >>"$WORK/mounts"
disk_create "$WORK/fs/direct.img" 16
mount -t tmpfs -o size=3m small "$WORK/small"
echo "$WORK/small" >>"$WORK/mounts"
disk_create "$WORK/small/full.img" 16
loop=$(losetup -f)
losetup "$loop" "$WORK/block.img"
start_nbd

guest_create g pvh kernel=13 vcpus=2 memory=384
ioreqd_start g --device "$TOOLS_DISK,addr=1" \
    --device "virtio-blk,file=$WORK/file.img,serial=packed,queues=2,addr=2" \
    --device "virtio-blk,file=$loop,serial=block,packed=off,addr=3" \
    --device "virtio-blk,file=$WORK/fs/direct.img,serial=direct,cache=none,packed=off,addr=4" \
    --device "virtio-blk,file=nbd+unix:///?socket=$WORK/nbd.sock,serial=nbd,addr=5" \
    --device "virtio-blk,file=$WORK/small/full.img,serial=full,werror=stop,addr=6"
guest_unpause g
guest_wait_up g
guest_tools g

step "fio verifies"
blk_disk packed
guest_check g "the ring is packed, and there are two queues" \
    "cut -c35 /sys/block/$disk/device/features | grep -x 1 && ls -d /sys/block/$disk/mq/1"
blk_verify packed 128
blk_verify packed 32
blk_verify packed 1 --numjobs=2 --offset_increment=1M
blk_verify block 32
blk_disk block
guest_check g "the ring is split" "cut -c35 /sys/block/$disk/device/features | grep -x 0"
blk_verify direct 8
blk_verify nbd 16

step "discard"
blk_disk packed
before=$(du -k "$WORK/file.img" | cut -f1)
guest_check g "blkdiscard" "tool blkdiscard /dev/$disk"
after=$(du -k "$WORK/file.img" | cut -f1)
check "the room is given back ($before KB before, $after after)" [ "$before" -ge 2048 -a "$after" -lt 64 ]
guest_check g "zeroes" "tool blkdiscard -z -o 1M -l 8M /dev/$disk && dd if=/dev/$disk bs=1M skip=1 count=8 2>/dev/null | tr -d '\\0' | wc -c | grep -x 0"

step "a new size while mounted"
guest_check g "mkfs and mount" "mkfs.ext4 -q -F /dev/$disk && mount -t ext4 /dev/$disk /mnt && pattern 3 4 >/mnt/data && sync" 60
truncate -s 64M "$WORK/file.img"
guest_check g "the disk grows" "for try in \$(seq 1 50); do grep -x 131072 /sys/block/$disk/size && exit 0; sleep 0.2; done; exit 1"
guest_check g "and the file system with it" "tool resize2fs /dev/$disk && df -m /mnt | awk 'END { exit \$2 < 50 }'" 60
truncate -s 8M "$WORK/file.img"
guest_check g "the disk shrinks" "for try in \$(seq 1 50); do grep -x 16384 /sys/block/$disk/size && exit 0; sleep 0.2; done; exit 1"
guest_check g "what lies beyond is an error, and no more" "! dd if=/dev/$disk of=/dev/null bs=4k skip=4096 count=1 2>/dev/null
    ! { head -c 12000000 /dev/zero >/mnt/more && sync /mnt/more; }; umount /mnt; true" 60
check "ioreqd runs" ioreqd_runs g
truncate -s 64M "$WORK/file.img"
guest_check g "the size is back" "for try in \$(seq 1 50); do grep -x 131072 /sys/block/$disk/size && exit 0; sleep 0.2; done; exit 1"
blk_verify packed 32

step "a medium without room, until it has some"
blk_disk full
guest_send g "dd if=/dev/urandom of=/tmp/full bs=1M count=6 2>/dev/null; dd if=/tmp/full of=/dev/$disk bs=64k oflag=direct 2>/dev/null && sync && echo written" 120
wait_until 60 grep -q 'event file-stopped' "$(ioreqd_log g)" || fail "ioreqd does not tell that the medium is full"
sleep 2
mount -o remount,size=32m "$WORK/small"
guest_run g true 100
guest_check g "all of it is there" "cmp -n 6291456 /tmp/full /dev/$disk && rm /tmp/full" 60

step "an NBD server that dies and comes back"
blk_disk nbd
guest_send g "tool fio --name=v --filename=/dev/$disk --rw=randwrite --bs=4k --size=3M --ioengine=libaio --direct=1 --iodepth=16 \
    --verify=crc32c --verify_fatal=1 --do_verify=1 --thread >/tmp/fio 2>&1; echo fio \$? >>/tmp/fio" 240
sleep 2
kill -KILL "$(cat "$WORK/nbd.pid")"
wait_until 30 grep -q 'event nbd-lost' "$(ioreqd_log g)" || fail "ioreqd does not tell that the server is gone"
sleep 3
start_nbd
guest_check g "fio goes on and finds its data" "tail -n 3 /tmp/fio; grep -x 'fio 0' /tmp/fio" 200
expect_equal "the size of the disk" "$(guest_run g "cat /sys/block/$disk/size")" 65536
guest_shutdown g
expect_guest_over g
kill "$(cat "$WORK/nbd.pid")"
