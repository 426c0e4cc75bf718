# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# A guest on arm64 with two vCPUs has three host bridges. On each is the test device with a BAR of every kind. Linux keeps I/O below 0x1000 free on the
# first bridge alone: on both others the I/O BAR lies at address 0 of the bus. There are two disks, and a console of eight ports, which alone has 18
# vectors of MSI-X.
# arch: arm64
# timeout: 300

bars=/usr/lib/ioreqd/tests/every-bar.so

# A guest of Xen 4.17 has no more than 63; 32 is its UART's.
set -- --bridge two --bridge three --interrupts intx=33-36,msi=37-63
guest_tree "$WORK/bridges.dtb" "$@"
disk_create "$WORK/one.img" 16
disk_create "$WORK/two.img" 16
ports=stream=unix:$WORK/port0
for port in 1 2 3 4 5 6 7; do
    ports=$ports,port$port=unix:$WORK/port$port,name$port=line$port
done
guest_create g pvh vcpus=2 dtb="$WORK/bridges.dtb"
ioreqd_start g "$@" \
    --device "$bars,id=bars1,addr=1,size=1M" --device "virtio-blk,file=$WORK/one.img,serial=one,queues=2,addr=2" \
    --device "$bars,id=bars2,bridge=two,addr=1,size=1M" \
    --device "$bars,id=bars3,bridge=three,addr=1,size=1M" \
    --device "virtio-blk,file=$WORK/two.img,serial=two,queues=2,bridge=two,addr=2" \
    --device "virtio-console,$ports,bridge=two,addr=3"
guest_unpause g
guest_wait_up g

guest_check g "the generic driver takes all" 'dmesg | grep -E "pci-host-generic|PCI host bridge|bus resource|v2m|BAR"'
cp "$OUTPUT" "$RESULTS/bridges.txt"
expect_match 'PCI host bridge to bus 0001:00'
expect_match 'PCI host bridge to bus 0002:00'
expect_match 'PCI host bridge to bus 0003:00'
expect_no_match 'no space for|failed to assign|no compatible bridge window'
guest_check g "all of each function is read" 'lspci -D -n -vvv'
cp "$OUTPUT" "$RESULTS/lspci.txt"
for function in 0001:00:01.0 0001:00:02.0 0002:00:01.0 0002:00:02.0 0002:00:03.0 0003:00:01.0; do
    expect_match "^$function "
done
expect_match 'Device Serial Number ef-cd-ab-89-67-45-23-01'
expect_no_match 'unassigned|access denied'
expect_equal "I/O BARs" "$(grep -c 'Region 0: I/O ports at' "$OUTPUT")" 3

step "I/O at the same address of two buses"
guest_check g "the I/O BARs" 'for f in 0001 0002 0003; do echo 1 >/sys/bus/pci/devices/$f:00:01.0/enable; setpci -s $f:00:01.0 BASE_ADDRESS_0; done'
expect_equal "bus addresses of the I/O BARs" "$(tr '\n' ' ' <"$OUTPUT")" "00001001 00000001 00000001 "
for segment in 0001 0002 0003; do
    guest_check g "each BAR in segment $segment is where it should be" "bars-check $segment:00:01.0" 60
    expect_match '^BAR 0: '
    expect_match '^BAR 1: 16 bytes'
    expect_match '^BAR 2: 1048576 bytes'
    expect_match '^4 BARs$'
done
# What one device was told is not what the other one has.
guest_check g "what is written to one is not in the other" \
    'b1=/sys/bus/pci/devices/0002:00:01.0/resource0 b2=/sys/bus/pci/devices/0003:00:01.0/resource0
    word() { dd if=$1 bs=4 count=1 skip=2 2>/dev/null | od -An -tx4; }
    put() { printf "$2" | dd of=$1 bs=4 count=1 seek=2 conv=notrunc 2>/dev/null; }
    put $b1 "\001\002\003\004" && put $b2 "\005\006\007\010" && echo "words$(word $b1)$(word $b2)"'
expect_match '^words 04030201 08070605$'

step "messages: 24 vectors of three functions, on two vCPUs"
guest_check g "the drivers take their functions" 'modprobe virtio_pci && modprobe virtio_blk && modprobe virtio_console && sleep 2
    grep -E "virtio[0-9]+-" /proc/interrupts'
cp "$OUTPUT" "$RESULTS/interrupts.txt"
expect_equal "vectors" "$(grep -cE '(MSI|ITS).*virtio[0-9]+-' "$OUTPUT")" 24
check "the console has 16 and more" [ "$(grep -cE 'virtio[0-9]+-(input|output|control|virtqueues|config)' "$OUTPUT")" -ge 16 ]
for cpu in 0 1; do
    for serial in one two; do
        guest_check g "vCPU $cpu: data written to disk $serial is read back" \
            "disk=\$(grep -lx $serial /sys/block/vd*/serial | cut -d/ -f4) && pattern $((cpu + 3)) 4 >/tmp/data &&
            taskset $((cpu + 1)) dd if=/tmp/data of=/dev/\$disk bs=64k oflag=direct 2>/dev/null &&
            taskset $((cpu + 1)) dd if=/dev/\$disk bs=64k count=64 iflag=direct 2>/dev/null | cmp - /tmp/data" 60
    done
done
guest_check g "interrupts of the queues" 'grep -E "virtio[0-9]+-req" /proc/interrupts'
# Of each of the four queues: that of the vCPU that used it.
expect_equal "queues that interrupted" "$(awk '/virtio[0-9]+-req/ && $2 + $3 >= 32' "$OUTPUT" | wc -l)" 4
tools_mount
for port in 1 7; do
    # Until somebody is at the other end, a port reads as ended.
    guest_send g "port=\$(grep -lx line$port /sys/class/virtio-ports/*/name | cut -d/ -f5)
        while [ ! -s /tmp/line$port ]; do head -n 1 /dev/\$port >/tmp/line$port; sleep 0.1; done" 60
    (sleep 1; echo "to port $port"; sleep 2) | tool socat -t 1 - "UNIX-CONNECT:$WORK/port$port" >/dev/null
    guest_run g true 60
    expect_equal "what port $port was told" "$(guest_run g "cat /tmp/line$port")" "to port $port"
done
guest_shutdown g
expect_guest_over g
