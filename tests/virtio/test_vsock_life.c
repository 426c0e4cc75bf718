/* SPDX-License-Identifier: BSD-2-Clause */
/* Resets, pauses and moves of a virtio-vsock, and its properties (virtio 1.4 §5.10.6.7). */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/virtio/test_vsock.h"

#define EVENT_BUFFER 0xf8000u

static void quiesce(void)
{
    bench.driver.model->quiesce(fake_device(bench.fake), bench.vsock);
    bench_pump();
    ck_assert_uint_eq(bench.fake->quiesced, 1);
    bench.fake->quiesced = 0;
}

static void resume(void)
{
    bench.driver.model->resume(fake_device(bench.fake), bench.vsock);
    bench_pump();
}

static void give_event_buffer(uint32_t length)
{
    struct part part = {.address = EVENT_BUFFER, .length = length, .flags = WRITE};

    memset(bench.fake->ram + EVENT_BUFFER, 0xff, 8);
    driver_add(&bench.driver, QUEUE_EVENT, &part, 1);
    driver_kick(&bench.driver, QUEUE_EVENT);
    bench_pump();
}

START_TEST(a_driver_resets_the_device)
{
    int far;

    bench_begin();
    for (unsigned round = 0; round < 3; round++) {
        far = bench_connect(5, 80);
        bench_send(OP_RW, 9, 80); /* whose answer is not taken */
        driver_write(&bench.driver, STATUS, 1, 0);
        bench_pump();
        ck_assert_uint_eq(driver_status(&bench.driver), 0);
        ck_assert(bench_closed(far));
        ck_assert_uint_eq(bench_used(), 0);
        close(far);
        bench_start(0, QUEUE_SIZE);
        bench_expect_nothing();
    }
    bench_destroy();
}
END_TEST

/* By way of configuration space, and with a new driver at once. */
START_TEST(nothing_of_the_last_driver_reaches_the_next)
{
    int far;

    bench_create(4);
    bench_start(0, 0);
    bench_send(OP_REQUEST, 5, 80);
    far = bench.far;
    bench_send(OP_RW, 9, 80);
    driver_write(&bench.driver, STATUS, 1, 0); /* the loop has not turned when the next one starts */
    driver_negotiate(&bench.driver, F_VERSION_1);
    for (uint16_t i = 0; i < QUEUES; i++) {
        driver_set_queue(&bench.driver, i, QUEUE_SIZE);
    }
    bench_lay_out(4, 4096);
    driver_write(&bench.driver, STATUS, 1, 0xf);
    bench_pump();
    bench_expect_nothing();
    ck_assert(bench_closed(far));
    close(far);
    bench_destroy();
}
END_TEST

START_TEST(the_function_is_reset)
{
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    quiesce();
    bench.driver.model->reset(fake_device(bench.fake), bench.vsock, IOREQD_RESET_FUNCTION);
    bench.driver.model->reset(fake_device(bench.fake), bench.vsock, IOREQD_RESET_BUS);
    resume();
    ck_assert(bench_closed(far));
    ck_assert_uint_eq(bench_used(), 0);
    close(far);
    bench_start(0, QUEUE_SIZE);
    far = bench_connect(5, 80);
    quiesce();
    resume();
    ck_assert(!bench_closed(far)); /* the reset was once */
    close(far);
    bench_destroy();
}
END_TEST

START_TEST(a_pause_is_quiet)
{
    struct wire wire;
    unsigned accesses;
    char text[8];
    int far, late;

    bench_begin();
    far = bench_connect(5, 80);
    quiesce();
    ck_assert_int_eq(write(far, "hello", 5), 5);
    wire = bench_wire(OP_RW, 5, 80);
    wire.length = 2;
    bench_put(&wire, "hi", 2);
    accesses = bench.fake->accesses;
    bench.calls = 0;
    driver_kick(&bench.driver, QUEUE_TX); /* one that was under way */
    bench_pass(100 * SECOND);
    late = bench_call();
    ck_assert_uint_eq(bench.fake->accesses, accesses);
    ck_assert_uint_eq(bench.calls, 0);
    resume();
    ck_assert_uint_eq(bench_expect(OP_RW, 5, 80).length, 5);
    ck_assert_int_eq(read(far, text, sizeof(text)), 2);
    ck_assert(!bench_closed(late));
    bench_expect_nothing();
    close(far);
    close(late);
    bench_destroy();
}
END_TEST

/* Waits do not run out while nobody could answer. */
START_TEST(a_pause_stops_the_clock)
{
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    close(far);
    bench_pump();
    bench_expect(OP_SHUTDOWN, 5, 80);
    bench_pass(3 * SECOND);
    quiesce();
    bench_pass(100 * SECOND);
    resume();
    bench_pass(1 * SECOND);
    bench_expect_nothing();
    bench_pass(2 * SECOND);
    bench_expect(OP_RST, 5, 80);
    bench_destroy();
}
END_TEST

START_TEST(clause_5_10_6_7_no_event_where_nothing_was_lost)
{
    uint32_t id, length;

    bench_begin();
    give_event_buffer(4);
    quiesce();
    resume();
    ck_assert(!driver_used(&bench.driver, QUEUE_EVENT, &id, &length));
    bench_destroy();
}
END_TEST

/*
 * Stands for a process that takes over a device whose driver runs: it has the registers, which tell that, and knows
 * nothing of connections.
 */
START_TEST(clause_5_10_6_7_transport_reset)
{
    uint32_t id, length, event;

    bench_begin();
    if (_i == 0) {
        give_event_buffer(4);
    }
    quiesce();
    bench.vsock->session = false;
    resume();
    if (_i == 1) { /* it is kept until there is a buffer */
        give_event_buffer(4);
    }
    ck_assert(driver_used(&bench.driver, QUEUE_EVENT, &id, &length));
    ck_assert_uint_eq(length, 4);
    memcpy(&event, bench.fake->ram + EVENT_BUFFER, 4);
    ck_assert_uint_eq(event, 0);
    give_event_buffer(8);
    quiesce();
    resume();
    ck_assert(!driver_used(&bench.driver, QUEUE_EVENT, &id, &length)); /* once */
    close(bench_connect(5, 80));
    bench_destroy();
}
END_TEST

START_TEST(event_buffers_that_are_too_small)
{
    bench_begin();
    quiesce();
    bench.vsock->session = false;
    resume();
    give_event_buffer(3);
    ck_assert_uint_eq(driver_status(&bench.driver) & 0x40, 0x40);
    bench_destroy();
}
END_TEST

/* The loop ends in the middle, as when the process is told to end at once. */
START_TEST(destroyed_while_it_works)
{
    uint32_t port;
    int far[3];

    bench_begin();
    far[0] = bench_connect(5, 80);
    far[1] = bench_accept(7, &port);
    far[2] = bench_call();
    bench_send(9, 5, 80);
    bench_destroy();
    for (unsigned i = 0; i < 3; i++) {
        ck_assert(bench_closed(far[i]));
        close(far[i]);
    }
}
END_TEST

static void *place_of(const struct ioreqd_model *model, void *state, const char *name)
{
    const struct ioreqd_property *one = model->property;

    while (strcmp(one->name, name) != 0) {
        one++;
    }
    return (char *)state + one->offset;
}

START_TEST(properties)
{
    const struct ioreqd_model *model;
    struct driver driver;
    struct vsock *state;

    bench_create(4);
    model = bench.driver.model;
    state = calloc(1, model->state_size);
    *(uint32_t *)place_of(model, state, "cid") = 3;
    *(uint32_t *)place_of(model, state, "connections") = 1;
    *(uint64_t *)place_of(model, state, "buffer") = 4096;
    *(uint32_t *)place_of(model, state, "queue-size") = 3;
    ck_assert_int_lt(driver_begin(&driver, bench.fake, model, state), 0);
    ck_assert_str_eq(bench.fake->text, "3 is no power of 2: use one from 2 to 32768");
    *(uint32_t *)place_of(model, state, "queue-size") = 2;
    *(uint64_t *)place_of(model, state, "buffer") = 5000;
    ck_assert_int_lt(driver_begin(&driver, bench.fake, model, state), 0);
    ck_assert_str_eq(bench.fake->text, "5000 is no multiple of 4096: use one, as 64k");
    free(state);
    bench_destroy();
}
END_TEST

TCase *vsock_life_cases(void)
{
    TCase *cases = tcase_create("life");

    tcase_add_test(cases, a_driver_resets_the_device);
    tcase_add_test(cases, nothing_of_the_last_driver_reaches_the_next);
    tcase_add_test(cases, the_function_is_reset);
    tcase_add_test(cases, a_pause_is_quiet);
    tcase_add_test(cases, a_pause_stops_the_clock);
    tcase_add_test(cases, clause_5_10_6_7_no_event_where_nothing_was_lost);
    tcase_add_loop_test(cases, clause_5_10_6_7_transport_reset, 0, 2);
    tcase_add_test(cases, event_buffers_that_are_too_small);
    tcase_add_test(cases, destroyed_while_it_works);
    tcase_add_test(cases, properties);
    return cases;
}
