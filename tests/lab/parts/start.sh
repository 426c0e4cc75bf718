# shellcheck shell=sh disable=SC2154,SC2034 # variables of tests/lab/lib.sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Shared by the scenarios of the ways to start ioreqd: guests that something other than the lab creates, that reboot, and what must not
# be left of them.

# start_config NAME hvm|pvh [KEY=VALUE...]: the guest's configuration as guest_create makes it, and no guest. Sets `guest_config`.
start_config() {
    guest_name=$1 guest_kind=$2
    shift 2
    guest_vcpus=1 guest_memory=256 guest_words='' guest_qemu='' guest_boot='' guest_version='' guest_dtb=creator
    mkdir -p "$WORK/guest/$guest_name"
    guest_config=$(guest_file "$guest_name" config)
    : >"$guest_config.more"
    for start_line in "$@"; do printf '%s\n' "$start_line" >>"$guest_config.more"; done
    guest_write_config >"$guest_config"
    cp "$guest_config" "$RESULTS/guest-$guest_name.cfg"
    echo 0 >"$(guest_file "$guest_name" sequence)"
}

# start_disk NAME [LINE...]: ioreqd's configuration of the guest, where it is looked for: a disk, and more lines for it.
start_disk() {
    start_guest=$1
    shift
    disk_create "$WORK/$start_guest.img" 64
    start_conf=/etc/ioreqd/$start_guest.conf
    mkdir -p "${start_conf%/*}"
    printf '%s\n' '[device disk0]' 'model = virtio-blk' "file = $WORK/$start_guest.img" "$@" >"$start_conf"
}

# start_found NAME: the guest is there: what the lab has to know of it.
start_found() {
    xl domid "$1" >"$(guest_file "$1" domid)" 2>/dev/null
}

# start_boots NAME: how often its agent has come up.
start_boots() {
    cat "$(guest_log "$1")" 2>/dev/null | tr -d '\r' | grep -c '^@agent ready' || true
}

start_has_booted() {
    [ "$(start_boots "$1")" -ge "$2" ]
}

# start_wait_boot NAME COUNT: until its agent has come up for that time.
start_wait_boot() {
    step "waiting for boot $2 of $1"
    wait_until 240 start_has_booted "$1" "$2" || fail "guest $1 has come up $(start_boots "$1") times, and not $2"
    start_found "$1" || fail "guest $1 has gone"
}

# start_baseline: notes what there is without guests; start_expect_baseline NAME...: nothing more is there, and nothing of these guests.
start_baseline() {
    start_things >"$WORK/baseline"
    cat "$WORK/baseline"
}

start_things() {
    echo "domains: $(xl list | awk 'NR > 1' | wc -l)"
    echo "processes of ioreqd: $(pidof ioreqd | wc -w)"
    echo "defunct processes: $(cat /proc/[0-9]*/stat 2>/dev/null | sed 's/.*) //' | grep -c '^Z' || true)"
    echo "keys of ioreqd: $(xenstore-ls /local/domain/0/ioreqd 2>/dev/null | wc -l)"
    for start_daemon in xenstored xenconsoled; do
        start_pid=$(pidof "$start_daemon" || true)
        [ -z "$start_pid" ] || echo "descriptors of $start_daemon: $(find "/proc/${start_pid%% *}/fd" -type l | wc -l)"
    done
}

start_is_baseline() {
    start_things >"$WORK/things"
    cmp -s "$WORK/baseline" "$WORK/things"
}

start_expect_baseline() {
    step "looking for what is left"
    wait_until 30 start_is_baseline ||
        fail "something is left: $(diff "$WORK/baseline" "$WORK/things" | grep '^[+-][^+-]' | tr '\n' ' ')"
    echo "  ok: nothing is left: $(tr '\n' ',' <"$WORK/things")"
}
