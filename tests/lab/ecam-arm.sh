# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# A guest on arm64 is told of ioreqd's host bridge by the device tree of --describe dts, and finds edu there: configuration space by the bridge's ECAM,
# registers by a BAR that Linux placed, DMA, and the guest's end. Nothing interrupts.
# arch: arm64
# timeout: 180

guest_create g pvh vcpus=2
# Memory of guests on Arm begins beyond what edu reaches unless told.
ioreqd_start g --device edu,addr=1,dma-mask=0xffffffff
guest_unpause g
guest_wait_up g
guest_check g "the generic driver takes the bridge" 'dmesg | grep -E "pci-host-generic|GICv2m|v2m"'
expect_match 'ECAM at \[mem 0x05000000-0x057fffff\] for \[bus 00-07\]'
expect_match 'SPI\[48:63\]|SPI.*48.*63'
guest_check g "the function is there" 'lspci -nv 2>/dev/null'
expect_match '^0001:00:01.0 00ff: 1234:11e8'
expect_match 'Memory at 33[0-9a-f]{6} \(32-bit, non-prefetchable\)'
guest_check g "edu answers" 'edu-check 1 0001:00:01.0' 60
expect_match '^identification 0x010000ed$'
expect_match '^factorial of 7 is 5040$'
expect_match '^dma there and back: same$'
guest_shutdown g
expect_guest_over g
