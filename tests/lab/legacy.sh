# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# An HVM guest whose driver is made a legacy one uses a transitional disk and a transitional network card by I/O ports; then the same as
# modern devices. And each driver is taken out and put in again, a hundred times.
# timeout: 600

TIMES=100

# legacy_ping VERSION: packets pass, small ones and such as are spread over several buffers, by a driver whose features have what the
# argument says at the place of VIRTIO_F_VERSION_1.
legacy_ping() {
    guest_check g "the card" "modprobe virtio_net && for try in \$(seq 1 50); do [ -e /sys/class/net/eth0 ] && break; sleep 0.1; done
        ip link set eth0 up && ip addr add 10.9.0.2/24 dev eth0 && sleep 1; cat /sys/class/net/eth0/address
        echo version \$(cut -c33 /sys/class/net/eth0/device/features)"
    expect_match '^52:54:00:12:34:57$'
    expect_match "^version $1\$"
    guest_check g "packets pass" 'ping -c 5 10.9.0.1 && ping -c 5 -s 8000 10.9.0.1' 60
    expect_equal "lost packets" "$(grep -c '5 packets received, 0% packet loss' "$OUTPUT")" 2
}

tools_mount
tap_create guest0 10.9.0.1/24
disk_create "$WORK/disk.img" 32
guest_create g hvm
ioreqd_start g --device "virtio-blk,file=$WORK/disk.img,transitional=on,addr=10" \
    --device "virtio-net,network=tap:guest0,mac=52:54:00:12:34:57,transitional=on,addr=11" --device "virtio-console,stream=unix:$WORK/console,addr=12" --device "virtio-rng,addr=13" \
    --device "virtio-vsock,socket=$WORK/vsock,addr=14"
guest_unpause g
guest_wait_up g 180
guest_check g "the function is a transitional one" 'lspci -n -s 10.0; lspci -v -s 10.0'
expect_match '1af4:1001'
expect_match 'I/O ports at [0-9a-f]+ .*size='
guest_check g "the driver takes the disk" 'modprobe virtio_pci force_legacy=1 && modprobe virtio_blk && sleep 1 && [ -b /dev/vda ]'
guest_check g "by the legacy interface" 'cut -c33 /sys/block/vda/device/features | grep -x 0'
guest_check g "data written is read back" \
    'pattern 1 8 >/tmp/data && dd if=/tmp/data of=/dev/vda bs=256k conv=fsync 2>/dev/null && echo 3 >/proc/sys/vm/drop_caches && head -c 8388608 /dev/vda | cmp - /tmp/data' 120
expect_equal "the data in the image" "$(head -c 8388608 "$WORK/disk.img" | md5sum)" "$(pattern 1 8 | md5sum)"
legacy_ping 0

step "the same devices, modern drivers"
guest_check g "the drivers leave" 'rmmod virtio_net && rmmod virtio_blk && rmmod virtio_pci && rmmod virtio_pci_legacy_dev; true'
guest_check g "and come back" 'modprobe virtio_pci && modprobe virtio_blk && sleep 1 && cut -c33 /sys/block/vda/device/features | grep -x 1'
guest_check g "the data is there" 'head -c 8388608 /dev/vda | cmp - /tmp/data && rm /tmp/data' 60
legacy_ping 1

step "drivers go and come"
for module in virtio_blk virtio_net virtio_console virtio_rng vmw_vsock_virtio_transport; do
    guest_check g "$module, $TIMES times" "modprobe $module 2>/dev/null; for i in \$(seq $TIMES); do
        rmmod $module && modprobe $module || { echo round \$i; exit 1; }; done" 150
done
guest_check g "the disk is there" 'sleep 1; head -c 4096 /dev/vda | md5sum'
expect_no_match 'guest error|broke|needs a reset' "$(ioreqd_log g)"
guest_shutdown g
expect_guest_over g
