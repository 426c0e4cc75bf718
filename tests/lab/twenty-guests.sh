# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# Twenty guests one after the other, and four at once, each with an ioreqd that became a daemon: nothing of them is left, neither processes,
# descriptors, keys in xenstore, nor domains.
# timeout: 600

# shellcheck source=/dev/null
. /lab/parts/start.sh

# begin NAME: a guest with a disk, whose ioreqd is a daemon.
begin() {
    disk_create "$WORK/$1.img" 16
    guest_create "$1" pvh memory=192
    check "ioreqd for $1 becomes a daemon" timeout 30 ioreqd --domain "$1" --pidfile "$WORK/$1.pid" --log "$RESULTS/ioreqd-$1.log" \
        --device "virtio-blk,file=$WORK/$1.img,addr=1"
    check "its pidfile names it" kill -0 "$(cat "$WORK/$1.pid")"
    expect_equal "IOREQ servers that $1 can have beside" "$(xen_servers "$1")" 7
    guest_unpause "$1"
}

# finish NAME: its ioreqd ends with it.
finish() {
    guest_destroy "$1"
    check "ioreqd for $1 has ended" timeout 20 flock "$WORK/$1.pid" true
    guest_wait_gone "$1"
    rm -f "$WORK/$1.pid" "$WORK/$1.img"
}

start_baseline
for number in $(seq 1 20); do
    begin "one$number"
    guest_wait_console "one$number" 'pci 0000:00:01\.0: \[1af4:1042\]' 120
    finish "one$number"
done
start_expect_baseline

step "four at once"
for number in 1 2 3 4; do begin "four$number"; done
for number in 1 2 3 4; do guest_wait_up "four$number" 300; done
expect_equal "processes of ioreqd" "$(pidof ioreqd | wc -w)" 4
for number in 1 2 3 4; do
    guest_check "four$number" "the disk works" \
        'modprobe virtio_pci && modprobe virtio_blk && sleep 1 && pattern 2 2 | dd of=/dev/vda bs=64k 2>/dev/null && sync &&
         pattern 2 2 >/tmp/data && echo 3 >/proc/sys/vm/drop_caches && dd if=/dev/vda bs=64k count=32 2>/dev/null | cmp - /tmp/data' 60
done
for number in 1 2 3 4; do finish "four$number"; done
start_expect_baseline
