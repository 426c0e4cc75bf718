# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# What the scenarios with a kernel driver of edu share (tests/lab/driver/edu_driver.c). They say `# driver: edu_driver` at their top.

EDU_MODULE=/lib/lab/edu_driver.ko

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
        "insmod $EDU_MODULE factorials=$edu_count msi=$([ "$edu_kind" = line ] && echo 0 || echo 1)"
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
