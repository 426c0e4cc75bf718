/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs the tests of virtio-console and virtio-rng, each case in a process of its own; and those of the bytes of
 * virtio-console's ports. What names a clause is in CONSOLE_CONFORMANCE.md.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/virtio/console_bench.h"

#define RX 0
#define TX 1

static void open_console(void)
{
    bench_open(console_module(bench_host())[0]);
    bench_give_stream("stream", 0);
}

static void begin(void)
{
    open_console();
    ck_assert_int_eq(bench_create(), 0);
}

/* 5.3.1, 5.3.2: what PCI and the driver see of a console alone. */
START_TEST(identity_5_3_1)
{
    ck_assert_uint_eq(bench.driver.description.device, 0x1043);
    ck_assert_uint_eq(bench.driver.description.class_code[0], 0x07);
    ck_assert_uint_eq(bench.driver.description.class_code[1], 0x80);
    ck_assert_uint_eq(bench.driver.description.queues, 2);
    ck_assert_uint_eq(bench.driver.description.queue_group, 2);
    ck_assert_uint_eq(bench.driver.description.msix, 3);
    ck_assert_uint_eq(bench.driver.description.bell[0].count, 2);
    ck_assert_uint_eq(driver_read(&bench.driver, NUM_QUEUES, 2), 2);
    ck_assert_uint_eq(driver_offered(&bench.driver) & 0xff, F_EMERG_WRITE);
    ck_assert_uint_eq(driver_read(&bench.driver, CONFIG + 4, 4), 1);
    ck_assert_uint_eq(driver_read(&bench.driver, CONFIG + 8, 4), 0);
}
END_TEST

START_TEST(output)
{
    bench_start(0);
    bench_say(TX, "hello ", 6);
    bench_say(TX, "world", 5);
    bench_expect(0, "hello world");
    ck_assert(bench_done(TX) && bench_done(TX) && !bench_done(TX));
    ck_assert_uint_eq(bench.messages[TX + 1], 2);
    ck_assert_uint_eq(bench_counter("bytes-from-guest"), 11);
}
END_TEST

/* 2.7.4.2: however the driver cuts it. */
START_TEST(output_in_pieces)
{
    const struct part parts[] = {{BUFFERS, 1, 0}, {BUFFERS + 100, 3, 0}, {BUFFERS + 50, 2, 0}};

    bench_start(0);
    memcpy(bench.fake->ram + BUFFERS, "a", 1);
    memcpy(bench.fake->ram + BUFFERS + 100, "bcd", 3);
    memcpy(bench.fake->ram + BUFFERS + 50, "ef", 2);
    driver_add(&bench.driver, TX, parts, 3);
    driver_kick(&bench.driver, TX);
    bench_expect(0, "abcdef");
}
END_TEST

START_TEST(large_output)
{
    static uint8_t bytes[0x30000];

    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 7 + (i >> 8));
    }
    bench_start(0);
    bench_say(TX, bytes, sizeof(bytes));
    bench_say(TX, bytes, sizeof(bytes)); /* ends in another turn */
    ck_assert_uint_eq(bench.stream[0].out_length, 2 * sizeof(bytes));
    ck_assert_mem_eq(bench.stream[0].out, bytes, sizeof(bytes));
    ck_assert_mem_eq(bench.stream[0].out + sizeof(bytes), bytes, sizeof(bytes));
    ck_assert(bench_done(TX) && bench_done(TX));
}
END_TEST

/* One chain of many descriptors that all mean the same memory: a turn has an end. */
START_TEST(huge_output)
{
    struct part parts[QUEUE_BUFFERS];

    bench_start(0);
    for (unsigned i = 0; i < QUEUE_BUFFERS; i++) {
        parts[i] = (struct part){BUFFERS, 0x10000, 0};
    }
    driver_add(&bench.driver, TX, parts, QUEUE_BUFFERS);
    bench.model->bell(fake_device(bench.fake), bench.state, TX, 0);
    ck_assert_uint_eq(bench.stream[0].out_length, 0x40000);
    bench_run();
    ck_assert_uint_eq(bench.stream[0].out_length, QUEUE_BUFFERS * 0x10000u);
    ck_assert(bench_done(TX));
}
END_TEST

START_TEST(slow_reader)
{
    bench_start(0);
    bench.stream[0].room = 4;
    bench_say(TX, "abcdef", 6);
    bench_say(TX, "ghi", 3);
    ck_assert(!bench_done(TX));
    ck_assert_uint_eq(bench.stream[0].wanted, IOREQD_WRITABLE | IOREQD_RESIZED);
    bench_expect(0, "abcd");
    bench_pass(100 * MILLISECOND);
    bench.stream[0].room = 1 << 20;
    bench_run();
    bench_expect(0, "efghi");
    ck_assert(bench_done(TX) && bench_done(TX));
    bench_pass(1000 * MILLISECOND);
    ck_assert_uint_eq(bench_counter("bytes-lost"), 0);
    bench_say(TX, "j", 1);
    bench_expect(0, "j");
}
END_TEST

/* A console's guest does not wait for ever. */
START_TEST(patience_has_an_end)
{
    bench_start(0);
    bench.stream[0].room = 4;
    bench_say(TX, "abcdef", 6);
    bench_pass(499 * MILLISECOND);
    ck_assert(!bench_done(TX));
    bench_pass(2 * MILLISECOND);
    ck_assert(bench_done(TX));
    bench_say(TX, "lost", 4);
    ck_assert(bench_done(TX));
    ck_assert_uint_eq(bench_counter("bytes-lost"), 6);
    bench_expect(0, "abcd");
    bench.stream[0].room = 100;
    bench_run();
    bench_say(TX, "back", 4);
    bench_expect(0, "back");
}
END_TEST

START_TEST(nobody_is_there)
{
    bench_start(0);
    bench_connect(0, false);
    bench_say(TX, "abc", 3);
    ck_assert(bench_done(TX));
    ck_assert_uint_eq(bench_counter("bytes-lost"), 3);
    bench_connect(0, true);
    bench_say(TX, "def", 3);
    bench_expect(0, "def");
}
END_TEST

/* Who leaves in the midst of a buffer takes the rest of it along. */
START_TEST(reader_leaves)
{
    bench_start(0);
    bench.stream[0].room = 2;
    bench_say(TX, "abcdef", 6);
    bench_connect(0, false);
    ck_assert(bench_done(TX));
    bench.stream[0].room = 100;
    bench_connect(0, true);
    bench_say(TX, "new", 3);
    bench_expect(0, "abnew");
}
END_TEST

START_TEST(input)
{
    char got[64];

    bench_start(0);
    bench_send(0, "early ", 6); /* there is no buffer */
    ck_assert_uint_eq(bench.stream[0].in_read, 0);
    ck_assert_uint_eq(bench.stream[0].wanted, IOREQD_RESIZED);
    bench_give(RX, 4);
    ck_assert_int_eq(bench_got(RX, got), 4);
    ck_assert_mem_eq(got, "earl", 4);
    bench_give(RX, 64);
    bench_give(RX, 64);
    ck_assert_int_eq(bench_got(RX, got), 2);
    ck_assert_int_eq(bench_got(RX, got), -1);
    ck_assert_uint_eq(bench.stream[0].wanted, IOREQD_READABLE | IOREQD_RESIZED);
    bench_send(0, "bird", 4);
    ck_assert_int_eq(bench_got(RX, got), 4);
    ck_assert_mem_eq(got, "bird", 4);
    ck_assert_uint_eq(bench_counter("bytes-to-guest"), 10);
}
END_TEST

START_TEST(much_input)
{
    uint8_t sent[10000], got[16384];
    size_t length = 0;

    for (unsigned i = 0; i < sizeof(sent); i++) {
        sent[i] = (uint8_t)(i * 13 + (i >> 8));
    }
    bench_start(0);
    bench_send(0, sent, sizeof(sent));
    for (unsigned i = 0; i < 40 && length < sizeof(sent); i++) {
        int count;

        bench_give(RX, i % 2 != 0 ? 10000 : 333);
        count = bench_got(RX, got + length);
        ck_assert_int_gt(count, 0);
        length += (size_t)count;
    }
    ck_assert_uint_eq(length, sizeof(sent));
    ck_assert_mem_eq(got, sent, sizeof(sent));
}
END_TEST

/* 5.3.6.1: the driver must not. */
START_TEST(receive_buffer_to_read_5_3_6_1)
{
    bench_start(0);
    bench_say(RX, "abc", 3);
    ck_assert_uint_eq(bench.fake->guest_errors, 1);
    ck_assert_uint_ne(driver_status(&bench.driver) & 0x40, 0);
    bench_send(0, "x", 1);
}
END_TEST

/* Nothing is written there, whatever it has. */
START_TEST(transmit_buffer_to_write_5_3_6_1)
{
    uint32_t at;

    bench_start(0);
    at = bench_give(TX, 16);
    ck_assert(bench_done(TX));
    ck_assert_uint_eq(bench.fake->ram[at], 0xee);
    bench_say(TX, "abc", 3);
    bench_expect(0, "abc");
}
END_TEST

START_TEST(buffer_outside_of_memory)
{
    struct part part = {FAKE_RAM + 0x1000, 16, _i == RX ? WRITE : 0};

    bench_start(0);
    driver_add(&bench.driver, (unsigned)_i, &part, 1);
    driver_kick(&bench.driver, (unsigned)_i);
    bench_send(0, "abc", 3);
    ck_assert_uint_eq(bench.fake->guest_errors, 1);
    ck_assert_uint_ne(driver_status(&bench.driver) & 0x40, 0);
    driver_write(&bench.driver, STATUS, 1, 0);
    fake_pump(bench.fake);
    bench_start(0);
    bench_say(TX, "well", 4);
    bench_expect(0, "well");
}
END_TEST

TCase *console_data_cases(void)
{
    TCase *cases = tcase_create("virtio-console data");

    tcase_add_checked_fixture(cases, begin, bench_close);
    tcase_add_test(cases, identity_5_3_1);
    tcase_add_test(cases, output);
    tcase_add_test(cases, output_in_pieces);
    tcase_add_test(cases, large_output);
    tcase_add_test(cases, huge_output);
    tcase_add_test(cases, slow_reader);
    tcase_add_test(cases, patience_has_an_end);
    tcase_add_test(cases, nobody_is_there);
    tcase_add_test(cases, reader_leaves);
    tcase_add_test(cases, input);
    tcase_add_test(cases, much_input);
    tcase_add_test(cases, receive_buffer_to_read_5_3_6_1);
    tcase_add_test(cases, transmit_buffer_to_write_5_3_6_1);
    tcase_add_loop_test(cases, buffer_outside_of_memory, 0, 2);
    return cases;
}

/* All of them, with rings of one format. */
static int run_all(const char *name)
{
    Suite *suite = suite_create(name);
    SRunner *runner;
    int failed;

    suite_add_tcase(suite, console_data_cases());
    suite_add_tcase(suite, console_control_cases());
    suite_add_tcase(suite, console_emergency_cases());
    suite_add_tcase(suite, console_size_cases());
    suite_add_tcase(suite, console_verb_cases());
    suite_add_tcase(suite, console_life_cases());
    suite_add_tcase(suite, rng_cases());
    suite_add_tcase(suite, rng_limit_cases());
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed;
}

int main(void)
{
    static const struct {
        const char *name;
        uint64_t formats;
    } run[] = {{"virtio-console and virtio-rng, split rings", 0},
               {"packed rings", F_PACKED},
               {"packed rings in order", F_PACKED | F_IN_ORDER},
               {"split rings in order", F_IN_ORDER}};
    int failed = 0;

    for (size_t i = 0; i < sizeof(run) / sizeof(run[0]); i++) {
        bench_formats = run[i].formats;
        failed += run_all(run[i].name);
    }
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
