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
ioreqd_start g --device "$EDU,id=one,addr=10" --device "$EDU,id=two,addr=10.1"
guest_unpause g
guest_wait_up g
edu_need_driver g

edu_exercise_lines g
edu_unload g

step "interrupts by message"
edu_load g message 200 00:10.0 00:10.1
expect_equal "each has its own" "$(grep -cE "^ *[0-9]+: +208 .*$EDU_MESSAGES.* edu\$" "$OUTPUT")" 2
edu_unload g

check "ioreqd runs" ioreqd_runs g
expect_no_match 'transfer of|write to|access of' "$(ioreqd_log g)"
guest_destroy g
expect_guest_over g
