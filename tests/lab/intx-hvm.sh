# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
# timeout: 360
#
# A guest that uses no message-signalled interrupts gets its disk's by an interrupt line, through Xen's emulated I/O APIC,
# and drives two serial ports, functions of one device that share a line.

# shellcheck source=/dev/null
. /lab/parts/serial.sh

disk_create "$WORK/disk.img" 64
guest_create g hvm cmdline="pci=nomsi"
ioreqd_start g --device "virtio-blk,file=$WORK/disk.img,id=disk0,addr=10" \
    --device "serial,stream=unix:$WORK/one,id=one,addr=11" --device "serial,stream=unix:$WORK/two,id=two,addr=11.1"
guest_unpause g
guest_wait_up g 180
guest_check g "the driver takes the disk" 'modprobe virtio_pci && modprobe virtio_blk && sleep 2 && [ -b /dev/vda ]'
guest_check g "the interrupt is a line of the I/O APIC" 'grep -E "(IO-APIC|xen-pirq).*ioapic.*virtio0|IO-APIC.*virtio0|xen-pirq.*level.*virtio0" /proc/interrupts'
guest_check g "data written is read back" \
    'head -c 4194304 /dev/urandom >/tmp/data && dd if=/tmp/data of=/dev/vda bs=64k conv=fsync 2>/dev/null && echo 3 >/proc/sys/vm/drop_caches && head -c 4194304 /dev/vda | cmp - /tmp/data' 60
guest_check g "interrupts were taken" '[ "$(awk "/virtio0/ { print \$2 }" /proc/interrupts)" -gt 20 ]'
first=
for port in "one 0000:00:11.0" "two 0000:00:11.1"; do
    serial_find g "${port#* }"
    first="${first:-$tty}"
    serial_echo g "$WORK/${port% *}" 2048
done
# The driver names the line that both share after the port that was opened first.
tty=$first
serial_interrupts g 'IO-APIC|xen-pirq.*ioapic' 100
guest_destroy g
expect_guest_over g
