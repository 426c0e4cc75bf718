# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# What lspci -vvv says of each model in a guest, whose drivers have taken the devices, is the same on every architecture and is kept in
# tests/lab/lspci/: but for the segment, addresses that the guest gives, and interrupts. What a run saw is in its results folder, in
# the same form: where a model has changed, its file is to be replaced by that of an x86_64 run.
# arch: x86_64 arm64
# timeout: 180

# lspci_mask: what is the guest's and not the device's becomes a word. Interrupt lines go, and the bit that turns
# them off: a PVH guest on x86 has none. What lspci 3.9 (Debian 12) and 3.13 (Debian 13) have different words for goes too.
lspci_mask() {
    sed -e '/^$/d' -e '/^\tInterrupt: pin/d' -e 's/ DisINTx[-+]//' \
        -e 's/^[0-9a-f]\{4\}:\([0-9a-f]*:[0-9a-f]*\.[0-7] \)/\1/' \
        -e 's/\(Region [0-5]: .* at \)[0-9a-f]\{4,\}/\1ADDRESS/' \
        -e 's/Address: [0-9a-f]*  Data: [0-9a-f]*/Address: ADDRESS  Data: DATA/' \
        -e 's/Masking: [0-9a-f]*  Pending: [0-9a-f]*/Masking: MASK  Pending: PENDING/' \
        -e 's/, MSI 00$//' -e 's/, IntMsgNum 0$//' -e 's/ TEE-IO-$//' -e '/DevCtl2:/s/ LTR- 10BitTagReq- OBFF Disabled,$//' \
        -e '/^[[:space:]]*IDOReq- IDOCompl- LTR- EmergencyPowerReductionReq-$/d' \
        -e '/^[[:space:]]*10BitTagReq- OBFF Disabled, EETLPPrefixBlk-$/d'
}

set -- virtio-blk virtio-net virtio-console virtio-rng virtio-vsock edu serial
disk_create "$WORK/g.img" 16
guest_create g pvh
ioreqd_start g --device "virtio-blk,file=$WORK/g.img,addr=1" --device virtio-net,network=none,addr=2 \
    --device virtio-console,stream=none,addr=3 --device virtio-rng,addr=4 --device "virtio-vsock,socket=$WORK/vsock,addr=5" \
    --device edu,addr=6 --device serial,stream=none,addr=7
guest_unpause g
guest_wait_up g
guest_check g "the drivers take their devices" 'for driver in virtio_pci virtio_blk virtio_net virtio_console virtio-rng \
        vmw_vsock_virtio_transport 8250_pci; do modprobe $driver || exit 1; done
    for try in $(seq 50); do [ "$(ls -d /sys/bus/virtio/devices/*/driver | wc -l)" != 5 ] || break; sleep 0.1; done
    ls -d /sys/bus/virtio/devices/*/driver /sys/bus/pci/devices/'"$SEGMENT"':00:07.0/driver' 60
expect_equal "devices with drivers" "$(wc -l <"$OUTPUT")" 6

mkdir -p "$RESULTS/lspci"
device=0 different=
for model; do
    device=$((device + 1))
    guest_check g "lspci reads $model" "lspci -D -n -vvv -s $SEGMENT:00:0$device.0 2>/dev/null"
    lspci_mask <"$OUTPUT" >"$RESULTS/lspci/$model"
    check "the function is there" [ -s "$RESULTS/lspci/$model" ]
    if ! diff "/lab/lspci/$model" "$RESULTS/lspci/$model" >"$WORK/difference" 2>&1; then
        different="$different $model"
        cat "$WORK/difference"
    fi
done
[ -z "$different" ] || fail "lspci says something else than tests/lab/lspci has:$different; see the differences in the log"
guest_shutdown g
expect_guest_over g
