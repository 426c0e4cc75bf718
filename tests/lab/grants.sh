# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# A guest lets its disk's emulator reach no memory but what it grants for each transfer: rings, and the kernel's own virtio-blk driver
# unchanged. Every grant is taken back, and none is still mapped then.
# driver: grant_dma
# timeout: 240

disk_create "$WORK/disk.img" 32
guest_create g pvh
ioreqd_start g --device "virtio-blk,file=$WORK/disk.img,access-platform=on,addr=10"
guest_unpause g
guest_wait_up g
guest_check g "the function's drivers grant their buffers" 'insmod /lib/lab/grant_dma.ko function=0000:00:10.0'
guest_check g "the driver takes the disk" 'modprobe virtio_pci && modprobe virtio_blk && sleep 1 && [ -b /dev/vda ]'
guest_check g "data written is read back" \
    'pattern 1 8 >/tmp/data && dd if=/tmp/data of=/dev/vda bs=256k conv=fsync 2>/dev/null && echo 3 >/proc/sys/vm/drop_caches && head -c 8388608 /dev/vda | cmp - /tmp/data' 120
expect_equal "the data in the image" "$(head -c 8388608 "$WORK/disk.img" | md5sum)" "$(pattern 1 8 | md5sum)"
guest_check g "the driver leaves" 'echo 0000:00:10.0 >/sys/bus/pci/drivers/virtio-pci/unbind'
guest_check g "grants were used, and taken back" 'cat /sys/module/grant_dma/parameters/report'
cat "$OUTPUT"
note "$(cat "$OUTPUT") (pages and rings granted for a transfer)"
expect_match 'transfers [0-9]{2,} busy 0$'
guest_check g "no grant stayed mapped" '! dmesg | grep "still mapped"'
guest_shutdown g
expect_guest_over g
