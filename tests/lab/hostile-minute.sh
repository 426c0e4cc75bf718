# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# A guest misbehaves as hard as it can for a minute: odd accesses (tests/guest/odd-access.c) and random bytes in its functions' configuration
# spaces. The disk of its neighbour works meanwhile, both ioreqd live, and the log of the hostile one's stays small.
# timeout: 480

# shellcheck source=/dev/null
. /lab/parts/blk.sh

# What it may write: 10 lines in 5 seconds for each kind of complaint, of which a device has two (src/log.h).
MOST_LINES=1500

for guest in bad good; do
    disk_create "$WORK/$guest.img" 32
    guest_create "$guest" pvh
    ioreqd_start "$guest" --device "virtio-blk,file=$WORK/$guest.img,id=disk0,addr=1" --device edu,id=edu0,addr=2
    guest_unpause "$guest"
    guest_wait_up "$guest"
done
blk_find good
servers=$(xen_servers good)

step "a hostile minute"
guest_send bad '
    end=$(($(cut -d. -f1 /proc/uptime) + 60))
    while [ "$(cut -d. -f1 /proc/uptime)" -lt "$end" ]; do
        for function in 0000:00:01.0 0000:00:02.0; do
            timeout 15 odd-access "$function" >/dev/null 2>&1
            for word in $(seq 4 63); do
                dd if=/dev/urandom of="/sys/bus/pci/devices/$function/config" bs=4 count=1 seek="$word" conv=notrunc 2>/dev/null
            done
        done
    done
    echo hostile-minute is over' 300
from=$(uptime_ms)
rounds=0
until console_has bad 'hostile-minute is over'; do
    [ $(($(uptime_ms) - from)) -lt 240000 ] || fail "the hostile guest does not come to its end (it is $(guest_state bad))"
    guest_check good "the neighbour's disk works" \
        'pattern 4 1 >/tmp/data && dd if=/tmp/data of=/dev/vda bs=64k 2>/dev/null && sync && echo 3 >/proc/sys/vm/drop_caches &&
         dd if=/dev/vda bs=64k count=16 2>/dev/null | cmp - /tmp/data' 60
    rounds=$((rounds + 1))
    guest_runs bad || break
done
check "the neighbour was served meanwhile ($rounds times)" [ "$rounds" -ge 2 ]
note "the neighbour's disk was written and read $rounds times; the hostile guest is $(guest_state bad)"

check "ioreqd of the neighbour lives" ioreqd_runs good
expect_equal "IOREQ servers that the neighbour can have beside" "$(xen_servers good)" "$servers"
check "ioreqd of the hostile guest lives" ioreqd_runs bad
lines=$(wc -l <"$(ioreqd_log bad)")
check "its log is small ($lines lines)" [ "$lines" -lt "$MOST_LINES" ]
note "the hostile guest's ioreqd wrote $lines lines"

guest_destroy bad
expect_guest_over bad
guest_shutdown good
expect_guest_over good
