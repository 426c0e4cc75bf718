# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# What ioreqd refuses for guests on arm64, and how: windows where something else is, SPIs that are Xen's or that the guest does not have, and guests
# that run already. Status 2, a message that names the thing and the value, and no trace in Xen.
# arch: arm64
# timeout: 180

# shellcheck source=/dev/null
. /lab/parts/refused.sh

guest_create g pvh

step "windows where something else is"
refused 2 g 'two,memory=0x40000000\+0x1000000' 'RAM|memory of' -- \
    ioreqd --domain g --foreground --bridge two,memory=0x40000000+16M --device edu,bridge=two
refused 2 g 'two,ecam=0x10000000\+0x100000' 'vPCI' '0x1fffffff' -- \
    ioreqd --domain g --foreground --bridge two,ecam=0x10000000 --device edu,bridge=two
refused 2 g 'memory=0x33100000\+0x100000' 'host bridge pci' -- \
    ioreqd --domain g --foreground --bridge two,memory=0x33100000+1M --device edu,bridge=two
refused 2 g 'memory=0x3400[08]000\+0x100000' 'host bridge (two|three)' -- ioreqd --domain g --foreground \
    --bridge two,memory=0x34000000+1M --bridge three,memory=0x34080000+1M --device edu,bridge=two
refused 2 g 'two(,| )io' 'no ports' -- ioreqd --domain g --foreground --bridge two,io=0xc000+4k --device edu,bridge=two
refused 2 g 'frame=0x3000000' 'interrupt controller' -- ioreqd --domain g --foreground --interrupts frame=0x3000000 --device edu
refused 2 g '--machine x86' 'arm guest' -- ioreqd --domain g --machine x86 --foreground --device edu

step "SPIs that the guest does not have, or that Xen has"
refused 2 g 'SPI 64' 'nr_spis = 49' -- ioreqd --domain g --foreground --interrupts msi=48-80 --device edu
if [ "$(xl info xen_minor)" = 17 ]; then
    refused 2 g 'SPI 32' 'Xen uses it' -- ioreqd --domain g --foreground --interrupts intx=32-35 --device edu
fi
refused 2 g '31-40' 'below 32' -- ioreqd --domain g --foreground --interrupts msi=31-40 --device edu

step "a second ioreqd of the guest, and its bridge"
ioreqd_start g --device edu,addr=1
refused 2 g 'its host bridge is that of another ioreqd \(process [0-9]+\)' -- ioreqd --domain g --foreground --device edu,addr=2
ioreqd_stop g
expect_equal "its exit status" "$exit_status" 0
ioreqd_start g --device edu,addr=1
ioreqd_stop g
guest_destroy g

step "a guest that runs already"
guest_create running pvh dtb=none
guest_unpause running
guest_wait_up running
refused 2 running 'runs already' 'xl create -p' '--attach' -- ioreqd --domain running --foreground --device edu
check "the guest goes on" guest_run running true
ioreqd_start running --attach --device edu,addr=1
guest_check running "from then on it is served: configuration space, and registers where it puts them" \
    'busybox devmem 0x5008000 32 && busybox devmem 0x5008010 32 0x33000000 && busybox devmem 0x5008004 16 2 && busybox devmem 0x33000000 32'
expect_match '^0x11E81234$'
expect_match '^0x010000ED$'
ioreqd_stop running
expect_equal "exit status with --attach" "$exit_status" 0
check "the guest goes on then, too" guest_run running true
guest_destroy running
