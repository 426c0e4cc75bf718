# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# What ioreqd refuses, and how: each time with the documented status, a message that names the thing and the value, and without a
# trace in Xen. Statuses: 2 the command line or configuration, 3 no such domain, 4 Xen or a permission.
# timeout: 300

# shellcheck source=/dev/null
. /lab/parts/refused.sh

good=$WORK/good.img
disk_create "$good" 1

all_servers_free() {
    [ "$(xen_servers alone)" -eq 8 ]
}

# disk KEY=VALUE...: prints the words of a --device option for the good image, with more keys.
disk() {
    printf 'virtio-blk,file=%s' "$good"
    [ $# -eq 0 ] || printf ',%s' "$@"
}

# as_user COMMAND...: not root, but with access to Xen's devices and to xenstore, so that nothing but the image can be refused.
as_user() {
    chmod 666 /dev/xen/* /run/xenstored/socket*
    as_user_status=0
    as_nobody "$@" || as_user_status=$?
    chmod 600 /dev/xen/* /run/xenstored/socket*
    return "$as_user_status"
}

guest_create alone pvh
guest_create beside hvm

step "an unknown domain"
refused 3 alone 'no-such-guest' -- ioreqd --domain no-such-guest --foreground --device "$(disk addr=1)"
refused 3 alone '4321' -- ioreqd --domain 4321 --foreground --device "$(disk addr=1)"

step "images that cannot be used"
refused 2 alone 'missing\.img' -- ioreqd --domain alone --foreground --device "virtio-blk,file=$WORK/missing.img,addr=1"
: >"$WORK/empty.img"
refused 2 alone 'empty\.img' -- ioreqd --domain alone --foreground --device "virtio-blk,file=$WORK/empty.img,addr=1"
head -c 1000 /dev/zero >"$WORK/odd.img"
refused 2 alone 'odd\.img' '1000' -- ioreqd --domain alone --foreground --device "virtio-blk,file=$WORK/odd.img,addr=1"
cp "$good" "$WORK/secret.img"
chmod 600 "$WORK/secret.img"
step "an image that is not readable for the user"
expect_status 4 as_user timeout 30 ioreqd --domain "$(guest_domid alone)" --foreground --device "virtio-blk,file=$WORK/secret.img,addr=1"
expect_match 'secret\.img'
expect_match '[Pp]ermission'

step "no permission on Xen's devices"
chmod 666 "$good"
expect_status 4 as_nobody timeout 30 ioreqd --domain "$(guest_domid alone)" --foreground --device "$(disk addr=1)"
expect_match '/dev/xen|privcmd|xenstore'
expect_match '[Pp]ermission'

step "words that mean nothing"
refused 2 alone 'virtio-blq' -- ioreqd --domain alone --foreground --device "virtio-blq,file=$good,addr=1"
refused 2 alone 'colour' -- ioreqd --domain alone --foreground --device "$(disk addr=1 colour=red)"
refused 2 alone 'file' -- ioreqd --domain alone --foreground --device virtio-blk,addr=1
refused 2 alone '1g' -- ioreqd --domain alone --foreground --device "$(disk addr=1g)"
refused 2 alone '--no-such-option' -- ioreqd --domain alone --foreground --no-such-option

step "two devices at one address"
refused 2 alone '0?1(\.0)?' 'disk0' 'disk1' -- ioreqd --domain alone --foreground --device "$(disk addr=1 id=disk0)" \
    --device "$(disk addr=1 id=disk1)"

step "an address that another ioreqd has"
ioreqd_start alone --device "$(disk addr=1 id=disk0)"
cp "$good" "$WORK/other.img"
refused 2 alone '0?1\.0' 'another ioreqd' -- ioreqd --domain alone --foreground --device "virtio-blk,file=$WORK/other.img,addr=1"
step "an image that another ioreqd has"
refused 2 alone 'good\.img' 'in use' -- ioreqd --domain alone --foreground --device "$(disk addr=2)"
check "the first ioreqd goes on" ioreqd_runs alone
ioreqd_stop alone
expect_equal "its exit status" "$exit_status" 0

step "an address that QEMU has (the Xen platform device)"
refused 2 beside '0?2(\.0)?' -- ioreqd --domain beside --foreground --device "$(disk addr=2)"

step "an address that the toolstack gave to passthrough"
# As libxl writes it: device and function as one hexadecimal number in vdevfn-N.
backend=/local/domain/0/backend/pci/$(guest_domid beside)/0
xenstore-write "$backend/frontend-id" "$(guest_domid beside)" "$backend/online" 1 "$backend/state" 1 "$backend/domain" beside \
    "$backend/key-0" 0000:03:00.0 "$backend/dev-0" 0000:03:00.0 "$backend/vdevfn-0" 80 \
    "$backend/opts-0" msitranslate=0,power_mgmt=0,permissive=0,rdm_policy=strict "$backend/state-0" 1 "$backend/num_devs" 1
refused 2 beside '10(\.0)?' '[Pp]assthrough' -- ioreqd --domain beside --foreground --device "$(disk addr=10)"
xenstore-rm "$backend"

step "a ninth IOREQ server"
mkfifo "$WORK/holder"
ioreq-servers "$(guest_domid alone)" --hold 8 <"$WORK/holder" >"$WORK/held" &
exec 9>"$WORK/holder"
wait_until 10 grep -q '^holding 8' "$WORK/held" || fail "the 8 servers of guest alone cannot be taken"
expect_status 4 timeout 30 ioreqd --domain alone --foreground --device "$(disk addr=1)"
expect_match 'server'
expect_match 'alone|domain'
exec 9>&-
wait_until 10 all_servers_free || fail "guest alone has $(xen_servers alone) free IOREQ servers instead of 8"

step "and then the same that was refused works"
ioreqd_start alone --device "$(disk addr=1)"
ioreqd_stop alone
expect_equal "exit status" "$exit_status" 0
guest_destroy alone
guest_destroy beside
