# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# ioreqd-create: a PVH guest from its creation over ten reboots to its end, with its disk in each of them; and nothing left after whatever
# fails, or when it is told to end half way.
# timeout: 600

# shellcheck source=/dev/null
. /lab/parts/blk.sh
# shellcheck source=/dev/null
. /lab/parts/start.sh

start_baseline
start_disk g 'addr = 1'
start_config g pvh 'on_reboot="restart"'

step "failures"
expect_status 2 ioreqd-create "$WORK/none.cfg"
expect_status 2 ioreqd-create --config "$WORK/none.conf" "$guest_config"
expect_status 2 ioreqd-create "$guest_config" -- --device "virtio-blk,file=$WORK/none.img"
expect_match 'none\.img'
expect_status 2 ioreqd-create "$guest_config" -- --no-such-option
expect_status 1 ioreqd-create "$guest_config" 'kernel="/none"'
start_expect_baseline

# Not SIGINT, which a shell has ignored in what it starts in the background.
for signal in TERM HUP; do
    for delay in 0.3 1 2; do
        step "SIG$signal after $delay s"
        # Paused, because it may have been quicker: then there is a guest, as asked for.
        ioreqd-create --paused --foreground "$guest_config" >"$OUTPUT" 2>&1 </dev/null &
        helper=$!
        sleep "$delay"
        kill "-$signal" "$helper" 2>/dev/null || true
        wait "$helper" || true
        show_output
        timeout 60 xl destroy g >/dev/null 2>&1 || true
        start_expect_baseline
    done
done

step "a guest"
expect_status 0 ioreqd-create "$guest_config"
start_wait_boot g 1
blk_find g
guest_check g "it writes" 'pattern 3 4 >/tmp/data && dd if=/tmp/data of=/dev/vda bs=64k 2>/dev/null && sync'
expect_status 1 ioreqd-create "$guest_config"
expect_match 'another ioreqd-create looks after the guest g'
uuid=$(xl list -v g | awk 'NR == 2 { print $7 }')

for reboot in 1 2 3 4 5 6 7 8 9 10; do
    guest_send g 'sleep 0.3; reboot -f'
    start_wait_boot g $((reboot + 1))
    expect_equal "processes of ioreqd after reboot $reboot" "$(pidof ioreqd | wc -w)" 1
    expect_equal "domains after reboot $reboot" "$(xl list | awk 'NR > 2' | wc -l)" 1
done
expect_equal "UUID of the guest" "$(xl list -v g | awk 'NR == 2 { print $7 }')" "$uuid"
blk_find g
guest_check g "what it wrote is there" 'pattern 3 4 >/tmp/data && dd if=/dev/vda bs=64k count=64 2>/dev/null | cmp - /tmp/data'
guest_shutdown g
start_expect_baseline
rm -f /etc/ioreqd/g.conf
