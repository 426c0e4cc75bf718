# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 240
#
# An HVM guest takes what --describe acpi prints through acpi_firmware=: it finds the bridges in their segments, with
# their configuration space and their windows. Nobody serves them: they are empty.

describe_bridges() {
    ioreqd --describe acpi \
        --bridge pcie1,ecam=0xfb000000,buses=00-0f,memory=0xfa000000+16M,io=0xf000+4k,intx=1e \
        --bridge pcie2,ecam=0x1000000000,buses=20-21,memory=0xf9000000+16M,memory64=0x1010000000+256M
}

describe_bridges >"$WORK/bridges.acpi"
guest_create g hvm "acpi_firmware=\"$WORK/bridges.acpi\""
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
guest_destroy g
guest_wait_gone g
