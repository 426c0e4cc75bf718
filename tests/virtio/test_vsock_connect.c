/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections begin, from both sides, and what is no connection is refused (virtio 1.4 §5.10.3, §5.10.4, §5.10.6). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/virtio/test_vsock.h"

START_TEST(clause_5_10_3_2_offers_streams_that_are_not_implied)
{
    bench_create(4);
    ck_assert_uint_eq(driver_offered(&bench.driver) & 0x7, FEATURE_STREAM | FEATURE_NO_IMPLIED);
    bench_destroy();
}
END_TEST

/* Which features mean that there are streams. */
static const struct {
    uint64_t features;
    bool streams;
} agreed[] = {
    {0, true},
    {FEATURE_STREAM, true},
    {FEATURE_STREAM | FEATURE_NO_IMPLIED, true},
    {FEATURE_NO_IMPLIED, false},
};

START_TEST(clause_5_10_3_2_streams_as_agreed)
{
    bench_create(4);
    bench_start(agreed[_i].features, 8);
    if (agreed[_i].streams) {
        close(bench_connect(5, 80));
    } else {
        int far = bench_call();

        bench_send(OP_REQUEST, 5, 80);
        bench_expect(OP_RST, 5, 80);
        ck_assert_uint_eq(bench.connects, 0);
        dprintf(far, "CONNECT 1\n");
        bench_pump();
        ck_assert(bench_closed(far));
        close(far);
    }
    bench_destroy();
}
END_TEST

START_TEST(clause_5_10_4_guest_cid)
{
    bench_create(4);
    ck_assert_uint_eq(driver_read(&bench.driver, CONFIG, 4), GUEST_CID);
    ck_assert_uint_eq(driver_read(&bench.driver, CONFIG + 4, 4), 0);
    bench_destroy();
}
END_TEST

/* The table of properties keeps reserved ones out. */
START_TEST(clause_5_10_6_4_2_cid_is_not_reserved)
{
    const struct ioreqd_property *one;

    bench_create(4);
    one = bench.driver.model->property;
    while (strcmp(one->name, "cid") != 0) {
        one++;
    }
    ck_assert_uint_eq(one->minimum, 3);
    ck_assert_uint_eq(one->maximum, 0xfffffffe);
    bench_destroy();
}
END_TEST

START_TEST(clause_5_10_6_5_request_of_the_guest)
{
    int far;

    bench_begin();
    far = bench_connect(1234, 80);
    ck_assert_uint_eq(bench_used(), 1);
    bench_expect_nothing();
    close(far);
    bench_destroy();
}
END_TEST

START_TEST(clause_5_10_6_5_nobody_listens)
{
    static const int errors[] = {-ECONNREFUSED, -ENOENT, -EAGAIN, -EMFILE};

    bench_begin();
    for (unsigned i = 0; i < 4; i++) {
        bench.connect_error = errors[i];
        bench_send(OP_REQUEST, 1234, 80);
        bench_expect(OP_RST, 1234, 80);
    }
    ck_assert_uint_eq(bench_used(), 0);
    ck_assert_uint_eq(bench.warnings, 2); /* of what is out of the ordinary */
    bench_destroy();
}
END_TEST

START_TEST(clause_5_10_6_5_no_resources)
{
    int far[17];

    bench_begin();
    for (unsigned i = 0; i < 16; i++) {
        far[i] = bench_connect(100 + i, 80);
    }
    bench_send(OP_REQUEST, 99, 80);
    bench_expect(OP_RST, 99, 80);
    ck_assert_uint_eq(bench.connects, 16);
    far[16] = bench_call();
    ck_assert(bench_closed(far[16]));
    for (unsigned i = 0; i < 17; i++) {
        close(far[i]);
    }
    bench_destroy();
}
END_TEST

START_TEST(the_same_ports_with_another_one_differ)
{
    int one, two;
    char text[8] = "";

    bench_begin();
    one = bench_connect(5, 80);
    two = bench_connect(5, 81);
    bench_send_data(5, 81, "two", 3);
    bench_send_data(5, 80, "one", 3);
    ck_assert_int_eq(read(one, text, 8), 3);
    ck_assert_str_eq(text, "one");
    ck_assert_int_eq(read(two, text, 8), 3);
    ck_assert_str_eq(text, "two");
    close(one);
    close(two);
    bench_destroy();
}
END_TEST

START_TEST(a_second_request_breaks_it)
{
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    bench_send(OP_REQUEST, 5, 80);
    bench_expect(OP_RST, 5, 80);
    ck_assert(bench_closed(far));
    ck_assert_uint_eq(bench_used(), 0);
    close(far);
    bench_destroy();
}
END_TEST

START_TEST(clause_5_10_6_4_2_unknown_type)
{
    struct wire wire;
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    for (uint16_t type = 0; type < 4; type++) {
        wire = bench_wire(OP_REQUEST, 6, 80);
        wire.type = type;
        if (type != 1) {
            bench_send_wire(&wire, NULL, 0);
            wire = bench_expect(OP_RST, 6, 80);
            ck_assert_uint_eq(wire.type, type);
        }
    }
    ck_assert_uint_eq(bench.connects, 1);
    wire = bench_wire(OP_RST, 5, 80); /* of another type: no answer, and no connection's */
    wire.type = 2;
    bench_send_wire(&wire, NULL, 0);
    bench_expect_nothing();
    ck_assert_uint_eq(bench_used(), 1);
    close(far);
    bench_destroy();
}
END_TEST

START_TEST(unknown_operations)
{
    static const uint16_t operations[] = {0, 8, 0xffff};

    bench_begin();
    for (unsigned i = 0; i < 3; i++) {
        int far = bench_connect(5, 80);

        bench_send(operations[i], 5, 80);
        bench_expect(OP_RST, 5, 80);
        ck_assert(bench_closed(far));
        bench_send(operations[i], 5, 80);
        bench_expect(OP_RST, 5, 80);
        close(far);
    }
    bench_destroy();
}
END_TEST

START_TEST(packets_of_no_connection)
{
    bench_begin();
    for (uint16_t operation = OP_RESPONSE; operation <= OP_CREDIT_REQUEST; operation++) {
        bench_send(operation, 5, 80);
        if (operation != OP_RST) { /* which would be answered for ever */
            bench_expect(OP_RST, 5, 80);
        }
    }
    bench_expect_nothing();
    bench_destroy();
}
END_TEST

START_TEST(clause_5_10_6_4_1_other_cids)
{
    static const uint64_t sources[] = {0, 2, GUEST_CID + 1, UINT64_C(1) << 32 | GUEST_CID};
    static const uint64_t targets[] = {0, 1, GUEST_CID, UINT64_C(1) << 32 | 2};
    struct wire wire, answer;

    bench_begin();
    for (unsigned i = 0; i < 4; i++) {
        wire = bench_wire(OP_REQUEST, 5, 80);
        wire.src_cid = sources[i];
        bench_send_wire(&wire, NULL, 0);
        bench_expect_nothing();
    }
    ck_assert_uint_eq(bench.fake->guest_errors, 4);
    for (unsigned i = 0; i < 4; i++) {
        wire = bench_wire(OP_REQUEST, 5, 80);
        wire.dst_cid = targets[i];
        bench_send_wire(&wire, NULL, 0);
        ck_assert(bench_next(&answer, NULL));
        ck_assert_uint_eq(answer.operation, OP_RST);
        ck_assert_uint_eq(answer.src_cid, targets[i]);
        ck_assert_uint_eq(answer.dst_cid, GUEST_CID);
    }
    ck_assert_uint_eq(bench.connects, 0);
    bench_destroy();
}
END_TEST

/* ---- from the host ---- */

START_TEST(the_host_connects)
{
    uint32_t port, other;
    int far, second;

    bench_begin();
    far = bench_accept(52, &port);
    ck_assert_uint_ge(port, FIRST_HOST_PORT);
    second = bench_accept(52, &other);
    ck_assert_uint_ne(port, other);
    ck_assert_uint_eq(bench_used(), 2);
    close(far);
    close(second);
    bench_destroy();
}
END_TEST

/* What follows the line belongs to the guest, and comes after its response. */
START_TEST(bytes_behind_the_greeting)
{
    static const char text[] = "CONNECT 7\nhello\nCONNECT 8\n";
    struct wire wire;
    char data[4096] = "";
    int far;

    bench_begin();
    far = bench_call();
    for (unsigned i = 0; i < 5; i++) {
        ck_assert_int_eq(write(far, text + i, 1), 1);
        bench_pump();
    }
    ck_assert_int_eq(write(far, text + 5, sizeof(text) - 6), sizeof(text) - 6);
    bench_pump();
    ck_assert(bench_next(&wire, NULL));
    ck_assert_uint_eq(wire.operation, OP_REQUEST);
    bench_expect_nothing();
    bench_send(OP_RESPONSE, 7, wire.src_port);
    ck_assert(bench_next(&wire, data));
    ck_assert_uint_eq(wire.operation, OP_RW);
    ck_assert_uint_eq(wire.length, 16);
    ck_assert_str_eq(data, "hello\nCONNECT 8\n");
    close(far);
    bench_destroy();
}
END_TEST

static const struct {
    const char *text;
    bool good;
    uint32_t port;
} greetings[] = {
    {"CONNECT 0\n", true, 0},
    {"CONNECT 4294967294\n", true, 4294967294},
    {"CONNECT 12\r\n", true, 12},
    {"CONNECT 0000000012\n", true, 12},
    {"CONNECT 4294967295\n", false, 0},
    {"CONNECT 4294967308\n", false, 0},
    {"CONNECT 99999999999\n", false, 0},
    {"CONNECT \n", false, 0},
    {"CONNECT\n", false, 0},
    {"CONNECT -1\n", false, 0},
    {"CONNECT 1 \n", false, 0},
    {"connect 1\n", false, 0},
    {"CONNECT 1\r\r\n", false, 0},
    {"\n", false, 0},
    {"\r\n", false, 0},
    {"GET / HTTP/1.1\r\n", false, 0},
    {"a line that has no end although it has 32 bytes", false, 0},
};

#define GREETINGS (sizeof(greetings) / sizeof(greetings[0]))

START_TEST(what_a_greeting_is)
{
    struct wire wire;
    int far;

    bench_begin();
    far = bench_call();
    ck_assert_int_gt(write(far, greetings[_i].text, strlen(greetings[_i].text)), 0);
    bench_pump();
    ck_assert(bench_next(&wire, NULL) == greetings[_i].good);
    if (greetings[_i].good) {
        ck_assert_uint_eq(wire.operation, OP_REQUEST);
        ck_assert_uint_eq(wire.dst_port, greetings[_i].port);
    } else {
        ck_assert(bench_closed(far));
        ck_assert_uint_eq(bench_used(), 0);
    }
    close(far);
    bench_destroy();
}
END_TEST

START_TEST(who_says_nothing_is_sent_away)
{
    int silent, gone;

    bench_begin();
    silent = bench_call();
    gone = bench_call();
    close(gone);
    bench_pump();
    ck_assert_uint_eq(bench_used(), 1);
    bench_pass(4 * SECOND);
    ck_assert(!bench_closed(silent));
    bench_pass(2 * SECOND);
    ck_assert(bench_closed(silent));
    ck_assert_uint_eq(bench_used(), 0);
    bench_expect_nothing();
    close(silent);
    bench_destroy();
}
END_TEST

/* One timer serves them all. */
START_TEST(each_has_its_time)
{
    int first, second;

    bench_begin();
    first = bench_call();
    bench_pass(3 * SECOND);
    second = bench_call();
    bench_pass(3 * SECOND);
    ck_assert(bench_closed(first));
    ck_assert(!bench_closed(second));
    bench_pass(3 * SECOND);
    ck_assert(bench_closed(second));
    close(first);
    close(second);
    bench_destroy();
}
END_TEST

START_TEST(the_guest_refuses)
{
    struct wire wire;
    int far;

    bench_begin();
    far = bench_call();
    dprintf(far, "CONNECT 7\n");
    bench_pump();
    ck_assert(bench_next(&wire, NULL));
    bench_send(OP_RST, 7, wire.src_port);
    ck_assert(bench_closed(far));
    ck_assert_uint_eq(bench_used(), 0);
    bench_expect_nothing();
    close(far);
    bench_destroy();
}
END_TEST

START_TEST(the_guest_does_not_answer)
{
    struct wire wire;
    int far;

    bench_begin();
    far = bench_call();
    dprintf(far, "CONNECT 7\n");
    bench_pump();
    ck_assert(bench_next(&wire, NULL));
    bench_pass(6 * SECOND);
    ck_assert(bench_closed(far));
    bench_expect(OP_RST, 7, wire.src_port);
    ck_assert_uint_eq(bench_used(), 0);
    bench_send(OP_RESPONSE, 7, wire.src_port); /* too late */
    bench_expect(OP_RST, 7, wire.src_port);
    close(far);
    bench_destroy();
}
END_TEST

/* No driver has given buffers: it never hears of it. */
START_TEST(the_guest_was_never_asked)
{
    int far;

    bench_create(4);
    far = bench_call();
    dprintf(far, "CONNECT 7\n");
    bench_pump();
    bench_pass(6 * SECOND);
    ck_assert(bench_closed(far));
    ck_assert_uint_eq(bench_used(), 0);
    bench_start(0, 8);
    bench_expect_nothing();
    close(far);
    bench_destroy();
}
END_TEST

START_TEST(responses_without_requests)
{
    uint32_t port;
    int far;

    bench_begin();
    far = bench_accept(7, &port);
    bench_send(OP_RESPONSE, 7, port);
    bench_expect(OP_RST, 7, port);
    ck_assert(bench_closed(far));
    close(far);
    bench_destroy();
}
END_TEST

/* The host's process has left before the guest has answered. */
START_TEST(nobody_waits_for_the_response)
{
    struct wire wire;
    int far;

    bench_begin();
    far = bench_call();
    dprintf(far, "CONNECT 7\n");
    bench_pump();
    ck_assert(bench_next(&wire, NULL));
    close(far);
    bench_send(OP_RESPONSE, 7, wire.src_port);
    bench_expect(OP_RST, 7, wire.src_port);
    ck_assert_uint_eq(bench_used(), 0);
    bench_destroy();
}
END_TEST

TCase *vsock_connect_cases(void)
{
    TCase *cases = tcase_create("connect");

    tcase_add_test(cases, clause_5_10_3_2_offers_streams_that_are_not_implied);
    tcase_add_loop_test(cases, clause_5_10_3_2_streams_as_agreed, 0, 4);
    tcase_add_test(cases, clause_5_10_4_guest_cid);
    tcase_add_test(cases, clause_5_10_6_4_2_cid_is_not_reserved);
    tcase_add_test(cases, clause_5_10_6_5_request_of_the_guest);
    tcase_add_test(cases, clause_5_10_6_5_nobody_listens);
    tcase_add_test(cases, clause_5_10_6_5_no_resources);
    tcase_add_test(cases, the_same_ports_with_another_one_differ);
    tcase_add_test(cases, a_second_request_breaks_it);
    tcase_add_test(cases, clause_5_10_6_4_2_unknown_type);
    tcase_add_test(cases, unknown_operations);
    tcase_add_test(cases, packets_of_no_connection);
    tcase_add_test(cases, clause_5_10_6_4_1_other_cids);
    tcase_add_test(cases, the_host_connects);
    tcase_add_test(cases, bytes_behind_the_greeting);
    tcase_add_loop_test(cases, what_a_greeting_is, 0, GREETINGS);
    tcase_add_test(cases, who_says_nothing_is_sent_away);
    tcase_add_test(cases, each_has_its_time);
    tcase_add_test(cases, the_guest_refuses);
    tcase_add_test(cases, the_guest_does_not_answer);
    tcase_add_test(cases, the_guest_was_never_asked);
    tcase_add_test(cases, responses_without_requests);
    tcase_add_test(cases, nobody_waits_for_the_response);
    return cases;
}
