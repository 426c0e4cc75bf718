/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes of connections, and the credit for them (virtio 1.4 §5.10.6.3, §5.10.6.4). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/virtio/test_vsock.h"

#define PIECE 4000u

START_TEST(both_ways)
{
    char data[4096] = "", text[16] = "";
    struct wire wire;
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    bench_send_data(5, 80, "hello", 5);
    ck_assert_int_eq(read(far, text, sizeof(text)), 5);
    ck_assert_str_eq(text, "hello");
    ck_assert_int_eq(write(far, "you", 3), 3);
    bench_pump();
    ck_assert(bench_next(&wire, data));
    ck_assert_uint_eq(wire.operation, OP_RW);
    ck_assert_uint_eq(wire.length, 3);
    ck_assert_str_eq(data, "you");
    ck_assert_uint_eq(wire.fwd_cnt, 5);
    ck_assert_uint_eq(wire.buf_alloc, BUFFER);
    bench_expect_nothing();
    bench_send_data(5, 80, "", 0);
    bench_expect_nothing();
    close(far);
    bench_destroy();
}
END_TEST

/* Buffers may be longer than the packet says (§5.10.6). */
START_TEST(clause_5_10_6_only_len_bytes)
{
    struct wire wire;
    char text[16] = "";
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    wire = bench_wire(OP_RW, 5, 80);
    wire.length = 3;
    bench_send_wire(&wire, "hello", 5);
    ck_assert_int_eq(read(far, text, sizeof(text)), 3);
    ck_assert_str_eq(text, "hel");
    close(far);
    bench_destroy();
}
END_TEST

START_TEST(a_packet_shorter_than_it_says)
{
    struct wire wire;
    char text[16];
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    wire = bench_wire(OP_RW, 5, 80);
    wire.length = 6;
    bench_send_wire(&wire, "hello", 5);
    bench_expect(OP_RST, 5, 80);
    ck_assert_int_eq(read(far, text, sizeof(text)), 0);
    ck_assert_uint_eq(bench_used(), 0);
    close(far);
    bench_destroy();
}
END_TEST

/* Header and payload cut anywhere (§2.7.4.2). */
START_TEST(packets_in_pieces)
{
    struct wire wire;
    uint8_t bytes[sizeof(wire) + 10];
    struct part parts[8];
    char text[16] = "";
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    wire = bench_wire(OP_RW, 5, 80);
    wire.length = 10;
    memcpy(bytes, &wire, sizeof(wire));
    memcpy(bytes + sizeof(wire), "0123456789", 10);
    for (unsigned i = 0, at = 0; i < 8; i++) {
        uint32_t length = i < 7 ? 7 : (uint32_t)sizeof(bytes) - at;

        parts[i] = (struct part){.address = 0xf0000 + 0x100 * i, .length = length};
        memcpy(bench.fake->ram + parts[i].address, bytes + at, length);
        at += length;
    }
    driver_add(&bench.driver, QUEUE_TX, parts, 8);
    driver_kick(&bench.driver, QUEUE_TX);
    bench_pump();
    ck_assert_int_eq(read(far, text, sizeof(text)), 10);
    ck_assert_str_eq(text, "0123456789");
    close(far);
    bench_destroy();
}
END_TEST

/* ---- credit of the guest ---- */

/* Fills the socket and the buffer behind it, with as much as the guest knows to have room: how many bytes. */
static uint32_t fill(uint32_t guest_port, uint32_t host_port)
{
    static const uint8_t zeros[PIECE];
    uint32_t sent = 0, told = 0;
    struct wire wire;

    for (;;) {
        uint32_t room = BUFFER - (sent - told);

        room = room < PIECE ? room : PIECE;
        if (room == 0) {
            return sent;
        }
        bench_send_data(guest_port, host_port, zeros, room);
        sent += room;
        while (bench_next(&wire, NULL)) {
            if (wire.operation != OP_CREDIT_UPDATE) {
                return 0;
            }
            told = wire.fwd_cnt;
        }
    }
}

START_TEST(clause_5_10_6_3_slow_host_bounds_the_guest)
{
    static uint8_t sink[1 << 20];
    uint32_t sent, got = 0;
    struct wire wire;
    ssize_t count;
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    sent = fill(5, 80);
    ck_assert_uint_ge(sent, BUFFER);
    ck_assert_uint_eq(bench.vsock->connections[0].length, BUFFER); /* exactly */
    bench_expect_nothing();
    /* One byte more than it has credit for. */
    bench_send_data(5, 80, "x", 1);
    bench_expect(OP_RST, 5, 80);
    while ((count = read(far, sink, sizeof(sink))) > 0) {
        got += (uint32_t)count;
    }
    ck_assert_uint_eq(got, sent - BUFFER); /* it was forcibly disconnected */
    close(far);
    far = bench_connect(6, 80);
    sent = fill(6, 80);
    got = 0;
    while (got < sent) { /* as the host reads, the guest hears of room */
        count = read(far, sink, 10000);
        ck_assert_int_gt(count, 0);
        got += (uint32_t)count;
        bench_pump();
    }
    uint32_t last = 0;
    unsigned updates = 0;
    while (bench_next(&wire, NULL)) {
        ck_assert_uint_eq(wire.operation, OP_CREDIT_UPDATE);
        ck_assert_uint_gt(wire.fwd_cnt, last);
        last = wire.fwd_cnt;
        updates++;
    }
    ck_assert_uint_eq(sent - last < BUFFER / 2, 1); /* it never waits for less than half of the buffer */
    ck_assert_uint_gt(updates, 0);
    ck_assert_uint_le(updates, 8);
    close(far);
    bench_destroy();
}
END_TEST

/* Credit that the guest was not told of is none, though there would be room. */
START_TEST(credit_is_what_was_told)
{
    static const uint8_t zeros[PIECE];
    static uint8_t sink[BUFFER];
    struct wire wire;
    int far;

    bench_create(4);
    bench_start(0, 1); /* one buffer, for the response */
    bench_send(OP_REQUEST, 5, 80);
    ck_assert(bench_take(&wire, NULL));
    far = bench.far;
    for (unsigned i = 0; i < BUFFER / PIECE; i++) {
        bench_send_data(5, 80, zeros, PIECE);
        while (read(far, sink, sizeof(sink)) > 0) {
        }
    }
    bench_send_data(5, 80, zeros, BUFFER % PIECE);
    ck_assert_uint_eq(bench.vsock->connections[0].state, CONNECTION_ESTABLISHED);
    ck_assert_uint_eq(bench.vsock->connections[0].length, 0);
    bench_send_data(5, 80, zeros, 1);
    ck_assert_uint_eq(bench.vsock->connections[0].state, CONNECTION_RESETTING);
    close(far);
    bench_destroy();
}
END_TEST

START_TEST(clause_5_10_6_3_credit_request)
{
    struct wire wire;
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    bench_send_data(5, 80, "hello", 5);
    bench_send(OP_CREDIT_REQUEST, 5, 80);
    wire = bench_expect(OP_CREDIT_UPDATE, 5, 80);
    ck_assert_uint_eq(wire.buf_alloc, BUFFER);
    ck_assert_uint_eq(wire.fwd_cnt, 5);
    close(far);
    bench_destroy();
}
END_TEST

/* ---- credit of the device ---- */

START_TEST(clause_5_10_6_3_2_device_keeps_to_the_credit)
{
    static uint8_t bytes[1000];
    struct wire wire;
    int far;

    bench_begin();
    wire = bench_wire(OP_REQUEST, 5, 80);
    wire.buf_alloc = 100;
    bench_send_wire(&wire, NULL, 0);
    far = bench.far;
    bench_expect(OP_RESPONSE, 5, 80);
    ck_assert_int_eq(write(far, bytes, sizeof(bytes)), sizeof(bytes));
    bench_pump();
    wire = bench_expect(OP_RW, 5, 80);
    ck_assert_uint_eq(wire.length, 100);
    bench_expect(OP_CREDIT_REQUEST, 5, 80);
    bench_expect_nothing();
    for (unsigned i = 0; i < 3; i++) { /* no news, and no second question */
        wire = bench_wire(OP_CREDIT_UPDATE, 5, 80);
        wire.buf_alloc = 100;
        bench_send_wire(&wire, NULL, 0);
        bench_expect_nothing();
    }
    wire.fwd_cnt = 40; /* any packet tells */
    wire.operation = OP_RW;
    bench_send_wire(&wire, NULL, 0);
    wire = bench_expect(OP_RW, 5, 80);
    ck_assert_uint_eq(wire.length, 40);
    bench_expect(OP_CREDIT_REQUEST, 5, 80);
    wire = bench_wire(OP_CREDIT_UPDATE, 5, 80);
    wire.buf_alloc = 10; /* it made its buffer smaller */
    wire.fwd_cnt = 60;
    bench_send_wire(&wire, NULL, 0);
    bench_expect_nothing();
    wire.fwd_cnt = 141; /* more than was ever sent */
    bench_send_wire(&wire, NULL, 0);
    bench_expect_nothing();
    wire.fwd_cnt = 140;
    wire.buf_alloc = UINT32_MAX;
    bench_send_wire(&wire, NULL, 0);
    wire = bench_expect(OP_RW, 5, 80);
    ck_assert_uint_eq(wire.length, 860);
    bench_expect_nothing();
    close(far);
    bench_destroy();
}
END_TEST

START_TEST(credit_wraps)
{
    struct connection connection = {.guest_buf_alloc = 100};

    connection.sent = 50;
    connection.guest_fwd_cnt = UINT32_MAX - 9;
    ck_assert_uint_eq(vsock_receive_credit(&connection), 40);
    connection.sent = 90;
    ck_assert_uint_eq(vsock_receive_credit(&connection), 0);
    connection.sent = 91;
    ck_assert_uint_eq(vsock_receive_credit(&connection), 0);
    connection.sent = UINT32_MAX - 9;
    ck_assert_uint_eq(vsock_receive_credit(&connection), 100);
}
END_TEST

/* The counters of a long connection pass 2^32. */
START_TEST(counters_wrap)
{
    static uint8_t data[4096], sink[4096];
    struct connection *connection;
    struct wire wire;
    uint32_t fwd = UINT32_MAX - 5000;
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    connection = &bench.vsock->connections[0];
    connection->received = connection->forwarded = connection->told = fwd;
    connection->sent = connection->guest_fwd_cnt = fwd;
    for (unsigned i = 0; i < 20; i++) {
        wire = bench_wire(OP_RW, 5, 80);
        wire.length = PIECE;
        wire.fwd_cnt = fwd + 4096 * i;
        wire.buf_alloc = 4096;
        bench_send_wire(&wire, data, PIECE);
        ck_assert_int_eq(read(far, sink, sizeof(sink)), PIECE);
        ck_assert_int_eq(write(far, data, 4096), 4096);
        bench_pump();
        do {
            ck_assert(bench_next(&wire, NULL));
        } while (wire.operation == OP_CREDIT_UPDATE || wire.operation == OP_CREDIT_REQUEST);
        ck_assert_uint_eq(wire.operation, OP_RW);
        ck_assert_uint_eq(wire.fwd_cnt, fwd + PIECE * (i + 1));
        ck_assert_uint_eq(wire.length, 4096 - 44);
        ck_assert(bench_next(&wire, NULL));
        ck_assert_uint_eq(wire.length, 44);
    }
    close(far);
    bench_destroy();
}
END_TEST

/* ---- a lot of bytes ---- */

#define LINES 6u
#define STEPS 6000u

/* A connection, and what both ends know of it. Byte i of a direction is a function of i. */
struct line {
    int far;
    uint32_t guest_port, host_port;
    uint32_t to_host, at_host;      /* bytes sent by the guest, and read by the host */
    uint32_t to_guest, at_guest;    /* bytes written by the host, and received by the guest */
    uint32_t told_buffer, told_fwd; /* of the device */
    uint32_t used;                  /* bytes that the guest's program has taken */
};

static uint8_t byte_at(const struct line *line, uint32_t at, unsigned direction)
{
    return (uint8_t)((at >> 8) * 31 + at * 7 + line->guest_port + direction * 101);
}

static unsigned random_below(unsigned limit)
{
    return (unsigned)rand() / 7 % limit;
}

static bool is_right(const struct line *line, const uint8_t *bytes, uint32_t count, uint32_t from, unsigned direction)
{
    bool right = true;

    for (uint32_t i = 0; i < count; i++) {
        right = right && bytes[i] == byte_at(line, from + i, direction);
    }
    return right;
}

static void guest_sends(struct line *line)
{
    uint32_t room = line->told_buffer - (line->to_host - line->told_fwd);
    uint32_t count = random_below(PIECE);
    struct wire wire = bench_wire(OP_RW, line->guest_port, line->host_port);
    uint8_t bytes[PIECE];

    count = count < room ? count : room;
    for (uint32_t i = 0; i < count; i++) {
        bytes[i] = byte_at(line, line->to_host + i, 0);
    }
    wire.length = count;
    wire.buf_alloc = 10000;
    wire.fwd_cnt = line->used;
    if (count == 0) {
        wire.operation = OP_CREDIT_UPDATE;
    }
    line->to_host += count;
    bench_send_wire(&wire, bytes, count);
}

static void guest_receives(struct line *lines)
{
    uint8_t bytes[4096];
    struct wire wire;

    while (bench_take(&wire, bytes)) {
        struct line *line = &lines[wire.dst_port - 100];

        line->told_buffer = wire.buf_alloc;
        line->told_fwd = wire.fwd_cnt;
        ck_assert(wire.operation == OP_RW || wire.operation == OP_CREDIT_UPDATE || wire.operation == OP_CREDIT_REQUEST);
        ck_assert(is_right(line, bytes, wire.length, line->at_guest, 1));
        line->at_guest += wire.length;
        ck_assert_uint_le(line->at_guest - line->used, 10000);
    }
}

static void host_sends(struct line *line)
{
    uint8_t bytes[PIECE];
    uint32_t count = random_below(PIECE);
    ssize_t written;

    for (uint32_t i = 0; i < count; i++) {
        bytes[i] = byte_at(line, line->to_guest + i, 1);
    }
    written = write(line->far, bytes, count);
    line->to_guest += written > 0 ? (uint32_t)written : 0;
}

static void host_receives(struct line *line, uint32_t most)
{
    static uint8_t bytes[1 << 20];
    ssize_t count = read(line->far, bytes, random_below(most));

    if (count > 0) {
        ck_assert(is_right(line, bytes, (uint32_t)count, line->at_host, 0));
        line->at_host += (uint32_t)count;
    }
}

START_TEST(no_byte_is_lost_or_moved)
{
    struct line lines[LINES];
    unsigned buffers = 0, left = 1;

    srand((unsigned)_i + 1);
    bench_begin();
    bench.socket_room = _i % 2 == 0 ? 0 : 5000; /* then most goes through the buffers */
    for (unsigned i = 0; i < LINES; i++) {
        lines[i] = (struct line){.guest_port = 100 + i, .told_buffer = BUFFER};
        if (i % 2 == 0) {
            lines[i].host_port = 80;
            lines[i].far = bench_connect(lines[i].guest_port, 80);
        } else {
            lines[i].far = bench_accept(lines[i].guest_port, &lines[i].host_port);
        }
        struct wire wire = bench_wire(OP_CREDIT_UPDATE, lines[i].guest_port, lines[i].host_port);

        wire.buf_alloc = 10000;
        bench_send_wire(&wire, NULL, 0);
    }
    for (unsigned step = 0; step < STEPS; step++) {
        struct line *line = &lines[random_below(LINES)];

        switch (random_below(6)) {
        case 0:
        case 1:
            guest_sends(line);
            break;
        case 2:
            host_sends(line);
            bench_pump();
            break;
        case 3:
            host_receives(line, line->guest_port % 3 == 0 ? 500 : 20000);
            bench_pump();
            break;
        case 4:
            line->used += random_below(line->at_guest - line->used + 1);
            break;
        default:
            guest_receives(lines);
            while (buffers > 0 && random_below(8) != 0) {
                buffers--;
                bench_give(1, 45 + random_below(4000));
            }
            buffers = QUEUE_SIZE -
                      (uint16_t)(bench.driver.queue[QUEUE_RX].available - bench.driver.queue[QUEUE_RX].seen_used);
            break;
        }
    }
    for (unsigned step = 0; left != 0; step++) { /* and all that is under way arrives */
        ck_assert_uint_lt(step, 10000);
        left = 0;
        for (unsigned i = 0; i < LINES; i++) {
            guest_receives(lines);
            lines[i].used = lines[i].at_guest;
            guest_sends(&lines[i]);
            host_receives(&lines[i], 1 << 20);
            bench_pump();
            left += lines[i].at_guest != lines[i].to_guest;
        }
        buffers =
            QUEUE_SIZE - (uint16_t)(bench.driver.queue[QUEUE_RX].available - bench.driver.queue[QUEUE_RX].seen_used);
        bench_give(buffers, 4096);
    }
    for (unsigned i = 0; i < LINES; i++) {
        while (lines[i].at_host != lines[i].to_host) {
            host_receives(&lines[i], 1 << 20);
            bench_pump();
        }
        ck_assert_uint_gt(lines[i].at_host, 100000);
        ck_assert_uint_gt(lines[i].at_guest, 100000);
        close(lines[i].far);
    }
    ck_assert_uint_eq(bench.fake->guest_errors, 0);
    bench_destroy();
}
END_TEST

TCase *vsock_data_cases(void)
{
    TCase *cases = tcase_create("data");

    tcase_add_test(cases, both_ways);
    tcase_add_test(cases, clause_5_10_6_only_len_bytes);
    tcase_add_test(cases, a_packet_shorter_than_it_says);
    tcase_add_test(cases, packets_in_pieces);
    tcase_add_test(cases, clause_5_10_6_3_slow_host_bounds_the_guest);
    tcase_add_test(cases, credit_is_what_was_told);
    tcase_add_test(cases, clause_5_10_6_3_credit_request);
    tcase_add_test(cases, clause_5_10_6_3_2_device_keeps_to_the_credit);
    tcase_add_test(cases, credit_wraps);
    tcase_add_test(cases, counters_wrap);
    tcase_add_loop_test(cases, no_byte_is_lost_or_moved, 0, 4);
    return cases;
}
