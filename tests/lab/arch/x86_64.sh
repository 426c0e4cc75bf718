# shellcheck shell=sh disable=SC2034,SC2154 # for dom0's init and lib.sh; variables of theirs
# SPDX-License-Identifier: BSD-2-Clause
#
# What dom0 and the scenarios' library know of x86-64. Each ARCH.sh here says the same things. In dom0 it is /lab/arch.sh.

ARCH=x86_64
# The driver of the bus that the machine's own devices are on.
ARCH_BUS=virtio_pci
# Where guests start with firmware and a boot loader, emulation may lose them there.
ARCH_FIRMWARE=yes
# The segment of the functions on ioreqd's first host bridge, as lspci -D prints it.
SEGMENT=0000
# How long ioreqd may take to end once its guest has.
EXIT_LIMIT_MS=2000
# How much data scenarios have a guest write and read back where any amount would do.
DATA_MB=64

# arch_guest_option KEY=VALUE: true if it is an option of guest_create on this architecture alone, and sets its variable.
arch_guest_option() {
    return 1
}

# arch_guest_config: prints lines of xl's configuration, from the guest_* variables, and adds to guest_words.
arch_guest_config() {
    # Xen has each reading of the time stamp counter trap where the processor does not promise that it is constant, as the emulated one does
    # not: guests then do little else. Real processors promise it.
    guest_line tsc_mode '"native"'
    # On the CPU that is emulated here Linux looks early for an AGP bridge on 256 buses (4 s), unless told not to.
    guest_words="pci=noearly edd=off $guest_words"
    # ACPI tells a PVH guest of no PCI host bridge: Linux has to look for one.
    [ "$guest_kind" != pvh ] || guest_words="pci=noacpi $guest_words"
}
