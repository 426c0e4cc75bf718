# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# An HVM guest is told of two more host bridges, in segments of their own, by the tables of --describe acpi. Over the ECAM
# of one it finds a disk, a test device with a BAR of every kind, one of them of 64 GiB and one of 16 bytes, and another disk
# behind a root port. All of them work, and a function-level reset leaves them working. The other bridge is empty.
# timeout: 360

bridge="pcie1,ecam=0xfb000000,buses=00-0f,memory=0xfa000000+16M,memory64=0x2000000000+256G,io=0xf000+4k"
empty="pcie2,ecam=0x1000000000,buses=20-21,memory=0xf9000000+16M,memory64=0x1010000000+256M"

disk_create "$WORK/one.img" 16
disk_create "$WORK/two.img" 16
ioreqd --bridge "$bridge" --bridge "$empty" --describe acpi >"$WORK/bridges.acpi"
guest_create g hvm "acpi_firmware=\"$WORK/bridges.acpi\""
ioreqd_start g --bridge "$bridge" --bridge "$empty" \
    --device "virtio-blk,file=$WORK/one.img,id=one,bridge=pcie1,addr=01" \
    --device "/usr/lib/ioreqd/tests/every-bar.so,id=bars,bridge=pcie1,addr=02" \
    --device "root-port,id=port,bridge=pcie1,addr=1c" \
    --device "virtio-blk,file=$WORK/two.img,id=two,bridge=port"
guest_unpause g
guest_wait_up g 180
guest_check g "what its kernel says is kept" 'dmesg | grep -E "MCFG|MMCONFIG|PNP0A08|PCI (Root|host) [Bb]ridge|bus resource|BRIDGES|has been reserved"'
cp "$OUTPUT" "$RESULTS/bridges.txt"
expect_match 'ACPI: SSDT .*IOREQD BRIDGES'
expect_match 'ACPI: MCFG .*IOREQD BRIDGES'
expect_match 'MMCONFIG at \[mem 0xfb000000-0xfbffffff\] reserved in ACPI'
expect_match 'MMCONFIG at \[mem 0x1000000000-0x10001fffff\] reserved in ACPI'
expect_match 'OS now controls \[PCIeCapability\]'
expect_match 'PCI host bridge to bus 0000:00'
expect_match 'PCI host bridge to bus 0001:00'
expect_match 'pci_bus 0001:00: root bus resource \[mem 0xfa000000-0xfaffffff window\]'
expect_match 'pci_bus 0001:00: root bus resource \[io  0xf000-0xffff window\]'
expect_match 'PCI host bridge to bus 0002:20'
expect_match 'pci_bus 0002:20: root bus resource \[mem 0x1010000000-0x101fffffff window\]'
expect_no_match "can't access PCI configuration space"
guest_check g "the devices of the second segment are found" 'lspci -D -n'
expect_match '^0001:00:01.0 0100: 1af4:1042'
expect_match '^0001:00:02.0 ff00: 1b36:0005'
expect_match '^0001:00:1c.0 0604: 1b36:000c'
expect_match '^0001:01:00.0 0100: 1af4:1042'
guest_check g "extended configuration space is reached" 'lspci -D -vvv -s 0001:00:02.0'
cp "$OUTPUT" "$RESULTS/every-bar.txt"
expect_match 'Device Serial Number ef-cd-ab-89-67-45-23-01'
expect_match 'Root Complex Integrated Endpoint'
expect_match 'size=64G'
expect_match 'size=16\]'
guest_check g "each BAR is where it should be" \
    'echo 1 >/sys/bus/pci/devices/0001:00:02.0/enable && bars-check 0001:00:02.0' 60
expect_match '^BAR 1: 16 bytes'
expect_match '^BAR 2: 68719476736 bytes'
expect_match '^4 BARs$'
guest_check g "the drivers take the disks" 'modprobe virtio_pci && modprobe virtio_blk && sleep 2 && ls /sys/block'
for disk in vda vdb; do
    guest_check g "$disk: data written is read back" \
        "head -c 1048576 /dev/urandom >/tmp/data && dd if=/tmp/data of=/dev/$disk bs=64k conv=fsync 2>/dev/null && echo 3 >/proc/sys/vm/drop_caches && head -c 1048576 /dev/$disk | cmp - /tmp/data" 60
done
guest_check g "a function-level reset of the test device" \
    'cat /sys/bus/pci/devices/0001:00:02.0/reset_method && echo 1 >/sys/bus/pci/devices/0001:00:02.0/reset && bars-check 0001:00:02.0' 60
expect_match 'flr'
check "the device was reset" grep -q 'reset of kind 2' "$(ioreqd_log g)"
guest_destroy g
expect_guest_over g
