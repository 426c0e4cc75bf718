/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-net as a transitional device, and a driver from before virtio 1.0: its header, its features, and the address
 * that it writes (virtio 1.4 §5.1.3.2, §5.1.4.3, §5.1.9.1, §5.1.9.5.2.3). Its registers are those of conformance_legacy.c.
 */
#include <errno.h>
#include <string.h>

#include "tests/virtio/net_driver.h"

enum legacy {
    L_DEVICE_FEATURES = 0,
    L_DRIVER_FEATURES = 4,
    L_ADDRESS = 8,
    L_SIZE = 12,
    L_SELECT = 14,
    L_NOTIFY = 16,
    L_STATUS = 18,
    L_ISR = 19,
    L_CONFIG = 24 /* with MSI-X on */
};

/* Where queue q lies: descriptors, available ring, and used ring on the next page. */
#define PAGE(q)      (0x10u + 2u * (q))
#define AVAILABLE(q) (PAGE(q) * 4096u + 16u * SIZE)
#define USED(q)      (PAGE(q) * 4096u + 4096u)

#define PACKET 60u

static uint16_t added[8], seen[8];

static uint32_t in(uint32_t offset, unsigned size)
{
    return (uint32_t)net_model->read(fake_device(fake), net, 0, offset, size);
}

static void out(uint32_t offset, unsigned size, uint32_t value)
{
    net_model->write(fake_device(fake), net, 0, offset, size, value);
}

static void start(uint64_t features, unsigned queues)
{
    out(L_STATUS, 1, 0);
    fake_pump(fake);
    out(L_STATUS, 1, 1);
    out(L_STATUS, 1, 3);
    out(L_DRIVER_FEATURES, 4, (uint32_t)features);
    for (unsigned i = 0; i < queues; i++) {
        memset(fake->ram + PAGE(i) * 4096u, 0, 0x2000);
        added[i] = seen[i] = 0;
        out(L_SELECT, 2, i);
        ck_assert_uint_eq(in(L_SIZE, 2), SIZE);
        out(L_ADDRESS, 4, PAGE(i));
    }
    out(L_STATUS, 1, 7);
    fake_network_run(network, fake);
}

static void begin(void)
{
    net_plan_default();
    plan.transitional = true;
    plan.queues = 2;
    plan.queue_size = SIZE;
    ck_assert_int_eq(net_create(), 0);
}

/* A chain of up to three descriptors, at places of its own for as long as the ring is not around. */
static void add(unsigned queue, const struct part *part, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint16_t here = (uint16_t)((3 * added[queue] + i) % SIZE), next = (uint16_t)((here + 1) % SIZE);
        uint16_t flags = (uint16_t)(part[i].flags | (i + 1 < count ? NEXT : 0));
        uint8_t *to = fake->ram + PAGE(queue) * 4096u + 16u * here;

        memcpy(to, &part[i].address, 8);
        memcpy(to + 8, &part[i].length, 4);
        memcpy(to + 12, &flags, 2);
        memcpy(to + 14, &next, 2);
    }
    driver_set16(&driver, AVAILABLE(queue) + 4 + 2u * (added[queue] % SIZE), (uint16_t)(3 * added[queue] % SIZE));
    added[queue]++;
    driver_set16(&driver, AVAILABLE(queue) + 2, added[queue]);
}

static void notify(unsigned queue)
{
    out(L_NOTIFY, 2, queue);
    fake_network_run(network, fake);
}

/* Bytes of the next used buffer; -1: there is none. */
static int used(unsigned queue)
{
    uint32_t length;

    if (driver_get16(&driver, USED(queue) + 2) == seen[queue]) {
        return -1;
    }
    memcpy(&length, fake->ram + USED(queue) + 4 + 8u * (seen[queue] % SIZE) + 4, 4);
    seen[queue]++;
    return (int)length;
}

static void give(unsigned buffer, uint32_t length)
{
    struct part part = {BUFFER(buffer), length, WRITE};

    memset(fake->ram + BUFFER(buffer), 0xee, PART);
    add(RX(0), &part, 1);
    notify(RX(0));
}

static bool arrives(const uint8_t *packet)
{
    give(added[RX(0)] % 8u, PART);
    fake_network_deliver(network, 0, NULL, packet, PACKET);
    fake_network_run(network, fake);
    return used(RX(0)) >= 0;
}

/* As §5.1.10 has it: class and command, data, and the answer, in descriptors of their own. */
static uint8_t command(uint8_t class, uint8_t number, const void *data, uint32_t length)
{
    const struct part parts[3] = {{BUFFER(60), 2, 0}, {BUFFER(61), length, 0}, {BUFFER(62), 1, WRITE}};

    fake->ram[BUFFER(60)] = class;
    fake->ram[BUFFER(60) + 1] = number;
    memcpy(fake->ram + BUFFER(61), data, length);
    fake->ram[BUFFER(62)] = NOT_ANSWERED;
    add(2, parts, 3);
    notify(2);
    ck_assert_int_eq(used(2), 1);
    return fake->ram[BUFFER(62)];
}

START_TEST(pci)
{
    const struct ioreqd_description *d = &driver.description;

    ck_assert_uint_eq(d->device, 0x1000);
    ck_assert_uint_eq(d->subsystem, 1);
    ck_assert_uint_eq(d->revision, 0);
    ck_assert_uint_eq(d->bar[0].kind, IOREQD_BAR_IO);
    ck_assert_uint_eq(d->bar[0].size, 64);
    ck_assert_uint_eq(d->queues, 5);
}
END_TEST

/* What a legacy driver is offered, and what it gets when it asks for too much (§5.1.3.1, §5.1.3.2). */
START_TEST(features)
{
    uint32_t offered = in(L_DEVICE_FEATURES, 4);

    ck_assert_uint_eq(offered & (1u << NET_F_GSO | 1u << NET_F_MAC | 1u << NET_F_MRG_RXBUF | 1u << NET_F_CTRL_VQ),
                      1u << NET_F_GSO | 1u << NET_F_MAC | 1u << NET_F_MRG_RXBUF | 1u << NET_F_CTRL_VQ);
    ck_assert_uint_eq((uint32_t)driver_offered(&driver) & 1u << NET_F_GSO, 0);
    out(L_STATUS, 1, 0);
    out(L_DRIVER_FEATURES, 4, 1u << NET_F_HOST_TSO4 | 1u << NET_F_HOST_ECN | 1u << NET_F_GSO | 1u << NET_F_CTRL_VLAN);
    ck_assert_uint_eq(in(L_DRIVER_FEATURES, 4), 0);
    out(L_DRIVER_FEATURES, 4, 1u << NET_F_GSO | 1u << NET_F_CSUM);
    ck_assert_uint_eq(in(L_DRIVER_FEATURES, 4), 1u << NET_F_GSO | 1u << NET_F_CSUM);
}
END_TEST

START_TEST(no_gso_without_all_of_it)
{
    net_end();
    plan.offloads = ~IOREQD_NETWORK_UFO;
    ck_assert_int_eq(net_create(), 0);
    ck_assert_uint_eq(in(L_DEVICE_FEATURES, 4) & 1u << NET_F_GSO, 0);
}
END_TEST

/* The header has num_buffers with MRG_RXBUF alone: both directions, with header and packet in one buffer or in two. */
START_TEST(header)
{
    const uint32_t length = _i == 0 ? 10 : 12;
    const uint8_t *packet = net_packet(0, PACKET);
    struct part parts[2] = {{BUFFER(20), length, 0}, {BUFFER(21), PACKET, 0}};
    static const uint8_t plain[12], one_buffer[12] = {[10] = 1};

    start(_i == 0 ? 0 : NET_BIT(NET_F_MRG_RXBUF), 2);
    ck_assert_uint_eq(in(L_STATUS, 1), 7);
    give(0, PART);
    fake_network_deliver(network, 0, NULL, packet, PACKET);
    fake_network_run(network, fake);
    ck_assert_int_eq(used(RX(0)), (int)(length + PACKET));
    ck_assert_mem_eq(fake->ram + BUFFER(0), _i == 0 ? plain : one_buffer, length);
    ck_assert_mem_eq(fake->ram + BUFFER(0) + length, packet, PACKET);
    ck_assert_uint_eq(fake->ram[BUFFER(0) + length + PACKET], 0xee);

    memset(fake->ram + BUFFER(20), 0, 12);
    memcpy(fake->ram + BUFFER(21), packet, PACKET);
    add(TX(0), parts, 2);
    notify(TX(0));
    ck_assert_int_eq(used(TX(0)), 0);
    ck_assert_uint_eq(network->pair[0].out.count, 1);
    ck_assert_int_eq(network->pair[0].out.packet[0].length, IOREQD_NETWORK_HEADER + (int)PACKET);
    ck_assert_mem_eq(network->pair[0].out.packet[0].bytes + IOREQD_NETWORK_HEADER, packet, PACKET);
    ck_assert_uint_eq(fake->guest_errors, 0);
}
END_TEST

/* A segmented packet of a driver that knows one bit for all of them. */
START_TEST(gso)
{
    static const uint8_t ask[10] = {1, 4, 54, 0, 0xa8, 5, 34, 0, 16, 0};
    struct part parts[2] = {{BUFFER(20), 10, 0}, {BUFFER(21), 1800, 0}};

    start(_i == 0 ? NET_BIT(NET_F_CSUM) : NET_BIT(NET_F_GSO) | NET_BIT(NET_F_CSUM), 2);
    memcpy(fake->ram + BUFFER(20), ask, 10);
    add(TX(0), parts, 2);
    notify(TX(0));
    ck_assert_int_eq(used(TX(0)), 0);
    ck_assert_uint_eq(network->pair[0].out.count, (unsigned)_i);
    ck_assert_uint_eq(fake->guest_errors, _i == 0);
}
END_TEST

/* Queues may be used before DRIVER_OK (§3.1.2). */
START_TEST(early)
{
    start(0, 0);
    out(L_STATUS, 1, 0);
    out(L_STATUS, 1, 3);
    out(L_SELECT, 2, RX(0));
    out(L_ADDRESS, 4, PAGE(RX(0)));
    ck_assert(arrives(net_packet(0, PACKET)));
    ck_assert_uint_eq(in(L_STATUS, 1), 3);
}
END_TEST

static void write_mac(const uint8_t *mac, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        out(L_CONFIG + i, 1, mac[i]);
    }
    fake_network_run(network, fake);
}

/* While packets come, from first to last byte: half an address is none. */
START_TEST(address)
{
    static const uint8_t mac[6] = {2, 9, 9, 9, 9, 9};
    static const uint8_t stranger[PACKET] = {2, 9, 9, 9, 9, 9}, half[PACKET] = {2, 9, 9, 0, 0, 0x55};
    uint8_t own[PACKET] = {0}, off = 0;

    memcpy(own, net->mac, 6);
    start(NET_BIT(NET_F_CTRL_VQ) | NET_BIT(NET_F_CTRL_RX), 3);
    ck_assert_uint_eq(command(CLASS_RX, NET_MODE_PROMISCUOUS, &off, 1), ACK_OK_);
    ck_assert(arrives(own));
    write_mac(mac, 0, 3);
    ck_assert(!arrives(half));
    ck_assert(arrives(own));
    (void)used(RX(0));
    write_mac(mac, 3, 3);
    ck_assert(arrives(stranger));
    ck_assert(!arrives(own));
    for (unsigned i = 0; i < 6; i++) {
        ck_assert_uint_eq(in(L_CONFIG + i, 1), mac[i]);
    }
    out(L_STATUS, 1, 0);
    fake_pump(fake);
    ck_assert_uint_eq(in(L_CONFIG + 5, 1), 0x55);
}
END_TEST

/* In words too; and what follows the address is nobody's to write. */
START_TEST(address_in_words)
{
    static const uint8_t stranger[PACKET] = {2, 9, 9, 9, 9, 9};
    uint8_t off = 0;

    start(NET_BIT(NET_F_CTRL_VQ) | NET_BIT(NET_F_CTRL_RX), 3);
    ck_assert_uint_eq(command(CLASS_RX, NET_MODE_PROMISCUOUS, &off, 1), ACK_OK_);
    out(L_CONFIG, 4, 0x09090902);
    out(L_CONFIG + 4, 4, 0x77770909);
    ck_assert(arrives(stranger));
    out(L_CONFIG + 8, 4, 0x77777777);
    ck_assert_uint_eq(in(L_CONFIG + 6, 2), NET_STATUS_LINK_UP);
    ck_assert_uint_eq(in(L_CONFIG + 8, 2), 2);
    ck_assert_uint_eq(in(L_CONFIG + 4, 4), 0x00010909);
}
END_TEST

/* Commands in the frames of legacy drivers, with several pairs. */
START_TEST(pairs)
{
    uint16_t two = 2;

    start(NET_BIT(NET_F_CTRL_VQ), 3);
    ck_assert_uint_eq(command(CLASS_PAIRS, 0, &two, 2), ACK_ERR_);
    start(0, 0);
    ck_assert_uint_eq(in(L_STATUS, 1), 7);
    ck_assert_uint_ne(in(L_DEVICE_FEATURES, 4) & 1u << NET_F_MQ, 0);
}
END_TEST

/* One that cannot be refused gets its packets all the same. */
START_TEST(network_that_refuses)
{
    network->refuse = -EIO;
    start(NET_BIT(NET_F_GUEST_CSUM), 2);
    ck_assert(arrives(net_packet(0, PACKET)));
    ck_assert_uint_eq(net->terms.header, 10);
}
END_TEST

/* The same device, modern: the address is not writable, and the header has num_buffers. */
START_TEST(modern_driver)
{
    uint32_t id, length;

    out(L_STATUS, 1, 0);
    net_start(PLAIN);
    driver_write(&driver, CONFIG, 1, 0x77);
    ck_assert_uint_eq(driver_read(&driver, CONFIG, 1), 2);
    net_give_all(0);
    ck_assert(net_arrives(net_packet(0, PACKET), PACKET));
    ck_assert(driver_used(&driver, RX(0), &id, &length));
    ck_assert_uint_eq(length, 12 + PACKET);
}
END_TEST

TCase *net_legacy_cases(void)
{
    TCase *tcase = tcase_create("virtio-net of legacy drivers");

    tcase_add_checked_fixture(tcase, begin, net_teardown);
    tcase_add_test(tcase, pci);
    tcase_add_test(tcase, features);
    tcase_add_test(tcase, no_gso_without_all_of_it);
    tcase_add_loop_test(tcase, header, 0, 2);
    tcase_add_loop_test(tcase, gso, 0, 2);
    tcase_add_test(tcase, early);
    tcase_add_test(tcase, address);
    tcase_add_test(tcase, address_in_words);
    tcase_add_test(tcase, pairs);
    tcase_add_test(tcase, network_that_refuses);
    tcase_add_test(tcase, modern_driver);
    return tcase;
}
