/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets from the guest to the network (virtio 1.4 §5.1.9.2). */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tests/virtio/net_driver.h"

static const struct fake_packet *sent(unsigned pair, unsigned index)
{
    ck_assert_uint_gt(network->pair[pair].out.count, index);
    return &network->pair[pair].out.packet[index];
}

static void expect_sent(unsigned index, const uint8_t *packet, uint32_t length)
{
    ck_assert_int_eq(sent(0, index)->length, (int)length + 12);
    ck_assert_mem_eq(sent(0, index)->bytes + 12, packet, length);
}

START_TEST(one_packet)
{
    const uint8_t *packet = net_packet(1, 100);
    uint32_t id, used;

    net_send(0, NULL, packet, 100);
    expect_sent(0, packet, 100);
    ck_assert_mem_eq(sent(0, 0)->bytes, "\0\0\0\0\0\0\0\0\0\0\0\0", 12);
    ck_assert(driver_used(&driver, TX(0), &id, &used));
    ck_assert_uint_eq(used, 0);
    ck_assert_uint_eq(net_counter("packets-sent"), 1);
    ck_assert_uint_eq(net_counter("bytes-sent"), 100);
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 1);
    ck_assert_uint_eq(fake->pinned, 0);
}
END_TEST

/* However the driver cuts it (§2.7.4.2), and however memory comes. */
START_TEST(any_layout)
{
    static const uint32_t cuts[][3] = {{112, 0, 0}, {1, 12, 99}, {12, 14, 86}, {11, 2, 99}, {50, 50, 12}};
    const uint8_t *packet = net_packet(1, 100);
    struct part parts[3];
    unsigned count = 0;
    uint32_t from = BUFFER(0);

    fake->piece = 16;
    memset(fake->ram + BUFFER(0), 0, 12);
    memcpy(fake->ram + BUFFER(0) + 12, packet, 100);
    for (unsigned i = 0; i < 3 && cuts[_i][i] != 0; i++) {
        parts[count++] = (struct part){from, cuts[_i][i], 0};
        from += cuts[_i][i];
    }
    driver_add(&driver, TX(0), parts, count);
    driver_kick(&driver, TX(0));
    expect_sent(0, packet, 100);
}
END_TEST

/* Too many pieces for one call are made one. */
START_TEST(very_many_pieces)
{
    const uint8_t *packet = net_packet(1, 60000);

    net_restart(PLAIN);
    fake->piece = 8;
    net_send(0, NULL, packet, 60000);
    expect_sent(0, packet, 60000);
    ck_assert_uint_eq(fake->pinned, 0);
}
END_TEST

/* As many as one call takes, with the header, and one more. */
START_TEST(as_many_pieces_as_there_may_be)
{
    uint32_t length = 8 * (uint32_t)(1022 + _i);
    const uint8_t *packet = net_packet(1, length);
    struct part parts[2] = {{BUFFER(0), 12, 0}, {BUFFER(1), length, 0}};

    plan.queue_size = 512;
    net_end();
    ck_assert_int_eq(net_create(), 0);
    driver_start(&driver, PLAIN, 3, 512);
    fake->piece = 8;
    memset(fake->ram + BUFFER(0), 0, 12);
    memcpy(fake->ram + BUFFER(1), packet, length);
    driver_add(&driver, TX(0), parts, 2);
    driver_kick(&driver, TX(0));
    expect_sent(0, packet, length);
}
END_TEST

START_TEST(lengths)
{
    static const uint32_t length[] = {0, 13, 14, 1514, IOREQD_NETWORK_MAX_PACKET, IOREQD_NETWORK_MAX_PACKET + 1};
    bool good = length[_i] >= 14 && length[_i] <= IOREQD_NETWORK_MAX_PACKET;

    net_send(0, NULL, net_packet(1, length[_i]), length[_i]);
    ck_assert_uint_eq(network->pair[0].out.count, good);
    ck_assert_uint_eq(net_used(TX(0)), 1);
    ck_assert_uint_eq(net_counter("send-drops"), !good);
    ck_assert_uint_eq(fake->guest_errors, !good);
    net_send(0, NULL, net_packet(1, 60), 60);
    ck_assert_uint_eq(network->pair[0].out.count, good + 1u);
}
END_TEST

/* A chain that is not even a header, or that is to be written, is no packet. */
START_TEST(no_packets)
{
    static const struct part parts[] = {
        {BUFFER(0), 11, 0}, {BUFFER(0), 100, WRITE}, {0xfffff, 100, 0}, {UINT64_C(1) << 40, 100, 0}};

    driver_add(&driver, TX(0), &parts[_i], 1);
    driver_kick(&driver, TX(0));
    ck_assert_uint_eq(network->pair[0].out.count, 0);
    ck_assert_uint_eq(net_used(TX(0)), 1);
    ck_assert_uint_eq(net_counter("send-drops"), 1);
    net_send(0, NULL, net_packet(1, 60), 60);
    ck_assert_uint_eq(network->pair[0].out.count, 1);
}
END_TEST

/* The header is in memory and the packet is not. */
START_TEST(packet_outside_of_memory)
{
    struct part parts[2] = {{BUFFER(0), 12, 0}, {FAKE_RAM, 100, 0}};

    memset(fake->ram + BUFFER(0), 0, 12);
    driver_add(&driver, TX(0), parts, 2);
    driver_kick(&driver, TX(0));
    ck_assert_uint_eq(net_used(TX(0)), 1);
    ck_assert_uint_eq(net_counter("send-drops"), 1);
    ck_assert_uint_eq(fake->pinned, 0);
}
END_TEST

static const uint8_t checksum[12] = {1, 0, 0, 0, 0, 0, 34, 0, 16, 0, 0, 0};
static const uint8_t segments[12] = {1, 1, 54, 0, 0xa8, 5, 34, 0, 16, 0, 0, 0};

/* What was not agreed on is not passed on. */
START_TEST(offloads_that_were_not_agreed_on)
{
    net_send(0, checksum, net_packet(1, 100), 100);
    net_send(0, segments, net_packet(1, 4000), 4000);
    ck_assert_uint_eq(network->pair[0].out.count, 0);
    ck_assert_uint_eq(net_counter("send-drops"), 2);
    net_restart(PLAIN | NET_BIT(NET_F_CSUM));
    net_send(0, checksum, net_packet(1, 100), 100);
    net_send(0, segments, net_packet(1, 4000), 4000);
    ck_assert_uint_eq(network->pair[0].out.count, 1);
    ck_assert_mem_eq(sent(0, 0)->bytes, checksum, 12);
    net_restart(PLAIN | HOST_OFFLOADS);
    net_send(0, segments, net_packet(1, 4000), 4000);
    ck_assert_uint_eq(network->pair[0].out.count, 2);
    ck_assert_mem_eq(sent(0, 1)->bytes, segments, 12);
}
END_TEST

/* §5.1.9.2.2: flags that are not known are ignored, and so is num_buffers. */
START_TEST(unknown_flags)
{
    static const uint8_t odd[12] = {0xfe, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    net_send(0, odd, net_packet(1, 100), 100);
    ck_assert_mem_eq(sent(0, 0)->bytes, "\0\0\0\0\0\0\0\0\0\0\0\0", 12);
}
END_TEST

/* The network gets the copy that was checked, not what the driver has made of it since. */
static uint8_t *header_place;

static int changing_read(struct ioreqd_device *device, uint64_t address, void *to, size_t length)
{
    int error = fake_host.dma_read(device, address, to, length);

    if (header_place != NULL) {
        memset(header_place, 0xff, 12);
    }
    return error;
}

START_TEST(header_is_copied_once)
{
    const uint8_t *packet = net_packet(1, 100);
    static struct ioreqd_host changing; /* the device's until its end */
    struct part part = {BUFFER(0), 112, 0};

    changing = *net->host;
    changing.dma_read = changing_read;
    net_end();
    net_plan_default();
    (void)ioreqd_module(&changing);
    fake = fake_create(0);
    network = fake_network_create();
    net = calloc(1, net_model->state_size);
    net->network = network;
    net->property_queues = 1;
    net->property_queue_size = 256;
    ck_assert_int_eq(driver_begin(&driver, fake, net_model, net), 0);
    net_start(PLAIN | HOST_OFFLOADS);
    memcpy(fake->ram + BUFFER(0), checksum, 12);
    memcpy(fake->ram + BUFFER(0) + 12, packet, 100);
    header_place = fake->ram + BUFFER(0);
    driver_add(&driver, TX(0), &part, 1);
    driver_kick(&driver, TX(0));
    ck_assert_mem_eq(sent(0, 0)->bytes, checksum, 12);
    header_place = NULL;
}
END_TEST

/* What finds no room waits in the ring, in order, and nothing is in flight meanwhile. */
START_TEST(network_without_room)
{
    const uint8_t *packet;

    network->pair[0].room = 1;
    net_send(0, NULL, net_packet(1, 60), 60);
    net_send(0, NULL, net_packet(1, 61), 61);
    packet = net_packet(1, 62);
    net_send(0, NULL, packet, 62);
    ck_assert_uint_eq(network->pair[0].out.count, 1);
    ck_assert_uint_eq(net_used(TX(0)), 1);
    ck_assert_uint_eq(network->pair[0].wanted & IOREQD_WRITABLE, IOREQD_WRITABLE);
    ck_assert_uint_eq(fake->pinned, 0);
    network->pair[0].room = 1;
    fake_network_run(network, fake);
    ck_assert_uint_eq(network->pair[0].out.count, 2);
    ck_assert_int_eq(sent(0, 1)->length, 12 + 61);
    network->pair[0].room = UINT_MAX;
    fake_network_run(network, fake);
    expect_sent(2, packet, 62);
    ck_assert_uint_eq(net_used(TX(0)), 2);
    ck_assert_uint_eq(network->pair[0].wanted & IOREQD_WRITABLE, 0);
    ck_assert_uint_eq(net_counter("packets-sent"), 3);
    ck_assert_uint_eq(net_counter("send-drops"), 0);
}
END_TEST

START_TEST(reset_while_the_network_has_no_room)
{
    network->pair[0].room = 0;
    net_send(0, NULL, net_packet(1, 60), 60);
    driver_write(&driver, STATUS, 1, 0);
    ck_assert_uint_eq(driver_status(&driver), 0);
    network->pair[0].room = UINT_MAX;
    fake_network_run(network, fake);
    ck_assert_uint_eq(network->pair[0].out.count, 0);
    ck_assert_uint_eq(network->pair[0].wanted & IOREQD_WRITABLE, 0);
    net_start(PLAIN);
    net_send(0, NULL, net_packet(1, 61), 61);
    ck_assert_int_eq(sent(0, 0)->length, 12 + 61);
}
END_TEST

START_TEST(network_that_fails)
{
    network->write_error = -EIO;
    net_send(0, NULL, net_packet(1, 60), 60);
    ck_assert_uint_eq(net_used(TX(0)), 1);
    ck_assert_uint_eq(net_counter("send-drops"), 1);
    ck_assert_uint_eq(fake->guest_errors, 0);
}
END_TEST

/* A burst takes one turn: one interrupt. */
START_TEST(burst)
{
    struct part part = {BUFFER(0), 112, 0};

    memset(fake->ram + BUFFER(0), 0, 112);
    for (unsigned i = 0; i < SIZE; i++) {
        driver_add(&driver, TX(0), &part, 1);
    }
    driver_kick(&driver, TX(0));
    ck_assert_uint_eq(network->pair[0].out.count, SIZE);
    ck_assert_uint_eq(network->pair[0].writes, SIZE);
    ck_assert_uint_eq(fake->msix[TX(0) + 1], 1);
    ck_assert_uint_eq(network->pair[0].wants, 1); /* of the packets to come */
}
END_TEST

/* A legacy driver's header is two bytes shorter (§5.1.9.1); the library has no such driver, so the terms are made so. */
START_TEST(short_header)
{
    const uint8_t *packet = net_packet(1, 100);

    net->terms.header = 10;
    net_send(0, NULL, packet, 100);
    expect_sent(0, packet, 100);
}
END_TEST

TCase *net_send_cases(void)
{
    TCase *tcase = tcase_create("virtio-net transmission");

    tcase_add_checked_fixture(tcase, net_setup, net_teardown);
    tcase_add_test(tcase, one_packet);
    tcase_add_loop_test(tcase, any_layout, 0, 5);
    tcase_add_test(tcase, very_many_pieces);
    tcase_add_loop_test(tcase, as_many_pieces_as_there_may_be, 0, 3);
    tcase_add_loop_test(tcase, lengths, 0, 6);
    tcase_add_loop_test(tcase, no_packets, 0, 4);
    tcase_add_test(tcase, packet_outside_of_memory);
    tcase_add_test(tcase, offloads_that_were_not_agreed_on);
    tcase_add_test(tcase, unknown_flags);
    tcase_add_test(tcase, header_is_copied_once);
    tcase_add_test(tcase, network_without_room);
    tcase_add_test(tcase, reset_while_the_network_has_no_room);
    tcase_add_test(tcase, network_that_fails);
    tcase_add_test(tcase, burst);
    tcase_add_test(tcase, short_header);
    return tcase;
}
