# shellcheck shell=sh disable=SC2034,SC2154 # for dom0's init and lib.sh; variables of theirs
# SPDX-License-Identifier: BSD-2-Clause
#
# What dom0 and the scenarios' library know of arm64, as x86_64.sh does of x86-64. In dom0 it is /lab/arch.sh.

ARCH=arm64
# The driver of the bus that the machine's own devices are on.
ARCH_BUS=virtio_mmio
# Where guests start with firmware and a boot loader, emulation may lose them there.
ARCH_FIRMWARE=no
# The segment of the functions on ioreqd's first host bridge, as lspci -D prints it.
SEGMENT=0001
# dom0's kernel gives each page of the guest's memory that ioreqd had mapped back to Xen by itself, which empties the TLBs: 1 to 8 ms in
# emulation, and dom0's CPU does nothing else meanwhile. So ioreqd may take longer to end, and guests move less data.
EXIT_LIMIT_MS=20000
DATA_MB=24

# arch_guest_option KEY=VALUE: true if it is an option of guest_create on this architecture alone, and sets its variable.
arch_guest_option() {
    case $1 in
    dtb=*) guest_dtb=${1#*=} ;;
    *) return 1 ;;
    esac
}

# default_tree: sets guest_dtb to the device tree of ioreqd without any --bridge and --interrupts, which is made once in a boot. What devices
# there are does not matter to it.
default_tree() {
    guest_dtb=/run/lab/default.dtb
    [ -e "$guest_dtb" ] || guest_tree "$guest_dtb"
}

# arch_guest_config: prints lines of xl's configuration, from the guest_* variables, and adds to guest_words.
arch_guest_config() {
    [ "$guest_kind" = pvh ] || fail "guest_create $guest_name: Xen on Arm has no $guest_kind guests, only pvh"
    # Whoever creates the guest is to give it its tree, and the interrupts.
    [ "$guest_dtb" != creator ] || return 0
    [ -n "$guest_dtb" ] || default_tree
    [ "$guest_dtb" = none ] || guest_line device_tree "\"$guest_dtb\""
    # The guest's interrupt controller has as many shared interrupts (SPIs) as somebody asks for. Before Xen 4.18 only a UART can ask: it has
    # number 32, and with it come those up to 63. Later ones are told how many.
    case $(xl info xen_major).$(xl info xen_minor) in
    4.17) guest_line vuart '"sbsa_uart"' ;;
    *) guest_line nr_spis 32 ;;
    esac
}

# guest_tree FILE OPTION...: a device tree for a guest, from what `ioreqd OPTION... --describe dts` prints; for guest_create's dtb=FILE.
guest_tree() {
    guest_tree_file=$1
    shift
    ioreqd "$@" --describe dts >"$guest_tree_file.dts" || fail "ioreqd --describe dts failed for: $*"
    dtc -q -I dts -O dtb -o "$guest_tree_file" "$guest_tree_file.dts" || fail "dtc does not take what ioreqd --describe dts printed"
    cp "$guest_tree_file.dts" "$RESULTS/"
}
