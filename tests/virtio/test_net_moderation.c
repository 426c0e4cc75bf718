/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits of interrupts for one queue (virtio 1.4 §5.1.9.5.10, VQ_NOTF_COAL). Those for all are in test_net_life.c. */
#include <string.h>

#include "tests/virtio/net_driver.h"

enum { SET_TRANSMIT, SET_RECEIVE, SET_QUEUE, GET_QUEUE };

#define SEVERAL (PLAIN | NET_BIT(NET_F_MQ))

static void begin(void)
{
    net_plan_default();
    plan.queues = 2;
    ck_assert_int_eq(net_create(), 0);
    net_start(SEVERAL);
}

static uint8_t set_all(unsigned direction, uint32_t packets, uint32_t microseconds)
{
    uint32_t data[2] = {packets, microseconds};

    return net_command(CLASS_MODERATE, (uint8_t)direction, data, 8);
}

static uint8_t set_queue(uint16_t queue, uint32_t packets, uint32_t microseconds)
{
    uint32_t data[3] = {queue | 0xbeef0000u, packets, microseconds}; /* what is reserved is ignored */

    return net_command(CLASS_MODERATE, SET_QUEUE, data, 12);
}

static uint8_t get_queue(uint16_t queue, uint32_t limits[2])
{
    uint32_t data = queue | 0xdead0000u;

    memset(limits, 0xff, 8);
    return net_query(CLASS_MODERATE, GET_QUEUE, &data, 4, limits, 8);
}

static void has(uint16_t queue, uint32_t packets, uint32_t microseconds)
{
    uint32_t limits[2];

    ck_assert_uint_eq(get_queue(queue, limits), ACK_OK_);
    ck_assert_uint_eq(limits[0], packets);
    ck_assert_uint_eq(limits[1], microseconds);
}

static void has_none(uint16_t queue)
{
    uint32_t limits[2];

    ck_assert_uint_eq(set_queue(queue, 1, 1), ACK_ERR_);
    ck_assert_uint_eq(get_queue(queue, limits), ACK_ERR_);
    ck_assert_uint_eq(limits[0] | limits[1], 0); /* nothing of the host's is in there */
}

static void reset_queue(uint16_t queue)
{
    driver_select(&driver, queue);
    driver_write(&driver, QUEUE_RESET, 2, 1);
    fake_pump(fake);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_RESET, 2), 0);
}

static void deliver(unsigned packets)
{
    for (unsigned i = 0; i < packets; i++) {
        fake_network_deliver(network, 0, NULL, net_packet(0, 60), 60);
    }
    fake_network_run(network, fake);
}

/* The example of the standard, command for command. */
START_TEST(last_one_holds)
{
    for (uint16_t queue = 0; queue < 4; queue++) {
        has(queue, 0, 0);
    }
    ck_assert_uint_eq(set_all(SET_RECEIVE, 10, 11), ACK_OK_);
    has(0, 10, 11);
    has(2, 10, 11);
    has(1, 0, 0);
    has(3, 0, 0);
    ck_assert_uint_eq(set_queue(0, 20, 21), ACK_OK_);
    has(0, 20, 21);
    has(2, 10, 11);
    ck_assert_uint_eq(set_queue(1, 30, 31), ACK_OK_);
    has(1, 30, 31);
    has(3, 0, 0);
    ck_assert_uint_eq(set_all(SET_TRANSMIT, 40, UINT32_MAX), ACK_OK_);
    has(1, 40, UINT32_MAX);
    has(3, 40, UINT32_MAX);
    has(0, 20, 21);
    net_restart(SEVERAL);
    for (uint16_t queue = 0; queue < 4; queue++) {
        has(queue, 0, 0);
    }
}
END_TEST

/* They hold for that queue's interrupts, and for no other's. */
START_TEST(one_queue_waits)
{
    uint16_t pairs = 2;

    ck_assert_uint_eq(net_command(CLASS_PAIRS, 0, &pairs, 2), ACK_OK_);
    ck_assert_uint_eq(set_queue(TX(0), 3, 1000), ACK_OK_);
    for (unsigned i = 0; i < 2; i++) {
        net_send(0, NULL, net_packet(1, 60), 60);
        net_send(1, NULL, net_packet(1, 60), 60);
    }
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 0);
    ck_assert_uint_eq(fake->msix[TX(1) + 1], 2);
    net_send(0, NULL, net_packet(1, 60), 60);
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 1);
    net_send(0, NULL, net_packet(1, 60), 60);
    fake_time_pass(fake, 1000000);
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 2);
    net_send(0, NULL, net_packet(1, 60), 60);
    ck_assert_uint_eq(set_queue(TX(0), 1, 1000), ACK_OK_); /* met already */
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 3);
}
END_TEST

/* What is no enabled queue for packets has none. */
START_TEST(which_queues)
{
    has_none(4); /* the control queue */
    has_none(5);
    has_none(0x8000);
    has_none(UINT16_MAX);
    reset_queue(TX(1));
    has_none(TX(1));
    driver_set_queue(&driver, TX(1), SIZE);
    has(TX(1), 0, 0);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
}
END_TEST

/* Without MQ the third queue is the control queue, though there may be more. */
START_TEST(which_queues_without_mq)
{
    net_restart(PLAIN);
    has(0, 0, 0);
    has(1, 0, 0);
    has_none(2);
    has_none(3);
}
END_TEST

/* A queue that the driver has never enabled. */
START_TEST(queue_that_was_never_enabled)
{
    driver_write(&driver, STATUS, 1, 0);
    fake_pump(fake);
    driver_negotiate(&driver, SEVERAL);
    driver_set_queue(&driver, 0, SIZE);
    driver_set_queue(&driver, 1, SIZE);
    driver_set_queue(&driver, 4, SIZE);
    driver_write(&driver, STATUS, 1, 0xf);
    fake_pump(fake);
    has(1, 0, 0);
    has_none(2);
    has_none(3);
}
END_TEST

/* Enabled again, it has what its direction has: 0, or what was said for all, even while it was disabled. */
START_TEST(queue_that_was_reset)
{
    ck_assert_uint_eq(set_queue(RX(0), 5, 1000), ACK_OK_);
    ck_assert_uint_eq(set_queue(TX(0), 6, 1000), ACK_OK_);
    reset_queue(RX(0));
    driver_set_queue(&driver, RX(0), SIZE);
    has(RX(0), 0, 0);
    has(TX(0), 6, 1000);
    net_give_all(0);
    fake->msix[RX(0) + 1] = 0;
    deliver(1);
    ck_assert_uint_eq(fake->msix[RX(0) + 1], 1); /* at once */
    ck_assert_uint_eq(set_all(SET_RECEIVE, 2, 1000), ACK_OK_);
    ck_assert_uint_eq(set_queue(RX(0), 9, 1000), ACK_OK_);
    reset_queue(RX(0));
    driver_set_queue(&driver, RX(0), SIZE);
    has(RX(0), 2, 1000);
    net_give_all(0);
    fake->msix[RX(0) + 1] = 0;
    deliver(1);
    ck_assert_uint_eq(fake->msix[RX(0) + 1], 0);
    deliver(1);
    ck_assert_uint_eq(fake->msix[RX(0) + 1], 1);
    reset_queue(RX(0));
    ck_assert_uint_eq(set_all(SET_RECEIVE, 3, 1000), ACK_OK_);
    driver_set_queue(&driver, RX(0), SIZE);
    has(RX(0), 3, 1000);
    net_give_all(0);
    fake->msix[RX(0) + 1] = 0;
    deliver(2);
    ck_assert_uint_eq(fake->msix[RX(0) + 1], 0);
    deliver(1);
    ck_assert_uint_eq(fake->msix[RX(0) + 1], 1);
}
END_TEST

/* Data and answers of another length than the commands have: an error, in the last byte where there is room for all. */
START_TEST(malformed)
{
    static const uint32_t data[4];
    uint8_t result[20];

    for (uint32_t length = 0; length <= 14; length++) {
        ck_assert_uint_eq(net_command(CLASS_MODERATE, SET_QUEUE, data, length), length == 12 ? ACK_OK_ : ACK_ERR_);
        ck_assert_uint_eq(net_query(CLASS_MODERATE, GET_QUEUE, data, length, result, 8),
                          length == 4 ? ACK_OK_ : ACK_ERR_);
    }
    ck_assert_uint_eq(net_command(CLASS_MODERATE, GET_QUEUE, data, 4), ACK_ERR_); /* no room but for the answer */
    ck_assert_uint_eq(driver_status(&driver), 0xf);
}
END_TEST

/* A buffer with less room than the result has, or with more: the answer is where it can be. */
START_TEST(room_for_the_result)
{
    static const uint8_t get[] = {CLASS_MODERATE, GET_QUEUE, 1, 0, 0, 0};
    static const uint32_t place[] = {1, 4, 8, 9, 20};
    uint32_t room = place[_i], at = room >= 9 ? 8 : 0, id, used;
    struct part parts[2] = {{BUFFER(0), sizeof(get), 0}, {BUFFER(1), room, WRITE}};

    ck_assert_uint_eq(set_queue(1, 0x01020304, 0x05060708), ACK_OK_);
    memcpy(fake->ram + BUFFER(0), get, sizeof(get));
    memset(fake->ram + BUFFER(1), NOT_ANSWERED, 32);
    driver_add(&driver, control_queue(), parts, 2);
    driver_kick(&driver, control_queue());
    ck_assert(driver_used(&driver, control_queue(), &id, &used));
    ck_assert_uint_eq(used, at + 1);
    ck_assert_uint_eq(fake->ram[BUFFER(1) + at], at == 8 ? ACK_OK_ : ACK_ERR_);
    ck_assert_uint_eq(fake->ram[BUFFER(1) + at + 1], NOT_ANSWERED);
    ck_assert_uint_eq(fake->ram[BUFFER(1)], at == 8 ? 4 : ACK_ERR_);
}
END_TEST

/* Each of the two features has its own commands, and needs the control queue alone. */
START_TEST(either_feature)
{
    static const uint32_t queue;

    net_restart(SEVERAL & ~NET_BIT(NET_F_NOTF_COAL));
    ck_assert_uint_eq(set_all(SET_RECEIVE, 1, 1), ACK_ERR_);
    ck_assert_uint_eq(set_queue(0, 7, 8), ACK_OK_);
    has(0, 7, 8);
    net_restart(SEVERAL & ~NET_BIT(NET_F_VQ_NOTF_COAL));
    ck_assert_uint_eq(set_all(SET_RECEIVE, 1, 1), ACK_OK_);
    ck_assert_uint_eq(set_queue(0, 7, 8), ACK_ERR_);
    ck_assert_uint_eq(net_command(CLASS_MODERATE, GET_QUEUE, &queue, 4), ACK_ERR_);
}
END_TEST

TCase *net_moderation_cases(void)
{
    TCase *tcase = tcase_create("virtio-net moderation of a queue");

    tcase_add_checked_fixture(tcase, begin, net_teardown);
    tcase_add_test(tcase, last_one_holds);
    tcase_add_test(tcase, one_queue_waits);
    tcase_add_test(tcase, which_queues);
    tcase_add_test(tcase, which_queues_without_mq);
    tcase_add_test(tcase, queue_that_was_never_enabled);
    tcase_add_test(tcase, queue_that_was_reset);
    tcase_add_test(tcase, malformed);
    tcase_add_loop_test(tcase, room_for_the_result, 0, 5);
    tcase_add_test(tcase, either_feature);
    return tcase;
}
