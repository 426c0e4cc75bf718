# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# ioreqd beside QEMU in one HVM guest, in turns: fio on a disk of each, iperf3 on a network card of each, the time that their processes
# take in dom0, and their memory. Medians of five rounds. Run by `scripts/bench peer`.
# timeout: 1500

ROUNDS=5
SECONDS_EACH=3

# process_ms PID: the processor time that the process has had, in milliseconds.
process_ms() {
    awk '{ print ($14 + $15) * 10 }' "/proc/$1/stat"
}

# disk SERIAL: the guest's name of the disk.
disk() {
    guest_run g "for d in /sys/block/vd*; do [ \"\$(cat \$d/serial)\" != $1 ] || echo \${d##*/}; done"
}

# job WHO DISK PID NAME RW BLOCK DEPTH: adds a line "NAME WHO IOPS ms-per-1000" to $WORK/results.
job() {
    job_before=$(process_ms "$3")
    guest_check g "$1: $4" "tool fio --name=j --filename=/dev/$2 --rw=$5 --bs=$6 --iodepth=$7 --size=32M --runtime=$SECONDS_EACH --time_based \
        --ioengine=libaio --direct=1 --thread --output-format=terse --terse-version=3 | awk -F';' '/^3;/ { print \$8 + \$49, \$6 + \$47 }'" 60
    job_after=$(process_ms "$3")
    read -r job_iops job_kb <"$OUTPUT"
    echo "$4|$1|$job_iops|$(awk "BEGIN { n = $job_iops * $SECONDS_EACH; printf \"%.0f\", n ? ($job_after - $job_before) * 1000 / n : 0 }")" >>"$WORK/results"
    : "$job_kb"
}

# network WHO INTERFACE ADDRESS NAME WORDS: iperf3 for a moment; kbit/s.
network() {
    guest_check g "$1: $4" "tool iperf3 -c $3 -t $SECONDS_EACH -f k $5 | awk '/receiver/ { print \$(NF - 2) }'" 60
    echo "$4|$1|$(tail -n 1 "$OUTPUT")|0" >>"$WORK/results"
}

# median NAME WHO COLUMN
median() {
    grep "^$1|$2|" "$WORK/results" | cut -d'|' -f"$3" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# tell NAME UNIT: a note with both medians.
tell() {
    tell_qemu=$(median "$1" QEMU 3) tell_ours=$(median "$1" ioreqd 3)
    note "$1: QEMU $tell_qemu $2, ioreqd $tell_ours $2, ratio $(awk "BEGIN { printf \"%.2f\", $tell_ours / ($tell_qemu + !$tell_qemu) }")"
}

tools_mount
tap_create qemu0 10.8.1.1/24
tap_create ours0 10.8.2.1/24
tool iperf3 -s -D
echo 1 >/proc/sys/net/ipv4/tcp_no_metrics_save # each run of iperf3 is to begin like the first
disk_create "$WORK/qemu.img" 64
dd if=/dev/urandom of="$WORK/qemu.img" bs=1M count=64 conv=notrunc 2>/dev/null
cp "$WORK/qemu.img" "$WORK/ours.img"
guest_create g hvm memory=384 cmdline="xen_emul_unplug=never" \
    qemu="-drive file=$WORK/qemu.img,if=none,id=peer,format=raw -device virtio-blk-pci,drive=peer,addr=0x06,serial=qemu
    -netdev tap,id=peernet,ifname=qemu0,script=no,downscript=no -device virtio-net-pci,netdev=peernet,addr=0x07,mac=52:54:00:00:00:01,romfile="
ioreqd_start g --device "$TOOLS_DISK,addr=10" --device "virtio-blk,file=$WORK/ours.img,serial=ioreqd,addr=11" \
    --device "virtio-net,network=tap:ours0,mac=52:54:00:00:00:02,addr=12"
guest_unpause g
guest_wait_up g 180
guest_tools g
qemu_disk=$(disk qemu)
our_disk=$(disk ioreqd)
check "the guest has both disks ($qemu_disk of QEMU, $our_disk of ioreqd)" [ -n "$qemu_disk" -a -n "$our_disk" ]
guest_check g "and both cards" 'echo 1 >/proc/sys/net/ipv4/tcp_no_metrics_save; modprobe virtio_net; sleep 1; for i in /sys/class/net/eth*; do a=$(cat $i/address); i=${i##*/}
    case $a in 52:54:00:00:00:01) ip addr add 10.8.1.2/24 dev $i ;; 52:54:00:00:00:02) ip addr add 10.8.2.2/24 dev $i ;; esac; ip link set $i up; done; sleep 1; ip addr | grep 10.8'
qemu_pid=$(pidof xen-qemu-system-i386 | awk '{ print $1 }')
our_pid=$(ioreqd_pid g)

for round in $(seq $ROUNDS); do
    step "round $round"
    for who in QEMU ioreqd; do
        if [ $who = QEMU ]; then
            set -- "$qemu_disk" "$qemu_pid" 10.8.1.1
        else
            set -- "$our_disk" "$our_pid" 10.8.2.1
        fi
        job $who "$1" "$2" "4k random reads, depth 1" randread 4k 1
        job $who "$1" "$2" "4k random reads, depth 32" randread 4k 32
        job $who "$1" "$2" "4k random writes, depth 1" randwrite 4k 1
        job $who "$1" "$2" "4k random writes, depth 32" randwrite 4k 32
        job $who "$1" "$2" "128k reads, depth 8" read 128k 8
        network $who eth "$3" "iperf3 from the guest" ''
        network $who eth "$3" "iperf3 to the guest" -R
    done
done
for name in "4k random reads, depth 1" "4k random reads, depth 32" "4k random writes, depth 1" "4k random writes, depth 32" "128k reads, depth 8"; do
    tell "$name" IOPS
    note "  $name: processor time in dom0 for 1000: QEMU $(median "$name" QEMU 4) ms, ioreqd $(median "$name" ioreqd 4) ms"
done
tell "iperf3 from the guest" kbit/s
tell "iperf3 to the guest" kbit/s
note "resident memory: QEMU $(awk '/^VmRSS/ { print $2 }' "/proc/$qemu_pid/status") KiB, ioreqd $(awk '/^VmRSS/ { print $2 }' "/proc/$our_pid/status") KiB"
cp "$WORK/results" "$RESULTS/peer.results"
guest_destroy g
expect_guest_over g
killall iperf3 2>/dev/null || true
