# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# Shared by the scenarios of virtio-console, virtio-rng and virtio-vsock.

# console_round KIND [OPTION...]: a guest of that kind (see guest_create): a login on a virtio console, a file through a port of it and through
# vsock both ways, and random bytes that pass rngtest.
console_round() {
    tools_mount
    guest_create g "$@"
    ioreqd_start g --device "$TOOLS_DISK,addr=10" \
        --device "virtio-console,stream=unix:$WORK/console,port1=unix:$WORK/port,name1=transfer,port2=unix:$WORK/late,name2=late,hotplug2=on,addr=11" \
        --device "virtio-rng,addr=12" --device "virtio-rng,rate=4096,addr=14" --device "virtio-vsock,socket=$WORK/vsock,cid=33,addr=13"
    guest_unpause g
    guest_wait_up g
    guest_tools g

    step "a login"
    guest_check g "the console is there" 'modprobe virtio_console && for try in $(seq 1 50); do (: >/dev/hvc1) 2>/dev/null && exit 0; sleep 0.2; done; exit 1'
    guest_check g "getty" 'printf "root::0:0:root:/root:/applets/sh\n" >/etc/passwd; printf "root:x:0:\n" >/etc/group
        setsid getty -l /applets/login -L 115200 hvc1 vt100 </dev/null >/dev/null 2>&1 & sleep 1; true'
    (sleep 3; printf 'root\r'; sleep 4; printf 'echo sum $((6*7)) on $(tty)\r'; sleep 3; printf 'exit\r'; sleep 1) |
        tool socat -t 2 - "UNIX-CONNECT:$WORK/console" >"$RESULTS/login" 2>&1 || true
    tr -d '\r' <"$RESULTS/login" >"$OUTPUT"
    expect_match '^sum 42 on /dev/hvc1$'

    step "files through a port"
    pattern 4 1 >"$WORK/sent"
    guest_check g "the port has its name" 'grep -l transfer /sys/class/virtio-ports/*/name | cut -d/ -f5'
    port=$(tail -n 1 "$OUTPUT")
    # Until somebody is at the other end, a port reads as ended.
    guest_send g "while [ ! -s /tmp/received ]; do head -c 1048576 /dev/$port >/tmp/received; sleep 0.1; done
        md5sum </tmp/received >/tmp/sum; cat /tmp/received >/dev/$port" 120
    port_from=$(uptime_ms)
    (cat "$WORK/sent"; sleep 100) | tool socat -t 1 - "UNIX-CONNECT:$WORK/port" >"$WORK/back" 2>/dev/null &
    reader=$!
    wait_until 90 sh -c "[ \"\$(stat -c %s $WORK/back)\" -ge 1048576 ]" || fail "only $(stat -c %s "$WORK/back") bytes came back"
    port_ms=$(($(uptime_ms) - port_from))
    kill "$reader" 2>/dev/null || true
    expect_equal "the file there" "$(guest_run g 'cat /tmp/sum' 60)" "$(md5sum <"$WORK/sent")"
    expect_equal "the file back" "$(head -c 1048576 "$WORK/back" | md5sum)" "$(md5sum <"$WORK/sent")"

    step "a port that comes and goes"
    guest_check g "it is not there" '! grep -l late /sys/class/virtio-ports/*/name'
    (sleep 8) | tool socat - "UNIX-CONNECT:$WORK/late" >/dev/null 2>&1 &
    guest_check g "it comes" 'for try in $(seq 1 40); do grep -l late /sys/class/virtio-ports/*/name && exit 0; sleep 0.1; done; exit 1'
    guest_check g "it goes" 'for try in $(seq 1 100); do grep -l late /sys/class/virtio-ports/*/name || exit 0; sleep 0.2; done; exit 1' 40

    step "random bytes"
    guest_check g "the driver" 'modprobe virtio-rng && cat /sys/class/misc/hw_random/rng_available'
    expect_match 'virtio_rng.0'
    guest_check g "rngtest" 'echo virtio_rng.0 >/sys/class/misc/hw_random/rng_current && head -c 251000 /dev/hwrng >/tmp/random; tool rngtest -c 100 </tmp/random 2>&1; true' 60
    failures=$(awk '/FIPS 140-2 failures/ { print $NF }' "$OUTPUT")
    check "at most 2 of 100 blocks fail ($failures), as one in 1250 may" [ "${failures:-99}" -le 2 ]
    guest_check g "a source with a limit" 'echo virtio_rng.1 >/sys/class/misc/hw_random/rng_current &&
        from=$(cut -d. -f1 /proc/uptime) && dd if=/dev/hwrng of=/tmp/random bs=64 count=384 2>/dev/null && stat -c %s /tmp/random &&
        echo seconds $(($(cut -d. -f1 /proc/uptime) - from))' 60
    expect_match '^24576$'
    expect_match '^seconds ([4-9]|[1-3][0-9])$' # 4096 may come at once, and the rest takes 5 s; the kernel reads as well

    step "vsock"
    guest_check g "the driver" 'modprobe vmw_vsock_virtio_transport && sleep 1 && [ -c /dev/vsock ]'
    guest_check g "somebody listens" '(setsid tool socat -u VSOCK-LISTEN:1234 OPEN:/tmp/there,creat,trunc; md5sum </tmp/there >/tmp/sum) >/dev/null 2>&1 &'
    for console_try in $(seq 20); do
        # Nobody may listen there yet.
        { printf 'CONNECT 1234\n'; cat "$WORK/sent"; } | tool socat -t 5 - "UNIX-CONNECT:$WORK/vsock" >"$WORK/answer" 2>/dev/null || true
        ! grep -q OK "$WORK/answer" || break
        sleep 0.5
    done
    note "vsock: connected at try $console_try"
    expect_match '^OK [0-9]+$' "$WORK/answer"
    expect_equal "the file there" "$(guest_run g 'for try in $(seq 100); do [ -s /tmp/sum ] && break; sleep 0.2; done; cat /tmp/sum' 60)" "$(md5sum <"$WORK/sent")"
    tool socat -u "UNIX-LISTEN:${WORK}/vsock_4321" "OPEN:$WORK/here,creat,trunc" 2>/dev/null &
    wait_until 10 [ -S "$WORK/vsock_4321" ] || fail "socat does not listen"
    guest_check g "a file from the guest" 'tool socat -u OPEN:/tmp/there VSOCK-CONNECT:2:4321' 60
    wait_until 20 sh -c "[ \"\$(stat -c %s $WORK/here)\" -ge 1048576 ]" || fail "only $(stat -c %s "$WORK/here") bytes came"
    expect_equal "the file here" "$(md5sum <"$WORK/here")" "$(md5sum <"$WORK/sent")"
    guest_check g "nobody at a port is a refusal" '! tool socat -u OPEN:/etc/passwd VSOCK-CONNECT:2:999 2>/tmp/refused; cat /tmp/refused'
    note "1 MB through a port and back in $(seconds_of "$port_ms") s"
    guest_destroy g
    expect_guest_over g
}
