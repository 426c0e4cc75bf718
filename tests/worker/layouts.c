/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same device over every way that leads to it: configuration ports, ECAM, root ports, the last of four host bridges
 * whose addresses on the bus are not the processor's. What works over one works over all; resets of the function and
 * of its bus with requests in flight (PCI Express 4.0 §6.6.2, PCI-to-PCI Bridge 1.2 §3.2.5.18) leave the guest's memory
 * alone.
 */
#include <string.h>

#include "bridge/pci_registers.h"
#include "tests/worker/disk.h"

#define EXPRESS_CAPABILITY 0x10u
#define WAIT_TURNS         1000000u

static void open_layout(int layout, const struct sim_options *more)
{
    stack_default_layout = (enum stack_layout)layout;
    disk_open(1, more);
}

static void work(unsigned requests, uint32_t seed)
{
    struct disk_load load = {.vcpu = &vcpu[0], .seed = seed, .parts = 1, .requests = requests, .indirect = true};

    disk_run(&load);
    ck_assert_msg(load.wrong == NULL, "%s", load.wrong);
}

START_TEST(requests_are_served)
{
    open_layout(_i, NULL);
    disk_start(DISK_FEATURES, 0);
    work(500, 1);
    disk_start(DISK_FEATURES | VIRTIO_F_RING_PACKED, 0);
    work(500, 2);
    disk_close();
}
END_TEST

START_TEST(bars_move)
{
    struct pci_space space;

    open_layout(_i, NULL);
    space = stack_space(&stack);
    disk_start(DISK_FEATURES, 0);
    for (unsigned i = 1; i <= 16; i++) {
        pci_move(&vcpu[0], &blk.pci, 4, space.high + i * UINT64_C(0x1004000));
        pci_move(&vcpu[0], &blk.pci, 1, space.memory + i * UINT64_C(0x101000));
        work(20, i);
    }
    disk_close();
}
END_TEST

/* PCI 3.0 §6.2.2, and PCI-to-PCI Bridge 1.2 §3.2.4.3 for the port. */
START_TEST(no_memory_without_bus_mastering)
{
    open_layout(_i, NULL);
    disk_start(DISK_FEATURES, 0);
    work(20, 1);
    uint32_t gate = blk.pci.port == PCI_NO_PORT ? blk.pci.number : blk.pci.port;
    unsigned slot = blk_take_slot(&blk);

    pci_put(&vcpu[0], gate, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
    memset(blk_data(&blk, slot), 0x5a, BLK_SECTOR);
    ck_assert(blk_add(&blk, slot, BLK_IN, 0, BLK_SECTOR, 1, false));
    blk_kick(&blk, &vcpu[0]);
    for (unsigned i = 0; i < 200; i++) {
        virtio_get(&blk.virtio, &vcpu[0], VIRTIO_STATUS, 1);
    }
    for (unsigned i = 0; i < BLK_SECTOR; i++) {
        ck_assert_uint_eq(blk_data(&blk, slot)[i], 0x5a);
    }
    /* Back on, the queue goes on without another doorbell. */
    pci_put(&vcpu[0], gate, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_IO | PCI_COMMAND_BUS_MASTER);
    ck_assert_int_eq(blk_wait(&blk, &vcpu[0], slot), 0);
    blk_free_slot(&blk, slot);
    work(20, 2);
    disk_close();
}
END_TEST

/* Requests on their way when the reset comes: reads, so that the disk stays what the model says. */
static void start_some(void)
{
    for (unsigned i = 0; i < BLK_SLOTS; i++) {
        ck_assert(blk_add(&blk, i, BLK_IN, i, 64 * BLK_SECTOR, 4, true));
    }
    virtio_queue_notify(&blk.queue, &vcpu[0]);
}

/* The function is at its reset values: no BAR, no bus mastering. It is placed anew, as a driver does after a reset. */
static void place_again(void)
{
    struct pci_space space = stack_space(&stack);

    ck_assert_uint_eq(pci_get(&vcpu[0], blk.pci.number, PCI_COMMAND, 2), 0);
    ck_assert_uint_eq(pci_get(&vcpu[0], blk.pci.number, PCI_BAR0 + 4 * 4, 4) & ~0xfu, 0);
    ck_assert_uint_eq(pci_get(&vcpu[0], blk.pci.number, blk.pci.msix + PCI_MSIX_CONTROL, 2) & PCI_MSIX_ENABLE, 0);
    pci_place(&vcpu[0], &blk.pci, &space);
    /* Until what was in flight is over the device is not there. */
    for (unsigned i = 0; i < WAIT_TURNS && virtio_get(&blk.virtio, &vcpu[0], VIRTIO_STATUS, 1) == 0xff; i++) {
    }
    ck_assert_uint_eq(virtio_get(&blk.virtio, &vcpu[0], VIRTIO_STATUS, 1), 0);
}

/* What the guest puts where rings and buffers were stays there. */
static void own_memory(void)
{
    uint8_t *area = sim_memory(stack.sim, DRIVER_AT, blk_bytes());

    memset(area, 0x3c, blk_bytes());
    for (unsigned i = 0; i < 20; i++) {
        virtio_get(&blk.virtio, &vcpu[0], VIRTIO_STATUS, 1);
    }
    for (uint64_t i = 0; i < blk_bytes(); i++) {
        if (area[i] != 0x3c) { /* an assertion for each byte would cost a system call each */
            ck_abort_msg("the device wrote at 0x%llx after its reset", (unsigned long long)i);
        }
    }
}

START_TEST(function_level_reset)
{
    unsigned control;

    open_layout(_i, NULL);
    control = pci_capability(&vcpu[0], &blk.pci, EXPRESS_CAPABILITY, 0) + PCI_EXPRESS_DEVICE_CONTROL;
    ck_assert_uint_gt(control, PCI_EXPRESS_DEVICE_CONTROL);
    for (unsigned round = 0; round < 20; round++) {
        disk_start(DISK_FEATURES, 0);
        work(20, round + 1);
        start_some();
        pci_put(&vcpu[0], blk.pci.number, control, 2, PCI_EXPRESS_CONTROL_RESET);
        place_again();
        own_memory();
    }
    disk_close();
}
END_TEST

START_TEST(reset_of_the_bus)
{
    open_layout(_i, NULL);
    if (blk.pci.port != PCI_NO_PORT) {
        for (unsigned round = 0; round < 20; round++) {
            disk_start(DISK_FEATURES, 0);
            work(20, round + 1);
            start_some();
            pci_put(&vcpu[0], blk.pci.port, PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_BUS_RESET);
            ck_assert_uint_eq(pci_get(&vcpu[0], blk.pci.number, PCI_VENDOR, 4), 0xffffffff);
            pci_put(&vcpu[0], blk.pci.port, PCI_BRIDGE_CONTROL, 2, 0);
            place_again();
            own_memory();
        }
    }
    disk_close();
}
END_TEST

/* Without MSI-X the interrupt is a line: which one depends on the way, that there is one does not (§2.2.6, swizzling). */
START_TEST(interrupts_by_a_line)
{
    static const struct {
        unsigned device, pin;
    } line[STACK_LAYOUTS] = {
        [STACK_PORTS] = {1, 0},          [STACK_MAIN_LOOP] = {1, 0},
        [STACK_ROOT_PORT] = {0x1c, 0},   [STACK_ECAM] = {1, 1}, /* folded: device 1, pin (0 + 1) */
        [STACK_ECAM_ROOT_PORT] = {1, 0},                        /* port 1c: (0 + 0x1c) % 4 */
        [STACK_FOURTH] = {1, 1},
    };
    const struct sim_options with_lines = {.intx = true};
    struct sim_interrupt interrupt = {0};
    unsigned slot;

    open_layout(_i, &with_lines);
    disk_start(DISK_FEATURES, 0);
    pci_msix_enable(&vcpu[0], &blk.pci, false);
    slot = blk_take_slot(&blk);
    ck_assert(virtio_queue_listen(&blk.queue));
    ck_assert(blk_add(&blk, slot, BLK_IN, 0, BLK_SECTOR, 1, false));
    blk_kick(&blk, &vcpu[0]);
    ck_assert(sim_interrupt_wait(stack.sim, 10000, &interrupt));
    ck_assert(!interrupt.is_message && interrupt.level);
    ck_assert_uint_eq(interrupt.device, line[_i].device);
    ck_assert_uint_eq(interrupt.pin, line[_i].pin);
    ck_assert_uint_eq(vcpu_load(&vcpu[0], blk.pci.bar[blk.virtio.isr.bar].address + blk.virtio.isr.offset, 1), 1);
    ck_assert(!sim_intx_level(stack.sim, line[_i].device, line[_i].pin));
    ck_assert_int_eq(blk_wait(&blk, &vcpu[0], slot), 0);
    blk_free_slot(&blk, slot);
    disk_close();
}
END_TEST

TCase *layout_tests(void)
{
    TCase *group = tcase_create("layouts");

    tcase_set_timeout(group, 60);
    tcase_add_loop_test(group, requests_are_served, 0, STACK_LAYOUTS);
    tcase_add_loop_test(group, bars_move, 0, STACK_LAYOUTS);
    tcase_add_loop_test(group, no_memory_without_bus_mastering, 0, STACK_LAYOUTS);
    tcase_add_loop_test(group, function_level_reset, 0, STACK_LAYOUTS);
    tcase_add_loop_test(group, reset_of_the_bus, 0, STACK_LAYOUTS);
    tcase_add_loop_test(group, interrupts_by_a_line, 0, STACK_LAYOUTS);
    return group;
}
