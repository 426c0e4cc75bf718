/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What changes under a device at work: its BARs move, its interrupts are masked, the guest's memory changes place.
 */
#include <stdatomic.h>

#include "tests/worker/disk.h"

#define REQUESTS   1000u
#define SPARE_PAGE (UINT64_C(6) << 20 >> HYPERVISOR_PAGE_SHIFT) /* memory that nobody uses */

static atomic_bool over;

static void move_bars(struct disk_load *load)
{
    uint64_t step = disk_random(&load->seed) % 64 * UINT64_C(0x4000);

    pci_move(load->vcpu, &blk.pci, 4, (load->seed & 1) != 0 ? 0xf8000000 + step : UINT64_C(0x900000000) + step);
    pci_move(load->vcpu, &blk.pci, 1, 0xf4000000 + step);
}

/* The driver moves its device's BARs between its requests. */
START_TEST(bars_move_while_in_use)
{
    struct disk_load load = {
        .vcpu = &vcpu[0], .seed = 1, .parts = 1, .requests = REQUESTS, .indirect = true, .between = move_bars};

    disk_open(1, NULL);
    disk_start(DISK_FEATURES, 0);
    disk_run(&load);
    ck_assert_msg(load.wrong == NULL, "%s", load.wrong);
    disk_close();
}
END_TEST

/* Another vCPU moves the BAR of MSI-X, and masks and unmasks, while requests are in flight. */
static void *mask_and_move(void *argument)
{
    const struct vcpu *other = argument;
    struct pci_function function = blk.pci;

    for (unsigned i = 0; !atomic_load(&over); i++) {
        pci_msix_mask(other, &function, i % 2, i % 4 < 2);
        if (i % 16 == 0) {
            /* With decoding on, or a doorbell of the other vCPU could get lost meanwhile. */
            function.table = 0xf4000000 + i % 256 * UINT64_C(0x1000);
            pci_put(other, function.number, 0x14, 4, (uint32_t)function.table);
        }
        if (i % 5 == 0) {
            pci_put(other, function.number, function.msix + 2, 2, i % 2 == 0 ? 0xc000 : 0x8000);
        }
    }
    pci_msix_mask(other, &function, 1, false);
    return NULL;
}

START_TEST(interrupts_are_masked_while_in_use)
{
    struct disk_load load = {.vcpu = &vcpu[0], .seed = 2, .parts = 1, .requests = REQUESTS, .indirect = true};
    pthread_t thread;

    disk_open(2, NULL);
    disk_start(DISK_FEATURES, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, mask_and_move, &vcpu[1]), 0);
    disk_run(&load);
    atomic_store(&over, true);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_msg(load.wrong == NULL, "%s", load.wrong);
    disk_close();
}
END_TEST

/* A vCPU that balloons without end, and one that only says so. */
static void *invalidate(void *argument)
{
    const struct vcpu *other = argument;

    for (unsigned i = 0; !atomic_load(&over); i++) {
        if (i % 3 == 0) {
            sim_punch(other->sim, SPARE_PAGE, 4, (int)other->index);
            sim_wait(other->sim, other->index);
            if (sim_populate(other->sim, SPARE_PAGE, 4) != 0) {
                return argument;
            }
        }
        sim_access(other->sim, other->index, REQUEST_INVALIDATE, 0, 0, 0, 0, 0);
    }
    return NULL;
}

START_TEST(invalidations_during_requests)
{
    struct disk_load load[2];
    pthread_t thread[3];
    void *failed;

    disk_open(3, NULL);
    disk_start(DISK_FEATURES, 0);
    ck_assert_int_eq(pthread_create(&thread[2], NULL, invalidate, &vcpu[2]), 0);
    for (unsigned i = 0; i < 2; i++) {
        load[i] = (struct disk_load){
            .vcpu = &vcpu[i], .seed = i + 7, .part = i, .parts = 2, .requests = REQUESTS, .indirect = true};
        ck_assert_int_eq(pthread_create(&thread[i], NULL, disk_thread, &load[i]), 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
        ck_assert_msg(load[i].wrong == NULL, "vCPU %u: %s", i, load[i].wrong);
    }
    atomic_store(&over, true);
    ck_assert_int_eq(pthread_join(thread[2], &failed), 0);
    ck_assert_ptr_null(failed);
    disk_close();
}
END_TEST

/* After the storm the sweep gives back what is stale, though nothing else happens. */
START_TEST(stale_mappings_are_swept)
{
    struct disk_load load = {.vcpu = &vcpu[0], .seed = 3, .parts = 1, .requests = 50};
    struct sim_interrupt interrupt;
    size_t before;

    disk_open(1, NULL);
    disk_start(DISK_FEATURES, 0);
    disk_run(&load);
    before = sim_mappings(stack.sim).open;
    ck_assert_uint_gt(before, 3); /* the rings, and a chunk at least */
    sim_access(stack.sim, 0, REQUEST_INVALIDATE, 0, 0, 0, 0, 0);
    for (unsigned i = 0; i < 100 && sim_mappings(stack.sim).open > 3; i++) {
        while (sim_interrupt_wait(stack.sim, 50, &interrupt)) {
        }
    }
    ck_assert_uint_le(sim_mappings(stack.sim).open, 3);
    disk_close();
}
END_TEST

/* Bus mastering off: the device reaches no memory and waits; on again, it goes on (PCI 3.0 §6.2.2). */
START_TEST(bus_mastering_comes_and_goes)
{
    struct disk_load load = {.vcpu = &vcpu[0], .seed = 4, .parts = 1, .requests = 100};
    struct sim_interrupt interrupt;
    unsigned slot;

    disk_open(1, NULL);
    disk_start(DISK_FEATURES, 0);
    disk_run(&load);
    pci_put(&vcpu[0], STACK_FUNCTION, 4, 2, 2);
    slot = blk_take_slot(&blk);
    ck_assert(blk_add(&blk, slot, BLK_IN, 0, BLK_SECTOR, 1, false));
    virtio_queue_notify(&blk.queue, &vcpu[0]);
    while (sim_interrupt_wait(stack.sim, 20, &interrupt)) {
    }
    ck_assert(!blk.slot[slot].done);
    ck_assert_uint_eq(blk.slot[slot].view[16], 0xff);
    pci_put(&vcpu[0], STACK_FUNCTION, 4, 2, 6);
    virtio_queue_notify(&blk.queue, &vcpu[0]);
    ck_assert_int_eq(blk_wait(&blk, &vcpu[0], slot), 0);
    ck_assert_uint_eq(blk.slot[slot].status, 0);
    blk_free_slot(&blk, slot);
    disk_run(&load);
    ck_assert_msg(load.wrong == NULL, "%s", load.wrong);
    disk_close();
}
END_TEST

TCase *change_tests(void)
{
    TCase *group = tcase_create("changes under load");

    tcase_set_timeout(group, 120);
    tcase_add_test(group, bars_move_while_in_use);
    tcase_add_test(group, interrupts_are_masked_while_in_use);
    tcase_add_test(group, invalidations_during_requests);
    tcase_add_test(group, stale_mappings_are_swept);
    tcase_add_test(group, bus_mastering_comes_and_goes);
    return group;
}
