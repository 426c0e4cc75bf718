# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# A network card on a tap: ping -f, iperf3 both ways with and without offloads, two pairs of queues, checksums, a link that goes and comes, a tap
# that disappears and comes back; and one on passt. A PVH guest with Debian 13's kernel.
# timeout: 600

# rate DIRECTION WORDS: a note with what iperf3 moves between guest and dom0.
rate() {
    guest_check g "iperf3, $1" "tool iperf3 -c 10.9.0.1 -t 4 -f k $2 | grep -E 'receiver|sender'" 60
    note "iperf3, $1: $(awk '/receiver/ { rate = $(NF - 2) " " $(NF - 1) } END { print rate }' "$OUTPUT")"
    expect_match 'receiver'
    expect_no_match ' 0\.00 Kbits/sec'
}

tools_mount
modprobe tun
tool ip tuntap add dev guest0 mode tap multi_queue || fail "no tap"
tool ip address add 10.9.0.1/24 dev guest0
tool ip link set guest0 up
tool iperf3 -s -D
mkdir -p "$WORK/passt"
guest_create g pvh kernel=13 vcpus=2 memory=384
ioreqd_start g --device "$TOOLS_DISK,addr=1" --device "virtio-net,network=tap:guest0,mac=52:54:00:12:34:56,queues=2,addr=2"
guest_unpause g
guest_wait_up g
guest_tools g
guest_check g "the card" 'modprobe virtio_net && for try in $(seq 1 50); do [ -e /sys/class/net/eth0 ] && break; sleep 0.1; done
    cat /sys/class/net/eth0/address; ip link set eth0 up && ip addr add 10.9.0.2/24 dev eth0 && sleep 1; cat /sys/class/net/eth0/carrier'
expect_match '^52:54:00:12:34:56$'
expect_match '^1$'
guest_check g "ping -f" 'tool ping -q -f -c 500 10.9.0.1' 60
expect_match '500 received, 0% packet loss'
guest_check g "long packets, whose bytes are right" 'tool ping -q -c 20 -i 0.05 -s 8000 -p 5aa5 10.9.0.1' 60
expect_match '20 received, 0% packet loss'

guest_check g "offloads are on" 'tool ethtool -k eth0 | grep -E "^(tx-checksumming|tcp-segmentation-offload|generic-receive-offload): on"'
rate "from the guest" ''
rate "to the guest" -R
guest_check g "two pairs of queues" 'tool ethtool -L eth0 combined 2 && tool ethtool -l eth0 | tail -n 3'
rate "from the guest, two pairs" '-P 2'
guest_check g "offloads are off" 'tool ethtool -K eth0 tx off rx off tso off gso off gro off 2>&1; tool ethtool -k eth0 | grep -E "^tx-checksumming: off"'
rate "from the guest, without offloads" ''
rate "to the guest, without offloads" -R
guest_check g "no checksum was wrong" 'awk "/^Tcp:/ { if (seen++) print \$16; }" /proc/net/snmp | grep -x 0'
expect_equal "wrong TCP checksums in dom0" "$(awk '/^Tcp:/ { if (seen++) print $16 }' /proc/net/snmp)" 0
guest_check g "moderated interrupts" 'tool ethtool -K eth0 rx on tx on 2>/dev/null; tool ethtool -C eth0 rx-usecs 200 rx-frames 16 && tool ping -q -c 5 -i 0.1 10.9.0.1'
expect_match '5 received'

step "the link"
tool ip link set guest0 down
guest_check g "goes down" 'for try in $(seq 1 50); do [ "$(cat /sys/class/net/eth0/carrier)" = 0 ] && exit 0; sleep 0.1; done; exit 1'
tool ip link set guest0 up
guest_check g "comes up" 'for try in $(seq 1 50); do [ "$(cat /sys/class/net/eth0/carrier)" = 1 ] && exit 0; sleep 0.1; done; exit 1'
guest_check g "packets pass again" 'tool ping -q -c 3 -i 0.2 -W 5 10.9.0.1'
tool ip link delete guest0
guest_check g "goes with the tap" 'for try in $(seq 1 50); do [ "$(cat /sys/class/net/eth0/carrier)" = 0 ] && exit 0; sleep 0.1; done; exit 1'
check "ioreqd runs" ioreqd_runs g
tool ip tuntap add dev guest0 mode tap multi_queue
tool ip address add 10.9.0.1/24 dev guest0
tool ip link set guest0 up
guest_check g "comes with the tap" 'for try in $(seq 1 80); do [ "$(cat /sys/class/net/eth0/carrier)" = 1 ] && exit 0; sleep 0.1; done; exit 1'
guest_check g "packets pass again" 'tool ping -q -c 3 -i 0.2 -W 5 10.9.0.1'
guest_destroy g
expect_guest_over g
killall iperf3 2>/dev/null || true
tool ip link delete guest0
