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
guest_check g "both functions have pin A" 'setpci -s 00:10.0 INTERRUPT_PIN; setpci -s 00:10.1 INTERRUPT_PIN'
expect_equal "pins" "$(tr '\n' ' ' <"$OUTPUT")" "01 01 "

step "interrupts by a line that two functions share"
edu_load g 0 00:10.0 00:10.1
guest_check g "the kernel's interrupts" 'grep -w edu /proc/interrupts'
cp "$OUTPUT" "$RESULTS/interrupts-line"
expect_match '(IO-APIC|xen-pirq).*(fasteoi|level).* edu, *edu$'
check "it counts" [ "$(awk '{ n += $2 } END { print n }' "$OUTPUT")" -ge 416 ]
edu_forget g
# A line that falls although the other function still raises it, or does not rise again, costs an interrupt: 5 s and a failure.
guest_check g "both work at the same time" \
    'cd /sys/bus/pci/devices; echo 200 >0000:00:10.0/selftest & first=$!; echo 200 >0000:00:10.1/selftest && wait $first' 60
edu_expect_well g 0 00:10.0
edu_expect_well g 0 00:10.1

step "the interrupt disable bit, set while the line is raised"
count=$(edu_count g 00:10.0)
other=$(edu_count g 00:10.1)
guest_check g "the handler disables it and acknowledges nothing" 'cd /sys/bus/pci/devices/0000:00:10.0
    echo 1 >hold; echo 6 >raise; sleep 0.3; setpci -s 00:10.0 COMMAND STATUS'
# Interrupt disable is bit 10 of the command; interrupt status is bit 3 of the status, and does not heed it.
expect_match '^04..$'
expect_match '^..[189a-f].$'
expect_equal "one interrupt came" "$(edu_count g 00:10.0)" $((count + 1))
guest_check g "the other function's interrupts come meanwhile" 'echo 20 >/sys/bus/pci/devices/0000:00:10.1/selftest'
expect_equal "the other function's interrupts" "$(edu_count g 00:10.1)" $((other + 28))
guest_check g "it is enabled again, and disabled by the handler" 'setpci -s 00:10.0 COMMAND=0000:0400; sleep 0.3; setpci -s 00:10.0 COMMAND'
expect_match '^04..$'
expect_equal "an interrupt came, as the line was still raised" "$(edu_count g 00:10.0)" $((count + 2))
guest_check g "it is enabled again, and the handler acknowledges" 'cd /sys/bus/pci/devices/0000:00:10.0
    echo 0 >hold; setpci -s 00:10.0 COMMAND=0000:0400; sleep 0.3; setpci -s 00:10.0 COMMAND STATUS'
expect_match '^00..$'
expect_match '^..[02-7].$'
expect_equal "one more interrupt came" "$(edu_count g 00:10.0)" $((count + 3))
guest_check g "bits are raised while it is disabled" 'cd /sys/bus/pci/devices/0000:00:10.0
    setpci -s 00:10.0 COMMAND=0400:0400; echo 8 >raise; sleep 0.3; cat interrupts; setpci -s 00:10.0 COMMAND=0000:0400; sleep 0.3; cat interrupts'
expect_equal "the interrupt comes when it is enabled" "$(tr '\n' ' ' <"$OUTPUT")" "$((count + 3)) $((count + 4)) "

step "unbinding and binding"
edu_forget g
guest_check g "one function is bound again" 'cd /sys/bus/pci/drivers/edu; echo 0000:00:10.0 >unbind && echo 0000:00:10.0 >bind' 60
edu_expect_well g 0 00:10.0
guest_check g "the other one works as before" 'echo 20 >/sys/bus/pci/devices/0000:00:10.1/selftest'
edu_unload g

step "interrupts by message"
edu_load g 1 00:10.0 00:10.1
guest_check g "the kernel's interrupts" 'grep -w edu /proc/interrupts'
cp "$OUTPUT" "$RESULTS/interrupts-message"
expect_equal "each has its own" "$(grep -cE '(xen-pirq +-msi|PCI-MSI).* edu$' "$OUTPUT")" 2
edu_unload g

check "ioreqd runs" ioreqd_runs g
expect_no_match 'transfer of|write to|access of' "$(ioreqd_log g)"
guest_destroy g
expect_guest_over g
