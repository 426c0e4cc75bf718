# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# ioreqd@.service under systemd, which is process 1 of a namespace of dom0 here: when it is active, what the journal has, what the unit's
# restrictions forbid, and what comes of the guest's end, of a wrong configuration, of `systemctl stop`, and of an ioreqd that hangs.
# timeout: 120

root=$WORK/root

# sd COMMAND...: runs it in systemd's namespaces.
sd() {
    tool nsenter -t "$systemd" -a -r -w "$@"
}

# unit_shows INSTANCE PROPERTY: prints the value.
unit_shows() {
    sd systemctl show -p "$2" --value "ioreqd@$1"
}

# unit_expect INSTANCE PROPERTY=VALUE...
unit_expect() {
    sd systemctl show "ioreqd@$1" >"$WORK/unit"
    shift
    for unit_line in "$@"; do
        grep -qxF "$unit_line" "$WORK/unit" || fail "the unit has $(grep "^${unit_line%%=*}=" "$WORK/unit") and not $unit_line"
    done
    echo "  ok: $*"
}

unit_is() {
    [ "$(unit_shows "$1" ActiveState)" = "$2" ]
}

# unit_wait INSTANCE STATE SECONDS
unit_wait() {
    wait_until "$3" unit_is "$1" "$2" || fail "ioreqd@$1 is $(unit_shows "$1" ActiveState) and not $2 after $3 s: $(unit_log "$1")"
}

unit_log() {
    sd journalctl --no-pager -q -o cat -u "ioreqd@$1" | tail -n 5
}

journal_has() {
    sd journalctl --no-pager -q -o cat -u "ioreqd@$1" | grep -qE -e "$2"
}

# A folder with dom0's files, systemd's above them, and room for new ones.
step "starting systemd in a namespace"
tools_mount
modprobe overlay
mkdir -p "$root" "$WORK/systemd" "$WORK/cgroup" "$WORK/files"
mount -t ext4 -o ro,loop /images/systemd.img "$WORK/systemd"
mkdir "$WORK/files/new" "$WORK/files/work"
mount -t overlay -o "lowerdir=$WORK/systemd:/,upperdir=$WORK/files/new,workdir=$WORK/files/work" overlay "$root"
mount -t tmpfs run "$root/run"
mount -t tmpfs -o mode=755 dev "$root/dev"
mkdir -p "$root/run/lock" "$root/run/xen" "$root/run/xenstored" "$root/dev/pts" "$root/dev/shm" "$root/dev/xen" "$root/srv" "$root/etc/ioreqd"
mount --bind /run/xenstored "$root/run/xenstored"
mount --bind /dev/pts "$root/dev/pts"
mount --bind /dev/xen "$root/dev/xen"
mkdir -p "$root/tools"
mount --bind /tools "$root/tools"
for node in null zero full random urandom tty hvc0; do cp -a "/dev/$node" "$root/dev/$node"; done
cp -a /dev/null "$root/dev/console"
ln -s /proc/self/fd "$root/dev/fd"
tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
printf '%s\n' '[Unit]' 'Wants=basic.target' 'Requires=systemd-journald.service' 'After=systemd-journald.service basic.target' \
    >"$root/etc/systemd/system/lab.target"
# A minute is long: an ioreqd that hangs is given up sooner here.
mkdir "$root/etc/systemd/system/ioreqd@.service.d"
printf '%s\n' '[Service]' 'WatchdogSec=6' >"$root/etc/systemd/system/ioreqd@.service.d/watchdog.conf"
# An instance that tries what it may not do, in the place of ioreqd.
mkdir "$root/etc/systemd/system/ioreqd@probe.service.d"
printf '%s\n' '[Service]' 'Type=oneshot' 'Restart=no' 'ExecStart=' 'ExecStart=/usr/bin/busybox sh /run/probe' \
    >"$root/etc/systemd/system/ioreqd@probe.service.d/probe.conf"

mount -t cgroup2 cgroup "$WORK/cgroup"
mkdir -p "$WORK/cgroup/lab"
cat >"$WORK/start" <<'START'
root=$1
mount --make-rprivate /
mount -t proc proc "$root/proc"
mount -t xenfs xenfs "$root/proc/xen"
mount -t sysfs -o ro sys "$root/sys"
mount -t cgroup2 cgroup "$root/sys/fs/cgroup"
unset LD_LIBRARY_PATH
exec env container=lab chroot "$root" /usr/lib/systemd/systemd --system --unit=lab.target --log-target=journal --show-status=no
START
sh -c 'echo $$ >"$1/cgroup/lab/cgroup.procs" && exec tool unshare --mount --pid --cgroup --uts --ipc --fork sh "$1/start" "$1/root"' sh "$WORK" \
    >"$RESULTS/systemd.log" 2>&1 </dev/null &
unshare=$!
# It takes SIGTERM for something else; so somebody else ends it with the scenario, and all in its namespace with it.
started() {
    systemd=$(cat "/proc/$unshare/task/$unshare/children") && [ -n "$systemd" ]
}
wait_until 10 started || fail "systemd does not start: $(cat "$RESULTS/systemd.log")"
systemd=${systemd%% *}
sh -c 'trap "kill -KILL $1 \$!" TERM; sleep 100000 & wait' sh "$systemd" &
echo $! >>"$WORK/helpers"
running() {
    [ "$(sd systemctl is-system-running 2>/dev/null)" = running ]
}
wait_until 30 running || fail "systemd is not ready: $(sd systemctl is-system-running 2>&1; cat "$RESULTS/systemd.log")"
note "$(sd systemctl --version | head -n 1)"

step "a configuration that is wrong"
printf '%s\n' '[device disk0]' 'model = virtio-blk' 'fiel = x' >"$root/etc/ioreqd/w.conf"
expect_status 1 sd systemctl start ioreqd@w
unit_expect w ActiveState=failed Result=exit-code ExecMainStatus=2 NRestarts=0
expect_status 0 sd journalctl --no-pager -o cat -u ioreqd@w
expect_match 'w\.conf:3: .*fiel'

step "active only when its devices are ready"
printf '%s\n' '[device disk0]' 'model = virtio-blk' 'file = /srv/g.img' >"$root/etc/ioreqd/p.conf"
disk_create "$root/srv/g.img" 64
guest_create g pvh
# It waits for the end of its configuration.
mkfifo "$root/run/g.conf"
ln -s /run/g.conf "$root/etc/ioreqd/g.conf"
sd systemctl start --no-block ioreqd@g
unit_wait g activating 10
has_process() {
    [ "$(unit_shows g MainPID)" != 0 ]
}
wait_until 10 has_process || fail "there is no process: $(unit_log g)"
sleep 1
unit_expect g ActiveState=activating SubState=start
printf '%s\n' '[device disk0]' 'model = virtio-blk' 'file = /srv/g.img' 'addr = 1' >"$root/run/g.conf"
expect_status 0 sd systemctl start ioreqd@g
expect_equal "state in xenstore when it has started" "$(xenstore-ls -f /local/domain/0/ioreqd | sed -n 's/.*\/state = //p')" '"running"'
unit_expect g ActiveState=active SubState=running
guest_unpause g

# While the guest boots.
step "the journal"
ioreqctl --socket-dir "$root/run/ioreqd" --domain g resize disk0 80M
expect_status 0 sd journalctl --no-pager -o verbose -u ioreqd@g DOMAIN=g DEVICE=disk0
expect_match '^ +DOMAIN=g$'
expect_match '^ +DEVICE=disk0$'
expect_match '^ +MESSAGE=.*now 83886080 bytes'
expect_match '^ +PRIORITY=6$'
expect_match '^ +_SYSTEMD_UNIT=ioreqd@g\.service$'

step "what the unit forbids"
cat >"$root/run/probe" <<'PROBE'
# may WHAT COMMAND...: says whether the command can be done.
may() {
    what=$1
    shift
    if "$@" >/dev/null 2>&1; then echo "done: $what"; else echo "refused: $what"; fi
}
open_file() {
    (: <"$1")
}
set_variable() {
    value=$(cat /proc/sys/vm/swappiness) && (echo "$value" >/proc/sys/vm/swappiness)
}
# busybox's date tells of its failure by words alone.
set_clock() {
    [ -z "$(date -s "@$(date +%s)" 2>&1 >/dev/null)" ]
}
mount_one() {
    mount -t tmpfs none /mnt && umount /mnt
}
export PATH=/lab/applets:/usr/sbin:/usr/bin
may "a device that is not listed" open_file /dev/hvc0
may "a file in /usr" touch /usr/probe
may "a file in /root" touch /root/probe
may "a kernel variable" set_variable
may "a control group" rmdir /sys/fs/cgroup/probe
may "the clock" set_clock
may "a namespace" unshare -n true
may "a mount" mount_one
may "the kernel's log" dmesg
may "Xen's devices" open_file /dev/xen/evtchn
may "a file in an image's folder" touch /srv/probe
grep -E '^(CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr '\t' ' '
PROBE
mkdir -p "$root/mnt" "$WORK/cgroup/lab/probe"
sd /usr/bin/busybox sh /run/probe >"$OUTPUT"
show_output
# All of it can be done without the unit.
expect_no_match '^refused:'
mkdir "$WORK/cgroup/lab/probe"
expect_status 0 sd systemctl start ioreqd@probe
expect_status 0 sd journalctl --no-pager -q -o cat -u ioreqd@probe
cp "$OUTPUT" "$RESULTS/probe"
for what in "done: Xen's devices" "done: a file in an image's folder" 'NoNewPrivs: 1' 'Seccomp: 2' 'CapBnd: 0000000000005002'; do
    expect_match "^$what" "$RESULTS/probe"
done
expect_equal "what can be done beside" "$(grep -c '^done' "$RESULTS/probe")" 2
note "$(grep -c '^refused' "$RESULTS/probe") things that root can do were refused to the unit"

guest_wait_up g
guest_check g "the guest uses its disk" 'modprobe virtio_pci && modprobe virtio_blk || exit 1
    for try in $(seq 1 50); do [ -b /dev/vda ] && break; sleep 0.1; done
    pattern 3 4 >/tmp/data && dd if=/tmp/data of=/dev/vda bs=64k 2>/dev/null && sync && echo 3 >/proc/sys/vm/drop_caches &&
    dd if=/dev/vda bs=64k count=64 2>/dev/null | cmp - /tmp/data && cat /sys/block/vda/size' 60
expect_match '^163840$'

guest_shutdown g
unit_wait g inactive 10
unit_expect g Result=success ExecMainStatus=0 NRestarts=0
guest_wait_gone g

step "systemctl stop"
guest_create p pvh
expect_status 0 sd systemctl start ioreqd@p
expect_status 0 sd systemctl stop ioreqd@p
unit_expect p ActiveState=inactive Result=success ExecMainStatus=0
expect_equal "keys in xenstore" "$(xenstore-ls -f /local/domain/0/ioreqd 2>/dev/null | grep -c /state || true)" 0

step "an ioreqd that hangs"
expect_status 0 sd systemctl start ioreqd@p
hung=$(unit_shows p MainPID)
sd /lab/applets/kill -STOP "$hung"
restarted() {
    [ "$(unit_shows p NRestarts)" -ge 1 ]
}
wait_until 20 restarted || fail "it is not restarted: $(unit_log p)"
journal_has p 'Watchdog timeout' || fail "the journal has no watchdog: $(unit_log p)"
unit_wait p active 10
check "another process serves the guest" [ "$(unit_shows p MainPID)" != "$hung" ]
unit_expect p NRestarts=1
guest_destroy p
unit_wait p inactive 10
guest_wait_gone p
sd journalctl --no-pager -q -o short-monotonic >"$RESULTS/journal"
# What of the unit could not be done here would be told by systemd.
expect_no_match 'systemd\[[0-9]+\]: .*([Ii]gnoring|not supported|[Ff]ailed to [^s])' "$RESULTS/journal"
