# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# An HVM guest drives two serial ports beside QEMU's with the kernel's own driver: by messages, and, told to use none, by an
# interrupt line. Both ports of the second guest are functions of one device and share the line.
# timeout: 360

# shellcheck source=/dev/null
. /lab/parts/serial.sh

guest_create g hvm
ioreqd_start g --device "serial,stream=unix:$WORK/line,id=com,addr=10"
guest_unpause g
guest_wait_up g 180
serial_find g 0000:00:10.0
serial_echo g "$WORK/line" "${SERIAL_BYTES:-8192}"
serial_interrupts g 'msi' 100
guest_destroy g
expect_guest_over g

guest_create h hvm cmdline="pci=nomsi"
ioreqd_start h --device "serial,stream=unix:$WORK/one,id=one,addr=10" --device "serial,stream=unix:$WORK/two,id=two,addr=10.1"
guest_unpause h
guest_wait_up h 180
for port in "one 0000:00:10.0" "two 0000:00:10.1"; do
    serial_find h "${port#* }"
    serial_echo h "$WORK/${port% *}" "${SERIAL_BYTES:-8192}"
    serial_interrupts h 'IO-APIC|xen-pirq.*ioapic' 100
done
guest_destroy h
expect_guest_over h
