# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# Shared by the scenarios of virtio-net.

# net_rate DIRECTION WORDS: a note with what iperf3 moves between guest and dom0.
net_rate() {
    guest_check g "iperf3, $1" "tool iperf3 -c 10.9.0.1 -t 4 -f k $2 | grep -E 'receiver|sender'" 60
    note "iperf3, $1: $(awk '/receiver/ { rate = $(NF - 2) " " $(NF - 1) } END { print rate }' "$OUTPUT")"
    expect_match 'receiver'
    expect_no_match ' 0\.00 Kbits/sec'
}

# net_rss: the guest chooses by the flows' hash which of two queues their packets come by.
net_rss() {
    guest_run g 'cat >/tmp/received <<"END"
# Prints whether each of the two queues received more than a few packets while iperf3 sent to the guest by several connections: interrupts
# tell, as some kernels count no packets for each queue.
count() { awk -v name="-input.$1\$" "\$NF ~ name { for (i = 2; \$i ~ /^[0-9]+\$/; i++) sum += \$i } END { print sum + 0 }" /proc/interrupts; }
zero=$(count 0) one=$(count 1)
tool iperf3 -c 10.9.0.1 -t 1 -R -P 8 >/tmp/iperf3 || exit 1
zero=$(($(count 0) - zero)) one=$(($(count 1) - one))
echo "interrupts $zero $one"
echo "queues $((zero > 10)) $((one > 10))"
END
'
    guest_check g "all flows to the second queue" 'tool ethtool -X eth0 weight 0 1 && tool ethtool -x eth0 && sh /tmp/received' 60
    expect_match '^queues 0 1$'
    guest_check g "all flows to the first queue" 'tool ethtool -X eth0 weight 1 0 && sh /tmp/received' 60
    expect_match '^queues 1 0$'
    guest_check g "flows to both" 'tool ethtool -X eth0 equal 2 && sh /tmp/received' 60
    expect_match '^queues 1 1$'
}

# net_round KIND [OPTION...]: a guest of that kind (see guest_create) with a card on a tap: ping -f, iperf3 both ways with and without offloads, two
# pairs of queues, flows that the guest spreads over them, checksums, a link that goes and comes, a tap that disappears and comes back.
net_round() {
    tools_mount
    tap_create guest0 10.9.0.1/24 multi_queue
    tool iperf3 -s -D
    echo 1 >/proc/sys/net/ipv4/tcp_no_metrics_save # each run of iperf3 is to begin like the first
    guest_create g "$@" vcpus=2 memory=384
    ioreqd_start g --device "$TOOLS_DISK,addr=10" --device "virtio-net,network=tap:guest0,mac=52:54:00:12:34:56,queues=2,addr=11"
    guest_unpause g
    guest_wait_up g
    guest_tools g
    guest_check g "the card" 'modprobe virtio_net && for try in $(seq 1 50); do [ -e /sys/class/net/eth0 ] && break; sleep 0.1; done
        cat /sys/class/net/eth0/address; echo 1 >/proc/sys/net/ipv4/tcp_no_metrics_save; ip link set eth0 up && ip addr add 10.9.0.2/24 dev eth0 && sleep 1; cat /sys/class/net/eth0/carrier'
    expect_match '^52:54:00:12:34:56$'
    expect_match '^1$'
    guest_check g "ping -f" 'tool ping -q -f -c 500 10.9.0.1' 60
    expect_match '500 received, 0% packet loss'
    guest_check g "long packets, whose bytes are right" 'tool ping -q -c 20 -i 0.05 -s 8000 -p 5aa5 10.9.0.1' 60
    expect_match '20 received, 0% packet loss'

    guest_check g "offloads are on" 'tool ethtool -k eth0 | grep -E "^(tx-checksumming|tcp-segmentation-offload|generic-receive-offload): on"'
    net_rate "from the guest" ''
    net_rate "to the guest" -R
    guest_check g "two pairs of queues" 'tool ethtool -L eth0 combined 2 && tool ethtool -l eth0 | tail -n 3'
    net_rate "from the guest, two pairs" '-P 2'
    net_rss
    guest_check g "offloads are off" 'tool ethtool -K eth0 tx off rx off tso off gso off gro off 2>&1; tool ethtool -k eth0 | grep -E "^tx-checksumming: off"'
    net_rate "from the guest, without offloads" ''
    net_rate "to the guest, without offloads" -R
    guest_check g "no checksum was wrong" 'awk "/^Tcp:/ { if (seen++) print \$16; }" /proc/net/snmp | grep -x 0'
    expect_equal "wrong TCP checksums in dom0" "$(awk '/^Tcp:/ { if (seen++) print $16 }' /proc/net/snmp)" 0
    # The driver of Debian 12's kernel refuses it while the interface is up.
    case "$*" in *kernel=13*)
        guest_check g "moderated interrupts" 'tool ethtool -K eth0 rx on tx on 2>/dev/null; tool ethtool -C eth0 rx-usecs 200 rx-frames 16 && tool ping -q -c 5 -i 0.1 10.9.0.1'
        expect_match '5 received'
        ;;
    esac

    step "the link"
    tool ip link set guest0 down
    guest_check g "goes down" 'for try in $(seq 1 50); do [ "$(cat /sys/class/net/eth0/carrier)" = 0 ] && exit 0; sleep 0.1; done; exit 1'
    tool ip link set guest0 up
    guest_check g "comes up" 'for try in $(seq 1 50); do [ "$(cat /sys/class/net/eth0/carrier)" = 1 ] && exit 0; sleep 0.1; done; exit 1'
    guest_check g "packets pass again" 'tool ping -q -c 3 -i 0.2 -W 5 10.9.0.1'
    tool ip link delete guest0
    guest_check g "goes with the tap" 'for try in $(seq 1 50); do [ "$(cat /sys/class/net/eth0/carrier)" = 0 ] && exit 0; sleep 0.1; done; exit 1'
    check "ioreqd runs" ioreqd_runs g
    tap_create guest0 10.9.0.1/24 multi_queue
    guest_check g "comes with the tap" 'for try in $(seq 1 80); do [ "$(cat /sys/class/net/eth0/carrier)" = 1 ] && exit 0; sleep 0.1; done; exit 1'
    guest_check g "packets pass again" 'tool ping -q -c 3 -i 0.2 -W 5 10.9.0.1'
    guest_destroy g
    expect_guest_over g
    killall iperf3 2>/dev/null || true
}

# start_passt: a passt at $WORK/passt.sock; sets `passt`.
start_passt() {
    rm -f "$WORK/passt.sock"
    # passt makes itself a root of its own, which nobody can who lives in the kernel's first one: it gets another view of dom0, for itself alone.
    mkdir -p /run/passt-root
    unshare -m sh -c 'mount --make-rprivate / && mount --rbind / /run/passt-root && cd /run/passt-root && mount -o move . / && exec chroot . "$@"' sh /usr/bin/tool passt --foreground \
        --runas 0 --socket "$WORK/passt.sock" --interface world0 --address 10.9.7.2 --netmask 24 --gateway 10.9.7.1 --ipv4-only --quiet \
        >"$RESULTS/passt.log" 2>&1 &
    passt=$!
    echo "$passt" >>"$WORK/helpers"
    wait_until 10 [ -S "$WORK/passt.sock" ] || fail "passt does not listen: $(cat "$RESULTS/passt.log")"
}

# net_passt KIND [OPTION...]: a guest with a card on passt, without any privilege in the network: dom0 by its gateway's address, both ways; then passt
# dies, and there is another one.
net_passt() {
    tools_mount
    # It wants an interface to the world, though nothing goes there.
    modprobe veth
    tool ip link add world0 type veth peer name world1
    tool ip address add 10.9.8.1/24 dev world0
    tool ip link set world0 up && tool ip link set world1 up
    tool ip route add default via 10.9.8.2 dev world0
    start_passt
    tool iperf3 -s -D
    echo 1 >/proc/sys/net/ipv4/tcp_no_metrics_save # each run of iperf3 is to begin like the first
    guest_create g "$@" memory=384
    ioreqd_start g --device "$TOOLS_DISK,addr=10" --device "virtio-net,network=unix:$WORK/passt.sock,addr=11"
    guest_unpause g
    guest_wait_up g
    guest_tools g
    guest_check g "the card" 'modprobe virtio_net && for try in $(seq 1 50); do [ -e /sys/class/net/eth0 ] && break; sleep 0.1; done
        ip link set eth0 up && ip addr add 10.9.7.2/24 dev eth0 && ip route add default via 10.9.7.1 && sleep 1; cat /sys/class/net/eth0/carrier'
    expect_match '^1$'
    guest_check g "iperf3 to dom0 by passt" 'tool iperf3 -c 10.9.7.1 -t 3 -f k | grep receiver' 60
    expect_no_match ' 0\.00 Kbits/sec'
    guest_check g "and from it" 'tool iperf3 -c 10.9.7.1 -t 3 -f k -R | grep receiver' 60
    expect_no_match ' 0\.00 Kbits/sec'
    kill -KILL "$passt"
    guest_check g "the link goes with passt" 'for try in $(seq 1 100); do [ "$(cat /sys/class/net/eth0/carrier)" = 0 ] && exit 0; sleep 0.1; done; exit 1'
    start_passt
    guest_check g "and comes with another" 'for try in $(seq 1 100); do [ "$(cat /sys/class/net/eth0/carrier)" = 1 ] && exit 0; sleep 0.1; done; exit 1'
    guest_check g "iperf3 to dom0 again" 'tool iperf3 -c 10.9.7.1 -t 1 -f k | grep receiver' 60
    expect_no_match ' 0\.00 Kbits/sec'
    guest_destroy g
    expect_guest_over g
    killall iperf3 2>/dev/null || true
    tool ip link delete world0
}
