/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets from the network to the guest (virtio 1.4 §5.1.9.3, §5.1.9.4). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/virtio/net_driver.h"

#define MERGED (PLAIN | NET_BIT(NET_F_MRG_RXBUF))

static const uint8_t header_plain[12] = {[10] = 1};
static const uint8_t checksum[12] = {1, 0, 0, 0, 0, 0, 34, 0, 16, 0, 0, 0};
static const uint8_t segments[12] = {1, 1, 54, 0, 0xa8, 5, 34, 0, 16, 0, 0, 0};

START_TEST(one_packet)
{
    const uint8_t *packet = net_packet(0, 100);
    uint32_t id, used;

    net_give_all(0);
    ck_assert(net_arrives(packet, 100));
    ck_assert(driver_used(&driver, RX(0), &id, &used));
    ck_assert_uint_eq(id, 0);
    ck_assert_uint_eq(used, 112);
    ck_assert_mem_eq(fake->ram + BUFFER(0), header_plain, 12);
    ck_assert_mem_eq(fake->ram + BUFFER(0) + 12, packet, 100);
    ck_assert_uint_eq(net_counter("packets-received"), 1);
    ck_assert_uint_eq(net_counter("bytes-received"), 100);
    ck_assert_uint_eq(fake->msix[RX(0) + 1], 1);
}
END_TEST

/* Packets that came together take one turn: one interrupt, one read each and one that finds no more. */
START_TEST(burst)
{
    unsigned wants;

    net_give_all(0);
    wants = network->pair[0].wants;
    for (unsigned i = 0; i < 10; i++) {
        fake_network_deliver(network, 0, NULL, net_packet(0, 60 + i), 60 + i);
    }
    network->pair[0].reads = 0;
    fake_network_run(network, fake);
    ck_assert_uint_eq(net_used(RX(0)), 10);
    ck_assert_uint_eq(network->pair[0].reads, 11);
    ck_assert_uint_eq(fake->msix[RX(0) + 1], 1);
    ck_assert_uint_eq(network->pair[0].wants, wants);
    for (unsigned i = 0; i < 10; i++) {
        ck_assert_uint_eq(fake->ram[BUFFER(i) + 12 + 20], (uint8_t)(fake->ram[BUFFER(0) + 12 + 20] + i));
    }
}
END_TEST

/* Without buffers nothing is read; when there are some it goes on, in order. */
START_TEST(no_buffers)
{
    for (unsigned i = 0; i < 3; i++) {
        fake_network_deliver(network, 0, NULL, net_packet(0, 60 + i), 60 + i);
    }
    fake_network_run(network, fake);
    ck_assert_uint_eq(network->pair[0].in.done, 1); /* the one that waits */
    ck_assert_uint_eq(network->pair[0].wanted & IOREQD_READABLE, 0);
    net_give(0, 0, PART);
    net_give(0, 1, PART);
    driver_kick(&driver, RX(0));
    fake_network_run(network, fake);
    ck_assert_uint_eq(net_used(RX(0)), 2);
    net_give(0, 2, PART);
    driver_kick(&driver, RX(0));
    fake_network_run(network, fake);
    ck_assert_uint_eq(net_used(RX(0)), 1);
    ck_assert_uint_eq(network->pair[0].wanted & IOREQD_READABLE, IOREQD_READABLE);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(fake->ram[BUFFER(i) + 12 + 20], (uint8_t)(fake->ram[BUFFER(0) + 12 + 20] + i));
    }
    ck_assert_uint_eq(net_counter("receive-drops"), 0);
}
END_TEST

/* Gives buffers of these lengths, of one or several descriptors. */
static void give(const uint32_t *length, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (i % 2 == 0 || length[i] < 4) {
            net_give(0, i, length[i]);
        } else {
            struct part parts[2] = {{BUFFER(i), 3, WRITE}, {BUFFER(i) + 3, length[i] - 3, WRITE}};

            driver_add(&driver, RX(0), parts, 2);
        }
    }
    driver_kick(&driver, RX(0));
    fake_network_run(network, fake);
}

/* What the driver finds in buffers 0 to count - 1, checked: all but the last are full (§5.1.9.4.1). */
static void expect_merged(const uint32_t *room, unsigned count, const uint8_t *packet, uint32_t length)
{
    uint8_t got[12 + 70000];
    uint32_t id, used, total = 0;

    for (unsigned i = 0; i < count; i++) {
        ck_assert(driver_used(&driver, RX(0), &id, &used));
        if (i + 1 < count) {
            ck_assert_uint_eq(used, room[i]);
        }
        memcpy(got + total, fake->ram + BUFFER(i), used);
        total += used;
    }
    ck_assert(!driver_used(&driver, RX(0), &id, &used));
    ck_assert_uint_eq(total, 12 + length);
    ck_assert_mem_eq(got, header_plain, 10);
    ck_assert_uint_eq(got[10] | (unsigned)got[11] << 8, count);
    ck_assert_mem_eq(got + 12, packet, length);
}

START_TEST(merged)
{
    static const struct {
        uint32_t room[4];
        uint32_t length;
        unsigned count;
    } cases[] = {{{112, 112, 112, 112}, 100, 1},  {{111, 112, 112, 112}, 100, 2}, {{12, 100, 112, 112}, 100, 2},
                 {{12, 99, 112, 112}, 100, 3},    {{60, 1, 1, 1000}, 100, 4},     {{2048, 2048, 2048, 2048}, 1400, 1},
                 {{500, 500, 500, 500}, 1400, 3}, {{500, 500, 412, 500}, 1400, 3}};
    const uint8_t *packet = net_packet(0, cases[_i].length);

    net_restart(MERGED);
    give(cases[_i].room, 4);
    ck_assert(net_arrives(packet, cases[_i].length));
    expect_merged(cases[_i].room, cases[_i].count, packet, cases[_i].length);
    ck_assert_uint_eq(fake->msix[RX(0) + 1], 1);
}
END_TEST

/* Buffers run out half way: they go back, and the packet comes whole once there are more. With both ways to be rung. */
START_TEST(merged_with_too_few_buffers)
{
    static const uint32_t room[4] = {200, 200, 400, 400};
    const uint8_t *packet = net_packet(0, 700);
    uint32_t id, used;

    net_restart(_i == 0 ? MERGED : MERGED | F_EVENT_IDX);
    give(room, 2);
    fake->msix[RX(0) + 1] = 0;
    ck_assert(!net_arrives(packet, 700));
    ck_assert(!driver_used(&driver, RX(0), &id, &used));
    ck_assert_uint_eq(fake->msix[RX(0) + 1], 0);
    if (_i != 0) { /* the driver is to ring for the next one */
        ck_assert_uint_eq(driver_available_event(&driver, RX(0)), 2);
    } else {
        ck_assert_uint_eq(driver_get16(&driver, DEVICE_AREA(RX(0))), 0);
    }
    net_give(0, 2, 400);
    driver_kick(&driver, RX(0));
    fake_network_run(network, fake);
    expect_merged(room, 3, packet, 700);
}
END_TEST

/* All buffers that there can be are too small: it will never fit, and the next one comes. */
START_TEST(merged_that_never_fits)
{
    net_restart(MERGED);
    for (unsigned i = 0; i < SIZE; i++) {
        net_give(0, i, 64);
    }
    driver_kick(&driver, RX(0));
    ck_assert(!net_arrives(net_packet(0, 1400), 1400));
    ck_assert_uint_eq(net_counter("receive-drops"), 1);
    ck_assert(net_arrives(net_packet(0, 900), 900));
    ck_assert_uint_eq(net_used(RX(0)), 15);
}
END_TEST

/* §5.1.9.3.2: one buffer only; what does not fit is dropped, and the buffer is used for the next. */
START_TEST(not_merged)
{
    static const uint32_t room[2] = {111, 112};
    uint32_t id, used;

    give(room, 2);
    ck_assert(!net_arrives(net_packet(0, 100), 100));
    ck_assert_uint_eq(net_counter("receive-drops"), 1);
    ck_assert(net_arrives(net_packet(0, 99), 99));
    ck_assert(driver_used(&driver, RX(0), &id, &used));
    ck_assert_uint_eq(used, 111);
    ck_assert_uint_eq(fake->ram[BUFFER(0) + 10], 1);
}
END_TEST

/* A buffer without room for a header comes back empty. */
START_TEST(tiny_buffers)
{
    static const uint32_t room[2] = {11, 200};
    uint32_t id, used;

    net_restart(_i == 0 ? PLAIN : MERGED);
    give(room, 2);
    ck_assert(net_arrives(net_packet(0, 100), 100));
    ck_assert(driver_used(&driver, RX(0), &id, &used));
    ck_assert_uint_eq(used, 0);
    ck_assert(driver_used(&driver, RX(0), &id, &used));
    ck_assert_uint_eq(used, 112);
    ck_assert_uint_eq(fake->guest_errors, 1);
}
END_TEST

START_TEST(buffer_outside_of_memory)
{
    struct part part = {FAKE_RAM - 50, 200, WRITE};

    driver_add(&driver, RX(0), &part, 1);
    driver_kick(&driver, RX(0));
    ck_assert(!net_arrives(net_packet(0, 100), 100));
    ck_assert_uint_ne(driver_status(&driver) & 0x40, 0);
    net_restart(PLAIN);
    net_give_all(0);
    ck_assert(net_arrives(net_packet(0, 100), 100));
}
END_TEST

/* Bus mastering ends between the ring and the packet: nothing is lost. */
static bool unplug;

static int unplugging_write(struct ioreqd_device *device, uint64_t address, const void *from, size_t length)
{
    if (unplug) {
        unplug = false;
        fake->no_bus_master = true;
    }
    return fake_host.dma_write(device, address, from, length);
}

START_TEST(bus_mastering_ends)
{
    const uint8_t *packet = net_packet(0, 100);
    struct ioreqd_host *host = (struct ioreqd_host *)(uintptr_t)net->host;

    host->dma_write = unplugging_write;
    net_restart(MERGED);
    net_give_all(0);
    unplug = true;
    fake_network_deliver(network, 0, NULL, packet, 100);
    fake_network_run(network, fake);
    ck_assert_uint_eq(net_counter("packets-received") + net_counter("receive-drops"), 0);
    fake->no_bus_master = false;
    net_model->bus_master(fake_device(fake), net, 1);
    fake_network_run(network, fake);
    ck_assert_uint_eq(net_used(RX(0)), 1);
    ck_assert_mem_eq(fake->ram + BUFFER(0) + 12, packet, 100);
}
END_TEST

/* §5.1.9.4.1: what the guest did not agree on does not reach it. */
START_TEST(offloads)
{
    net_give_all(0);
    fake_network_deliver(network, 0, checksum, net_packet(0, 100), 100);
    fake_network_deliver(network, 0, segments, net_packet(0, 1400), 1400);
    fake_network_run(network, fake);
    ck_assert_uint_eq(net_used(RX(0)), 0);
    ck_assert_uint_eq(net_counter("receive-drops"), 2);
    net_restart(PLAIN | NET_BIT(NET_F_GUEST_CSUM));
    net_give_all(0);
    fake_network_deliver(network, 0, checksum, net_packet(0, 100), 100);
    fake_network_deliver(network, 0, segments, net_packet(0, 1400), 1400);
    fake_network_run(network, fake);
    ck_assert_uint_eq(net_used(RX(0)), 1);
    ck_assert_mem_eq(fake->ram + BUFFER(0), checksum, 10);
    net_restart(PLAIN | GUEST_OFFLOADS);
    net_give_all(0);
    fake_network_deliver(network, 0, segments, net_packet(0, 1600), 1600);
    fake_network_run(network, fake);
    ck_assert_uint_eq(net_used(RX(0)), 1);
    ck_assert_mem_eq(fake->ram + BUFFER(0), segments, 10);
}
END_TEST

/* "Its checksum is right" is said to those who know of checksums alone. */
START_TEST(valid_checksums)
{
    static const uint8_t valid[12] = {2};

    net_give_all(0);
    fake_network_deliver(network, 0, valid, net_packet(0, 100), 100);
    fake_network_run(network, fake);
    ck_assert_uint_eq(net_used(RX(0)), 1);
    ck_assert_uint_eq(fake->ram[BUFFER(0)], 0);
    net_restart(PLAIN | NET_BIT(NET_F_GUEST_CSUM));
    net_give_all(0);
    fake_network_deliver(network, 0, valid, net_packet(0, 100), 100);
    fake_network_run(network, fake);
    ck_assert_uint_eq(fake->ram[BUFFER(0)], 2);
}
END_TEST

/* §5.1.4.1 */
START_TEST(longer_than_the_mtu)
{
    uint8_t packet[1520] = {[12] = 8};

    memcpy(packet, net->mac, 6);
    net_give_all(0);
    ck_assert(net_arrives(packet, 1514));
    ck_assert(!net_arrives(packet, 1515));
    ck_assert_uint_eq(net_counter("receive-drops"), 1);
    net_restart(PLAIN & ~NET_BIT(NET_F_CTRL_VLAN));
    net_give_all(0);
    packet[12] = 0x81;
    ck_assert(net_arrives(packet, 1518));
    ck_assert(!net_arrives(packet, 1519));
    net_restart(PLAIN & ~NET_BIT(NET_F_MTU));
    net_give_all(0);
    packet[12] = 8;
    ck_assert(net_arrives(packet, 1520));
}
END_TEST

/* What a network may give besides packets. */
START_TEST(odd_packets)
{
    net_give_all(0);
    fake_network_deliver_error(network, 0, -EMSGSIZE);
    fake_network_deliver_error(network, 0, 11);
    network->pair[0].in.packet[1].bytes = calloc(1, 11);
    fake_network_deliver(network, 0, NULL, net_packet(0, 13), 13);
    fake_network_deliver(network, 0, NULL, net_packet(0, 0), 0);
    fake_network_deliver(network, 0, NULL, net_packet(0, 14), 14);
    fake_network_run(network, fake);
    ck_assert_uint_eq(net_used(RX(0)), 1);
    ck_assert_uint_ge(net_counter("receive-drops"), 3);
}
END_TEST

/* The greatest packet into the smallest memory that takes it. */
START_TEST(greatest_packet)
{
    const uint8_t *packet = net_packet(0, IOREQD_NETWORK_MAX_PACKET);
    uint32_t room[16];

    net_restart((MERGED & ~NET_BIT(NET_F_MTU)) | GUEST_OFFLOADS | F_INDIRECT);
    for (unsigned i = 0; i < 15; i++) {
        struct part part = {BUFFER(4 * i), 4 * PART, WRITE};

        driver_add(&driver, RX(0), &part, 1);
        room[i] = 4 * PART;
    }
    driver_kick(&driver, RX(0));
    ck_assert(net_arrives(packet, IOREQD_NETWORK_MAX_PACKET));
    ck_assert_uint_eq(net_used(RX(0)), (12 + IOREQD_NETWORK_MAX_PACKET + room[0] - 1) / room[0]);
    ck_assert_mem_eq(fake->ram + BUFFER(0) + 12, packet, IOREQD_NETWORK_MAX_PACKET);
}
END_TEST

START_TEST(short_header)
{
    const uint8_t *packet = net_packet(0, 100);
    uint32_t id, used;

    net->terms.header = 10;
    net_give_all(0);
    ck_assert(net_arrives(packet, 100));
    ck_assert(driver_used(&driver, RX(0), &id, &used));
    ck_assert_uint_eq(used, 110);
    ck_assert_mem_eq(fake->ram + BUFFER(0), header_plain, 10);
    ck_assert_mem_eq(fake->ram + BUFFER(0) + 10, packet, 100);
}
END_TEST

/* Whatever is filtered: a flood of it ends the turn all the same. */
START_TEST(flood_that_is_filtered)
{
    static const uint8_t stranger[60] = {2, 9, 9, 9, 9, 9};

    net_give_all(0);
    ck_assert_uint_eq(net_command_byte(CLASS_RX, NET_MODE_PROMISCUOUS, 0), ACK_OK_);
    for (unsigned i = 0; i < 300; i++) {
        fake_network_deliver(network, 0, NULL, stranger, sizeof(stranger));
    }
    network->pair[0].ready(network->pair[0].argument, IOREQD_READABLE);
    ck_assert_uint_le(network->pair[0].in.done, 256);
    ck_assert_uint_eq(network->pair[0].wanted & IOREQD_READABLE, IOREQD_READABLE);
    fake_network_run(network, fake);
    ck_assert_uint_eq(net_counter("filtered"), 300);
    ck_assert_uint_eq(net_used(RX(0)), 0);
}
END_TEST

TCase *net_receive_cases(void)
{
    TCase *tcase = tcase_create("virtio-net reception");

    tcase_add_checked_fixture(tcase, net_setup, net_teardown);
    tcase_add_test(tcase, one_packet);
    tcase_add_test(tcase, burst);
    tcase_add_test(tcase, no_buffers);
    tcase_add_loop_test(tcase, merged, 0, 8);
    tcase_add_loop_test(tcase, merged_with_too_few_buffers, 0, 2);
    tcase_add_test(tcase, merged_that_never_fits);
    tcase_add_test(tcase, not_merged);
    tcase_add_loop_test(tcase, tiny_buffers, 0, 2);
    tcase_add_test(tcase, buffer_outside_of_memory);
    tcase_add_test(tcase, bus_mastering_ends);
    tcase_add_test(tcase, offloads);
    tcase_add_test(tcase, valid_checksums);
    tcase_add_test(tcase, longer_than_the_mtu);
    tcase_add_test(tcase, odd_packets);
    tcase_add_test(tcase, greatest_packet);
    tcase_add_test(tcase, short_header);
    tcase_add_test(tcase, flood_that_is_filtered);
    return tcase;
}
