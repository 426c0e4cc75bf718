# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# A kernel driver works with two edu devices, by an interrupt line that they share and by messages, in an HVM guest: factorials, DMA, and raised
# bits each with their interrupt. The interrupt disable bit of one does nothing to the other.
# driver: edu_driver
# timeout: 240

# shellcheck source=/dev/null
. /lab/parts/edu.sh

guest_create g hvm
ioreqd_start g --device edu,id=one,addr=10 --device edu,id=two,addr=10.1
guest_unpause g
guest_wait_up g
edu_need_driver g

step "interrupts by a line that two functions share"
edu_load g line 200 00:10.0 00:10.1
# One line of the I/O APIC, and both functions' interrupts on it.
expect_match '^ *[0-9]+: +([4-9][0-9]{2}|[0-9]{4,}) .*(IO-APIC|xen-pirq).*(fasteoi|level).* edu, *edu$'
# A line that falls although the other function still raises it costs an interrupt: 5 s and a failure.
edu_do g "the line stays raised until both have lowered it" \
    'cd /sys/bus/pci/devices; echo 1 >0000:00:10.0/share && echo 1 >0000:00:10.1/share'
expect_no_match 'no interrupt in'
edu_do g "both work at the same time" 'cd /sys/bus/pci/devices
    echo 60 >0000:00:10.0/selftest & first=$!; echo 60 >0000:00:10.1/selftest && wait $first'
edu_expect_well line 60 00:10.0 00:10.1

step "the interrupt disable bit, set while the line is raised"
guest_check g "what is raised, disabled and enabled" 'cd /sys/bus/pci/devices/0000:00:10.0
    now=$(cat interrupts) other=$(cat ../0000:00:10.1/interrupts)
    tell() {
        sleep 0.3
        command=0x$(setpci -s 00:10.0 COMMAND) status=0x$(setpci -s 00:10.0 STATUS)
        echo "$1: disabled $((command >> 10 & 1)), raised $((status >> 3 & 1)), interrupts $(($(cat interrupts) - now))"
    }
    echo "pins $(setpci -s 00:10.0 INTERRUPT_PIN) $(setpci -s 00:10.1 INTERRUPT_PIN)"
    echo 1 >hold
    echo 6 >raise
    tell "handler disables, does not acknowledge"
    echo 20 >../0000:00:10.1/selftest && echo "the other function: $(($(cat ../0000:00:10.1/interrupts) - other))"
    tell "the other function worked"
    setpci -s 00:10.0 COMMAND=0000:0400
    tell "enabled, handler disables"
    echo 0 >hold
    setpci -s 00:10.0 COMMAND=0000:0400
    tell "enabled, handler acknowledges"
    setpci -s 00:10.0 COMMAND=0400:0400
    echo 8 >raise
    tell "disabled, then raised"
    setpci -s 00:10.0 COMMAND=0000:0400
    tell "enabled"' 60
expect_match '^pins 01 01$'
# What is raised is told by the status, disabled or not (PCI Local Bus Specification 3.0, 6.2.3).
expect_match '^handler disables, does not acknowledge: disabled 1, raised 1, interrupts 1$'
expect_match '^the other function: 28$'
expect_match '^the other function worked: disabled 1, raised 1, interrupts 1$'
expect_match '^enabled, handler disables: disabled 1, raised 1, interrupts 2$'
expect_match '^enabled, handler acknowledges: disabled 0, raised 0, interrupts 3$'
expect_match '^disabled, then raised: disabled 1, raised 1, interrupts 3$'
expect_match '^enabled: disabled 0, raised 0, interrupts 4$'

step "unbinding and binding"
edu_do g "one function is bound again, and the other one works as before" 'cd /sys/bus/pci/drivers/edu
    echo 20 >/sys/module/edu_driver/parameters/factorials
    echo 0000:00:10.0 >unbind && echo 20 >0000:00:10.1/selftest && echo 0000:00:10.0 >bind'
edu_expect_well line 20 00:10.0 00:10.1
edu_unload g

step "interrupts by message"
edu_load g message 200 00:10.0 00:10.1
expect_equal "each has its own" "$(grep -cE '^ *[0-9]+: +208 .*(xen-pirq +-msi|PCI-MSI).* edu$' "$OUTPUT")" 2
edu_unload g

check "ioreqd runs" ioreqd_runs g
expect_no_match 'transfer of|write to|access of' "$(ioreqd_log g)"
guest_destroy g
expect_guest_over g
