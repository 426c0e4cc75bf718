/* SPDX-License-Identifier: BSD-2-Clause */
/* Full and empty queues, many connections, and drivers that break rules (virtio 1.4 §5.10.6.1, §5.10.6.4). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/virtio/test_vsock.h"

#define NEEDS_RESET 0x40u

/* Nothing that the guest is to be told is lost while it has no buffers. */
START_TEST(clause_5_10_6_1_2_transmit_goes_on_without_receive_buffers)
{
    struct wire wire;
    unsigned seen[8] = {0};
    uint32_t data = 0;
    int far[6];

    bench_create(16);
    bench_start(0, 0);
    for (unsigned i = 0; i < 5; i++) {
        bench_send(OP_REQUEST, 100 + i, 80);
        far[i] = bench.far;
    }
    bench_send(OP_REQUEST, 200, 3000); /* nobody */
    bench_send_data(100, 80, "hello", 5);
    bench_send(OP_CREDIT_REQUEST, 101, 80);
    ck_assert_int_eq(write(far[2], "hello", 5), 5);
    close(far[3]);
    bench_send(9, 104, 80);
    far[5] = bench_call();
    dprintf(far[5], "CONNECT 7\n");
    bench_pump();
    bench_expect_nothing();
    for (unsigned i = 0; i < 64 && bench.calls < 1000; i++) {
        bench_pump();
    }
    ck_assert_uint_lt(bench.calls, 50); /* and nobody turns round for nothing */
    for (unsigned i = 0; i < 20; i++) {
        bench_give(1, 4096);
        while (bench_take(&wire, NULL)) {
            seen[wire.operation]++;
            data += wire.length;
            ck_assert(wire.operation != OP_RST || wire.dst_port == 200 || wire.dst_port == 104);
        }
    }
    ck_assert_uint_eq(seen[OP_RESPONSE], 4); /* 104 was reset before it had one */
    ck_assert_uint_eq(seen[OP_RST], 2);
    ck_assert_uint_eq(seen[OP_REQUEST], 1);
    ck_assert_uint_eq(seen[OP_RW], 1);
    ck_assert_uint_eq(data, 5);
    ck_assert_uint_eq(seen[OP_SHUTDOWN], 1);
    ck_assert_uint_eq(seen[OP_CREDIT_UPDATE], 0); /* the response has told */
    for (unsigned i = 0; i < 6; i++) {
        if (i != 3) {
            close(far[i]);
        }
    }
    bench_destroy();
}
END_TEST

/* A socket that is not watched because its bytes cannot go on is watched again once they have. */
START_TEST(bytes_wait_for_receive_buffers)
{
    struct wire wire;
    int far;

    bench_create(4);
    bench_start(0, 1);
    bench_send(OP_REQUEST, 5, 80);
    far = bench.far;
    ck_assert(bench_take(&wire, NULL));
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 3; i++) {
            ck_assert_int_eq(write(far, "hello", 5), 5);
            bench_pump();
        }
        bench_expect_nothing();
        bench_give(1, 4096);
        ck_assert(bench_take(&wire, NULL));
        ck_assert_uint_eq(wire.operation, OP_RW);
        ck_assert_uint_eq(wire.length, 15);
    }
    bench_expect_nothing();
    bench_give(1, 4096);
    bench_expect_nothing();
    ck_assert_int_eq(write(far, "x", 1), 1);
    bench_pump();
    ck_assert(bench_take(&wire, NULL));
    ck_assert_uint_eq(wire.length, 1);
    close(far);
    bench_destroy();
}
END_TEST

/* Resets that no connection keeps are bounded, and none is lost: the guest's packets wait. */
START_TEST(clause_5_10_6_1_resources_are_bounded)
{
    const unsigned most = 3 * RESETS;
    unsigned sent = 0, got = 0;
    struct wire wire;
    uint32_t id, length;

    bench_create(4);
    bench_start(0, 0);
    for (; sent < RESETS; sent++) {
        wire = bench_wire(OP_RW, 1000 + sent, 80);
        bench_send_wire(&wire, NULL, 0);
        ck_assert(driver_used(&bench.driver, QUEUE_TX, &id, &length));
    }
    for (unsigned i = 0; i < 10; i++, sent++) {
        wire = bench_wire(OP_RW, 1000 + sent, 80);
        bench_send_wire(&wire, NULL, 0);
        ck_assert(!driver_used(&bench.driver, QUEUE_TX, &id, &length));
    }
    while (got < sent) {
        bench_give(1, 4096);
        ck_assert(bench_take(&wire, NULL));
        ck_assert_uint_eq(wire.operation, OP_RST);
        ck_assert_uint_eq(wire.dst_port, 1000 + got);
        got++;
        if (sent < most) {
            wire = bench_wire(OP_RW, 1000 + sent++, 80);
            bench_send_wire(&wire, NULL, 0);
        }
    }
    ck_assert_uint_eq(sent, most);
    while (driver_used(&bench.driver, QUEUE_TX, &id, &length)) {
    }
    ck_assert_uint_eq((uint16_t)(bench.driver.queue[QUEUE_TX].available - bench.driver.queue[QUEUE_TX].seen_used), 0);
    bench_expect_nothing();
    bench_destroy();
}
END_TEST

START_TEST(connections_take_turns)
{
    static const uint8_t bytes[60000];
    unsigned got[4] = {0};
    struct wire wire;
    int far[4];

    bench_begin();
    for (unsigned i = 0; i < 4; i++) {
        far[i] = bench_connect(100 + i, 80);
    }
    for (unsigned i = 0; i < QUEUE_SIZE; i++) { /* use up the buffers that are there */
        ck_assert_int_eq(write(far[0], bytes, 1), 1);
        bench_pump();
        ck_assert(bench_take(&wire, NULL));
    }
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_int_gt(write(far[i], bytes, sizeof(bytes)), 40000);
    }
    bench_pump();
    for (unsigned i = 0; i < 40; i++) {
        bench_give(1, 1024);
        ck_assert(bench_take(&wire, NULL));
        ck_assert_uint_eq(wire.length, 1024 - 44);
        got[wire.dst_port - 100]++;
    }
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(got[i], 10);
        close(far[i]);
    }
    bench_destroy();
}
END_TEST

/* A guest that floods with what is no connection does not keep bytes from another. */
START_TEST(resets_take_turns_with_connections)
{
    static const uint8_t bytes[20000];
    unsigned data = 0;
    struct wire wire;
    int far;

    bench_create(4);
    bench_start(0, 1);
    far = bench_connect(5, 80);
    ck_assert_int_eq(write(far, bytes, sizeof(bytes)), sizeof(bytes));
    for (unsigned i = 0; i < 50; i++) {
        bench_send(OP_RW, 1000 + i, 80);
    }
    while (bench_take(&wire, NULL)) {
    }
    for (unsigned i = 0; i < 20; i++) {
        bench_give(1, 544);
        ck_assert(bench_take(&wire, NULL));
        data += wire.operation == OP_RW;
    }
    ck_assert_uint_eq(data, 10);
    close(far);
    bench_destroy();
}
END_TEST

START_TEST(a_thousand_connections)
{
    static int far[1024];
    char one;

    bench_create(1024);
    bench_start(0, QUEUE_SIZE);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 1024; i++) {
            far[i] = bench_connect(i, 80);
        }
        bench_send(OP_REQUEST, 5000, 80);
        bench_expect(OP_RST, 5000, 80);
        for (unsigned i = 0; i < 1024; i++) {
            bench_send_data(i, 80, "x", 1);
            if (read(far[i], &one, 1) != 1) {
                ck_abort_msg("connection %u has no byte", i);
            }
        }
        for (unsigned i = 0; i < 1024; i++) {
            bench_send(OP_RST, i, 80);
            close(far[i]);
        }
        ck_assert_uint_eq(bench_used(), 0);
        ck_assert_ptr_null(bench.vsock->first_output);
        for (unsigned i = 0; i <= bench.vsock->bucket_mask; i++) {
            if (bench.vsock->bucket[i] != NULL) {
                ck_abort_msg("bucket %u is not empty", i);
            }
        }
    }
    bench_destroy();
}
END_TEST

/* ---- drivers that break rules ---- */

START_TEST(receive_buffers_that_are_too_small)
{
    int far;

    bench_create(4);
    bench_start(0, 0);
    bench_give(1, 43);
    ck_assert_uint_eq(driver_status(&bench.driver) & NEEDS_RESET, 0); /* it is not looked at before it is needed */
    bench_send(OP_REQUEST, 5, 80);
    far = bench.far;
    ck_assert_uint_eq(driver_status(&bench.driver) & NEEDS_RESET, NEEDS_RESET);
    ck_assert_uint_eq(bench.fake->guest_errors, 1);
    driver_write(&bench.driver, STATUS, 1, 0);
    bench_pump();
    ck_assert(bench_closed(far));
    close(far);
    bench_destroy();
}
END_TEST

/* Room for a header is enough for all but data, which waits. */
START_TEST(receive_buffers_without_room_for_data)
{
    struct wire wire;
    int far;

    bench_create(4);
    bench_start(0, 0);
    bench_give(1, 44);
    bench_send(OP_REQUEST, 5, 80);
    far = bench.far;
    ck_assert(bench_take(&wire, NULL));
    ck_assert_uint_eq(wire.operation, OP_RESPONSE);
    ck_assert_int_eq(write(far, "hello", 5), 5);
    bench_pump();
    bench_give(1, 44);
    ck_assert(bench_take(&wire, NULL));
    ck_assert_uint_eq(wire.operation, OP_CREDIT_UPDATE);
    bench_give(1, 45);
    ck_assert(bench_take(&wire, NULL));
    ck_assert_uint_eq(wire.operation, OP_RW);
    ck_assert_uint_eq(wire.length, 1);
    close(far);
    bench_destroy();
}
END_TEST

START_TEST(receive_buffers_outside_of_memory)
{
    struct part part = {.address = FAKE_RAM - 20, .length = 4096, .flags = WRITE};
    int far;

    bench_create(4);
    bench_start(0, 0);
    driver_add(&bench.driver, QUEUE_RX, &part, 1);
    driver_kick(&bench.driver, QUEUE_RX);
    bench_send(OP_REQUEST, 5, 80);
    far = bench.far;
    ck_assert_uint_eq(driver_status(&bench.driver) & NEEDS_RESET, NEEDS_RESET);
    close(far);
    bench_destroy();
}
END_TEST

START_TEST(data_buffers_outside_of_memory)
{
    struct part parts[] = {{.address = 0xf0000, .length = 44, .flags = WRITE},
                           {.address = FAKE_RAM - 2, .length = 4096, .flags = WRITE}};
    int far;

    bench_create(4);
    bench_start(0, 1);
    far = bench_connect(5, 80);
    bench_pump();
    struct wire wire;
    bench_send(OP_CREDIT_REQUEST, 5, 80); /* uses up the last good one */
    ck_assert(bench_take(&wire, NULL));
    driver_add(&bench.driver, QUEUE_RX, parts, 2);
    driver_kick(&bench.driver, QUEUE_RX);
    ck_assert_int_eq(write(far, "hello", 5), 5);
    bench_pump();
    ck_assert_uint_eq(driver_status(&bench.driver) & NEEDS_RESET, NEEDS_RESET);
    close(far);
    bench_destroy();
}
END_TEST

/* Takes bus mastering away when bytes are on their way into memory. */
static int map_and_lose(struct ioreqd_device *device, uint64_t address, size_t length, enum ioreqd_direction direction,
                        struct iovec *iov, uint64_t *pin, unsigned count)
{
    int pieces = fake_host.dma_map(device, address, length, direction, iov, pin, count);

    bench.fake->no_bus_master = true;
    return pieces;
}

START_TEST(bytes_lost_in_between)
{
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    bench_host.dma_map = map_and_lose;
    ck_assert_int_eq(write(far, "hello", 5), 5);
    bench_pump();
    ck_assert(bench_closed(far));
    bench_host.dma_map = fake_host.dma_map;
    bench.fake->no_bus_master = false;
    bench.driver.model->bus_master(fake_device(bench.fake), bench.vsock, 1);
    bench_pump();
    struct wire wire;
    ck_assert(driver_used_index(&bench.driver, QUEUE_RX) >= 2);
    uint32_t id, length;
    ck_assert(driver_used(&bench.driver, QUEUE_RX, &id, &length)); /* the buffer that was to have them */
    ck_assert_uint_eq(length, 0);
    ck_assert(bench_take(&wire, NULL));
    ck_assert_uint_eq(wire.operation, OP_RST);
    close(far);
    bench_destroy();
}
END_TEST

START_TEST(packets_without_a_header)
{
    struct part part = {.address = 0xf0000};
    uint32_t id, length;

    bench_begin();
    for (uint32_t bytes = 1; bytes < 44; bytes += 42) {
        part.length = bytes;
        driver_add(&bench.driver, QUEUE_TX, &part, 1);
        driver_kick(&bench.driver, QUEUE_TX);
        ck_assert(driver_used(&bench.driver, QUEUE_TX, &id, &length));
        ck_assert_uint_eq(length, 0);
    }
    part = (struct part){.address = 0xf0000, .length = 4096, .flags = WRITE}; /* nothing to be read */
    driver_add(&bench.driver, QUEUE_TX, &part, 1);
    driver_kick(&bench.driver, QUEUE_TX);
    ck_assert(driver_used(&bench.driver, QUEUE_TX, &id, &length));
    ck_assert_uint_eq(bench.fake->guest_errors, 3);
    bench_expect_nothing();
    ck_assert_uint_eq(driver_status(&bench.driver) & NEEDS_RESET, 0);
    bench_destroy();
}
END_TEST

START_TEST(packets_outside_of_memory)
{
    struct wire wire = bench_wire(OP_RW, 5, 80);
    struct part parts[] = {{.address = 0xf0000, .length = sizeof(wire)}, {.address = FAKE_RAM - 2, .length = 100}};
    int far;

    bench_begin();
    far = bench_connect(5, 80);
    wire.length = 100;
    memcpy(bench.fake->ram + 0xf0000, &wire, sizeof(wire));
    driver_add(&bench.driver, QUEUE_TX, parts, 2);
    driver_kick(&bench.driver, QUEUE_TX);
    bench_pump();
    ck_assert_uint_eq(driver_status(&bench.driver) & NEEDS_RESET, NEEDS_RESET);
    close(far);
    bench_destroy();
}
END_TEST

/* Many pieces of memory: more than can be mapped are copied. */
START_TEST(data_in_many_pieces)
{
    static uint8_t bytes[4000], back[4096];
    struct wire wire;
    int far;

    bench_begin();
    bench.fake->piece = 8;
    far = bench_connect(5, 80);
    memset(bytes, 7, sizeof(bytes));
    bench_send_data(5, 80, bytes, sizeof(bytes));
    bench_pump();
    ck_assert_int_eq(read(far, back, sizeof(back)), sizeof(bytes));
    ck_assert_mem_eq(bytes, back, sizeof(bytes));
    bench.fake->piece = 64;
    ck_assert_int_eq(write(far, bytes, sizeof(bytes)), sizeof(bytes));
    bench_pump();
    ck_assert(bench_next(&wire, back));
    ck_assert_mem_eq(bytes, back, sizeof(bytes));
    close(far);
    bench_destroy();
}
END_TEST

TCase *vsock_queue_cases(void)
{
    TCase *cases = tcase_create("queues");

    tcase_add_test(cases, clause_5_10_6_1_2_transmit_goes_on_without_receive_buffers);
    tcase_add_test(cases, bytes_wait_for_receive_buffers);
    tcase_add_test(cases, clause_5_10_6_1_resources_are_bounded);
    tcase_add_test(cases, connections_take_turns);
    tcase_add_test(cases, resets_take_turns_with_connections);
    tcase_add_test(cases, a_thousand_connections);
    tcase_add_test(cases, receive_buffers_that_are_too_small);
    tcase_add_test(cases, receive_buffers_without_room_for_data);
    tcase_add_test(cases, receive_buffers_outside_of_memory);
    tcase_add_test(cases, data_buffers_outside_of_memory);
    tcase_add_test(cases, bytes_lost_in_between);
    tcase_add_test(cases, packets_without_a_header);
    tcase_add_test(cases, packets_outside_of_memory);
    tcase_add_test(cases, data_in_many_pieces);
    return cases;
}
