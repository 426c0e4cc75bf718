# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The demo's part in dom0, a scenario as those of tests/lab/: a PVH guest without QEMU, whose disk ioreqd serves.

disk_create "$WORK/disk.img" 256
guest_create demo pvh vcpus=2
ioreqd_start demo --device "virtio-blk,file=$WORK/disk.img,id=disk0,serial=IOREQD-DEMO"
guest_unpause demo
guest_wait_up demo
guest_check demo "the guest has drivers for its disk" 'modprobe virtio_pci && modprobe virtio_blk && modprobe crc32c_generic && modprobe ext4 && sleep 1'

note "Xen $(xl info xen_version), dom0 Linux $(uname -r); the guest is a PVH domain: $(guest_run demo 'uname -sr')"
note "its PCI bus, all of it from ioreqd:"
guest_run demo 'lspci -nn 2>/dev/null' 60 | while read -r line; do note "    $line"; done

guest_check demo "a file system is made on the disk" 'mkfs.ext4 -q /dev/vda && mount -t ext4 /dev/vda /mnt' 60
seconds=$(guest_run demo 'a=$(cut -d" " -f1 /proc/uptime); dd if=/dev/zero of=/mnt/file bs=1M count=64 conv=fsync 2>/dev/null; echo "$a $(cut -d" " -f1 /proc/uptime)"' 60 |
    awk '{ printf "%.1f", $2 - $1 }')
note "64 MB written to ext4 on it and synced in $seconds s, under emulation"
guest_check demo "the file system is unmounted" 'umount /mnt'
note "interrupts of the disk so far: $(guest_run demo "grep virtio0-req /proc/interrupts | awk '{ print \$2 + \$3 }'") by MSI-X"
note "resident memory of ioreqd: $(awk '/^VmRSS/ { print $2 }' "/proc/$(ioreqd_pid demo)/status") KiB"

guest_shutdown demo
expect_guest_over demo
check "the file system is clean, seen from dom0" fsck.ext4 -fn "$WORK/disk.img"
