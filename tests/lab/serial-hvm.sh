# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# An HVM guest drives a serial port beside QEMU's with the kernel's own driver, by messages. intx-hvm has it by a line.
# timeout: 240

# shellcheck source=/dev/null
. /lab/parts/serial.sh

guest_create g hvm
ioreqd_start g --device "serial,stream=unix:$WORK/line,id=com,addr=10"
guest_unpause g
guest_wait_up g 180
serial_find g 0000:00:10.0
serial_echo g "$WORK/line" 4096
serial_interrupts g 'msi' 100
guest_destroy g
expect_guest_over g
