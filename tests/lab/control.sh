# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# ioreqctl on a guest that is busy with its disk: what it shows is what the guest has, what it tells devices reaches the guest, and
# clients that behave badly cost neither the guest nor ioreqd's memory.
# timeout: 120

# shellcheck source=/dev/null
. /lab/parts/blk.sh

ctl() {
    ioreqctl --domain g "$@"
}

# counter NAME: prints what the table in $WORK/stats has for disk0; json_counter: the same of what programs get, in $WORK/json.
counter() {
    awk -v name="$1" '$1 == "disk0" && $2 == name { print $3 }' "$WORK/stats"
}

json_counter() {
    sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$WORK/json"
}

resident() {
    awk '/^VmRSS/ { print $2 }' "/proc/$(ioreqd_pid g)/status"
}

clients() {
    ctl --json status | tr -d ' \n' | sed -n 's/.*"clients":\([0-9]*\).*/\1/p'
}

alone() {
    [ "$(clients)" -eq 1 ]
}

crowded() {
    [ "$(clients)" -ge 5 ]
}

tools_mount
tap_create guest0
disk_create "$WORK/disk.img" 64
guest_create g pvh
ioreqd_start g --device "virtio-blk,file=$WORK/disk.img,id=disk0,addr=1" --device "virtio-net,network=tap:guest0,id=net0,addr=2"
control=/run/ioreqd/$domid.sock
monitor=/run/ioreqd/$domid.monitor.sock
guest_unpause g
guest_wait_up g
blk_find g
guest_check g "the card" 'modprobe virtio_net && for try in $(seq 1 50); do [ -e /sys/class/net/eth0 ] && break; sleep 0.1; done; ip link set eth0 up'

step "what there is"
expect_status 0 ioreqctl status
expect_match "^domain +$domid \(g\)"
expect_match "^process +$(ioreqd_pid g)\$"
expect_match '^state +serving'
expect_status 0 ctl devices
expect_match '^disk0 +virtio-blk +0000:00:01\.0 +pci +running'
expect_match '^net0 +virtio-net +0000:00:02\.0 +pci +running'
expect_status 0 ctl bridges
expect_match '^pci: segment 0000, buses 00-ff'
expect_match '0000:00:00\.0 .*host bridge'
expect_match '0000:00:02\.0  1af4:1041  virtio-net net0'

step "counters"
guest_check g "it writes" 'dd if=/dev/zero of=/dev/vda bs=64k count=32 oflag=direct 2>/dev/null && awk "{ print \"reads\", \$1, \"writes\", \$5, \"bytes\", \$7 * 512 }" /sys/block/vda/stat'
ctl stats disk0 >"$WORK/stats"
ctl --json stats disk0 | tr -d ' \n' >"$WORK/json"
cp "$WORK/stats" "$WORK/json" "$RESULTS"
expect_equal "writes that the guest's kernel has counted" "$(counter writes)" "$(sed -n 's/.*writes \([0-9]*\).*/\1/p' "$OUTPUT")"
expect_equal "bytes written" "$(counter bytes-written)" "$(sed -n 's/.*bytes \([0-9]*\).*/\1/p' "$OUTPUT")"
for name in reads writes bytes-written interrupts doorbells; do
    expect_equal "$name in JSON and in the table" "$(json_counter $name)" "$(counter $name)"
    check "$name is not 0" [ "$(counter $name)" -gt 0 ]
done

step "events, the link, and a larger disk"
ioreqctl --domain g events >"$WORK/events" 2>&1 </dev/null &
follower=$!
echo "$follower" >>"$WORK/helpers"
wait_until 5 [ "$(clients)" -ge 2 ] || fail "the client that follows events is not counted"
expect_status 0 ctl link net0 down
guest_check g "it sees no link" 'for try in $(seq 1 50); do [ "$(cat /sys/class/net/eth0/carrier)" = 0 ] && exit 0; sleep 0.1; done; exit 1'
expect_status 0 ctl link net0 up
guest_check g "and the link again" 'for try in $(seq 1 50); do [ "$(cat /sys/class/net/eth0/carrier)" = 1 ] && exit 0; sleep 0.1; done; exit 1'
expect_status 0 ctl resize disk0 96M
guest_check g "it sees the new size" 'for try in $(seq 1 50); do [ "$(cat /sys/block/vda/size)" = 196608 ] && exit 0; sleep 0.1; done; cat /sys/block/vda/size; exit 1'
expect_equal "bytes of the image" "$(stat -c %s "$WORK/disk.img")" 100663296
expect_status 1 ctl resize disk0 32M
wait_until 5 grep -q 'net0 link-up' "$WORK/events" || fail "the events do not come: $(cat "$WORK/events")"
expect_match 'net0 link-down' "$WORK/events"
kill "$follower"

step "trace and log"
expect_status 0 ctl trace on
guest_check g "it reads" 'dd if=/dev/vda of=/dev/null bs=64k count=8 iflag=direct 2>/dev/null'
expect_status 0 ctl trace 20
expect_match ' memory +write 0x[0-9a-f]{16} '
expect_status 0 ctl trace off
expect_status 0 ctl log level debug
expect_status 0 ctl status
expect_match '^log +debug'
expect_status 0 ctl log level info
expect_status 0 ctl log 5

step "who may only look"
expect_status 0 ioreqctl --socket "$monitor" devices
expect_status 4 ioreqctl --socket "$monitor" link net0 down
expect_match 'for those who only look'
expect_status 4 ioreqctl --socket "$monitor" log level debug
expect_status 4 as_nobody ioreqctl --domain "$domid" status
guest_check g "the link is still there" 'grep -x 1 /sys/class/net/eth0/carrier'

step "bad clients, while the guest works"
wait_until 5 alone || fail "clients stay: $(ctl status)"
before=$(resident)
guest_send g 'mkfs.ext4 -q -F /dev/vda && mount -t ext4 /dev/vda /mnt && for i in 1 2 3; do pattern $i 8 >/mnt/file && sync; md5sum </mnt/file; done; umount /mnt' 90
load=$guest_sequence
request='{"jsonrpc":"2.0","id":1,"method":"stats"}'
# Rubbish: bytes, no JSON, a line without an end.
tail -c +1 /bin/busybox | head -c 300000 | tool socat -u - "UNIX-CONNECT:$control" 2>/dev/null || true
printf '{"jsonrpc":"2.0",\n[]\nnull\n' | timeout 5 tool socat - "UNIX-CONNECT:$monitor" >"$WORK/answer" || true
expect_match '"code": ?-32700' "$WORK/answer"
head -c 70000 /dev/zero | tr '\0' 'a' | tool socat -u - "UNIX-CONNECT:$control" 2>/dev/null || true
# One that says nothing, and ones that vanish with a question asked.
(sleep 5 | tool socat - "UNIX-CONNECT:$monitor") >/dev/null 2>&1 &
for _ in 1 2 3 4 5 6 7 8; do
    (yes "$request" | tool socat - "UNIX-CONNECT:$monitor") >/dev/null 2>&1 &
    sleep 0.3
    killall -q -KILL yes socat || true
done
# Slow ones: they ask, and read nothing.
for _ in 1 2 3 4; do
    (yes "$request" | tool socat -u - "UNIX-CONNECT:$control") >/dev/null 2>&1 &
    echo $! >>"$WORK/helpers"
done
wait_until 10 crowded || fail "the clients that do not read are not there: $(ctl status)"
expect_status 0 ctl status
middle=$(resident)
await-line 90 "^@$load\\.1= 0 " "$(guest_log g)" || fail "the guest has not done its work: $(tail -n 3 "$(guest_log g)")"
for seed in 1 2 3; do
    check "the guest's file $seed is right" grep -q "$(pattern $seed 8 | md5sum | cut -d' ' -f1)" "$(guest_log g)"
done
killall -q -KILL yes socat || true
wait_until 10 alone || fail "clients stay: $(ctl status)"
after=$(resident)
check "its memory is bounded: $before KiB, $middle KiB with bad clients, $after KiB after them" [ "$middle" -lt $((before + 8192)) ]
check "and at the end ($after KiB)" [ "$after" -lt $((before + 8192)) ]
note "resident memory: $before KiB, $middle KiB with bad clients, $after KiB after them"

guest_shutdown g
expect_guest_over g
check "the sockets are gone" [ ! -e "$control" ]
