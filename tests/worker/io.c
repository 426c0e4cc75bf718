/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random I/O through the whole stack, with every feature that changes the rings on and off, from one vCPU and from
 * two, compared to a model of the disk.
 */
#include "tests/worker/disk.h"

#define REQUESTS 3000u
#define PACKED   VIRTIO_F_RING_PACKED
#define IN_ORDER VIRTIO_F_IN_ORDER

static const struct {
    uint64_t features;
    unsigned vcpus;
    uint16_t queue_size;
    bool by_interrupt;
} ways[] = {
    {BLK_F_FLUSH, 1, 256, false},
    {BLK_F_FLUSH | VIRTIO_F_INDIRECT_DESC, 1, 256, false},
    {BLK_F_FLUSH | VIRTIO_F_EVENT_IDX, 1, 256, false},
    {DISK_FEATURES, 1, 0, false},
    {BLK_F_FLUSH, 2, 256, false},
    {DISK_FEATURES, 2, 0, false},
    {DISK_FEATURES, 2, 16, false},
    {0, 1, 256, false}, /* no FLUSH: writes are stable when they are done */
    {BLK_F_FLUSH, 1, 256, true},
    {DISK_FEATURES, 1, 256, true},
    {BLK_F_FLUSH | PACKED, 1, 256, false},
    {BLK_F_FLUSH | PACKED | VIRTIO_F_INDIRECT_DESC, 1, 256, false},
    {BLK_F_FLUSH | PACKED | VIRTIO_F_EVENT_IDX, 1, 250, false}, /* no power of 2 */
    {DISK_FEATURES | PACKED, 2, 0, false},
    {DISK_FEATURES | PACKED, 2, 17, false},
    {BLK_F_FLUSH | PACKED, 1, 256, true},
    {DISK_FEATURES | PACKED, 1, 256, true},
    {DISK_FEATURES | IN_ORDER, 2, 0, false},
    {BLK_F_FLUSH | IN_ORDER, 1, 256, true},
    {DISK_FEATURES | PACKED | IN_ORDER, 2, 0, false},
    {DISK_FEATURES | PACKED | IN_ORDER, 1, 256, true},
    {BLK_F_FLUSH | PACKED | IN_ORDER, 1, 200, false},
    {DISK_FEATURES | VIRTIO_F_NOTIFICATION_DATA, 1, 256, true},
    {DISK_FEATURES | PACKED | VIRTIO_F_NOTIFICATION_DATA, 2, 0, false},
};

static void run_way(unsigned way, const struct sim_options *more)
{
    struct disk_load load[2];
    pthread_t thread[2];

    disk_open(ways[way].vcpus, more);
    disk_start(ways[way].features, ways[way].queue_size);
    for (unsigned i = 0; i < ways[way].vcpus; i++) {
        load[i] = (struct disk_load){
            .vcpu = &vcpu[i],
            .seed = way * 2 + i + 1,
            .part = i,
            .parts = ways[way].vcpus,
            .requests = REQUESTS,
            .indirect = (ways[way].features & VIRTIO_F_INDIRECT_DESC) != 0,
            .by_interrupt = ways[way].by_interrupt,
        };
        ck_assert_int_eq(pthread_create(&thread[i], NULL, disk_thread, &load[i]), 0);
    }
    for (unsigned i = 0; i < ways[way].vcpus; i++) {
        ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
        ck_assert_msg(load[i].wrong == NULL, "vCPU %u: %s", i, load[i].wrong);
    }
    ck_assert_uint_eq(virtio_get(&blk.virtio, &vcpu[0], VIRTIO_STATUS, 1), 0xf);
    disk_close();
}

START_TEST(random_requests)
{
    run_way((unsigned)_i, NULL);
}
END_TEST

/* One mapping for both sides: a race detector then sees what guest and device do to the same bytes. */
START_TEST(random_requests_in_shared_memory)
{
    const struct sim_options shared = {.one_mapping = true};

    run_way(_i == 0 ? 5 : 13, &shared);
}
END_TEST

/* §5.2.6: the types of requests, their bounds and their answers. */
START_TEST(kinds_of_requests)
{
    static uint8_t data[BLK_DATA_MAX];

    disk_open(1, NULL);
    disk_start(DISK_FEATURES, 0);
    ck_assert_int_eq(blk_do(&blk, &vcpu[0], BLK_IN, DISK_SECTORS - 1, data, BLK_SECTOR), 0);
    ck_assert_int_eq(blk_do(&blk, &vcpu[0], BLK_IN, DISK_SECTORS - 1, data, 2 * BLK_SECTOR), 1);
    ck_assert_int_eq(blk_do(&blk, &vcpu[0], BLK_IN, DISK_SECTORS, data, BLK_SECTOR), 1);
    ck_assert_int_eq(blk_do(&blk, &vcpu[0], BLK_IN, UINT64_MAX, data, BLK_SECTOR), 1);
    ck_assert_int_eq(blk_do(&blk, &vcpu[0], BLK_OUT, UINT64_MAX / BLK_SECTOR, data, BLK_SECTOR), 1);
    ck_assert_int_eq(blk_do(&blk, &vcpu[0], BLK_IN, 0, data, BLK_SECTOR - 1), 1);
    ck_assert_int_eq(blk_do(&blk, &vcpu[0], BLK_IN, 0, data, BLK_DATA_MAX), 0);
    ck_assert_int_eq(blk_do(&blk, &vcpu[0], BLK_GET_ID, 0, data, 20), 0);
    ck_assert_int_eq(blk_do(&blk, &vcpu[0], (enum blk_type)77, 0, data, BLK_SECTOR), 2);
    disk_close();
}
END_TEST

TCase *io_tests(void)
{
    TCase *group = tcase_create("I/O");

    tcase_set_timeout(group, 120);
    tcase_add_loop_test(group, random_requests, 0, (int)(sizeof(ways) / sizeof(ways[0])));
    tcase_add_loop_test(group, random_requests_in_shared_memory, 0, 2);
    tcase_add_test(group, kinds_of_requests);
    return group;
}
