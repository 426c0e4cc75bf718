/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-net over its life: several pairs, moderation of interrupts, resets, and the host that wants quiet. */
#include <limits.h>
#include <string.h>

#include "tests/virtio/net_driver.h"

static void begin(void)
{
    net_plan_default();
    plan.queues = 2;
    ck_assert_int_eq(net_create(), 0);
}

static uint8_t set_pairs(uint16_t pairs)
{
    return net_command(CLASS_PAIRS, 0, &pairs, 2);
}

static void deliver(unsigned pair, unsigned packets)
{
    for (unsigned i = 0; i < packets; i++) {
        fake_network_deliver(network, pair, NULL, net_packet(0, 60), 60);
    }
    fake_network_run(network, fake);
}

/* §5.1.9.5.6.2: only the first pair until the driver says so, and then as many as it says. */
START_TEST(pairs)
{
    net_start(PLAIN | NET_BIT(NET_F_MQ));
    net_give_all(0);
    net_give_all(1);
    ck_assert_uint_eq(network->pair[1].wanted, 0);
    deliver(1, 1);
    ck_assert_uint_eq(net_used(RX(1)), 0);
    ck_assert_uint_eq(set_pairs(2), ACK_OK_);
    ck_assert_uint_eq(network->queue_pairs, 2);
    ck_assert_uint_eq(net_used(RX(1)), 1);
    deliver(1, 3);
    ck_assert_uint_eq(net_used(RX(1)), 3);
    ck_assert_uint_eq(fake->msix[RX(1) + 1], 2);
    net_send(1, NULL, net_packet(1, 60), 60);
    ck_assert_uint_eq(network->pair[1].out.count, 1);
    ck_assert_uint_eq(set_pairs(1), ACK_OK_);
    ck_assert_uint_eq(network->queue_pairs, 1);
    deliver(1, 1);
    ck_assert_uint_eq(net_used(RX(1)), 0);
    ck_assert_uint_eq(network->pair[1].wanted, 0);
    net_send(1, NULL, net_packet(1, 60), 60);
    ck_assert_uint_eq(net_used(TX(1)), 2); /* answered all the same */
    ck_assert_uint_eq(network->pair[1].out.count, 1);
    deliver(0, 1);
    ck_assert_uint_eq(net_used(RX(0)), 1);
    ck_assert_uint_eq(set_pairs(0), ACK_ERR_);
    ck_assert_uint_eq(set_pairs(3), ACK_ERR_);
    ck_assert_uint_eq(set_pairs(0x8000), ACK_ERR_);
}
END_TEST

/* A packet that waits for buffers of a pair that goes is not delivered later. */
START_TEST(pair_that_goes)
{
    net_start(PLAIN | NET_BIT(NET_F_MQ));
    ck_assert_uint_eq(set_pairs(2), ACK_OK_);
    deliver(1, 1);
    ck_assert_uint_eq(set_pairs(1), ACK_OK_);
    net_give_all(1);
    ck_assert_uint_eq(net_used(RX(1)), 0);
    ck_assert_uint_eq(set_pairs(2), ACK_OK_);
    ck_assert_uint_eq(net_used(RX(1)), 0);
}
END_TEST

/* §5.1.2: without MQ the control queue is the third one. */
START_TEST(control_queue_without_mq)
{
    net_start(PLAIN);
    net_give_all(0);
    ck_assert_uint_eq(net_command_byte(CLASS_RX, NET_MODE_PROMISCUOUS, 0), ACK_OK_);
    ck_assert_uint_eq(set_pairs(1), ACK_ERR_);
    deliver(0, 1);
    ck_assert_uint_eq(net_used(RX(0)), 1);
    /* Nor does a pair of an earlier driver's take it for its own. */
    net_restart(PLAIN | NET_BIT(NET_F_MQ));
    net_give_all(1);
    ck_assert_uint_eq(set_pairs(2), ACK_OK_);
    net_restart(PLAIN);
    deliver(1, 1);
    ck_assert_uint_eq(network->pair[1].wanted, 0);
    ck_assert_uint_eq(net_command_byte(CLASS_RX, NET_MODE_PROMISCUOUS, 0), ACK_OK_);
}
END_TEST

static void moderate(unsigned direction, uint32_t packets, uint32_t microseconds)
{
    uint32_t data[2] = {packets, microseconds};

    ck_assert_uint_eq(net_command(CLASS_MODERATE, (uint8_t)direction, data, 8), ACK_OK_);
}

#define TRANSMIT 0
#define RECEIVE  1

/* §5.1.9.5.10.1 */
START_TEST(moderation_by_packets)
{
    net_start(PLAIN);
    net_give_all(0);
    moderate(RECEIVE, 4, 1000);
    fake->msix[RX(0) + 1] = 0;
    deliver(0, 3);
    ck_assert_uint_eq(net_used(RX(0)), 3); /* seen at once, told later */
    ck_assert_uint_eq(fake->msix[RX(0) + 1], 0);
    deliver(0, 1);
    ck_assert_uint_eq(fake->msix[RX(0) + 1], 1);
    deliver(0, 3);
    ck_assert_uint_eq(fake->msix[RX(0) + 1], 1);
    net_send(0, NULL, net_packet(1, 60), 60); /* the other direction is as it was */
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 1);
}
END_TEST

START_TEST(moderation_by_time)
{
    net_start(PLAIN);
    moderate(TRANSMIT, 100, 50);
    net_send(0, NULL, net_packet(1, 60), 60);
    fake_time_pass(fake, 49999);
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 0);
    net_send(0, NULL, net_packet(1, 60), 60);
    fake_time_pass(fake, 1);
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 1);
    fake_time_pass(fake, 1000000);
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 1);
    net_send(0, NULL, net_packet(1, 60), 60);
    fake_time_pass(fake, 49999);
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 1);
    fake_time_pass(fake, 1);
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 2);
}
END_TEST

/* The count ends a period, and the next one has its whole time. */
START_TEST(moderation_begins_again)
{
    net_start(PLAIN);
    moderate(TRANSMIT, 2, 100);
    net_send(0, NULL, net_packet(1, 60), 60);
    fake_time_pass(fake, 90000);
    net_send(0, NULL, net_packet(1, 60), 60);
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 1);
    net_send(0, NULL, net_packet(1, 60), 60);
    fake_time_pass(fake, 90000);
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 1);
    fake_time_pass(fake, 10000);
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 2);
}
END_TEST

/* Either limit at 0: at once (§5.1.9.5.10.1). A new limit that is met already too (§5.1.9.5.10.4). */
START_TEST(moderation_changes)
{
    net_start(PLAIN);
    moderate(TRANSMIT, 0, 50);
    net_send(0, NULL, net_packet(1, 60), 60);
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 1);
    moderate(TRANSMIT, 50, 0);
    net_send(0, NULL, net_packet(1, 60), 60);
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 2);
    moderate(TRANSMIT, 15, 1000);
    for (unsigned i = 0; i < 10; i++) {
        net_send(0, NULL, net_packet(1, 60), 60);
    }
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 2);
    moderate(TRANSMIT, 8, 1000);
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 3);
    net_send(0, NULL, net_packet(1, 60), 60);
    moderate(TRANSMIT, 8, 500);
    fake_time_pass(fake, 500000);
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 4);
    net_send(0, NULL, net_packet(1, 60), 60);
    moderate(TRANSMIT, 0, 0);
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 5);
}
END_TEST

/* What the driver does not want to hear of is not told later either. */
START_TEST(moderation_and_suppression)
{
    net_start(PLAIN);
    moderate(TRANSMIT, 2, 50);
    driver_set16(&driver, DRIVER_AREA(TX(0)), 1); /* no interrupts */
    for (unsigned i = 0; i < 5; i++) {
        net_send(0, NULL, net_packet(1, 60), 60);
    }
    fake_time_pass(fake, 1000000);
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 0);
}
END_TEST

/* A reset takes the limits back, and drops what was held back with them. */
START_TEST(moderation_ends_with_reset)
{
    net_start(PLAIN);
    moderate(TRANSMIT, 100, 50);
    net_send(0, NULL, net_packet(1, 60), 60);
    driver_write(&driver, STATUS, 1, 0);
    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), 0);
    fake_time_pass(fake, 1000000);
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 0);
    net_start(PLAIN);
    net_send(0, NULL, net_packet(1, 60), 60);
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 1);
}
END_TEST

static void quiesce(void)
{
    net_model->quiesce(fake_device(fake), net);
    fake_pump(fake);
    ck_assert_uint_eq(fake->quiesced, 1);
}

static void resume(void)
{
    net_model->resume(fake_device(fake), net);
    fake_network_run(network, fake);
}

/* Who is told to stop tells of what it held back first. */
START_TEST(moderation_and_quiet)
{
    net_start(PLAIN);
    moderate(TRANSMIT, 100, 50);
    net_send(0, NULL, net_packet(1, 60), 60);
    quiesce();
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 1);
    fake_time_pass(fake, 1000000);
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 1);
    resume();
    net_send(0, NULL, net_packet(1, 60), 60);
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 1);
    fake_time_pass(fake, 50000);
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 2);
}
END_TEST

/* From quiesced() on nothing moves, whatever the network says; then it goes on, and nothing is lost. */
START_TEST(quiet)
{
    unsigned accesses;
    uint8_t fields[sizeof(struct net_settings)];

    net_start(PLAIN);
    net_give_all(0);
    network->pair[0].room = 0;
    net_send(0, NULL, net_packet(1, 60), 60);
    quiesce();
    memcpy(fields, &net->settings, sizeof(fields));
    accesses = fake->accesses;
    network->pair[0].room = UINT_MAX;
    deliver(0, 3);
    fake_network_set_link(network, fake, false);
    ck_assert_uint_eq(fake->accesses, accesses);
    ck_assert_uint_eq(network->pair[0].in.done, 0);
    ck_assert_uint_eq(network->pair[0].out.count, 0);
    ck_assert_uint_eq(network->pair[0].wanted, 0); /* it does not wake us in vain */
    ck_assert_uint_eq(fake->msix[0], 0);
    ck_assert_uint_eq(net_status(), NET_STATUS_LINK_UP);
    ck_assert_mem_eq(fields, &net->settings, sizeof(fields));
    resume();
    ck_assert_uint_eq(net_used(RX(0)), 3);
    ck_assert_uint_eq(network->pair[0].out.count, 1);
    ck_assert_uint_eq(net_status(), 0);
    ck_assert_uint_eq(fake->msix[0], 1);
}
END_TEST

/* Quiet, reset, resume: as after power on. */
START_TEST(function_reset)
{
    static const uint8_t mac[6] = {2, 9, 9, 9, 9, 9};

    net_start((PLAIN | NET_BIT(NET_F_MQ) | NET_BIT(NET_F_GUEST_CSUM)) & ~F_RING_RESET);
    ck_assert_uint_eq(set_pairs(2), ACK_OK_);
    ck_assert_uint_eq(net_command(CLASS_MAC, 1, mac, 6), ACK_OK_);
    moderate(RECEIVE, 4, 1000);
    deliver(0, 1); /* it waits for buffers, and goes with the driver that it waited for */
    quiesce();
    net_model->reset(fake_device(fake), net, IOREQD_RESET_FUNCTION);
    ck_assert_uint_eq(driver_status(&driver), 0);
    ck_assert_uint_eq(network->queue_pairs, 1);
    ck_assert_uint_eq(network->offloads, 0);
    ck_assert_uint_eq(driver_read(&driver, CONFIG + 5, 1), 0x55);
    ck_assert_uint_eq(net->settings.receive.packets, 0);
    ck_assert_uint_eq(net->settings.pairs, 1);
    resume();
    net_start(PLAIN);
    net_give_all(0);
    ck_assert_uint_eq(net_used(RX(0)), 0);
    deliver(0, 1);
    ck_assert_uint_eq(net_used(RX(0)), 1);
    ck_assert_uint_eq(fake->msix[RX(0) + 1], 1);
}
END_TEST

/* A command under way when the reset comes: the reset waits for it, and the driver does not see an answer. */
START_TEST(reset_during_a_command)
{
    struct part parts[2] = {{BUFFER(0), 3, 0}, {BUFFER(1), 1, WRITE}};

    net_start(PLAIN);
    memset(fake->ram + BUFFER(0), 0, 3);
    driver_add(&driver, 2, parts, 2);
    net_model->bell(fake_device(fake), net, 2, 0); /* it is read, and on its way to the main loop */
    driver_write(&driver, STATUS, 1, 0);
    ck_assert_uint_ne(driver_status(&driver), 0);
    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), 0);
    ck_assert_uint_eq(net->settings.filter.set, 0);
    ck_assert_uint_eq(driver_used_index(&driver, 2), 0);
    net_start(PLAIN);
    ck_assert_uint_eq(net_command_byte(CLASS_RX, NET_MODE_PROMISCUOUS, 0), ACK_OK_);
}
END_TEST

static void reset_queue(unsigned queue)
{
    driver_select(&driver, (uint16_t)queue);
    driver_write(&driver, QUEUE_RESET, 2, 1);
    fake_pump(fake);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_RESET, 2), 0);
}

/*
 * §2.6.1: one queue stands; the other goes on; then it works again. What came meanwhile, and before, is dropped
 * (§5.1.9.5.6.2).
 */
START_TEST(queue_reset)
{
    net_start(PLAIN);
    deliver(0, 2); /* one waits for buffers, the other behind it */
    ck_assert_uint_eq(network->pair[0].in.done, 1);
    reset_queue(RX(0));
    ck_assert_uint_eq(network->pair[0].in.done, 2);
    ck_assert_uint_eq(net_counter("receive-drops"), 2);
    deliver(0, 3);
    ck_assert_uint_eq(network->pair[0].in.done, 5);
    ck_assert_uint_eq(net_counter("receive-drops"), 5);
    net_send(0, NULL, net_packet(1, 60), 60);
    ck_assert_uint_eq(network->pair[0].out.count, 1);
    ck_assert_uint_eq(net_command_byte(CLASS_RX, NET_MODE_PROMISCUOUS, 1), ACK_OK_);
    fake_network_deliver(network, 0, NULL, net_packet(0, 60), 60); /* nobody tells of this one */
    driver_set_queue(&driver, RX(0), SIZE);
    net_give_all(0);
    ck_assert_uint_eq(net_used(RX(0)), 0);
    ck_assert_uint_eq(net_counter("receive-drops"), 6);
    deliver(0, 2);
    ck_assert_uint_eq(net_used(RX(0)), 2);
    ck_assert_uint_eq(net_counter("receive-drops"), 6);
}
END_TEST

/* The queue of one pair: the other pair's packets are its own. */
START_TEST(queue_reset_of_a_pair)
{
    net_start(PLAIN | NET_BIT(NET_F_MQ));
    ck_assert_uint_eq(set_pairs(2), ACK_OK_);
    net_give_all(1);
    reset_queue(RX(0));
    deliver(0, 1);
    deliver(1, 1);
    ck_assert_uint_eq(net_used(RX(1)), 1);
    ck_assert_uint_eq(net_counter("receive-drops"), 1);
    reset_queue(TX(1));
    deliver(1, 1);
    ck_assert_uint_eq(net_used(RX(1)), 1);
    reset_queue(RX(1));
    ck_assert_uint_eq(set_pairs(1), ACK_OK_);
    deliver(1, 1);
    ck_assert_uint_eq(network->pair[1].wanted, 0); /* it is not in use, and no packet is its own */
    ck_assert_uint_eq(net_counter("receive-drops"), 1);
}
END_TEST

/* Nothing is dropped while the host wants quiet, nor for a driver that has gone. */
START_TEST(queue_reset_and_quiet)
{
    net_start(PLAIN);
    reset_queue(RX(0));
    quiesce();
    deliver(0, 1);
    ck_assert_uint_eq(network->pair[0].in.done, 0);
    ck_assert_uint_eq(network->pair[0].wanted, 0);
    resume();
    ck_assert_uint_eq(network->pair[0].in.done, 1);
    driver_write(&driver, STATUS, 1, 0);
    fake_pump(fake);
    deliver(0, 1);
    ck_assert_uint_eq(network->pair[0].in.done, 1);
    ck_assert_uint_eq(network->pair[0].wanted, 0);
    net_start(PLAIN);
    net_give_all(0);
    ck_assert_uint_eq(net_used(RX(0)), 1); /* it has waited for a driver, whichever */
}
END_TEST

/* Packets that come before the driver does wait outside. */
START_TEST(before_the_driver)
{
    fake_network_deliver(network, 0, NULL, net_packet(0, 60), 60);
    network->pair[0].ready(network->pair[0].argument, IOREQD_READABLE | IOREQD_WRITABLE | IOREQD_CONNECTED);
    fake_pump(fake);
    ck_assert_uint_eq(network->pair[0].reads, 0);
    ck_assert_uint_eq(network->pair[0].wanted, 0);
}
END_TEST

TCase *net_life_cases(void)
{
    TCase *tcase = tcase_create("virtio-net life");

    tcase_add_checked_fixture(tcase, begin, net_teardown);
    tcase_add_test(tcase, pairs);
    tcase_add_test(tcase, pair_that_goes);
    tcase_add_test(tcase, control_queue_without_mq);
    tcase_add_test(tcase, moderation_by_packets);
    tcase_add_test(tcase, moderation_by_time);
    tcase_add_test(tcase, moderation_begins_again);
    tcase_add_test(tcase, moderation_changes);
    tcase_add_test(tcase, moderation_and_suppression);
    tcase_add_test(tcase, moderation_ends_with_reset);
    tcase_add_test(tcase, moderation_and_quiet);
    tcase_add_test(tcase, quiet);
    tcase_add_test(tcase, function_reset);
    tcase_add_test(tcase, reset_during_a_command);
    tcase_add_test(tcase, queue_reset);
    tcase_add_test(tcase, queue_reset_of_a_pair);
    tcase_add_test(tcase, queue_reset_and_quiet);
    tcase_add_test(tcase, before_the_driver);
    return tcase;
}
