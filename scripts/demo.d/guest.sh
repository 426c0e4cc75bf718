# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# The demo's part in dom0, a scenario as those of tests/lab/: a PVH guest without QEMU, whose disk, network card, console and source of
# entropy ioreqd serves. In `scripts/lab shell`, as with demo's --keep, the guest is left running.

# bus: what the guest's lspci says, as notes.
bus() {
    guest_run demo 'lspci -nn 2>/dev/null' 60 | while read -r line; do note "    $line"; done
}

step "a tap, and a web server in dom0 behind it"
modprobe tun
tunctl -t demo0 >/dev/null
ip address add 10.9.9.1/24 dev demo0
ip link set demo0 up
mkdir -p "$WORK/www"
pattern 7 4 >"$WORK/www/file"
httpd -p 10.9.9.1:80 -h "$WORK/www"

disk_create "$WORK/disk.img" 256
guest_create demo pvh vcpus=2
ioreqd_start demo --device "virtio-blk,file=$WORK/disk.img,id=disk0,serial=IOREQD-DEMO" \
    --device "virtio-net,network=tap:demo0,mac=52:54:00:0d:e0:01,id=net0" \
    --device "virtio-console,stream=pty,id=console0" --device "virtio-rng,id=rng0"
guest_unpause demo
guest_wait_up demo
guest_check demo "the guest has drivers for its devices" 'modprobe virtio_pci && modprobe crc32c_generic && modprobe ext4 &&
    for driver in virtio_blk virtio_net virtio_console virtio-rng; do modprobe $driver || exit 1; done; sleep 1' 90

note "Xen $(xl info xen_version), dom0 Linux $(uname -r); the guest is a PVH domain: $(guest_run demo 'uname -sr')"
note "its PCI bus, all of it from ioreqd:"
bus

step "the disk"
guest_check demo "a file system is made on the disk" 'mkfs.ext4 -q /dev/vda && mount -t ext4 /dev/vda /mnt' 60
seconds=$(guest_run demo 'a=$(cut -d" " -f1 /proc/uptime); dd if=/dev/zero of=/mnt/file bs=1M count=64 conv=fsync 2>/dev/null; echo "$a $(cut -d" " -f1 /proc/uptime)"' 60 |
    awk '{ printf "%.1f", $2 - $1 }')
note "disk: 64 MB written to ext4 and synced in $seconds s, under emulation;" \
    "$(guest_run demo "awk '/virtio[0-9]+-req/ { for (i = 2; \$i ~ /^[0-9]+\$/; i++) sum += \$i } END { print sum }' /proc/interrupts") interrupts by MSI-X"

step "the network card"
guest_check demo "the card has an address" 'ip link set eth0 up && ip addr add 10.9.9.2/24 dev eth0 && sleep 1 && ping -q -c 3 10.9.9.1' 30
guest_check demo "a file comes from dom0's web server" 'wget -q -O /mnt/download http://10.9.9.1/file && md5sum </mnt/download' 60
expect_match "^$(md5sum <"$WORK/www/file" | cut -d' ' -f1)"
note "network: 4 MB from a web server in dom0, by a tap; the bytes are right"

step "the console"
guest_check demo "a shell is at the virtio console" '(setsid sh -c "read -r word && echo \"you said: \$word, I am \$(uname -n)\"" </dev/hvc1 >/dev/hvc1 2>/dev/null &) ; sleep 1; true'
terminal=$(sed -n 's/.*console0 is at \(\/dev\)/\1/p' "$(ioreqd_log demo)" | tail -n 1)
stty -F "$terminal" raw -echo
timeout 8 cat "$terminal" >"$WORK/said" &
sleep 1
printf 'hello\n' >"$terminal"
wait_until 8 grep -q 'you said' "$WORK/said" || fail "nobody answers at the console $terminal"
note "console: at $terminal; $(tr -d '\r' <"$WORK/said" | grep -m 1 'you said')"

step "entropy"
guest_check demo "random bytes come" 'cat /sys/class/misc/hw_random/rng_current; dd if=/dev/hwrng bs=64 count=16 2>/dev/null | wc -c'
expect_match '^1024$'
note "entropy: 1024 bytes from $(head -n 1 "$OUTPUT")"
note "resident memory of ioreqd with all four: $(awk '/^VmRSS/ { print $2 }' "/proc/$(ioreqd_pid demo)/status") KiB"

if [ "$SCENARIO" = shell ]; then
    step "a shell at the guest's virtio console"
    guest_check demo "a shell is at the virtio console" '(setsid sh -c "cd /; PS1=\"guest# \" exec sh -i" </dev/hvc1 >/dev/hvc1 2>&1 &) ; true'
    cat >"$RESULTS/words" <<WORDS
This is dom0. The guest "demo" runs, and /mnt in it is the file system on its disk. Things to try:

  xl list                                     the guests that Xen has
  ioreqctl status; ioreqctl devices           what ioreqd says of itself, and of its devices
  ioreqctl stats disk0                        counters; ioreqctl stats --watch: each second, until Ctrl-C
  ioreqctl link net0 down                     pull the network card's cable, and up again
  ioreqctl resize disk0 512M                  make the disk larger
  guest_run demo 'cat /proc/partitions'       have the guest run something; ping -c 3 10.9.9.1 is this dom0
  microcom $terminal                        a shell in the guest, at its virtio console (Enter; leave it with Ctrl-X)
  xl console demo                             what its kernel has said (leave it with Ctrl-])

Leave with "exit", which ends the guest and the machine, or at any time with Ctrl-A X.
WORDS
    return 0
fi

guest_check demo "the file system is unmounted" 'umount /mnt'
guest_shutdown demo
expect_guest_over demo
check "the file system is clean, seen from dom0" fsck.ext4 -fn "$WORK/disk.img"
killall httpd 2>/dev/null || true
tunctl -d demo0 >/dev/null
