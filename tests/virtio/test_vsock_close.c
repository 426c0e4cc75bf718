/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections end, one way or both, cleanly or not (virtio 1.4 §5.10.6.5). */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/virtio/test_vsock.h"

static void shut(uint32_t guest_port, uint32_t host_port, uint32_t flags)
{
    struct wire wire = bench_wire(OP_SHUTDOWN, guest_port, host_port);

    wire.flags = flags;
    bench_send_wire(&wire, NULL, 0);
}

START_TEST(clause_5_10_6_5_guest_disconnects)
{
    char text[8];
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    bench_send_data(5, 80, "bye", 3);
    shut(5, 80, SHUTDOWN_BOTH);
    bench_expect(OP_RST, 5, 80);
    bench_expect_nothing();
    ck_assert_uint_eq(bench_used(), 0);
    ck_assert_int_eq(read(far, text, sizeof(text)), 3);
    ck_assert_int_eq(read(far, text, sizeof(text)), 0);
    close(far);
    close(bench_connect(5, 80)); /* the ports can be used again */
    bench_destroy();
}
END_TEST

/* Hints are permanent: two packets make a whole (§5.10.6.5). */
START_TEST(clause_5_10_6_5_hints_add_up)
{
    int far;

    for (unsigned i = 0; i < 2; i++) {
        bench_begin();
        far = bench_connect(5, 80);
        shut(5, 80, i == 0 ? SHUTDOWN_SEND : SHUTDOWN_RECEIVE);
        bench_expect_nothing();
        shut(5, 80, 0);
        bench_expect_nothing();
        ck_assert_uint_eq(bench_used(), 1);
        shut(5, 80, i == 0 ? SHUTDOWN_RECEIVE : SHUTDOWN_SEND);
        bench_expect(OP_RST, 5, 80);
        ck_assert_uint_eq(bench_used(), 0);
        close(far);
        bench_destroy();
    }
}
END_TEST

START_TEST(guest_sends_no_more)
{
    char text[8];
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    bench_send_data(5, 80, "bye", 3);
    shut(5, 80, SHUTDOWN_SEND);
    ck_assert_int_eq(read(far, text, sizeof(text)), 3);
    ck_assert_int_eq(read(far, text, sizeof(text)), 0);
    ck_assert(!bench_closed(far));
    ck_assert_int_eq(write(far, "answer", 6), 6);
    bench_pump();
    ck_assert_uint_eq(bench_expect(OP_RW, 5, 80).length, 6);
    close(far); /* now both are done */
    bench_pump();
    ck_assert_uint_eq(bench_expect(OP_SHUTDOWN, 5, 80).flags, SHUTDOWN_BOTH);
    bench_send(OP_RST, 5, 80);
    ck_assert_uint_eq(bench_used(), 0);
    bench_destroy();
}
END_TEST

START_TEST(data_after_shutdown)
{
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    shut(5, 80, SHUTDOWN_SEND);
    bench_send_data(5, 80, "more", 4);
    bench_expect(OP_RST, 5, 80);
    ck_assert(bench_closed(far));
    close(far);
    bench_destroy();
}
END_TEST

START_TEST(guest_receives_no_more)
{
    char text[8];
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    shut(5, 80, SHUTDOWN_RECEIVE);
    ck_assert_int_eq(send(far, "x", 1, MSG_NOSIGNAL), -1);
    ck_assert_int_eq(errno, EPIPE);
    bench_pump();
    bench_expect_nothing();
    bench_send_data(5, 80, "still", 5);
    ck_assert_int_eq(read(far, text, sizeof(text)), 5);
    close(far);
    bench_send_data(5, 80, "gone", 4);
    bench_expect(OP_SHUTDOWN, 5, 80);
    bench_destroy();
}
END_TEST

START_TEST(host_sends_no_more)
{
    char text[8];
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    ck_assert_int_eq(write(far, "last", 4), 4);
    shutdown(far, SHUT_WR);
    bench_pump();
    ck_assert_uint_eq(bench_expect(OP_RW, 5, 80).length, 4);
    ck_assert_uint_eq(bench_expect(OP_SHUTDOWN, 5, 80).flags, SHUTDOWN_SEND);
    bench_expect_nothing();
    bench_send_data(5, 80, "answer", 6);
    ck_assert_int_eq(read(far, text, sizeof(text)), 6);
    shut(5, 80, SHUTDOWN_BOTH);
    bench_expect(OP_RST, 5, 80);
    ck_assert_int_eq(read(far, text, sizeof(text)), 0);
    ck_assert_uint_eq(bench_used(), 0);
    close(far);
    bench_destroy();
}
END_TEST

START_TEST(host_receives_no_more)
{
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    shutdown(far, SHUT_RD);
    for (unsigned i = 0; i < 40; i++) { /* all of it is taken, and lost */
        static const char bytes[4000];

        bench_send_data(5, 80, bytes, sizeof(bytes));
    }
    ck_assert_uint_eq(bench_expect(OP_SHUTDOWN, 5, 80).flags, SHUTDOWN_RECEIVE);
    for (struct wire wire; bench_next(&wire, NULL);) {
        ck_assert_uint_eq(wire.operation, OP_CREDIT_UPDATE);
    }
    ck_assert_int_eq(write(far, "still", 5), 5);
    bench_pump();
    ck_assert_uint_eq(bench_expect(OP_RW, 5, 80).length, 5);
    close(far);
    bench_pump();
    ck_assert_uint_eq(bench_expect(OP_SHUTDOWN, 5, 80).flags, SHUTDOWN_BOTH);
    bench_send(OP_RST, 5, 80);
    ck_assert_uint_eq(bench_used(), 0);
    bench_destroy();
}
END_TEST

START_TEST(clause_5_10_6_5_host_disconnects)
{
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    ck_assert_int_eq(write(far, "last", 4), 4);
    close(far);
    bench_pump();
    ck_assert_uint_eq(bench_expect(OP_RW, 5, 80).length, 4);
    ck_assert_uint_eq(bench_expect(OP_SHUTDOWN, 5, 80).flags, SHUTDOWN_BOTH);
    ck_assert_uint_eq(bench_used(), 1); /* the ports are not used again before the guest says so */
    bench_send_data(5, 80, "on its way", 10);
    bench_expect_nothing();
    bench_send(OP_RST, 5, 80);
    bench_expect_nothing();
    ck_assert_uint_eq(bench_used(), 0);
    bench_destroy();
}
END_TEST

START_TEST(clause_5_10_6_5_rst_is_not_waited_for_for_ever)
{
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    close(far);
    bench_pump();
    bench_expect(OP_SHUTDOWN, 5, 80);
    bench_pass(4 * SECOND);
    bench_expect_nothing();
    bench_pass(2 * SECOND);
    bench_expect(OP_RST, 5, 80);
    ck_assert_uint_eq(bench_used(), 0);
    bench_pass(100 * SECOND);
    bench_expect_nothing();
    bench_destroy();
}
END_TEST

START_TEST(both_disconnect)
{
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    close(far);
    bench_pump();
    bench_expect(OP_SHUTDOWN, 5, 80);
    shut(5, 80, SHUTDOWN_BOTH);
    bench_expect(OP_RST, 5, 80);
    ck_assert_uint_eq(bench_used(), 0);
    bench_destroy();
}
END_TEST

START_TEST(guest_resets)
{
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    bench_send(OP_RST, 5, 80);
    bench_expect_nothing();
    ck_assert(bench_closed(far));
    ck_assert_uint_eq(bench_used(), 0);
    close(far);
    bench_destroy();
}
END_TEST

/* ---- a slow host has all of it, though the guest has ended ---- */

/* The guest fills the socket and 20000 bytes of the buffer behind it: how many bytes in all. */
static uint32_t fill(void)
{
    static const uint8_t zeros[4000];
    const struct connection *connection = &bench.vsock->connections[0];
    uint32_t sent = 0;
    struct wire wire;

    while (connection->length < 20000) {
        bench_send_data(5, 80, zeros, sizeof(zeros));
        sent += 4000;
        while (bench_next(&wire, NULL)) {
            ck_assert_uint_eq(wire.operation, OP_CREDIT_UPDATE);
        }
    }
    return sent;
}

static uint32_t drain(int far)
{
    static uint8_t sink[5000];
    uint32_t got = 0;
    ssize_t count;

    while ((count = read(far, sink, sizeof(sink))) > 0) {
        got += (uint32_t)count;
        bench_pump();
    }
    return count == 0 ? got : 0;
}

START_TEST(last_bytes_before_the_reset)
{
    uint32_t sent;
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    sent = fill();
    shut(5, 80, SHUTDOWN_BOTH);
    bench_pass(8 * SECOND);
    bench_expect_nothing();
    ck_assert_uint_eq(drain(far), sent);
    bench_expect(OP_RST, 5, 80);
    ck_assert_uint_eq(bench_used(), 0);
    close(far);
    bench_destroy();
}
END_TEST

START_TEST(last_bytes_after_half_a_close)
{
    uint32_t sent;
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    sent = fill();
    shut(5, 80, SHUTDOWN_SEND);
    ck_assert_uint_eq(drain(far), sent);
    ck_assert_uint_eq(bench_used(), 1);
    close(far);
    bench_destroy();
}
END_TEST

/* The guest does not wait for our RST: Linux after 8 seconds. */
START_TEST(last_bytes_when_the_guest_has_forgotten)
{
    uint32_t sent;
    int far, again;

    bench_begin();
    far = bench_connect(5, 80);
    sent = fill();
    shut(5, 80, SHUTDOWN_BOTH);
    bench_send(OP_RST, 5, 80);
    again = bench_connect(5, 80);
    ck_assert_uint_eq(bench_used(), 2);
    ck_assert_uint_eq(drain(far), sent);
    ck_assert_uint_eq(bench_used(), 1);
    bench_expect_nothing();
    close(far);
    close(again);
    bench_destroy();
}
END_TEST

START_TEST(last_bytes_are_not_kept_for_ever)
{
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    (void)fill();
    shut(5, 80, SHUTDOWN_BOTH);
    bench_pass(31 * SECOND);
    bench_expect(OP_RST, 5, 80);
    ck_assert_uint_eq(bench_used(), 0);
    close(far);
    far = bench_connect(5, 80);
    (void)fill();
    shut(5, 80, SHUTDOWN_BOTH);
    bench_send(OP_RST, 5, 80);
    bench_pass(31 * SECOND);
    bench_expect_nothing();
    ck_assert_uint_eq(bench_used(), 0);
    close(far);
    bench_destroy();
}
END_TEST

START_TEST(host_leaves_before_the_last_bytes)
{
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    (void)fill();
    shut(5, 80, SHUTDOWN_BOTH);
    close(far);
    bench_pump();
    bench_expect(OP_RST, 5, 80);
    ck_assert_uint_eq(bench_used(), 0);
    bench_destroy();
}
END_TEST

TCase *vsock_close_cases(void)
{
    TCase *cases = tcase_create("close");

    tcase_add_test(cases, clause_5_10_6_5_guest_disconnects);
    tcase_add_test(cases, clause_5_10_6_5_hints_add_up);
    tcase_add_test(cases, guest_sends_no_more);
    tcase_add_test(cases, data_after_shutdown);
    tcase_add_test(cases, guest_receives_no_more);
    tcase_add_test(cases, host_sends_no_more);
    tcase_add_test(cases, host_receives_no_more);
    tcase_add_test(cases, clause_5_10_6_5_host_disconnects);
    tcase_add_test(cases, clause_5_10_6_5_rst_is_not_waited_for_for_ever);
    tcase_add_test(cases, both_disconnect);
    tcase_add_test(cases, guest_resets);
    tcase_add_test(cases, last_bytes_before_the_reset);
    tcase_add_test(cases, last_bytes_after_half_a_close);
    tcase_add_test(cases, last_bytes_when_the_guest_has_forgotten);
    tcase_add_test(cases, last_bytes_are_not_kept_for_ever);
    tcase_add_test(cases, host_leaves_before_the_last_bytes);
    return cases;
}
