# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# ioreqd-dm as an HVM guest's device model: libxl starts it, it starts ioreqd and becomes QEMU. The guest has its disk, keeps it over a reboot
# that xl makes, and leaves nothing behind; a guest whose ioreqd fails is not started.
# timeout: 420

# shellcheck source=/dev/null
. /lab/parts/blk.sh
# shellcheck source=/dev/null
. /lab/parts/start.sh

dm=$(command -v ioreqd-dm)
start_baseline

step "a guest whose disk is not there"
start_disk none
rm "$WORK/none.img"
start_config none hvm "device_model_override=\"$dm\""
if timeout 120 xl create -p "$guest_config" >"$OUTPUT" 2>&1; then fail "the guest runs without its disk"; fi
show_output
expect_match 'ioreqd: error: .*none\.img' /var/log/xen/qemu-dm-none.log
expect_match 'ioreqd-dm: error: ' /var/log/xen/qemu-dm-none.log
start_expect_baseline

step "a guest without a configuration of ioreqd"
start_config plain hvm "device_model_override=\"$dm\""
check "it is created" timeout 120 xl create -p -q "$guest_config"
expect_equal "processes of ioreqd" "$(pidof ioreqd | wc -w)" 0
check "it is destroyed" timeout 60 xl destroy plain
start_expect_baseline

step "a guest with a disk"
start_disk g 'addr = 10'
start_config g hvm "device_model_override=\"$dm\"" 'on_reboot="restart"'
check "it is created and runs" timeout 120 xl create -q "$guest_config"
start_wait_boot g 1
first=$(guest_domid g)
check "its device model is QEMU" sh -c 'readlink "/proc/$(xenstore-read "/local/domain/$1/image/device-model-pid")/exe" | grep -q qemu' - "$first"
expect_equal "processes of ioreqd" "$(pidof ioreqd | wc -w)" 1
blk_find g
expect_equal "PCI address of the disk" "$blk_function" 0000:00:10.0
guest_check g "it writes" 'pattern 3 4 >/tmp/data && dd if=/tmp/data of=/dev/vda bs=64k 2>/dev/null && sync'

step "a reboot"
guest_send g 'sleep 0.3; reboot -f'
start_wait_boot g 2
check "it is another domain" [ "$(guest_domid g)" != "$first" ]
expect_equal "processes of ioreqd" "$(pidof ioreqd | wc -w)" 1
blk_find g
guest_check g "what it wrote is there" 'pattern 3 4 >/tmp/data && dd if=/dev/vda bs=64k count=64 2>/dev/null | cmp - /tmp/data'
guest_destroy g
guest_wait_gone g 30
start_expect_baseline
rm -f /etc/ioreqd/g.conf /etc/ioreqd/none.conf
