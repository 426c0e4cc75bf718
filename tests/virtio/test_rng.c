/* SPDX-License-Identifier: BSD-2-Clause */
/* The model virtio-rng (virtio 1.4 §5.4). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/virtio/console_bench.h"

static uint8_t got[0x20000];

static void open_rng(uint64_t rate, uint64_t burst)
{
    bench_open(rng_module(bench_host())[0]);
    *(uint64_t *)bench_property("rate") = rate;
    *(uint64_t *)bench_property("burst") = burst;
}

static void begin(uint64_t rate, uint64_t burst)
{
    open_rng(rate, burst);
    ck_assert_int_eq(bench_create(), 0);
    bench_start(0);
}

static void begin_unlimited(void)
{
    begin(0, 0);
}

START_TEST(identity_5_4_1)
{
    ck_assert_uint_eq(bench.driver.description.device, 0x1044);
    ck_assert_uint_eq(driver_read(&bench.driver, NUM_QUEUES, 2), 1);
    ck_assert_uint_eq(driver_offered(&bench.driver) & 0xffffff, 0);
}
END_TEST

/* 5.4.6: all of it, as long as that is not too much; and it looks like noise. */
START_TEST(buffers_are_filled_5_4_6)
{
    unsigned ones = 0;

    bench_give(0, 10000);
    bench_give(0, 1);
    ck_assert_int_eq(bench_got(0, got), 10000);
    for (unsigned i = 0; i < 10000; i++) {
        ones += (unsigned)__builtin_popcount(got[i]);
    }
    ck_assert_uint_gt(ones, 39000);
    ck_assert_uint_lt(ones, 41000);
    ck_assert_mem_ne(got, got + 4096, 4096);
    ck_assert_int_eq(bench_got(0, got), 1);
    ck_assert_uint_eq(bench_counter("requests"), 2);
    ck_assert_uint_eq(bench_counter("bytes"), 10001);
    ck_assert_uint_eq(bench.messages[1], 2);
}
END_TEST

/* 5.4.6.2: a buffer may be filled in part; it takes no more than a turn. Nothing is written beyond. */
START_TEST(large_buffer_5_4_6_2)
{
    uint32_t at = bench_give(0, 0x18000);

    ck_assert_int_eq(bench_got(0, got), 0x10000);
    for (unsigned i = 0x10000; i < 0x18000; i++) {
        if (bench.fake->ram[at + i] != 0xee) {
            ck_abort_msg("byte %u was written", i);
        }
    }
}
END_TEST

/* What one turn does not reach is served in the next. */
START_TEST(many_buffers)
{
    for (unsigned i = 0; i < 8; i++) {
        struct part part = {BUFFERS + 0x4000 * i, 0x4000, WRITE};

        driver_add(&bench.driver, 0, &part, 1);
    }
    bench.model->bell(fake_device(bench.fake), bench.state, 0, 0);
    ck_assert_uint_eq(driver_used_index(&bench.driver, 0), 4);
    fake_pump(bench.fake);
    for (unsigned i = 0; i < 8; i++) {
        ck_assert_int_eq(bench_got(0, got), 0x4000);
    }
}
END_TEST

/* 5.4.6.1: the driver must not. */
START_TEST(buffer_to_read_5_4_6_1)
{
    bench_say(0, "abc", 3);
    ck_assert_uint_eq(bench.fake->guest_errors, 1);
    ck_assert_uint_ne(driver_status(&bench.driver) & 0x40, 0);
}
END_TEST

START_TEST(buffer_outside_of_memory)
{
    struct part part = {FAKE_RAM - 16, 32, WRITE};

    driver_add(&bench.driver, 0, &part, 1);
    driver_kick(&bench.driver, 0);
    ck_assert_uint_eq(bench.fake->guest_errors, 1);
    ck_assert_uint_ne(driver_status(&bench.driver) & 0x40, 0);
}
END_TEST

/* Past its first 4 KiB: what was written counts. */
START_TEST(buffer_that_ends_in_a_hole)
{
    struct part part = {FAKE_RAM - 4096, 8192, WRITE};

    driver_add(&bench.driver, 0, &part, 1);
    driver_kick(&bench.driver, 0);
    ck_assert_int_eq(bench_got(0, got), 4096);
}
END_TEST

START_TEST(memory_out_of_reach)
{
    struct part part = {BUFFERS, 16, WRITE};

    bench.fake->no_bus_master = true;
    driver_add(&bench.driver, 0, &part, 1);
    driver_kick(&bench.driver, 0);
    ck_assert_int_eq(bench_got(0, got), -1);
    bench.fake->no_bus_master = false;
    bench.model->bus_master(fake_device(bench.fake), bench.state, 1);
    fake_pump(bench.fake);
    ck_assert_int_eq(bench_got(0, got), 16);
}
END_TEST

/* A buffer is filled whole, or with as much as the bucket holds at all: Linux's driver stalls with less. */
START_TEST(limited)
{
    uint64_t bytes = 0;

    begin(1000, 100);
    bench_give(0, 64);
    bench_give(0, 64);
    ck_assert_int_eq(bench_got(0, got), 64);
    ck_assert_int_eq(bench_got(0, got), -1);
    bench_pass(27 * MILLISECOND);
    ck_assert_int_eq(bench_got(0, got), -1);
    bench_pass(2 * MILLISECOND);
    ck_assert_int_eq(bench_got(0, got), 64);
    bench_pass(10000 * MILLISECOND); /* a pause is worth no more than the burst */
    bench_give(0, 200);
    ck_assert_int_eq(bench_got(0, got), 100);
    for (unsigned i = 0; i < 3000; i++) { /* 10 s, with a driver that always wants more */
        int count = bench_got(0, got);

        bytes += count > 0 ? (uint64_t)count : 0;
        if (count > 0 || i == 0) {
            bench_give(0, 64);
        }
        bench_pass(UINT64_C(3333333));
    }
    ck_assert_uint_ge(bytes, 9800);
    ck_assert_uint_le(bytes, 10100);
    bench_close();
}
END_TEST

/* A small buffer at the ring's end goes before none that waits: they are filled in their order. */
START_TEST(limited_in_order)
{
    begin(64, 0);
    bench_give(0, 64);
    bench_give(0, 64);
    bench_give(0, 1);
    ck_assert_int_eq(bench_got(0, got), 64);
    bench_pass(500 * MILLISECOND);
    ck_assert_int_eq(bench_got(0, got), -1);
    bench_pass(501 * MILLISECOND);
    ck_assert_int_eq(bench_got(0, got), 64);
    bench_pass(20 * MILLISECOND);
    ck_assert_int_eq(bench_got(0, got), 1);
    bench_close();
}
END_TEST

/* Parts of a byte count, and the greatest rate does not overflow. */
START_TEST(extreme_rates)
{
    begin(1, 0);
    bench_give(0, 65);
    ck_assert_int_eq(bench_got(0, got), 64); /* the least burst */
    bench_give(0, 1);
    for (unsigned i = 0; i < 9; i++) {
        bench_pass(100 * MILLISECOND);
        ck_assert_int_eq(bench_got(0, got), -1);
    }
    bench_pass(101 * MILLISECOND);
    ck_assert_int_eq(bench_got(0, got), 1);
    bench_close();
    begin(UINT64_C(1) << 32, 0);
    for (unsigned i = 0; i < 20; i++) {
        bench_give(0, 64);
        ck_assert_int_eq(bench_got(0, got), 64);
        bench_pass(i % 2 != 0 ? UINT64_C(1) << 62 : 1);
    }
    bench_close();
}
END_TEST

/* A driver that waits for the bucket keeps nobody waiting. */
START_TEST(limited_rest)
{
    begin(10, 64);
    bench_give(0, 64);
    bench_give(0, 10);
    ck_assert_int_eq(bench_got(0, got), 64);
    bench_rest();
    bench_pass(10000 * MILLISECOND);
    ck_assert_int_eq(bench_got(0, got), -1);
    bench_go_on();
    ck_assert_int_eq(bench_got(0, got), 10);
    bench_give(0, 10);
    driver_write(&bench.driver, STATUS, 1, 0);
    ck_assert_uint_eq(driver_status(&bench.driver), 0);
    bench_pass(10000 * MILLISECOND);
    bench_close();
}
END_TEST

START_TEST(properties_that_cannot_be)
{
    open_rng(0, 5);
    ck_assert_int_eq(bench_create(), -EINVAL);
    ck_assert_uint_eq(bench.fake->property_errors, 1);
    *(uint64_t *)bench_property("rate") = 5;
    *(uint64_t *)bench_property("burst") = 63;
    ck_assert_int_eq(bench_create(), -EINVAL);
    ck_assert_uint_eq(bench.fake->property_errors, 2);
    *(uint64_t *)bench_property("burst") = 0;
    bench.no_timer = true;
    ck_assert_int_eq(bench_create(), -ENOMEM);
    bench.no_timer = false;
    ck_assert_int_eq(bench_create(), 0);
    bench_close();
}
END_TEST

TCase *rng_cases(void)
{
    TCase *cases = tcase_create("virtio-rng");

    tcase_add_checked_fixture(cases, begin_unlimited, bench_close);
    tcase_add_test(cases, identity_5_4_1);
    tcase_add_test(cases, buffers_are_filled_5_4_6);
    tcase_add_test(cases, large_buffer_5_4_6_2);
    tcase_add_test(cases, many_buffers);
    tcase_add_test(cases, buffer_to_read_5_4_6_1);
    tcase_add_test(cases, buffer_outside_of_memory);
    tcase_add_test(cases, buffer_that_ends_in_a_hole);
    tcase_add_test(cases, memory_out_of_reach);
    return cases;
}

TCase *rng_limit_cases(void)
{
    TCase *cases = tcase_create("virtio-rng with a limit");

    tcase_add_test(cases, limited);
    tcase_add_test(cases, limited_in_order);
    tcase_add_test(cases, extreme_rates);
    tcase_add_test(cases, limited_rest);
    tcase_add_test(cases, properties_that_cannot_be);
    return cases;
}
