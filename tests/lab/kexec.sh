# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# kexec in an HVM guest with Xen's drivers: the domain shuts down and is reset; ioreqd stays, and the new kernel finds its devices, with the
# right data.
# timeout: 420

# devices: what a guest that has just begun does with its devices.
devices() {
    guest_tools g
    blk_disk data
    guest_check g "random bytes" 'modprobe virtio-rng && sleep 1 && head -c 64 /dev/hwrng | wc -c | grep -x 64'
}

# next_kernel NUMBER: the guest begins another kernel.
next_kernel() {
    step "kernel number $1"
    blk_disk kernel
    guest_check g "the kernel is loaded" "mount -t ext4 -o ro /dev/$disk /mnt && cd /mnt && words=\$(sed 's/ number=.*//' /proc/cmdline) &&
        tool kexec -l vmlinuz --initrd=initrd --command-line=\"\$words number=$1\"" 120
    guest_send g 'sync; tool kexec -e'
    next_seen=0
    for next_try in $(seq 240); do
        next_seen=$(grep -c '^@agent ready' "$(guest_log g)")
        [ "$next_seen" -lt "$1" ] || break
        [ "$(guest_state g)" != gone ] || fail "the guest is gone"
        sleep 1
    done
    check "kernel number $1 is up (after $next_try s)" [ "$next_seen" -ge "$1" ]
    guest_check g "it is the new one" 'cat /proc/cmdline'
    expect_match " number=$1\$"
    expect_equal "resets that ioreqd has followed" "$(grep -c 'goes on with another kernel' "$(ioreqd_log g)")" "$(($1 - 1))"
}

# shellcheck source=/dev/null
. /lab/parts/blk.sh

modprobe ext4
disk_create "$WORK/data.img" 16
disk_create "$WORK/kernel.img" 96
mkdir "$WORK/kernel"
cp /lab/vmlinuz /lab/initrd "$WORK/kernel"
mkfs.ext4 -q -F -d "$WORK/kernel" "$WORK/kernel.img"
rm -r "$WORK/kernel"
guest_create g hvm vcpus=2 memory=512
ioreqd_start g --device "$TOOLS_DISK,addr=10" --device "virtio-blk,file=$WORK/data.img,serial=data,queues=2,addr=11" \
    --device "virtio-blk,file=$WORK/kernel.img,serial=kernel,readonly=on,addr=12" --device "virtio-rng,addr=13"
guest_unpause g
guest_wait_up g
devices
guest_check g "data is written" "pattern 1 8 >/dev/$disk && sync && pattern 1 8 | md5sum"
sum=$(cut -d' ' -f1 "$OUTPUT")
next_kernel 2
devices
guest_check g "the data is there" "head -c 8388608 /dev/$disk | md5sum"
expect_match "^$sum"
guest_check g "and can be written" "pattern 2 1 >/dev/$disk && sync && head -c 1048576 /dev/$disk | md5sum && pattern 2 1 | md5sum"
guest_shutdown g
expect_guest_over g
