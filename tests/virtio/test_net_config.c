/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-net before packets: what it offers, its configuration, its properties, and the link. */
#include <errno.h>
#include <string.h>

#include "tests/virtio/net_driver.h"

static void begin(void)
{
    net_plan_default();
}

START_TEST(tables)
{
    plan.queues = 2;
    ck_assert_int_eq(net_create(), 0);
    ck_assert_uint_eq(driver.description.device, 0x1041);
    ck_assert_uint_eq(driver.description.class_code[0], 2);
    ck_assert_uint_eq(driver.description.queues, 5);
    ck_assert_uint_eq(driver.description.msix, 6);
    ck_assert_uint_eq(driver.description.queue_group, 2);
    ck_assert_uint_eq(driver.description.bell[0].count, 5);
    ck_assert_uint_eq(driver_read(&driver, NUM_QUEUES, 2), 5);
    ck_assert(driver_offered(&driver) ==
              (PLAIN | F_INDIRECT | F_EVENT_IDX | F_PACKED | F_NOTIFICATION_DATA | HOST_OFFLOADS | GUEST_OFFLOADS |
               NET_BIT(NET_F_MRG_RXBUF) | NET_BIT(NET_F_MQ) | NET_BIT(NET_F_RSS) | NET_BIT(NET_F_CTRL_GUEST_OFFLOADS) |
               NET_BIT(NET_F_SPEED_DUPLEX)));
    net_end();
}
END_TEST

/* §5.1.4 */
START_TEST(configuration)
{
    static const uint8_t expected[NET_CONFIG_LENGTH] = {0x02, 0,    0,    0,    0,    0x55, 1,  0,   3, 0,   0xdc,
                                                        0x05, 0xff, 0xff, 0xff, 0xff, 0xff, 40, 128, 0, 0x3f};
    plan.queues = 3;
    ck_assert_int_eq(net_create(), 0);
    for (unsigned i = 0; i < NET_CONFIG_LENGTH; i++) {
        ck_assert_uint_eq(driver_read(&driver, CONFIG + i, 1), expected[i]);
        driver_write(&driver, CONFIG + i, 1, 0x77); /* read-only */
        ck_assert_uint_eq(driver_read(&driver, CONFIG + i, 1), expected[i]);
    }
    net_end();
}
END_TEST

/* Only what the network can do is offered. */
START_TEST(offers_of_a_plain_network)
{
    plan.offloads = 0;
    plan.network_mtu = 0;
    ck_assert_int_eq(net_create(), 0);
    ck_assert((driver_offered(&driver) & (HOST_OFFLOADS | GUEST_OFFLOADS | NET_BIT(NET_F_CTRL_GUEST_OFFLOADS) |
                                          NET_BIT(NET_F_MTU) | NET_BIT(NET_F_MQ))) == 0);
    net_end();
}
END_TEST

/* §5.1.3.1: such a choice is refused, and a good one works then. */
START_TEST(incomplete_choice)
{
    ck_assert_int_eq(net_create(), 0);
    driver_negotiate(&driver, PLAIN | NET_BIT(NET_F_HOST_TSO4));
    ck_assert_uint_eq(driver_status(&driver), 3);
    ck_assert_uint_eq(fake->guest_errors, 1);
    driver_write(&driver, STATUS, 1, 0);
    net_start(PLAIN | NET_BIT(NET_F_HOST_TSO4) | NET_BIT(NET_F_CSUM));
    net_end();
}
END_TEST

START_TEST(network_hears_of_the_choice)
{
    ck_assert_int_eq(net_create(), 0);
    net_start(PLAIN | NET_BIT(NET_F_GUEST_CSUM) | NET_BIT(NET_F_GUEST_TSO6));
    ck_assert_uint_eq(network->offloads, IOREQD_NETWORK_CHECKSUM | IOREQD_NETWORK_TSO6);
    ck_assert_uint_eq(network->queue_pairs, 1);
    driver_write(&driver, STATUS, 1, 0);
    ck_assert_uint_eq(network->offloads, 0);
    network->refuse = -EIO;
    driver_negotiate(&driver, PLAIN);
    ck_assert_uint_eq(driver_status(&driver), 3);
    net_end();
}
END_TEST

static const struct mac_case {
    const char *text;
    bool good;
} macs[] = {
    {"52:54:00:12:34:56", true},  {"52:54:00:aB:Cd:eF", true},  {"53:54:00:12:34:56", false},
    {"00:00:00:00:00:00", false}, {"52:54:00:12:34", false},    {"52:54:00:12:34:5", false},
    {"52:54:00:12:34:5g", false}, {"52-54-00-12-34-56", false}, {" 2:54:00:12:34:56", false},
    {"+2:54:00:12:34:56", false}, {"0x:54:00:12:34:56", false}, {"2:54:00:12:34:561", false},
};

START_TEST(mac_property)
{
    plan.mac = macs[_i].text;
    ck_assert_int_eq(net_create(), macs[_i].good ? 0 : -EINVAL);
    ck_assert_uint_eq(fake->property_errors, macs[_i].good ? 0 : 1);
    if (macs[_i].good) {
        ck_assert_uint_eq(driver_read(&driver, CONFIG, 1), 0x52);
        ck_assert_uint_ne(driver_read(&driver, CONFIG + 5, 1), 0x55);
        net_end();
    } else {
        net_discard();
    }
}
END_TEST

/* One that nobody has told is not the same twice; without a network it is. */
START_TEST(mac_of_nobody)
{
    uint8_t first[6];

    plan.no_network_mac = true;
    ck_assert_int_eq(net_create(), 0);
    ck_assert_uint_eq(driver_read(&driver, CONFIG, 1) & 3, 2); /* locally administered, no group */
    memcpy(first, net->mac, 6);
    net_end();
    ck_assert_int_eq(net_create(), 0);
    ck_assert_mem_ne(first, net->mac, 6);
    net_end();
    plan.no_network = true;
    ck_assert_int_eq(net_create(), 0);
    ck_assert_uint_eq(driver_read(&driver, CONFIG, 1), 2);
    memcpy(first, net->mac, 6);
    net_end();
    ck_assert_int_eq(net_create(), 0);
    ck_assert_mem_eq(first, net->mac, 6);
    net_end();
}
END_TEST

static const struct mtu_case {
    uint32_t property;
    uint16_t network;
    int shown; /* -1: refused, 0: the feature is not offered */
} mtus[] = {{0, 0, 0},         {0, 1500, 1500}, {1400, 1500, 1400}, {1501, 1500, -1}, {9000, 0, 9000},
            {65535, 0, 65535}, {67, 0, -1},     {68, 0, 68},        {0, 67, 0},       {1280, 67, 1280}};

/* §5.1.4.1 */
START_TEST(mtu_property)
{
    plan.mtu = mtus[_i].property;
    plan.network_mtu = mtus[_i].network;
    ck_assert_int_eq(net_create(), mtus[_i].shown < 0 ? -EINVAL : 0);
    if (mtus[_i].shown >= 0) {
        ck_assert_int_eq((driver_offered(&driver) >> NET_F_MTU & 1) != 0, mtus[_i].shown != 0);
        ck_assert_int_eq((int)driver_read(&driver, CONFIG + NET_CONFIG_MTU, 2), mtus[_i].shown);
        net_end();
    } else {
        net_discard();
    }
}
END_TEST

START_TEST(queue_properties)
{
    plan.queue_size = 48;
    ck_assert_int_eq(net_create(), -EINVAL);
    net_discard();
    plan.queue_size = 64;
    plan.network_pairs = 2;
    plan.queues = 3;
    ck_assert_int_eq(net_create(), -EINVAL);
    ck_assert_uint_eq(fake->property_errors, 1);
    net_discard();
    plan.queues = 2;
    ck_assert_int_eq(net_create(), 0);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_SIZE, 2), 64);
    net_end();
}
END_TEST

/* Without a network everything works but that there is none. */
START_TEST(no_network)
{
    uint8_t promiscuous = 1;

    plan.no_network = true;
    ck_assert_int_eq(net_create(), 0);
    ck_assert((driver_offered(&driver) & (HOST_OFFLOADS | GUEST_OFFLOADS)) == 0);
    net_start(PLAIN & ~NET_BIT(NET_F_MTU));
    ck_assert_uint_eq(net_status(), 0);
    net_give_all(0);
    net_send(0, NULL, net_packet(1, 60), 60);
    ck_assert_uint_eq(net_used(TX(0)), 1);
    ck_assert_uint_eq(net_counter("send-drops"), 1);
    ck_assert_uint_eq(net_command(CLASS_RX, NET_MODE_PROMISCUOUS, &promiscuous, 1), ACK_OK_);
    net_end();
}
END_TEST

START_TEST(link_goes_and_comes)
{
    net_setup();
    ck_assert_uint_eq(net_status(), NET_STATUS_LINK_UP);
    ck_assert_uint_eq(fake->msix[0], 0);
    fake_network_set_link(network, fake, false);
    ck_assert_uint_eq(net_status(), 0);
    ck_assert_uint_eq(fake->msix[0], 1);
    fake_network_set_link(network, fake, false); /* no change, no interrupt */
    ck_assert_uint_eq(fake->msix[0], 1);
    fake_network_set_link(network, fake, true);
    ck_assert_uint_eq(net_status(), NET_STATUS_LINK_UP | NET_STATUS_ANNOUNCE);
    ck_assert_uint_eq(fake->msix[0], 2);
    /* §5.1.9.5.4.2 */
    ck_assert_uint_eq(net_command(CLASS_ANNOUNCE, 0, NULL, 0), ACK_OK_);
    ck_assert_uint_eq(net_status(), NET_STATUS_LINK_UP);
    net_restart(PLAIN & ~NET_BIT(NET_F_GUEST_ANNOUNCE));
    fake_network_set_link(network, fake, false);
    fake_network_set_link(network, fake, true);
    ck_assert_uint_eq(net_status(), NET_STATUS_LINK_UP);
    ck_assert_uint_eq(net_command(CLASS_ANNOUNCE, 0, NULL, 0), ACK_ERR_);
    /* A driver that does not know of the status is left alone. */
    net_restart(PLAIN & ~NET_BIT(NET_F_STATUS) & ~NET_BIT(NET_F_GUEST_ANNOUNCE));
    fake->msix[0] = 0;
    fake_network_set_link(network, fake, false);
    ck_assert_uint_eq(fake->msix[0], 0);
    net_end();
}
END_TEST

TCase *net_config_cases(void)
{
    TCase *tcase = tcase_create("virtio-net configuration");

    tcase_add_checked_fixture(tcase, begin, NULL);
    tcase_add_test(tcase, tables);
    tcase_add_test(tcase, configuration);
    tcase_add_test(tcase, offers_of_a_plain_network);
    tcase_add_test(tcase, incomplete_choice);
    tcase_add_test(tcase, network_hears_of_the_choice);
    tcase_add_loop_test(tcase, mac_property, 0, sizeof(macs) / sizeof(macs[0]));
    tcase_add_test(tcase, mac_of_nobody);
    tcase_add_loop_test(tcase, mtu_property, 0, sizeof(mtus) / sizeof(mtus[0]));
    tcase_add_test(tcase, queue_properties);
    tcase_add_test(tcase, no_network);
    tcase_add_test(tcase, link_goes_and_comes);
    return tcase;
}
