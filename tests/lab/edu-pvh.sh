# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# A kernel driver works with edu by messages in a PVH guest, which has no interrupt lines: the function has no pin, and the driver that wants
# a line is told so.
# driver: edu_driver
# timeout: 180

# shellcheck source=/dev/null
. /lab/parts/edu.sh

guest_create g pvh
ioreqd_start g --device edu,addr=10
guest_unpause g
guest_wait_up g
edu_need_driver g
guest_check g "there is no pin" 'setpci -s 00:10.0 INTERRUPT_PIN'
expect_match '^00$'

step "interrupts by message"
edu_load g 1 00:10.0
guest_check g "the kernel's interrupts" 'grep -w edu /proc/interrupts'
cp "$OUTPUT" "$RESULTS/interrupts-message"
expect_match '(xen-pirq +-msi|PCI-MSI).* edu$'
check "they are counted" [ "$(awk '{ print $2 }' "$OUTPUT")" -ge 208 ]
edu_unload g

step "no interrupts by line"
edu_forget g
guest_check g "the driver is loaded, but has no device" "insmod $EDU_MODULE msi=0; ! [ -e /sys/bus/pci/devices/0000:00:10.0/driver ]"
edu_log g
expect_match '00:10.0: no line for its interrupts'
expect_no_match 'all well|no interrupt in'
guest_check g "nothing is enabled that the driver does not use" 'setpci -s 00:10.0 COMMAND'
# No bus mastering: what is left of a driver that failed must not reach memory.
expect_match '^..[0-9a-f][0-389ab]$'
edu_unload g
check "ioreqd runs" ioreqd_runs g

step "interrupts by message, again"
edu_load g 1 00:10.0
expect_no_match 'transfer of|write to|access of' "$(ioreqd_log g)"
guest_destroy g
expect_guest_over g
