# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# Shared by the scenarios of virtio-blk: what a guest does with its disk, and what dom0 finds on it afterwards.

# The seed of the data that guests write: the same bytes each time, none of them repeating.
BLK_SEED=1
BLK_MB=$DATA_MB

# blk_find GUEST: loads the drivers in the guest and waits for /dev/vda; sets `blk_function` to its PCI address, as 0000:00:01.0.
blk_find() {
    guest_check "$1" "the drivers find /dev/vda" \
        'modprobe virtio_pci && modprobe virtio_blk && modprobe crc32c_generic && modprobe ext4 || exit 1
         for try in $(seq 1 50); do [ -b /dev/vda ] && break; sleep 0.1; done
         [ -b /dev/vda ] && cat /sys/block/vda/size'
    blk_function=$(guest_run "$1" 'basename "$(dirname "$(readlink -f /sys/block/vda/device)")"')
}

# blk_expect_function GUEST ADDRESS: lspci sees a modern virtio-blk device at that address (00:01.0), its MSI-X in use.
blk_expect_function() {
    expect_equal "PCI address of the disk" "$blk_function" "$SEGMENT:$2"
    guest_check "$1" "lspci reads the function" "lspci -D -n -vv -s $2"
    cp "$OUTPUT" "$RESULTS/lspci-$1"
    expect_match "^$SEGMENT:$2 0100: 1af4:1042" "$RESULTS/lspci-$1"
    expect_match 'Region [0-5]: Memory at [0-9a-f]{6,}' "$RESULTS/lspci-$1"
    expect_match 'MSI-X: Enable\+ Count=[0-9]+ Masked-' "$RESULTS/lspci-$1"
    for blk_capability in CommonCfg Notify ISR DeviceCfg; do
        expect_match "VirtIO: $blk_capability" "$RESULTS/lspci-$1"
    done
}

# blk_interrupts GUEST: prints how many interrupts of the disk's queues the guest has counted, over all CPUs.
blk_interrupts() {
    guest_run "$1" "awk '/virtio[0-9]+-req/ { for (i = 2; \$i ~ /^[0-9]+\$/; i++) sum += \$i } END { print sum + 0 }' /proc/interrupts"
}

# blk_exercise GUEST: a file system with known data, written, read back from the disk after a remount, and left unmounted. Sets `blk_sum`.
blk_exercise() {
    blk_before=$(blk_interrupts "$1")
    guest_check "$1" "mkfs.ext4" 'mkfs.ext4 -q -F /dev/vda' 60
    guest_check "$1" "mount" 'mount -t ext4 /dev/vda /mnt' 30
    step "$1 writes $BLK_MB MB"
    measure blk_write_ms guest_check "$1" "writing $BLK_MB MB" "pattern $BLK_SEED $BLK_MB >/mnt/data && sync" 90
    blk_sum=$(guest_run "$1" 'md5sum </mnt/data' 60)
    guest_check "$1" "unmount, dropping caches, mount" \
        'umount /mnt && echo 3 >/proc/sys/vm/drop_caches && blockdev --flushbufs /dev/vda && mount -t ext4 /dev/vda /mnt' 60
    step "$1 reads $BLK_MB MB back"
    measure blk_read_ms guest_check "$1" "reading $BLK_MB MB" 'cat /mnt/data >/dev/null' 60
    expect_equal "checksum in $1 after a remount" "$(guest_run "$1" 'md5sum </mnt/data' 60)" "$blk_sum"
    : "${blk_wanted:=$(pattern $BLK_SEED $BLK_MB | md5sum)}" # the same for all guests of a scenario
    expect_equal "checksum of the same data made in dom0" "$blk_wanted" "$blk_sum"
    guest_check "$1" "unmount" 'umount /mnt' 30

    blk_after=$(blk_interrupts "$1")
    guest_check "$1" "the queues' interrupts are MSI-X" 'grep -iE "msi.*virtio[0-9]+-req" /proc/interrupts'
    check "interrupts of the queues rose ($blk_before, then $blk_after)" [ "$blk_after" -gt "$blk_before" ]
    note "$1: $BLK_MB MB written and synced in $(seconds_of "$blk_write_ms") s, read in $(seconds_of "$blk_read_ms") s," \
        "$((blk_after - blk_before)) interrupts"
}

# blk_expect_image FILE: after the guest's end: the file system in the image is clean, and the data is there.
blk_expect_image() {
    step "checking $1 in dom0"
    expect_status 0 fsck.ext4 -fn "$1"
    expect_equal "checksum of the data in the image" "$(debugfs -R 'cat /data' "$1" 2>/dev/null | md5sum)" "$blk_sum"
}

# blk_round NAME KIND VCPUS ADDR FUNCTION: one guest with one disk, from its start to a look at the image afterwards.
blk_round() {
    disk_create "$WORK/$1.img" 128
    guest_create "$1" "$2" "vcpus=$3"
    ioreqd_start "$1" --device "virtio-blk,file=$WORK/$1.img,id=disk0,addr=$4"
    guest_unpause "$1"
    guest_wait_up "$1"
    blk_find "$1"
    expect_equal "sectors of the disk" "$(guest_run "$1" 'cat /sys/block/vda/size')" 262144
    blk_expect_function "$1" "$5"
    blk_exercise "$1"
    guest_shutdown "$1"
    expect_guest_over "$1"
    blk_expect_image "$WORK/$1.img"
    rm "$WORK/$1.img"
}

# blk_disk SERIAL: sets `disk` to the guest's name of the disk with that serial number.
blk_disk() {
    disk=$(guest_run g "grep -lx $1 /sys/block/vd*/serial | cut -d/ -f4")
    check "the guest has the disk $1" [ -n "$disk" ]
}

# blk_verify SERIAL DEPTH [OPTION...]: fio writes 2 MB (1 MB one at a time) in 4 KB pieces at random places, and reads them back.
blk_verify() {
    blk_disk "$1"
    blk_depth=$2 blk_verify_mb=2
    [ "$2" -gt 1 ] || blk_verify_mb=1
    shift 2
    guest_check g "fio on $disk, $blk_depth at a time" "tool fio --name=v --filename=/dev/$disk --rw=randwrite --bs=4k --size=${blk_verify_mb}M \
        --ioengine=libaio --direct=1 --iodepth=$blk_depth --verify=crc32c --verify_fatal=1 --do_verify=1 --thread $* |
        grep -E 'err=|IOPS'" 240
    expect_match 'err= 0'
    expect_no_match 'err= *[1-9]'
}
