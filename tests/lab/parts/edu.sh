# shellcheck shell=sh disable=SC2154,SC2016,SC2034 # variables of tests/lab/lib.sh; commands for the guest; variables for scenarios
# SPDX-License-Identifier: BSD-2-Clause
#
# What the scenarios with a kernel driver of edu share (tests/lab/driver/edu_driver.c). They say `# driver: edu_driver` at their top.

EDU_MODULE=/lib/lab/edu_driver.ko
# A guest's memory on arm64 begins beyond the 28 bits of address that the device has unless told.
EDU=edu EDU_DMA_BITS=28
if on_arch arm64; then EDU=edu,dma-mask=0xffffffff EDU_DMA_BITS=32; fi

# What /proc/interrupts calls messages.
EDU_MESSAGES='(xen-pirq +-msi|MSI)'

# edu_need_driver GUEST: the lab could build the driver.
edu_need_driver() {
    guest_run "$1" "[ -e $EDU_MODULE ]" ||
        fail "the guest has no driver: tests/lab/driver/edu_driver.c could not be built (the lab said why; compile-edu_driver.log)"
}

# edu_do GUEST DESCRIPTION COMMAND: the command succeeds in the guest; $OUTPUT is what the kernel says of edu meanwhile, and the
# driver's lines in /proc/interrupts.
edu_do() {
    guest_check "$1" "$2" "dmesg -c >/dev/null; { $3; } || status=\$?; dmesg | grep -w 'edu\|edu_driver'
        grep -w edu /proc/interrupts; exit \${status:-0}" 60
    cat "$OUTPUT" >>"$RESULTS/driver-$1.txt"
}

# edu_load GUEST line|message COUNT FUNCTION...: loads the driver, which tests the functions with COUNT factorials. All are well.
edu_load() {
    edu_guest=$1 edu_kind=$2 edu_count=$3
    shift 3
    edu_do "$edu_guest" "the driver is loaded: interrupts by $edu_kind" \
        "insmod $EDU_MODULE dma_bits=$EDU_DMA_BITS factorials=$edu_count msi=$([ "$edu_kind" = line ] && echo 0 || echo 1)"
    edu_expect_well "$edu_kind" "$edu_count" "$@"
}

# edu_unload GUEST
edu_unload() {
    guest_check "$1" "the driver is unloaded" 'rmmod edu_driver'
}

# edu_expect_well line|message COUNT FUNCTION...: as $OUTPUT says, these functions passed the driver's test with COUNT factorials.
edu_expect_well() {
    edu_kind=$1 edu_count=$2
    shift 2
    for edu_function in "$@"; do
        expect_match "$edu_function: identification 0x010000ed"
        expect_match "$edu_function: liveness: 5 numbers"
        expect_match "$edu_function: factorials: $edu_count by interrupt, all right"
        expect_match "$edu_function: DMA: 2048 bytes there and back by interrupt, the same"
        expect_match "$edu_function: raise: 6 patterns"
        # Two of DMA, six of bits raised.
        expect_match "$edu_function: $((edu_count + 8)) interrupts by $edu_kind "
        expect_match "$edu_function: edu: all well"
    done
}

# edu_exercise_lines GUEST: two devices, at 00:10.0 and 00:10.1, share a line. The interrupt disable bit of one does nothing to the other. Leaves
# the driver loaded.
edu_exercise_lines() {
    step "interrupts by a line that two functions share"
    edu_load "$1" line 200 00:10.0 00:10.1
    # One line of the I/O APIC or SPI of the GIC, and both functions' interrupts on it.
    expect_match '^ *[0-9]+: +([4-9][0-9]{2}|[0-9]{4,}) .*(IO-APIC|xen-pirq|GIC).*(fasteoi|level|Level).* edu, *edu$'
    # A line that falls although the other function still raises it costs an interrupt: 5 s and a failure.
    edu_do "$1" "the line stays raised until both have lowered it" \
        "segment=$SEGMENT"'
        cd /sys/bus/pci/devices; echo 1 >$segment:00:10.0/share && echo 1 >$segment:00:10.1/share'
    expect_no_match 'no interrupt in'
    edu_do "$1" "both work at the same time" "segment=$SEGMENT"'
        cd /sys/bus/pci/devices
        echo 60 >$segment:00:10.0/selftest & first=$!; echo 60 >$segment:00:10.1/selftest && wait $first'
    edu_expect_well line 60 00:10.0 00:10.1

    step "the interrupt disable bit, set while the line is raised"
    guest_check "$1" "what is raised, disabled and enabled" "segment=$SEGMENT"'
        cd /sys/bus/pci/devices/$segment:00:10.0
        now=$(cat interrupts) other=$(cat ../$segment:00:10.1/interrupts)
        tell() {
            sleep 0.3
            command=0x$(setpci -s $segment:00:10.0 COMMAND) status=0x$(setpci -s $segment:00:10.0 STATUS)
            echo "$1: disabled $((command >> 10 & 1)), raised $((status >> 3 & 1)), interrupts $(($(cat interrupts) - now))"
        }
        echo "pins $(setpci -s $segment:00:10.0 INTERRUPT_PIN) $(setpci -s $segment:00:10.1 INTERRUPT_PIN)"
        echo 1 >hold
        echo 6 >raise
        tell "handler disables, does not acknowledge"
        echo 20 >../$segment:00:10.1/selftest && echo "the other function: $(($(cat ../$segment:00:10.1/interrupts) - other))"
        tell "the other function worked"
        setpci -s $segment:00:10.0 COMMAND=0000:0400
        tell "enabled, handler disables"
        echo 0 >hold
        setpci -s $segment:00:10.0 COMMAND=0000:0400
        tell "enabled, handler acknowledges"
        setpci -s $segment:00:10.0 COMMAND=0400:0400
        echo 8 >raise
        tell "disabled, then raised"
        setpci -s $segment:00:10.0 COMMAND=0000:0400
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
    edu_do "$1" "one function is bound again, and the other one works as before" "segment=$SEGMENT"'
        cd /sys/bus/pci/drivers/edu
        echo 20 >/sys/module/edu_driver/parameters/factorials
        echo $segment:00:10.0 >unbind && echo 20 >$segment:00:10.1/selftest && echo $segment:00:10.0 >bind'
    edu_expect_well line 20 00:10.0 00:10.1
}
