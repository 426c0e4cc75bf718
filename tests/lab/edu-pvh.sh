# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# A kernel driver works with edu by messages in a PVH guest. On x86 such a guest has no interrupt lines: the function has no pin, and the driver that
# wants a line is told so. On arm64 two devices share a line.
# driver: edu_driver
# arch: x86_64 arm64
# timeout: 240

# shellcheck source=/dev/null
. /lab/parts/edu.sh

guest_create g pvh
ioreqd_start g --device "$EDU,addr=10" --device "$EDU,addr=10.1"
guest_unpause g
guest_wait_up g
edu_need_driver g

step "interrupts by message"
edu_load g message 200 00:10.0 00:10.1
expect_equal "each has its own" "$(grep -cE "^ *[0-9]+: +208 .*$EDU_MESSAGES.* edu\$" "$OUTPUT")" 2
edu_unload g

if on_arch arm64; then
    edu_exercise_lines g
    edu_unload g
else
    step "no interrupts by line"
    edu_do g "the driver is loaded, but has no device" "insmod $EDU_MODULE msi=0; ! [ -e /sys/bus/pci/devices/0000:00:10.0/driver ]
        echo \"pin \$(setpci -s 00:10.0 INTERRUPT_PIN) command \$(setpci -s 00:10.0 COMMAND)\"; rmmod edu_driver"
    expect_match '00:10.0: no line for its interrupts'
    expect_no_match 'all well|no interrupt in'
    # Bus mastering is off: a device whose driver gave up must not reach memory.
    expect_match '^pin 00 command ...[0-389ab]$'
fi
check "ioreqd runs" ioreqd_runs g

step "interrupts by message, again"
edu_load g message 20 00:10.0
expect_no_match 'transfer of|write to|access of' "$(ioreqd_log g)"
guest_destroy g
expect_guest_over g
