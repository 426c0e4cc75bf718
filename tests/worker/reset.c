/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resets by the driver with requests in flight (virtio 1.4 §2.4.1, §4.1.4.3.2): after it the device leaves the old
 * rings and buffers alone, and works again when it is set up again.
 */
#include <string.h>

#include "tests/worker/disk.h"

#define ROUNDS 60u

/* Requests on their way when the reset comes: reads, so that the disk stays what the model says. */
static void start_some(uint32_t *seed)
{
    unsigned count = 1 + disk_random(seed) % BLK_SLOTS;

    for (unsigned i = 0; i < count; i++) {
        ck_assert(blk_add(&blk, i, BLK_IN, disk_random(seed) % 1024, 64 * BLK_SECTOR, 4, true));
    }
    virtio_queue_notify(&blk.queue, &vcpu[0]);
    for (unsigned i = disk_random(seed) % 3; i > 0; i--) {
        virtio_get(&blk.virtio, &vcpu[0], VIRTIO_STATUS, 1); /* a moment */
    }
}

START_TEST(reset_with_requests_in_flight)
{
    uint32_t seed = 1;
    struct disk_load load = {.vcpu = &vcpu[0], .seed = 5, .parts = 1, .requests = 40, .indirect = true};

    disk_open(1, NULL);
    for (unsigned round = 0; round < ROUNDS; round++) {
        disk_start(DISK_FEATURES, round % 2 == 0 ? 0 : 32);
        disk_run(&load);
        ck_assert_msg(load.wrong == NULL, "round %u: %s", round, load.wrong);
        start_some(&seed);
        ck_assert(virtio_reset(&blk.virtio, &vcpu[0]));
        /* The device has let go: what the guest puts there now stays. */
        uint8_t *area = sim_memory(stack.sim, DRIVER_AT, blk_bytes());

        memset(area, 0x3c, blk_bytes());
        virtio_get(&blk.virtio, &vcpu[0], VIRTIO_STATUS, 1);
        for (uint64_t i = 0; i < blk_bytes(); i++) {
            if (area[i] != 0x3c) {
                ck_abort_msg("round %u: the device wrote at 0x%llx after its reset", round, (unsigned long long)i);
            }
        }
    }
    disk_close();
}
END_TEST

/* Doorbells of a device that is not set up, or broken, do nothing. */
START_TEST(doorbells_of_an_idle_device)
{
    disk_open(1, NULL);
    disk_start(DISK_FEATURES, 0);
    ck_assert(virtio_reset(&blk.virtio, &vcpu[0]));
    for (unsigned i = 0; i < 100; i++) {
        virtio_queue_notify(&blk.queue, &vcpu[0]);
    }
    ck_assert_uint_eq(virtio_get(&blk.virtio, &vcpu[0], VIRTIO_STATUS, 1), 0);
    disk_start(DISK_FEATURES, 0);
    struct disk_load load = {.vcpu = &vcpu[0], .seed = 9, .parts = 1, .requests = 100};

    disk_run(&load);
    ck_assert_msg(load.wrong == NULL, "%s", load.wrong);
    disk_close();
}
END_TEST

/* A ring that breaks the rules: the device says so (§2.1.2), and a reset mends it. */
START_TEST(a_broken_ring)
{
    struct virtio_segment outside = {.address = DISK_MEMORY + 4096, .length = 64};

    disk_open(1, NULL);
    disk_start(DISK_FEATURES, 0);
    ck_assert_int_ge(virtio_queue_add(&blk.queue, &outside, 1, 0), 0);
    virtio_queue_notify(&blk.queue, &vcpu[0]);
    for (unsigned i = 0; i < 1000000 && (virtio_get(&blk.virtio, &vcpu[0], VIRTIO_STATUS, 1) & VIRTIO_NEEDS_RESET) == 0;
         i++) {
    }
    ck_assert_uint_eq(virtio_get(&blk.virtio, &vcpu[0], VIRTIO_STATUS, 1), 0x4f);
    disk_start(DISK_FEATURES, 0);
    struct disk_load load = {.vcpu = &vcpu[0], .seed = 3, .parts = 1, .requests = 100, .indirect = true};

    disk_run(&load);
    ck_assert_msg(load.wrong == NULL, "%s", load.wrong);
    disk_close();
}
END_TEST

TCase *reset_tests(void)
{
    TCase *group = tcase_create("reset");

    tcase_set_timeout(group, 60);
    tcase_add_test(group, reset_with_requests_in_flight);
    tcase_add_test(group, doorbells_of_an_idle_device);
    tcase_add_test(group, a_broken_ring);
    return group;
}
