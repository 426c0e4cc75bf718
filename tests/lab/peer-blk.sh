# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# The same work on QEMU's virtio-blk and on ioreqd's, in one HVM guest, one after the other: rates, their ratio, and resident
# memory. Both images are files in dom0's memory; the guest's cache is left out.
# timeout: 300

. /lab/parts/blk.sh

# rate GUEST DISK DIRECTION BLOCK COUNT: prints KiB/s.
rate() {
    case $3 in
    read) rate_files="if=/dev/$2 of=/dev/null iflag=direct" ;;
    write) rate_files="if=/dev/zero of=/dev/$2 oflag=direct" ;;
    esac
    guest_run "$1" "a=\$(cut -d' ' -f1 /proc/uptime); dd $rate_files bs=$4 count=$5 2>/dev/null || exit 1
        b=\$(cut -d' ' -f1 /proc/uptime); echo \$a \$b" 90 |
        awk -v block="${4%k}" -v count="$5" '{ printf "%d\n", block * count / ($2 - $1) }'
}

# compare DIRECTION BLOCK COUNT: a note with both rates, and a check that ioreqd has at least 4/5 of QEMU's: less would be a
# mistake, and one measurement is no better than that.
compare() {
    compare_qemu=$(rate g "$qemu_disk" "$@")
    compare_ours=$(rate g "$our_disk" "$@")
    note "$1 $2, one at a time: QEMU $compare_qemu KiB/s, ioreqd $compare_ours KiB/s: $((compare_ours * 100 / compare_qemu)) %"
    check "ioreqd keeps up with QEMU ($1 $2)" [ $((compare_ours * 5)) -ge $((compare_qemu * 4)) ]
}

disk_create "$WORK/qemu.img" 64
disk_create "$WORK/ours.img" 64
dd if=/dev/urandom of="$WORK/qemu.img" bs=1M count=64 conv=notrunc 2>/dev/null
cp "$WORK/qemu.img" "$WORK/ours.img"
guest_create g hvm cmdline="xen_emul_unplug=never" \
    qemu="-drive file=$WORK/qemu.img,if=none,id=peer,format=raw -device virtio-blk-pci,drive=peer,addr=0x06,serial=qemu"
ioreqd_start g --device "virtio-blk,file=$WORK/ours.img,serial=ioreqd,addr=10"
guest_unpause g
guest_wait_up g
blk_find g
qemu_disk=$(guest_run g 'cd /sys/block && for d in vd*; do [ "$(cat "$d/serial")" != qemu ] || echo "$d"; done')
our_disk=$(guest_run g 'cd /sys/block && for d in vd*; do [ "$(cat "$d/serial")" != ioreqd ] || echo "$d"; done')
check "the guest has both disks ($qemu_disk of QEMU, $our_disk of ioreqd)" [ -n "$qemu_disk" -a -n "$our_disk" ]

compare read 4k 1000
compare write 4k 1000
compare read 128k 200
compare write 128k 200

qemu_pid=$(pidof xen-qemu-system-i386 | awk '{ print $1 }')
note "resident memory in this guest: QEMU $(awk '/^VmRSS/ { print $2 }' "/proc/$qemu_pid/status") KiB," \
    "ioreqd $(awk '/^VmRSS/ { print $2 }' "/proc/$(ioreqd_pid g)/status") KiB"
guest_destroy g
expect_guest_over g
