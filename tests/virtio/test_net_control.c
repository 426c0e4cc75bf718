/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands of the driver (virtio 1.4 §5.1.9.5), good ones and others. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/virtio/net_driver.h"

static const uint8_t stranger[60] = {2, 9, 9, 9, 9, 9}, group[60] = {1, 0, 0x5e, 0, 0, 1},
                     broadcast[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static uint8_t own[60];

static void begin(void)
{
    net_setup();
    net_give_all(0);
    memcpy(own, net->mac, 6);
}

static bool arrives(const uint8_t *packet)
{
    bool arrived = net_arrives(packet, 60);

    if (arrived) {
        net_give(0, 0, PART);
        driver_kick(&driver, RX(0));
    }
    return arrived;
}

/* Until it says otherwise the driver gets everything. */
START_TEST(all_at_first)
{
    ck_assert(arrives(own) && arrives(stranger) && arrives(group) && arrives(broadcast));
}
END_TEST

/* §5.1.9.5.1.1 */
START_TEST(receive_modes)
{
    ck_assert_uint_eq(net_command_byte(CLASS_RX, NET_MODE_PROMISCUOUS, 0), ACK_OK_);
    ck_assert(arrives(own) && arrives(broadcast));
    ck_assert(!arrives(stranger) && !arrives(group));
    ck_assert_uint_eq(net_counter("filtered"), 2);
    ck_assert_uint_eq(net_command_byte(CLASS_RX, NET_MODE_ALL_MULTICAST, 1), ACK_OK_);
    ck_assert(!arrives(stranger) && arrives(group));
    ck_assert_uint_eq(net_command_byte(CLASS_RX, NET_MODE_ALL_UNICAST, 1), ACK_OK_);
    ck_assert(arrives(stranger));
    ck_assert_uint_eq(net_command_byte(CLASS_RX, NET_MODE_NO_MULTICAST, 1), ACK_OK_);
    ck_assert(!arrives(group) && arrives(broadcast));
    ck_assert_uint_eq(net_command_byte(CLASS_RX, NET_MODE_NO_UNICAST, 1), ACK_OK_);
    ck_assert(!arrives(own) && !arrives(stranger));
    ck_assert_uint_eq(net_command_byte(CLASS_RX, NET_MODE_NO_BROADCAST, 1), ACK_OK_);
    ck_assert(!arrives(broadcast));
    ck_assert_uint_eq(net_command_byte(CLASS_RX, NET_MODE_PROMISCUOUS, 1), ACK_OK_);
    ck_assert(arrives(own) && arrives(stranger) && arrives(group) && arrives(broadcast));
    ck_assert_uint_eq(net_command_byte(CLASS_RX, NET_MODE_PROMISCUOUS, 0), ACK_OK_);
    ck_assert_uint_eq(net_command_byte(CLASS_RX, NET_MODE_NO_UNICAST, 0), ACK_OK_);
    ck_assert(arrives(own));
}
END_TEST

static uint32_t put_table(uint8_t *to, uint32_t entries, const uint8_t *address, uint32_t count)
{
    memcpy(to, &entries, 4);
    for (uint32_t i = 0; i < count; i++) {
        memcpy(to + 4 + 6 * i, address, 6);
        to[4 + 6 * i + 4] ^= (uint8_t)i; /* the first one is the address, the others differ from it */
    }
    return 4 + 6 * count;
}

static uint8_t set_table(uint32_t unicast, uint32_t multicast)
{
    static uint8_t data[8 + 12 * 300];
    uint32_t length = put_table(data, unicast, stranger, unicast);

    length += put_table(data + length, multicast, group, multicast);
    return net_command(CLASS_MAC, 0, data, length);
}

/* §5.1.9.5.2.1 */
START_TEST(address_table)
{
    ck_assert_uint_eq(set_table(1, 0), ACK_OK_);
    ck_assert(arrives(own) && arrives(stranger) && !arrives(group));
    ck_assert_uint_eq(set_table(0, 1), ACK_OK_);
    ck_assert(arrives(own) && !arrives(stranger) && arrives(group));
    ck_assert_uint_eq(set_table(64, 64), ACK_OK_);
    ck_assert(arrives(stranger) && arrives(group));
    ck_assert_uint_eq(set_table(0, 0), ACK_OK_);
    ck_assert(!arrives(stranger) && !arrives(group));
    net_restart(PLAIN);
    net_give_all(0);
    ck_assert_uint_eq(net_command_byte(CLASS_RX, NET_MODE_PROMISCUOUS, 0), ACK_OK_);
    ck_assert(!arrives(stranger) && !arrives(group)); /* empty on reset */
}
END_TEST

/* More than there is room for: all of that kind, and only of that kind. */
START_TEST(address_table_overflows)
{
    static const uint8_t other[60] = {2, 7, 7, 7, 7, 7}, other_group[60] = {1, 7, 7};

    ck_assert_uint_eq(set_table(65, 1), ACK_OK_);
    ck_assert(arrives(other) && arrives(group) && !arrives(other_group));
    ck_assert_uint_eq(set_table(1, 300), ACK_OK_);
    ck_assert(!arrives(other) && arrives(stranger) && arrives(other_group));
    ck_assert_uint_eq(set_table(1, 1), ACK_OK_);
    ck_assert(!arrives(other) && !arrives(other_group));
}
END_TEST

START_TEST(address_table_that_lies)
{
    static const struct {
        uint32_t unicast, unicasts, multicast, multicasts;
    } cases[] = {{2, 1, 0, 0},          {0, 0, 2, 1},          {UINT32_MAX, 1, 0, 0}, {0x2aaaaaab, 0, 0, 0},
                 {0, 0, UINT32_MAX, 2}, {0x80000000, 1, 0, 0}, {1, 2, 0, 0},          {0, 0, 1, 2}};
    uint8_t data[100];
    uint32_t length = put_table(data, cases[_i].unicast, stranger, cases[_i].unicasts);

    length += put_table(data + length, cases[_i].multicast, group, cases[_i].multicasts);
    ck_assert_uint_eq(set_table(1, 0), ACK_OK_);
    ck_assert_uint_eq(net_command(CLASS_MAC, 0, data, length), ACK_ERR_);
    ck_assert_uint_eq(net_command(CLASS_MAC, 0, data, 3), ACK_ERR_);
    ck_assert_uint_eq(net_command(CLASS_MAC, 0, data, 4), ACK_ERR_);
    ck_assert(arrives(stranger) && !arrives(group)); /* nothing has changed */
}
END_TEST

/* §5.1.9.5.2.1: before the command is used, config space has it, and packets do. */
START_TEST(set_address)
{
    static const uint8_t mac[7] = {2, 9, 9, 9, 9, 9};

    ck_assert_uint_eq(net_command_byte(CLASS_RX, NET_MODE_PROMISCUOUS, 0), ACK_OK_);
    ck_assert_uint_eq(net_command(CLASS_MAC, 1, mac, 6), ACK_OK_);
    for (unsigned i = 0; i < 6; i++) {
        ck_assert_uint_eq(driver_read(&driver, CONFIG + i, 1), mac[i]);
    }
    ck_assert(arrives(stranger) && !arrives(own));
    ck_assert_uint_eq(net_command(CLASS_MAC, 1, group, 6), ACK_ERR_);
    ck_assert_uint_eq(net_command(CLASS_MAC, 1, mac, 5), ACK_ERR_);
    ck_assert_uint_eq(net_command(CLASS_MAC, 1, mac, 7), ACK_ERR_);
    driver_write(&driver, STATUS, 1, 0);
    ck_assert_uint_eq(driver_read(&driver, CONFIG + 5, 1), 0x55);
}
END_TEST

/* §5.1.9.5.3.1 */
START_TEST(vlans)
{
    uint8_t tagged[60];
    uint16_t vlan = 100, beyond = 4096;

    memcpy(tagged, own, 60);
    memcpy(tagged + 12, (const uint8_t[]){0x81, 0, 0x20, 100}, 4);
    ck_assert(!arrives(tagged)); /* the table is empty at first */
    ck_assert_uint_eq(net_command(CLASS_VLAN, 0, &vlan, 2), ACK_OK_);
    ck_assert(arrives(tagged));
    tagged[15] = 101;
    ck_assert(!arrives(tagged));
    tagged[15] = 100;
    ck_assert_uint_eq(net_command(CLASS_VLAN, 1, &vlan, 2), ACK_OK_);
    ck_assert(!arrives(tagged));
    ck_assert_uint_eq(net_command(CLASS_VLAN, 0, &beyond, 2), ACK_ERR_);
    net_restart(PLAIN & ~NET_BIT(NET_F_CTRL_VLAN));
    net_give_all(0);
    ck_assert(arrives(tagged));
}
END_TEST

/* §5.1.9.5.9 */
START_TEST(guest_offloads)
{
    uint64_t offloads = NET_BIT(NET_F_GUEST_CSUM) | NET_BIT(NET_F_GUEST_TSO4);
    static const uint8_t segments[12] = {1, 1, 54, 0, 0xa8, 5, 34, 0, 16, 0, 0, 0};

    net_restart(PLAIN | NET_BIT(NET_F_CTRL_GUEST_OFFLOADS) | offloads);
    net_give_all(0);
    ck_assert_uint_eq(network->offloads, IOREQD_NETWORK_CHECKSUM | IOREQD_NETWORK_TSO4);
    offloads = NET_BIT(NET_F_GUEST_CSUM);
    ck_assert_uint_eq(net_command(CLASS_OFFLOADS, 0, &offloads, 8), ACK_OK_);
    ck_assert_uint_eq(network->offloads, IOREQD_NETWORK_CHECKSUM);
    /* One that the network had on its way when it was told. */
    fake_network_deliver(network, 0, segments, own, 60);
    fake_network_run(network, fake);
    ck_assert_uint_eq(net_used(RX(0)), 0);
    offloads = NET_BIT(NET_F_GUEST_TSO4);
    ck_assert_uint_eq(net_command(CLASS_OFFLOADS, 0, &offloads, 8), ACK_ERR_); /* not without checksums */
    offloads = NET_BIT(NET_F_GUEST_CSUM) | NET_BIT(NET_F_GUEST_TSO6);
    ck_assert_uint_eq(net_command(CLASS_OFFLOADS, 0, &offloads, 8), ACK_ERR_); /* was not agreed on */
    offloads = UINT64_MAX;
    ck_assert_uint_eq(net_command(CLASS_OFFLOADS, 0, &offloads, 8), ACK_ERR_);
    offloads = 0;
    network->refuse = -EIO;
    ck_assert_uint_eq(net_command(CLASS_OFFLOADS, 0, &offloads, 8), ACK_ERR_);
    ck_assert_uint_eq(network->offloads, IOREQD_NETWORK_CHECKSUM);
    network->refuse = 0;
    ck_assert_uint_eq(net_command(CLASS_OFFLOADS, 0, &offloads, 8), ACK_OK_);
    ck_assert_uint_eq(network->offloads, 0);
}
END_TEST

/* Each command that there is, without its feature, and with one byte more and less than it has. */
START_TEST(wrong_commands)
{
    static const struct {
        uint8_t class, command, length;
        uint64_t feature;
    } cases[] = {
        {CLASS_RX, 0, 1, NET_BIT(NET_F_CTRL_RX)},
        {CLASS_RX, 1, 1, NET_BIT(NET_F_CTRL_RX)},
        {CLASS_RX, 2, 1, NET_BIT(NET_F_CTRL_RX_EXTRA)},
        {CLASS_RX, 3, 1, NET_BIT(NET_F_CTRL_RX_EXTRA)},
        {CLASS_RX, 4, 1, NET_BIT(NET_F_CTRL_RX_EXTRA)},
        {CLASS_RX, 5, 1, NET_BIT(NET_F_CTRL_RX_EXTRA)},
        {CLASS_MAC, 0, 8, NET_BIT(NET_F_CTRL_RX)},
        {CLASS_MAC, 1, 6, NET_BIT(NET_F_CTRL_MAC_ADDR)},
        {CLASS_VLAN, 0, 2, NET_BIT(NET_F_CTRL_VLAN)},
        {CLASS_VLAN, 1, 2, NET_BIT(NET_F_CTRL_VLAN)},
        {CLASS_MODERATE, 0, 8, NET_BIT(NET_F_NOTF_COAL)},
        {CLASS_MODERATE, 1, 8, NET_BIT(NET_F_NOTF_COAL)},
        {CLASS_MODERATE, 2, 12, NET_BIT(NET_F_VQ_NOTF_COAL)},
    };
    static const uint8_t zeros[16];

    ck_assert_uint_eq(net_command(cases[_i].class, cases[_i].command, zeros, cases[_i].length), ACK_OK_);
    ck_assert_uint_eq(net_command(cases[_i].class, cases[_i].command, zeros, cases[_i].length + 1u), ACK_ERR_);
    ck_assert_uint_eq(net_command(cases[_i].class, cases[_i].command, zeros, cases[_i].length - 1u), ACK_ERR_);
    net_restart(PLAIN & ~cases[_i].feature);
    ck_assert_uint_eq(net_command(cases[_i].class, cases[_i].command, zeros, cases[_i].length), ACK_ERR_);
}
END_TEST

START_TEST(unknown_commands)
{
    static const uint8_t unknown[][2] = {{0, 6}, {1, 2}, {2, 2}, {3, 1}, {4, 0}, {4, 1}, {5, 0},
                                         {5, 1}, {6, 4}, {6, 5}, {7, 0}, {8, 0}, {9, 0}, {255, 255}};

    for (unsigned i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        ck_assert_uint_eq(net_command_byte(unknown[i][0], unknown[i][1], 0), ACK_ERR_);
        ck_assert_uint_eq(net_command(unknown[i][0], unknown[i][1], NULL, 0), ACK_ERR_);
    }
    ck_assert_uint_eq(net_command_byte(CLASS_RX, NET_MODE_PROMISCUOUS, 2), ACK_ERR_);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
}
END_TEST

/* Commands that are no commands, and answers that have no place. */
START_TEST(broken_commands)
{
    static const struct {
        struct part parts[2];
        unsigned count;
        bool answered; /* with an error; else the device needs a reset */
    } cases[] = {
        {{{BUFFER(0), 1, 0}, {BUFFER(1), 1, WRITE}}, 2, true}, {{{BUFFER(1), 1, WRITE}}, 1, true},
        {{{FAKE_RAM, 3, 0}, {BUFFER(1), 1, WRITE}}, 2, true},  {{{BUFFER(0), 3, 0}}, 1, false},
        {{{BUFFER(0), 3, 0}, {FAKE_RAM, 1, WRITE}}, 2, false},
    };

    memset(fake->ram + BUFFER(0), 0, 3);
    fake->ram[BUFFER(1)] = NOT_ANSWERED;
    driver_add(&driver, 2, cases[_i].parts, cases[_i].count);
    driver_kick(&driver, 2);
    ck_assert_uint_eq(driver_status(&driver), cases[_i].answered ? 0xf : 0x4f);
    ck_assert_uint_eq(fake->ram[BUFFER(1)], cases[_i].answered ? ACK_ERR_ : NOT_ANSWERED);
    ck_assert_uint_eq(net_used(2), cases[_i].answered);
    net_restart(PLAIN);
    ck_assert_uint_eq(net_command_byte(CLASS_RX, NET_MODE_PROMISCUOUS, 0), ACK_OK_);
}
END_TEST

/* Many at once are answered one after the other, each with what the ones before it have set. */
START_TEST(commands_in_a_row)
{
    memset(fake->ram + BUFFER(0), 0, 3);
    for (unsigned i = 0; i < SIZE / 2; i++) {
        struct part parts[2] = {{BUFFER(0), 3, 0}, {BUFFER(1) + i, 1, WRITE}};

        fake->ram[BUFFER(1) + i] = NOT_ANSWERED;
        driver_add(&driver, 2, parts, 2);
    }
    driver_kick(&driver, 2);
    fake_network_run(network, fake);
    ck_assert_uint_eq(net_used(2), SIZE / 2);
    for (unsigned i = 0; i < SIZE / 2; i++) {
        ck_assert_uint_eq(fake->ram[BUFFER(1) + i], ACK_OK_);
    }
}
END_TEST

TCase *net_control_cases(void)
{
    TCase *tcase = tcase_create("virtio-net commands");

    tcase_add_checked_fixture(tcase, begin, net_teardown);
    tcase_add_test(tcase, all_at_first);
    tcase_add_test(tcase, receive_modes);
    tcase_add_test(tcase, address_table);
    tcase_add_test(tcase, address_table_overflows);
    tcase_add_loop_test(tcase, address_table_that_lies, 0, 8);
    tcase_add_test(tcase, set_address);
    tcase_add_test(tcase, vlans);
    tcase_add_test(tcase, guest_offloads);
    tcase_add_loop_test(tcase, wrong_commands, 0, 13);
    tcase_add_test(tcase, unknown_commands);
    tcase_add_loop_test(tcase, broken_commands, 0, 5);
    tcase_add_test(tcase, commands_in_a_row);
    return tcase;
}
