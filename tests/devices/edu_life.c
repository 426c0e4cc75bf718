/* SPDX-License-Identifier: BSD-2-Clause */
/* Life of the model edu: reset, quiescing and succession while it is busy or idle, and its creation. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/devices/edu_host.h"

static void make_busy(void)
{
    put(0x04, 4, 1);
    put(0x20, 4, 0x80);
    put(0x08, 4, 5);
    start(0x100, BUFFER, 8, INTERRUPT);
}

START_TEST(reset_while_busy)
{
    unsigned char zero[4096] = {0};

    put(0x60, 4, 0x10);
    memset(buffer(), 1, 4096);
    make_busy();
    ck_assert_int_eq(world.line, 1);
    model->reset(device(), state, IOREQD_RESET_COLD);
    ck_assert(!pending());
    ck_assert_int_eq(world.line, 0);
    pass(10 * MILLISECOND);
    for (unsigned offset = 4; offset < 0xa0; offset += 4) {
        ck_assert_uint_eq(get(offset, 4), offset == 4 ? 0xffffffff : 0);
    }
    ck_assert_mem_eq(buffer(), zero, sizeof(zero));
    ck_assert_uint_eq(world.copies, 0);
    ck_assert_uint_eq(counter("factorials"), 0);
    model->reset(device(), state, IOREQD_RESET_COLD);
    ck_assert_uint_eq(compute(5), 120);
}
END_TEST

START_TEST(late_timer)
{
    struct ioreqd_timer *timer = world.timer;

    make_busy();
    model->reset(device(), state, IOREQD_RESET_COLD);
    for (unsigned i = 0; i < EDU_TIMERS; i++) {
        timer[i].fire(timer[i].argument); /* was on its way when it was taken back */
    }
    ck_assert_uint_eq(get(0x08, 4), 0);
    ck_assert_uint_eq(get(0x24, 4), 0);
    ck_assert_uint_eq(world.copies, 0);
    ck_assert_uint_eq(world.guest_errors, 0);
}
END_TEST

START_TEST(quiesce_idle)
{
    model->quiesce(device(), state);
    ck_assert_uint_eq(world.quiesced, 1);
    ck_assert_uint_eq(world.copies, 0);
    ck_assert_uint_eq(counter("factorials"), 0);
}
END_TEST

START_TEST(quiesce_while_busy)
{
    make_busy();
    model->quiesce(device(), state);
    ck_assert_uint_eq(world.quiesced, 1);
    ck_assert(!pending());
    ck_assert_uint_eq(get(0x08, 4), 120);
    ck_assert_uint_eq(get(0x20, 4), 0x80);
    ck_assert_uint_eq(get(COMMAND, 8), INTERRUPT);
    ck_assert_uint_eq(get(0x24, 4), 0x101);
    ck_assert_int_eq(world.line, 1);
    ck_assert_mem_eq(buffer(), world.ram + 0x100, 8);
    ck_assert_uint_eq(world.copies, 1);
}
END_TEST

START_TEST(quiet)
{
    model->quiesce(device(), state);
    make_busy();
    ck_assert_uint_eq(get(0x20, 4), 0x81);
    ck_assert(!pending()); /* nothing is started, and the registers tell what is to be done */
    pass(10 * MILLISECOND);
    ck_assert_uint_eq(get(0x20, 4), 0x81);
    ck_assert_uint_eq(get(COMMAND, 8), START | INTERRUPT);
    ck_assert_uint_eq(world.copies, 0);
    model->reset(device(), state, IOREQD_RESET_COLD);
    ck_assert_uint_eq(compute(4), 24);
}
END_TEST

/* A successor gets the saved fields after its reset, and takes up what is busy in them. */
START_TEST(successor)
{
    make_busy();
    hand_over();
    ck_assert_uint_eq(get(0x04, 4), 0xfffffffe);
    ck_assert(pending());
    pass(MILLISECOND);
    ck_assert_uint_eq(get(0x08, 4), 120);
    ck_assert_uint_eq(get(0x24, 4), 0x101);
    ck_assert_mem_eq(buffer(), world.ram + 0x100, 8);
}
END_TEST

START_TEST(wrong_masks)
{
    static const uint64_t wrong[] = {0x0ffffffe, 0xf0ffffff, UINT64_MAX - 1, UINT64_C(1) << 63};

    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ck_assert_int_eq(begin(wrong[i], EDU_TIMERS), -EINVAL);
        ck_assert_uint_eq(world.property_errors, 1);
        ck_assert_str_eq(world.property, "dma-mask");
        ck_assert(!world.timer[0].made && !world.timer[1].made);
        free(state);
    }
}
END_TEST

START_TEST(right_masks)
{
    static const uint64_t right[] = {0xfff, 0xffffffff, UINT64_MAX};

    for (unsigned i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        ck_assert_int_eq(begin(right[i], EDU_TIMERS), 0);
        model->reset(device(), state, IOREQD_RESET_COLD);
        start(0, BUFFER, 4096, 0);
        pass(MILLISECOND);
        ck_assert_uint_eq(counter("bytes-from-guest"), 4096);
        start(right[i], BUFFER, 2, 0); /* with all ones the end would wrap */
        pass(MILLISECOND);
        ck_assert_uint_eq(world.guest_errors, 1);
        ck_assert_uint_eq(world.copies, 1);
        teardown();
    }
}
END_TEST

START_TEST(short_of_memory)
{
    for (unsigned timers = 0; timers < EDU_TIMERS; timers++) {
        ck_assert_int_eq(begin(MASK, timers), -ENOMEM);
        ck_assert(!world.timer[0].made);
        free(state);
    }
}
END_TEST

TCase *life_cases(void)
{
    TCase *cases = tcase_create("life");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, reset_while_busy);
    tcase_add_test(cases, late_timer);
    tcase_add_test(cases, quiesce_idle);
    tcase_add_test(cases, quiesce_while_busy);
    tcase_add_test(cases, quiet);
    tcase_add_test(cases, successor);
    return cases;
}

/* These make their devices themselves. */
TCase *creation_cases(void)
{
    TCase *cases = tcase_create("creation");

    tcase_add_test(cases, wrong_masks);
    tcase_add_test(cases, right_masks);
    tcase_add_test(cases, short_of_memory);
    return cases;
}
