# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# What the scenarios with a kernel driver of edu share (tests/lab/driver/edu_driver.c). They say `# driver: edu_driver` at their top.

EDU_MODULE=/lib/lab/edu_driver.ko
EDU_SYSFS=/sys/bus/pci/devices/0000:

# edu_need_driver GUEST: the lab could build the driver.
edu_need_driver() {
    guest_run "$1" "[ -e $EDU_MODULE ]" ||
        fail "the guest has no driver: tests/lab/driver/edu_driver.c could not be built (the lab said why; compile-edu_driver.log)"
}

# edu_log GUEST: what the driver has said since the last edu_forget, in $OUTPUT and in the results.
edu_log() {
    guest_check "$1" "what the driver says" 'dmesg | grep -E "edu(_driver)?[ :]"'
    cat "$OUTPUT" >>"$RESULTS/driver-$1.txt"
}

edu_forget() {
    guest_run "$1" 'dmesg -c >/dev/null'
}

# edu_load GUEST MSI FUNCTION...: loads the driver, which tests the functions, with messages (1) or a line (0). All are well.
edu_load() {
    edu_guest=$1 edu_msi=$2
    shift 2
    edu_forget "$edu_guest"
    guest_check "$edu_guest" "the driver is loaded with msi=$edu_msi" "insmod $EDU_MODULE msi=$edu_msi" 60
    for edu_function in "$@"; do
        edu_expect_well "$edu_guest" "$edu_msi" "$edu_function"
    done
}

edu_unload() {
    guest_check "$1" "the driver is unloaded" 'rmmod edu_driver'
}

# edu_expect_well GUEST MSI FUNCTION: the driver's test of this function was passed, with interrupts of this kind.
edu_expect_well() {
    edu_log "$1"
    expect_match "$3: identification 0x010000ed"
    expect_match "$3: liveness: 5 numbers"
    expect_match "$3: factorials: 200 by interrupt, all right"
    expect_match "$3: DMA: 2048 bytes there and back by interrupt, the same"
    expect_match "$3: raise: 6 patterns"
    expect_match "$3: 208 interrupts by $([ "$2" = 1 ] && echo message || echo line) "
    expect_match "$3: edu: all well"
}

# edu_count GUEST FUNCTION: prints how many interrupts the driver had from it.
edu_count() {
    guest_run "$1" "cat $EDU_SYSFS$2/interrupts"
}
