# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# An HVM guest without a kernel in its configuration: SeaBIOS boots GRUB, and GRUB Linux, from ioreqd's disk.
# timeout: 300

# shellcheck source=/dev/null
. /lab/parts/blk.sh

step "making a bootable disk"
disk_create_bootable "$WORK/boot.img" 64
guest_create boot hvm boot=disk
ioreqd_start boot --device "virtio-blk,file=$WORK/boot.img,id=disk0,addr=10"
guest_unpause boot
guest_wait_console boot 'lab-grub: loading the kernel' 90
guest_wait_console boot 'lab-guest: up' 150
check "the banner is on the serial console" grep -q 'lab-guest: up' "$WORK/guest/boot/serial"
guest_wait_up boot 30

# The disk that the firmware used serves Linux's driver as well.
blk_find boot
guest_check boot "mounting the boot partition" 'mount -t ext4 -o ro /dev/vda1 /mnt' 30
expect_equal "checksum of the kernel on the disk" "$(guest_run boot 'sha256sum </mnt/boot/vmlinuz' 60)" "$(sha256sum </lab/vmlinuz)"
guest_shutdown boot
expect_guest_over boot
