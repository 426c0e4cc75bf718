/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk with several queues (virtio 1.4 §5.2.2). */
#include <string.h>

#include "tests/virtio/blk.h"

#define USED 4 /* queues that the fake has loops for */

static void create(uint32_t queues)
{
    blk_prepare(BLK_SECTORS * 512);
    *(uint32_t *)blk_property("queues") = queues;
    ck_assert_int_eq(blk_create(), 0);
}

START_TEST(number_of_queues_5_2_2)
{
    static const uint32_t queues[] = {1, 2, 16};
    uint32_t count = queues[_i];

    create(count);
    ck_assert(((driver_offered(&driver) & F_MQ) != 0) == (count > 1));
    ck_assert_uint_eq(driver_read(&driver, QUEUES, 2), count);
    ck_assert_uint_eq(driver_read(&driver, NUM_QUEUES, 2), count);
    ck_assert_uint_eq(driver.description.queues, count);
    ck_assert_uint_eq(driver.description.msix, count + 1);
    ck_assert_uint_eq(driver.description.bells, 1);
    ck_assert_uint_eq(driver.description.bell->count, count);
    for (uint16_t i = 0; i < 17; i++) {
        driver_select(&driver, i);
        ck_assert_uint_eq(driver_read(&driver, QUEUE_SIZE, 2), i < count ? 256 : 0);
    }
    blk_end();
}
END_TEST

/* Where request i of queue q has its header; data and status behind it. */
static uint32_t place(unsigned queue, unsigned i)
{
    return 0x80000 + queue * 0x10000 + i * 0x1000;
}

static void add(unsigned queue, unsigned i)
{
    uint32_t at = place(queue, i);
    const struct part parts[3] = {{at, 16, 0}, {at + 0x200, 512, WRITE}, {at + 0x100, 1, WRITE}};
    uint64_t sector = queue * 4 + i;

    memset(fake->ram + at, 0, 16);
    memcpy(fake->ram + at + 8, &sector, 8);
    fake->ram[at + 0x100] = UNTOUCHED;
    driver_add(&driver, queue, parts, 3);
}

/* Each queue's requests end on it, with its interrupt, whatever the order in which the file answers. */
START_TEST(queues_are_served_side_by_side)
{
    uint32_t id, used;

    create(USED);
    driver_start(&driver, F_VERSION_1 | F_FLUSH | F_MQ, USED, BLK_SIZE);
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned queue = 0; queue < USED; queue++) {
            add(queue, i);
        }
    }
    for (unsigned queue = USED; queue-- > 0;) {
        driver_kick(&driver, queue);
    }
    ck_assert_uint_eq(fake->requests, 4 * USED);
    while (fake->requests != 0) {
        fake_complete(fake, fake->requests / 2, 0);
    }
    fake_pump(fake);
    for (unsigned queue = 0; queue < USED; queue++) {
        ck_assert_uint_eq(fake->msix[queue + 1], 1);
        for (unsigned i = 0; i < 4; i++) {
            uint32_t at = place(queue, i);

            ck_assert(driver_used(&driver, queue, &id, &used));
            ck_assert_uint_eq(used, 513);
            ck_assert_uint_eq(fake->ram[at + 0x100], OK);
            ck_assert_mem_eq(fake->ram + at + 0x200, fake->file.data + (queue * 4 + i) * 512, 512);
        }
        ck_assert(!driver_used(&driver, queue, &id, &used));
    }
    ck_assert_uint_eq(blk_counter("reads"), 4 * USED);
    blk_end();
}
END_TEST

/* One queue is reset while it and another wait for the file. */
START_TEST(one_queue_is_reset)
{
    uint32_t id, used;

    create(USED);
    driver_start(&driver, F_VERSION_1 | F_FLUSH | F_MQ | F_RING_RESET, USED, BLK_SIZE);
    add(1, 0);
    add(2, 0);
    driver_kick(&driver, 1);
    driver_kick(&driver, 2);
    driver_select(&driver, 1);
    driver_write(&driver, QUEUE_RESET, 2, 1);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_RESET, 2), 1);
    fake_complete_all(fake);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_RESET, 2), 0);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_ENABLE, 2), 0);
    ck_assert(!driver_used(&driver, 1, &id, &used));
    ck_assert(driver_used(&driver, 2, &id, &used));
    driver_set_queue(&driver, 1, BLK_SIZE);
    add(1, 1);
    driver_kick(&driver, 1);
    fake_complete_all(fake);
    ck_assert(driver_used(&driver, 1, &id, &used));
    ck_assert_uint_eq(fake->ram[place(1, 1) + 0x100], OK);
    blk_end();
}
END_TEST

/* A driver that does not know F_MQ uses the first, of as many as there are. */
START_TEST(one_queue_of_many_5_2_2)
{
    create(USED);
    blk_start(F_MQ);
    blk_request(IN, 0, 512);
    ck_assert_uint_eq(blk_status(), OK);
    blk_end();
}
END_TEST

TCase *blk_queues_cases(void)
{
    TCase *cases = tcase_create("virtio-blk queues");

    tcase_add_loop_test(cases, number_of_queues_5_2_2, 0, 3);
    tcase_add_test(cases, queues_are_served_side_by_side);
    tcase_add_test(cases, one_queue_is_reset);
    tcase_add_test(cases, one_queue_of_many_5_2_2);
    return cases;
}
