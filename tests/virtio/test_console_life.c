/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-console: emergency output, the terminal's size, properties, and its life: resets, rest, and memory out of reach. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/virtio/console_bench.h"

static void open_console(void)
{
    bench_open(console_module(bench_host())[0]);
    bench_give_stream("stream", 0);
    bench_give_stream("port1", 1);
}

static void begin(void)
{
    open_console();
    ck_assert_int_eq(bench_create(), 0);
}

static void urge(const char *text)
{
    for (; *text != 0; text++) {
        driver_write(&bench.driver, CONFIG + 8, 4, (unsigned char)*text | 0xabcd00u);
    }
}

/* ---- emergency output ---- */

/* 5.3.5.1: on an unconfigured device, and the lower byte of what is written. */
START_TEST(emergency_5_3_5_1)
{
    urge("help");
    bench_expect(0, "help");
    driver_write(&bench.driver, CONFIG + 8, 1, 'b');
    driver_write(&bench.driver, CONFIG + 8, 2, 'w');
    driver_write(&bench.driver, CONFIG + 9, 1, 'x'); /* no lower byte */
    driver_write(&bench.driver, CONFIG + 0, 4, 'x');
    bench_expect(0, "bw");
    ck_assert_uint_eq(driver_read(&bench.driver, CONFIG + 8, 4), 0);
}
END_TEST

/* 5.3.5.1: nor does it need the queues, or memory. */
START_TEST(emergency_of_a_broken_device_5_3_5_1)
{
    struct part part = {FAKE_RAM + 0x1000, 16, 0};

    bench_start(0);
    driver_add(&bench.driver, 1, &part, 1);
    driver_kick(&bench.driver, 1);
    ck_assert_uint_ne(driver_status(&bench.driver) & 0x40, 0);
    bench.fake->no_bus_master = true;
    urge("oops");
    bench_expect(0, "oops");
}
END_TEST

START_TEST(emergency_with_nobody_there)
{
    bench_connect(0, false);
    urge("line\r\n");
    bench_run();
    ck_assert_uint_eq(bench.lines, 1);
    ck_assert_ptr_nonnull(strstr(bench.line, "line"));
    urge("half\x01");
    bench_run();
    ck_assert_uint_eq(bench.lines, 1);
    urge("\n");
    bench_run();
    ck_assert_ptr_nonnull(strstr(bench.line, "half?"));
    for (unsigned i = 0; i < 300; i++) {
        urge("a");
        bench_run();
    }
    ck_assert_uint_eq(bench.lines, 4);
}
END_TEST

START_TEST(emergency_waits_for_room)
{
    bench.stream[0].room = 2;
    urge("abcd");
    bench_expect(0, "ab");
    bench.stream[0].room = 100;
    bench_expect(0, "cd");
    bench.stream[0].room = 0;
    for (unsigned i = 0; i < 300; i++) {
        urge("x");
    }
    bench_run();
    bench.stream[0].room = 1000;
    bench_run();
    ck_assert_uint_eq(bench.stream[0].out_length, 256);
    ck_assert_uint_eq(bench_counter("bytes-lost"), 44);
}
END_TEST

/* On its way when the host asks for rest: it goes out before or after, and not meanwhile. */
START_TEST(emergency_and_rest)
{
    urge("a");
    bench_rest();
    bench.model->write(fake_device(bench.fake), bench.state, 4, CONFIG + 8, 1, 'b');
    bench_run();
    bench_go_on();
    bench_expect(0, "ab");
}
END_TEST

/* ---- size ---- */

static uint32_t size_in_config(void)
{
    return driver_read(&bench.driver, CONFIG, 2) << 16 | driver_read(&bench.driver, CONFIG + 2, 2);
}

static void resize(unsigned stream, uint16_t columns, uint16_t rows)
{
    struct ioreqd_stream *one = &bench.stream[stream];

    one->columns = columns;
    one->rows = rows;
    ck_assert_uint_ne(one->wanted & IOREQD_RESIZED, 0);
    one->ready(one->argument, IOREQD_RESIZED);
    bench_run();
}

START_TEST(size_of_a_terminal_5_3_6)
{
    open_console();
    bench.stream[0].terminal = true;
    bench.stream[0].columns = 80;
    bench.stream[0].rows = 25;
    ck_assert_int_eq(bench_create(), 0);
    ck_assert_uint_ne(driver_offered(&bench.driver) & F_SIZE, 0);
    ck_assert_uint_eq(size_in_config(), 80 << 16 | 25);
    bench_start(F_SIZE);
    ck_assert_uint_eq(bench.messages[0], 0);
    resize(0, 300, 50);
    ck_assert_uint_eq(size_in_config(), 300 << 16 | 50);
    ck_assert_uint_eq(bench.messages[0], 1);
    resize(0, 300, 50);
    ck_assert_uint_eq(bench.messages[0], 1);
    bench_close();
}
END_TEST

START_TEST(size_nobody_asked_for)
{
    open_console();
    bench.stream[0].terminal = true;
    ck_assert_int_eq(bench_create(), 0);
    bench_start(0);
    resize(0, 300, 50);
    ck_assert_uint_eq(bench.messages[0], 0);
    bench_close();
}
END_TEST

/* The property stands in until the terminal says something, and where it never does. */
START_TEST(size_by_property)
{
    open_console();
    strcpy(bench_property("size"), "132x43");
    bench.stream[0].terminal = _i != 0;
    ck_assert_int_eq(bench_create(), 0);
    ck_assert_uint_ne(driver_offered(&bench.driver) & F_SIZE, 0);
    ck_assert_uint_eq(size_in_config(), 132 << 16 | 43);
    bench_start(F_SIZE);
    if (_i != 0) {
        resize(0, 100, 30);
        ck_assert_uint_eq(size_in_config(), 100 << 16 | 30);
        resize(0, 0, 0);
        ck_assert_uint_eq(size_in_config(), 132 << 16 | 43);
    }
    bench_close();
}
END_TEST

/* 5.3.6.2: columns first. */
START_TEST(size_of_a_port_5_3_6_2)
{
    open_console();
    *(uint8_t *)bench_property("console1") = 1;
    bench.stream[0].terminal = bench.stream[1].terminal = true;
    bench.stream[1].columns = 90;
    bench.stream[1].rows = 20;
    ck_assert_int_eq(bench_create(), 0);
    bench_start(F_SIZE | F_MULTIPORT);
    control_give(20);
    control_say(0, DEVICE_READY, 1);
    control_say(0, PORT_READY, 1);
    control_say(1, PORT_READY, 1);
    while (strcmp(control_hear(), "1 console 1") != 0) {
    }
    ck_assert_str_eq(control_hear(), "1 resize 90x20");
    ck_assert_str_eq(control_hear(), "1 open 1");
    resize(1, 91, 21);
    ck_assert_str_eq(control_hear(), "1 resize 91x21");
    resize(0, 81, 26);
    ck_assert_str_eq(control_hear(), "0 resize 81x26");
    ck_assert_uint_eq(size_in_config(), 81 << 16 | 26);
    ck_assert_str_eq(control_hear(), "");
    bench_close();
}
END_TEST

START_TEST(size_and_rest)
{
    open_console();
    bench.stream[0].terminal = true;
    ck_assert_int_eq(bench_create(), 0);
    bench_start(F_SIZE);
    bench_rest();
    resize(0, 100, 30);
    ck_assert_uint_eq(bench.messages[0], 0);
    bench_go_on();
    ck_assert_uint_eq(bench.messages[0], 1);
    ck_assert_uint_eq(size_in_config(), 100 << 16 | 30);
    bench_close();
}
END_TEST

START_TEST(properties_that_cannot_be)
{
    static const char *const sizes[] = {"80", "80x", "x25", "0x25", "80x0", "65536x1", "80x25x", "-1x5"};
    struct fake *fake;

    open_console();
    fake = bench.fake;
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        strcpy(bench_property("size"), sizes[i]);
        ck_assert_int_eq(bench_create(), -EINVAL);
        ck_assert_uint_eq(fake->property_errors, i + 1);
    }
    strcpy(bench_property("size"), "");
    strcpy(bench_property("name1"), "a/b");
    ck_assert_int_eq(bench_create(), -EINVAL);
    strcpy(bench_property("name1"), "same");
    strcpy(bench_property("name2"), "same");
    ck_assert_int_eq(bench_create(), -EINVAL);
    ck_assert_uint_eq(fake->property_errors, sizeof(sizes) / sizeof(sizes[0]) + 2);
    strcpy(bench_property("name2"), "other");
    bench.no_timer = true;
    ck_assert_int_eq(bench_create(), -ENOMEM);
    bench.no_timer = false;
    bench.stream[0].ready = bench.stream[1].ready = NULL;
    ck_assert_int_eq(bench_create(), 0);
    bench_close();
}
END_TEST

START_TEST(no_stream_at_all)
{
    bench_open(console_module(bench_host())[0]);
    ck_assert_int_eq(bench_create(), 0);
    bench_start(0);
    bench_say(1, "abc", 3);
    ck_assert(bench_done(1));
    bench_give(0, 64);
    urge("x\n");
    bench_run();
    ck_assert_uint_eq(bench.lines, 1);
    bench_close();
}
END_TEST

/* ---- life ---- */

static void reset(void)
{
    driver_write(&bench.driver, STATUS, 1, 0);
    bench_run();
    ck_assert_uint_eq(driver_status(&bench.driver), 0);
}

static void come_up(void)
{
    bench_start(F_MULTIPORT);
    control_give(10);
    control_say(0, DEVICE_READY, 1);
    ck_assert_str_eq(control_hear(), "0 add 0");
    ck_assert_str_eq(control_hear(), "1 add 0");
    control_say(1, PORT_READY, 1);
    ck_assert_str_eq(control_hear(), "1 open 1");
}

/* What was told is void, and half a buffer is no part of the next one. */
START_TEST(reset_forgets)
{
    come_up();
    bench.stream[1].room = 2;
    bench_say(5, "abcd", 4);
    reset();
    bench.stream[1].room = 100;
    bench_run();
    bench_expect(1, "ab");
    come_up();
    bench_say(5, "efgh", 4);
    bench_expect(1, "efgh");
}
END_TEST

/* 2.6.1: one queue alone. */
START_TEST(queue_reset_forgets)
{
    bench_start(F_MULTIPORT | F_RING_RESET);
    bench.stream[0].room = 2;
    bench_say(1, "abcd", 4);
    driver_select(&bench.driver, 1);
    driver_write(&bench.driver, QUEUE_RESET, 2, 1);
    fake_pump(bench.fake);
    ck_assert_uint_eq(driver_read(&bench.driver, QUEUE_RESET, 2), 0);
    bench.stream[0].room = 100;
    bench_run();
    driver_set_queue(&bench.driver, 1, QUEUE_BUFFERS);
    fake_pump(bench.fake);
    bench_say(1, "efgh", 4);
    bench_expect(0, "abefgh");
}
END_TEST

/* Nobody has to read or type before the device is quiet, and nothing is lost. */
START_TEST(rest_loses_nothing)
{
    char got[64];

    bench_start(0);
    bench.stream[0].room = 2;
    bench_say(1, "abcd", 4);
    bench_give(0, 64);
    bench_rest();
    ck_assert(!bench_done(1));
    bench.stream[0].room = 100;
    bench_send(0, "typed", 5);
    bench_go_on();
    bench_expect(0, "abcd");
    ck_assert(bench_done(1));
    ck_assert_int_eq(bench_got(0, got), 5);
    ck_assert_mem_eq(got, "typed", 5);
}
END_TEST

START_TEST(rest_and_reset)
{
    come_up();
    bench.stream[1].room = 2;
    bench_say(5, "abcd", 4);
    bench_rest();
    bench.model->reset(fake_device(bench.fake), bench.state, IOREQD_RESET_FUNCTION);
    bench_go_on();
    bench.stream[1].room = 100;
    bench_expect(1, "ab");
    come_up();
}
END_TEST

START_TEST(people_come_while_it_rests)
{
    come_up();
    bench_rest();
    bench_connect(1, false);
    ck_assert_str_eq(control_hear(), "");
    bench_go_on();
    ck_assert_str_eq(control_hear(), "1 open 0");
}
END_TEST

START_TEST(memory_out_of_reach)
{
    char got[64];

    come_up();
    control_say(1, PORT_OPEN, 1);
    bench_give(4, 64);
    bench.fake->no_bus_master = true;
    bench_send(1, "abc", 3);
    bench_connect(1, true);
    bench_say(5, "def", 3);
    bench_run();
    bench_expect(1, "");
    ck_assert_uint_eq(bench.stream[1].in_read, 0);
    bench.fake->no_bus_master = false;
    bench.model->bus_master(fake_device(bench.fake), bench.state, 1);
    bench_run();
    bench_expect(1, "def");
    ck_assert_int_eq(bench_got(4, got), 3);
    ck_assert_str_eq(control_hear(), "1 open 0");
    ck_assert_str_eq(control_hear(), "1 open 1");
}
END_TEST

/* In the midst of a turn. */
START_TEST(a_hole_in_bus_mastering)
{
    static const struct part parts[2] = {{BUFFERS, 4, 0}, {BUFFERS + 16, 4, 0}};

    bench_start(0);
    memcpy(bench.fake->ram + BUFFERS, "abcd", 4);
    memcpy(bench.fake->ram + BUFFERS + 16, "efgh", 4);
    bench.stream[0].room = 6;
    driver_add(&bench.driver, 1, parts, 2);
    driver_kick(&bench.driver, 1);
    bench.fake->no_bus_master = true;
    bench.stream[0].room = 100;
    bench_run();
    bench.fake->no_bus_master = false;
    bench.model->bus_master(fake_device(bench.fake), bench.state, 1);
    bench_expect(0, "abcdefgh");
    ck_assert(bench_done(1) && !bench_done(1));
}
END_TEST

/* The driver may end it between the taking of a buffer and the writing of a message. */
static int no_dma_write(struct ioreqd_device *device, uint64_t address, const void *from, size_t length)
{
    (void)device;
    (void)address;
    (void)from;
    (void)length;
    return -EIO;
}

START_TEST(a_message_that_cannot_be_written)
{
    struct ioreqd_host *host = bench_host();

    come_up();
    host->dma_write = no_dma_write;
    bench_connect(1, false);
    ck_assert_str_eq(control_hear(), "");
    host->dma_write = fake_host.dma_write;
    bench.model->bus_master(fake_device(bench.fake), bench.state, 1);
    bench_run();
    ck_assert_str_eq(control_hear(), "1 open 0");
}
END_TEST

START_TEST(successor)
{
    char got[64];

    come_up();
    control_say(1, PORT_OPEN, 1);
    bench.stream[1].room = 2;
    bench_say(5, "abcd", 4);
    bench_give(4, 64);
    bench_hand_over();
    ck_assert_str_eq(control_hear(), "");
    bench.stream[1].room = 100;
    bench_expect(1, "abcd");
    ck_assert(bench_done(5));
    bench_send(1, "in", 2);
    ck_assert_int_eq(bench_got(4, got), 2);
    bench_connect(1, false);
    ck_assert_str_eq(control_hear(), "1 open 0");
}
END_TEST

TCase *console_emergency_cases(void)
{
    TCase *cases = tcase_create("virtio-console emergency");

    tcase_add_checked_fixture(cases, begin, bench_close);
    tcase_add_test(cases, emergency_5_3_5_1);
    tcase_add_test(cases, emergency_of_a_broken_device_5_3_5_1);
    tcase_add_test(cases, emergency_with_nobody_there);
    tcase_add_test(cases, emergency_waits_for_room);
    tcase_add_test(cases, emergency_and_rest);
    return cases;
}

TCase *console_size_cases(void)
{
    TCase *cases = tcase_create("virtio-console size");

    tcase_add_test(cases, size_of_a_terminal_5_3_6);
    tcase_add_test(cases, size_nobody_asked_for);
    tcase_add_loop_test(cases, size_by_property, 0, 2);
    tcase_add_test(cases, size_of_a_port_5_3_6_2);
    tcase_add_test(cases, size_and_rest);
    tcase_add_test(cases, properties_that_cannot_be);
    tcase_add_test(cases, no_stream_at_all);
    return cases;
}

TCase *console_life_cases(void)
{
    TCase *cases = tcase_create("virtio-console life");

    tcase_add_checked_fixture(cases, begin, bench_close);
    tcase_add_test(cases, reset_forgets);
    tcase_add_test(cases, queue_reset_forgets);
    tcase_add_test(cases, rest_loses_nothing);
    tcase_add_test(cases, rest_and_reset);
    tcase_add_test(cases, people_come_while_it_rests);
    tcase_add_test(cases, memory_out_of_reach);
    tcase_add_test(cases, a_hole_in_bus_mastering);
    tcase_add_test(cases, a_message_that_cannot_be_written);
    tcase_add_test(cases, successor);
    return cases;
}
