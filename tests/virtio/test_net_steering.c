/* SPDX-License-Identifier: BSD-2-Clause */
/* RSS (virtio 1.4 §5.1.9.5.7): what the driver may ask for, and what the network hears of it. */
#include <errno.h>
#include <string.h>

#include "tests/virtio/net_driver.h"

#define RSS     1 /* the command, of CLASS_PAIRS */
#define FEATURE (PLAIN | NET_BIT(NET_F_RSS))

/* A command as the driver makes it; tests make it wrong. */
static struct {
    uint32_t hash_types;
    uint16_t mask, unclassified, table[256], sends;
    uint8_t key_length, key[64];
    int longer; /* bytes more than it says */
} ask;

static void make_ask(void)
{
    memset(&ask, 0, sizeof(ask));
    ask.hash_types = 0x3f;
    ask.mask = 3;
    ask.unclassified = 1;
    memcpy(ask.table, (const uint16_t[]){0, 1, 1, 0}, 8);
    ask.sends = 2;
    ask.key_length = 40;
    memset(ask.key, 0x5a, sizeof(ask.key));
}

static void begin(void)
{
    net_plan_default();
    plan.queues = 3;
    ck_assert_int_eq(net_create(), 0);
    net_start(FEATURE | NET_BIT(NET_F_MQ));
    make_ask();
}

static uint8_t send_ask(void)
{
    uint8_t data[1024] = {0};
    uint32_t entries = ask.mask < 256 ? ask.mask + 1u : 256, length = 8;

    memcpy(data, &ask.hash_types, 4);
    memcpy(data + 4, &ask.mask, 2);
    memcpy(data + 6, &ask.unclassified, 2);
    memcpy(data + length, ask.table, 2 * entries);
    length += 2 * entries;
    memcpy(data + length, &ask.sends, 2);
    data[length + 2] = ask.key_length;
    memcpy(data + length + 3, ask.key, ask.key_length < 64 ? ask.key_length : 64);
    length += 3u + ask.key_length;
    return net_command(CLASS_PAIRS, RSS, data, (uint32_t)((int)length + ask.longer));
}

static uint8_t set_pairs(uint16_t pairs)
{
    return net_command(CLASS_PAIRS, 0, &pairs, 2);
}

START_TEST(network_hears_of_it)
{
    ck_assert_uint_eq(send_ask(), ACK_OK_);
    ck_assert_uint_eq(network->queue_pairs, 2);
    ck_assert_uint_eq(network->steering.hash_types, 0x3f);
    ck_assert_uint_eq(network->steering.entries, 4);
    ck_assert_uint_eq(network->steering.unclassified, 1);
    ck_assert_uint_eq(network->steering.key_length, 40);
    ck_assert_mem_eq(network->table, ask.table, 8);
    ck_assert_mem_eq(network->key, ask.key, 40);
}
END_TEST

/* In use are the pairs that it names, and those that the driver sends by. */
START_TEST(pairs_in_use)
{
    net_give_all(2);
    ask.table[3] = 2;
    ck_assert_uint_eq(send_ask(), ACK_OK_);
    ck_assert_uint_eq(network->queue_pairs, 3);
    fake_network_deliver(network, 2, NULL, net_packet(0, 60), 60);
    fake_network_run(network, fake);
    ck_assert_uint_eq(net_used(RX(2)), 1);
    ask.table[3] = 0;
    ask.unclassified = 0;
    memset(ask.table, 0, sizeof(ask.table));
    ck_assert_uint_eq(send_ask(), ACK_OK_);
    ck_assert_uint_eq(network->queue_pairs, 2);
    ask.sends = 1;
    ck_assert_uint_eq(send_ask(), ACK_OK_);
    ck_assert_uint_eq(network->queue_pairs, 1);
    ask.unclassified = 2;
    ck_assert_uint_eq(send_ask(), ACK_OK_);
    ck_assert_uint_eq(network->queue_pairs, 3);
}
END_TEST

/* §5.1.9.5.5: the last command holds. A reset ends both. */
START_TEST(last_one_holds)
{
    ck_assert_uint_eq(send_ask(), ACK_OK_);
    ck_assert_uint_eq(set_pairs(3), ACK_OK_);
    ck_assert_uint_eq(network->steering.entries, 0);
    ck_assert_uint_eq(network->queue_pairs, 3);
    ck_assert_uint_eq(send_ask(), ACK_OK_);
    ck_assert_uint_eq(network->steering.entries, 4);
    driver_write(&driver, STATUS, 1, 0);
    fake_pump(fake);
    ck_assert_uint_eq(network->steering.entries, 0);
    ck_assert_uint_eq(network->queue_pairs, 1);
}
END_TEST

START_TEST(sizes)
{
    static const uint16_t masks[] = {0, 1, 127};

    ask.mask = masks[_i];
    ask.key_length = _i == 0 ? 0 : 39;
    ask.hash_types = 0;
    ck_assert_uint_eq(send_ask(), ACK_OK_);
    ck_assert_uint_eq(network->steering.entries, masks[_i] + 1u);
    ck_assert_uint_eq(network->steering.key_length, ask.key_length);
}
END_TEST

/* Linux 6.12.107 sends a byte more. */
START_TEST(longer)
{
    uint16_t length;

    ck_assert_uint_eq(send_ask(), ACK_OK_);
    length = net->rss_length;
    ask.longer = _i == 0 ? 1 : 4;
    ask.mask = _i == 2 ? 127 : ask.mask; /* and more than is kept */
    ask.key[0] = 0x77;
    ck_assert_uint_eq(send_ask(), ACK_OK_);
    ck_assert_uint_eq(network->key[0], 0x77);
    ck_assert_uint_eq(network->steering.key_length, 40);
    if (_i < 2) {
        ck_assert_uint_eq(net->rss_length, length);
    }
}
END_TEST

/* What makes no sense changes nothing. */
START_TEST(wrong)
{
    ck_assert_uint_eq(send_ask(), ACK_OK_);
    memset(ask.key, 0x77, sizeof(ask.key));
    switch (_i) {
    case 0:
        ask.mask = 2;
        break;
    case 1:
        ask.mask = 255;
        break;
    case 2:
        ask.mask = UINT16_MAX;
        break;
    case 3:
        ask.hash_types = 0x40;
        break;
    case 4:
        ask.unclassified = 3;
        break;
    case 5:
        ask.table[3] = 3;
        break;
    case 6:
        ask.table[0] = 0x8000;
        break;
    case 7:
        ask.sends = 0;
        break;
    case 8:
        ask.sends = 4;
        break;
    case 9:
        ask.key_length = 41;
        break;
    case 10:
        ask.longer = -1;
        break;
    default:
        ask.unclassified = 2; /* needs another pair */
        network->refuse = -EIO;
        break;
    }
    ck_assert_uint_eq(send_ask(), ACK_ERR_);
    network->refuse = 0;
    ck_assert_uint_eq(network->key[0], 0x5a);
    ck_assert_uint_eq(network->queue_pairs, 2);
    ck_assert_uint_eq(net->settings.pairs, 2);
    make_ask();
    ck_assert_uint_eq(send_ask(), ACK_OK_);
}
END_TEST

/* A command that is cut anywhere. */
START_TEST(too_short)
{
    for (ask.longer = -59; ask.longer < 0; ask.longer++) {
        ck_assert_uint_eq(send_ask(), ACK_ERR_);
    }
    ck_assert_uint_eq(network->steering.entries, 0);
}
END_TEST

/* Without MQ the pairs are there too, and the other command is not. */
START_TEST(without_mq)
{
    net_restart(FEATURE);
    ck_assert_uint_eq(set_pairs(2), ACK_ERR_);
    ck_assert_uint_eq(send_ask(), ACK_OK_);
    ck_assert_uint_eq(network->queue_pairs, 2);
    net_give_all(1);
    fake_network_deliver(network, 1, NULL, net_packet(0, 60), 60);
    fake_network_run(network, fake);
    ck_assert_uint_eq(net_used(RX(1)), 1);
}
END_TEST

START_TEST(not_agreed_on)
{
    net_restart(PLAIN | NET_BIT(NET_F_MQ));
    ck_assert_uint_eq(send_ask(), ACK_ERR_);
    ck_assert_uint_eq(net_command(CLASS_PAIRS, 2, ask.key, 53), ACK_ERR_); /* HASH_CONFIG */
}
END_TEST

/* §5.1.9.5.7.3: packets for a queue that is being reset are dropped. */
START_TEST(queue_reset)
{
    ck_assert_uint_eq(send_ask(), ACK_OK_);
    driver_select(&driver, RX(1));
    driver_write(&driver, QUEUE_RESET, 2, 1);
    fake_pump(fake);
    fake_network_deliver(network, 1, NULL, net_packet(0, 60), 60);
    fake_network_run(network, fake);
    ck_assert_uint_eq(net_counter("receive-drops"), 1);
}
END_TEST

/* A network that cannot, or one pair: not offered, and not in the configuration. */
START_TEST(not_offered)
{
    net_end();
    plan.no_steering = _i == 0;
    plan.queues = _i == 0 ? 2 : 1;
    ck_assert_int_eq(net_create(), 0);
    ck_assert((driver_offered(&driver) & NET_BIT(NET_F_RSS)) == 0);
    ck_assert_uint_eq(driver_read(&driver, CONFIG + NET_CONFIG_HASHES, 4), 0);
}
END_TEST

TCase *net_steering_cases(void)
{
    TCase *tcase = tcase_create("virtio-net steering");

    tcase_add_checked_fixture(tcase, begin, net_teardown);
    tcase_add_test(tcase, network_hears_of_it);
    tcase_add_test(tcase, pairs_in_use);
    tcase_add_test(tcase, last_one_holds);
    tcase_add_loop_test(tcase, sizes, 0, 3);
    tcase_add_loop_test(tcase, longer, 0, 3);
    tcase_add_loop_test(tcase, wrong, 0, 12);
    tcase_add_test(tcase, too_short);
    tcase_add_test(tcase, without_mq);
    tcase_add_test(tcase, not_agreed_on);
    tcase_add_test(tcase, queue_reset);
    tcase_add_loop_test(tcase, not_offered, 0, 2);
    return tcase;
}
