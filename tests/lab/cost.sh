# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# What ioreqd costs: time from its start to readiness, resident memory with one disk, and system calls for a trapped read,
# each within a bound.
# timeout: 240

# per_read TRACE: prints how often each system call was made for one of READS reads, from a summary of strace.
per_read() {
    awk -v reads="$READS" '$1 ~ /^[0-9]+$/ && $2 != "total" && $1 >= reads / 2 { printf "%s %.2f, ", $2, $1 / reads }' "$1"
}

READS=2000
disk_create "$WORK/disk.img" 128
guest_create g pvh

from=$(uptime_ms)
ioreqd_launch g --device "virtio-blk,file=$WORK/disk.img,addr=1"
until [ -e "$(ioreqd_file g pidfile)" ] || [ -e "$(ioreqd_file g status)" ]; do :; done
ready_ms=$(($(uptime_ms) - from))
note "from start to ready: $ready_ms ms, on a processor that is emulated"
guest_unpause g
guest_wait_up g

guest_check g "the disk works" 'modprobe virtio_pci && modprobe virtio_blk && sleep 1 && dd if=/dev/vda of=/dev/null bs=1M count=64 2>/dev/null' 60
resident=$(awk '/^VmRSS/ { print $2 }' "/proc/$(ioreqd_pid g)/status")
note "resident memory with one disk, after 64 MB were read: $resident KiB (QEMU with the same guest: 75 MB)"
check "resident memory is under a tenth of QEMU's" [ "$resident" -lt 7500 ]

guest_check g "the driver is unbound" 'echo 0000:00:01.0 >/sys/bus/pci/drivers/virtio-pci/unbind'
guest_check g "reads take their time" "mmio-latency 0000:00:01.0 4 0x0 $READS" 60
note "one read of a BAR from the guest's user space: $(tr '\n' ' ' <"$OUTPUT")"
strace -f -c -U calls,name -o "$WORK/trace" -p "$(ioreqd_pid g)" 2>/dev/null &
tracer=$!
sleep 1
guest_check g "reads are traced" "mmio-latency 0000:00:01.0 4 0x0 $READS" 120
kill -INT "$tracer"
wait "$tracer" || true
note "system calls for one trapped read: $(per_read "$WORK/trace")of which ioctl (to wake the vCPU) makes a hypercall"
total=$(awk '$2 == "total" { print $1 }' "$WORK/trace")
check "a trapped read takes 4 system calls ($total for $READS reads)" [ "$total" -le $((READS * 4 + READS / 5)) ]
guest_shutdown g
expect_guest_over g
