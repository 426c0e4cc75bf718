# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# An HVM guest whose driver is made a legacy one uses a transitional disk by I/O ports; then the same disk as a modern device. And each
# driver is taken out and put in again, a hundred times.
# timeout: 600

TIMES=100

disk_create "$WORK/disk.img" 32
guest_create g hvm
ioreqd_start g --device "virtio-blk,file=$WORK/disk.img,transitional=on,addr=10" \
    --device "virtio-net,addr=11" --device "virtio-console,stream=unix:$WORK/console,addr=12" --device "virtio-rng,addr=13" \
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

step "the same device, a modern driver"
guest_check g "the driver leaves" 'rmmod virtio_blk && rmmod virtio_pci && rmmod virtio_pci_legacy_dev; true'
guest_check g "and comes back" 'modprobe virtio_pci && modprobe virtio_blk && sleep 1 && cut -c33 /sys/block/vda/device/features | grep -x 1'
guest_check g "the data is there" 'head -c 8388608 /dev/vda | cmp - /tmp/data && rm /tmp/data' 60

step "drivers go and come"
for module in virtio_blk virtio_net virtio_console virtio_rng vmw_vsock_virtio_transport; do
    guest_check g "$module, $TIMES times" "modprobe $module 2>/dev/null; for i in \$(seq $TIMES); do
        rmmod $module && modprobe $module || { echo round \$i; exit 1; }; done" 150
done
guest_check g "the disk is there" 'sleep 1; head -c 4096 /dev/vda | md5sum'
expect_no_match 'guest error|broke|needs a reset' "$(ioreqd_log g)"
guest_shutdown g
expect_guest_over g
