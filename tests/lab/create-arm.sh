# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# ioreqd-create on arm64: the guest's configuration says nothing of devices, and the helper makes the device tree from ioreqd's, which has a
# bridge more than any default. The guest has its disk from its creation over two reboots to its end, and nothing is left.
# arch: arm64
# timeout: 400

# shellcheck source=/dev/null
. /lab/parts/blk.sh
# shellcheck source=/dev/null
. /lab/parts/start.sh

# has_devices: the guest has the disk, and behind the second bridge the other device.
has_devices() {
    blk_find g
    expect_equal "PCI address of the disk" "$blk_function" 0001:00:01.0
    guest_check g "the second bridge has its device" 'cat /sys/bus/pci/devices/0002:00:02.0/device'
    expect_match '^0x11e8$'
}

# no_tree: no device tree of the guest's is left in the helper's folder.
no_tree() {
    [ -z "$(find /run/ioreqd -name '*.dtb*')" ]
}

start_baseline
start_disk g 'addr = 1' '[bridge two]' '[device edu0]' model=edu bridge=two addr=2
start_config g pvh 'on_reboot="restart"'

step "failures"
expect_status 2 ioreqd-create "$guest_config" -- --device virtio-blk,file=/dev/null,no-such-key=1
expect_match 'ioreqd --describe dts failed \(status 2\)'
expect_status 1 ioreqd-create "$guest_config" 'kernel="/none"'
start_expect_baseline
check "no device tree is left" no_tree

step "the configuration alone"
expect_status 0 ioreqd-create --print-config "$WORK/g.dtb" "$guest_config"
expect_match "^device_tree = \"$WORK/g.dtb\"$"
if [ "$(xl info xen_minor)" = 17 ]; then
    expect_match '^vuart = "sbsa_uart"$'
else
    expect_match '^nr_spis = 32$'
fi
check "the tree has both bridges" [ "$(dtc -q -I dtb -O dts "$WORK/g.dtb" | grep -c pci-host-ecam-generic)" = 2 ]
grep ' = ' "$OUTPUT" >"$WORK/lines" # and not xl's own words
check "xl takes the lines" xl create -n "$guest_config" "$(sed -n 1p "$WORK/lines")" "$(sed -n 2p "$WORK/lines")"

step "a guest"
expect_status 0 ioreqd-create "$guest_config"
check "the device tree has gone" no_tree
start_wait_boot g 1
has_devices
guest_check g "it writes" 'pattern 3 1 >/tmp/data && dd if=/tmp/data of=/dev/vda bs=64k 2>/dev/null && sync'
for reboot in 1 2; do
    guest_send g 'sleep 0.3; reboot -f'
    start_wait_boot g $((reboot + 1))
    has_devices
    expect_equal "processes of ioreqd after reboot $reboot" "$(pidof ioreqd | wc -w)" 1
    expect_equal "domains after reboot $reboot" "$(xl list | awk 'NR > 2' | wc -l)" 1
    expect_equal "IOREQ servers that are left to it" "$(xen_servers g)" 7
done
guest_check g "what it wrote is there" 'pattern 3 1 >/tmp/data && dd if=/dev/vda bs=64k count=16 2>/dev/null | cmp - /tmp/data'
guest_shutdown g
start_expect_baseline
check "no device tree is left at the end" no_tree
rm -f /etc/ioreqd/g.conf
