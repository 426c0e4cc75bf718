/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a disk's file does for its guest, through the whole stack: room that is given back, zeroes, a size that changes.
 * What is discarded depends on the file system that the image lies on.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/worker/disk.h"

#define F_DISCARD      (UINT64_C(1) << 13)
#define F_WRITE_ZEROES (UINT64_C(1) << 14)

#define SLOT_STATUS 16u
#define SLOT_LIST   64u
#define UNMAP       1u
#define CHANGES     (BLK_VECTOR - 1) /* data of the message that the configuration has changed */

enum { DISCARD = 11, WRITE_ZEROES = 13 };

static uint64_t offered(void)
{
    virtio_put(&blk.virtio, &vcpu[0], VIRTIO_DEVICE_FEATURE_SELECT, 4, 0);
    return virtio_get(&blk.virtio, &vcpu[0], VIRTIO_DEVICE_FEATURE, 4);
}

/* A request of one range, from beginning to end: its status, or -1. */
static int on_range(uint32_t type, uint64_t sector, uint32_t sectors, uint32_t flags)
{
    struct blk_slot *slot = &blk.slot[blk_take_slot(&blk)];
    unsigned index = (unsigned)(slot - blk.slot);
    const struct virtio_segment segment[] = {
        {.address = slot->memory, .length = 16},
        {.address = slot->memory + SLOT_LIST, .length = 16},
        {.address = slot->memory + SLOT_STATUS, .length = 1, .device_writes = true}};
    int status = -1;

    memset(slot->view, 0, 128);
    memcpy(slot->view, &type, sizeof(type));
    memcpy(slot->view + SLOT_LIST, &sector, sizeof(sector));
    memcpy(slot->view + SLOT_LIST + 8, &sectors, sizeof(sectors));
    memcpy(slot->view + SLOT_LIST + 12, &flags, sizeof(flags));
    slot->view[SLOT_STATUS] = 0xff;
    pthread_mutex_lock(&blk.lock);
    slot->done = false;
    slot->head = virtio_queue_add(&blk.queue, segment, 3, 0);
    pthread_mutex_unlock(&blk.lock);
    blk_kick(&blk, &vcpu[0]);
    if (slot->head >= 0 && blk_wait(&blk, &vcpu[0], index) == 0) {
        status = slot->status;
    }
    blk_free_slot(&blk, index);
    return status;
}

static void fill(uint64_t sector, uint32_t sectors, uint8_t value)
{
    static uint8_t data[BLK_DATA_MAX];

    memset(data, value, sizeof(data));
    memset(disk_model + sector * BLK_SECTOR, value, sectors * BLK_SECTOR);
    ck_assert_int_eq(blk_do(&blk, &vcpu[0], BLK_OUT, sector, data, sectors * BLK_SECTOR), 0);
}

static bool reads_as(uint64_t sector, uint32_t sectors, uint8_t value)
{
    static uint8_t data[BLK_DATA_MAX];
    bool good = blk_do(&blk, &vcpu[0], BLK_IN, sector, data, sectors * BLK_SECTOR) == 0;

    for (uint32_t i = 0; i < sectors * BLK_SECTOR; i++) {
        good &= data[i] == value;
    }
    return good;
}

/* In units of 512 bytes. */
static long room(void)
{
    struct stat status;

    ck_assert_int_eq(blk_do(&blk, &vcpu[0], BLK_FLUSH, 0, NULL, 0), 0);
    ck_assert_int_eq(stat(stack.image, &status), 0);
    return status.st_blocks;
}

static void open_disk(void)
{
    uint64_t features;

    disk_open(1, NULL);
    features = offered() & (F_DISCARD | F_WRITE_ZEROES);
    disk_start(features | BLK_F_FLUSH, 0);
}

START_TEST(zeroes)
{
    open_disk();
    ck_assert((blk.virtio.features & F_WRITE_ZEROES) != 0);
    fill(0, 128, 0x77);
    memset(disk_model + 3 * BLK_SECTOR, 0, 120 * BLK_SECTOR);
    ck_assert_int_eq(on_range(WRITE_ZEROES, 3, 120, _i == 0 ? 0 : UNMAP), 0);
    ck_assert(reads_as(0, 3, 0x77) && reads_as(3, 120, 0) && reads_as(123, 5, 0x77));
    ck_assert_int_eq(on_range(WRITE_ZEROES, DISK_SECTORS - 1, 2, 0), 1);
    ck_assert_int_eq(on_range(WRITE_ZEROES, 0, 1, 2), 2);
    disk_close();
}
END_TEST

/* What it reads as is not said: it is written anew before the image is looked at. */
START_TEST(room_is_given_back)
{
    long before;

    open_disk();
    if ((blk.virtio.features & F_DISCARD) == 0) { /* the file system cannot */
        ck_assert_int_eq(on_range(DISCARD, 0, 128, 0), 2);
    } else {
        fill(0, 128, 0x77);
        fill(1024, 128, 0x78);
        before = room();
        ck_assert_int_eq(on_range(DISCARD, 0, 128, 0), 0);
        ck_assert_int_lt(room(), before);
        ck_assert(reads_as(1024, 128, 0x78));
        before = room();
        ck_assert_int_eq(on_range(WRITE_ZEROES, 1024, 128, UNMAP), 0);
        ck_assert_int_lt(room(), before);
        memset(disk_model + 1024 * BLK_SECTOR, 0, 128 * BLK_SECTOR);
        fill(0, 128, 0x79);
    }
    disk_close();
}
END_TEST

static bool is_told(void)
{
    struct sim_interrupt interrupt;

    while (sim_interrupt_wait(stack.sim, 10000, &interrupt)) {
        if (interrupt.is_message && interrupt.data == CHANGES) {
            return true;
        }
    }
    return false;
}

/* Grows, and shrinks to what it was. */
START_TEST(resize)
{
    static uint8_t data[BLK_SECTOR];

    open_disk();
    ck_assert_int_eq(blk_do(&blk, &vcpu[0], BLK_IN, DISK_SECTORS, data, BLK_SECTOR), 1);
    ck_assert_int_eq(truncate(stack.image, 2 * DISK_SECTORS * BLK_SECTOR), 0);
    ck_assert(is_told());
    ck_assert_uint_eq(blk_sectors(&blk, &vcpu[0]), 2 * DISK_SECTORS);
    ck_assert(reads_as(DISK_SECTORS, 128, 0));
    ck_assert_int_eq(blk_do(&blk, &vcpu[0], BLK_OUT, 2 * DISK_SECTORS - 1, data, BLK_SECTOR), 0);
    ck_assert_int_eq(truncate(stack.image, DISK_SECTORS * BLK_SECTOR), 0);
    ck_assert(is_told());
    ck_assert_uint_eq(blk_sectors(&blk, &vcpu[0]), DISK_SECTORS);
    ck_assert_int_eq(blk_do(&blk, &vcpu[0], BLK_IN, DISK_SECTORS, data, BLK_SECTOR), 1);
    disk_close();
}
END_TEST

TCase *disk_feature_tests(void)
{
    TCase *group = tcase_create("features of a disk");

    tcase_set_timeout(group, 60);
    tcase_add_loop_test(group, zeroes, 0, 2);
    tcase_add_test(group, room_is_given_back);
    tcase_add_test(group, resize);
    return group;
}
