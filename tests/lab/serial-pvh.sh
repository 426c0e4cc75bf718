# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# A PVH guest drives the serial port with the kernel's own driver, by messages: nothing else is there.
# arch: x86_64 arm64
# timeout: 240

# shellcheck source=/dev/null
. /lab/parts/serial.sh

guest_create g pvh
ioreqd_start g --device "serial,stream=unix:$WORK/line,id=com,addr=10"
guest_unpause g
guest_wait_up g
serial_find g "$SEGMENT:00:10.0"
serial_echo g "$WORK/line" 4096
serial_interrupts g 'MSI|xen-.*msi' 100
guest_shutdown g
expect_guest_over g
