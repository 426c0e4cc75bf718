/* SPDX-License-Identifier: BSD-2-Clause */
/* A driver of virtio-net, see net_driver.h. Little-endian hosts only. */
#include "tests/virtio/net_driver.h"

#include <stdlib.h>
#include <string.h>

struct fake *fake;
struct driver driver;
struct ioreqd_network *network;
struct net *net;
const struct ioreqd_model *net_model;
struct net_plan plan;

static struct ioreqd_host host;
static unsigned next_buffer;

static void *property(const char *name)
{
    const struct ioreqd_property *one = net_model->property;

    while (strcmp(one->name, name) != 0) {
        one++;
    }
    return (char *)net + one->offset;
}

uint64_t net_counter(const char *name)
{
    const struct ioreqd_counter *one = net_model->counter;

    while (strcmp(one->name, name) != 0) {
        one++;
    }
    return atomic_load((_Atomic uint64_t *)(void *)((char *)net + one->offset));
}

int net_create(void)
{
    fake = fake_create(0);
    fake_network_host(&host);
    network = fake_network_create();
    network->facts.offloads &= plan.offloads;
    network->facts.queue_pairs = plan.network_pairs;
    network->facts.mtu = plan.network_mtu;
    network->facts.hash_types = plan.no_steering ? 0 : network->facts.hash_types;
    if (plan.no_network_mac) {
        memset(network->facts.mac, 0, sizeof(network->facts.mac));
    }
    net_model = ioreqd_module(&host)[0];
    net = calloc(1, net_model->state_size);
    if (!plan.no_network) {
        memcpy(property("network"), &network, sizeof(void *));
    }
    strcpy(property("mac"), plan.mac);
    *(uint8_t *)property("transitional") = plan.transitional;
    *(uint32_t *)property("mtu") = plan.mtu;
    *(uint32_t *)property("queues") = plan.queues;
    *(uint32_t *)property("queue-size") = plan.queue_size;
    next_buffer = BUFFERS / 2;
    return driver_begin(&driver, fake, net_model, net);
}

void net_end(void)
{
    driver_end(&driver);
    net_discard();
}

void net_discard(void)
{
    ck_assert_uint_eq(fake->windows, 0);
    ck_assert_uint_eq(fake->pinned, 0);
    ck_assert_uint_eq(fake_timers(), 0);
    free(net);
    fake_network_destroy(network);
    fake_destroy(fake);
}

void net_plan_default(void)
{
    plan = (struct net_plan){.mac = "",
                             .queues = 1,
                             .queue_size = 256,
                             .offloads = UINT32_MAX,
                             .network_pairs = FAKE_PAIRS,
                             .network_mtu = 1500};
}

void net_setup(void)
{
    net_plan_default();
    ck_assert_int_eq(net_create(), 0);
    net_start(PLAIN);
}

void net_teardown(void)
{
    net_end();
}

unsigned control_queue(void)
{
    return 2 * net_pairs_there(net);
}

void net_start(uint64_t features)
{
    bool several = (features & (NET_BIT(NET_F_MQ) | NET_BIT(NET_F_RSS))) != 0;

    driver_start(&driver, features, (uint16_t)(several ? 2 * plan.queues + 1 : 3), SIZE);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
    fake_network_run(network, fake);
}

void net_restart(uint64_t features)
{
    driver_write(&driver, STATUS, 1, 0);
    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), 0);
    net_start(features);
}

void net_give(unsigned pair, unsigned buffer, uint32_t length)
{
    struct part part = {BUFFER(buffer), length, WRITE};

    driver_add(&driver, RX(pair), &part, 1);
}

void net_give_all(unsigned pair)
{
    for (unsigned i = 0; i < SIZE; i++) {
        net_give(pair, i, PART);
    }
    driver_kick(&driver, RX(pair));
    fake_network_run(network, fake);
}

const uint8_t *net_packet(unsigned kind, uint32_t length)
{
    static uint8_t packet[IOREQD_NETWORK_MAX_PACKET + 1];
    static uint8_t seed;

    seed++;
    for (uint32_t i = 0; i < length; i++) {
        packet[i] = (uint8_t)(i * 7 + i / 256 + seed);
    }
    memcpy(packet, kind == 0 ? net->mac : (const uint8_t[]){0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 6);
    memcpy(packet + 12, (const uint8_t[]){0x08, 0x00}, 2);
    return packet;
}

/* Where the driver writes what the device reads: it is not looked at again. */
static uint32_t fill(const void *bytes, uint32_t length)
{
    uint32_t address;

    if (next_buffer + length / PART + 1 > BUFFERS) {
        next_buffer = BUFFERS / 2;
    }
    address = BUFFER(next_buffer);
    next_buffer += length / PART + 1;
    if (length != 0) {
        memcpy(fake->ram + address, bytes, length);
    }
    return address;
}

void net_send(unsigned pair, const uint8_t header[12], const void *packet, uint32_t length)
{
    static const uint8_t nothing[12];
    struct part parts[2] = {{fill(header != NULL ? header : nothing, net->terms.header), net->terms.header, 0},
                            {fill(packet, length), length, 0}};

    driver_add(&driver, TX(pair), parts, 2);
    driver_kick(&driver, TX(pair));
    fake_network_run(network, fake);
}

uint8_t net_query(uint8_t class, uint8_t command, const void *data, uint32_t length, void *result, uint32_t room)
{
    uint8_t head[2] = {class, command};
    uint8_t answer = NOT_ANSWERED;
    uint32_t place = fill(&answer, 1), results = fill(result, room);
    const struct part all[4] = {
        {fill(head, 2), 2, 0}, {fill(data, length), length, 0}, {results, room, WRITE}, {place, 1, WRITE}};
    struct part parts[4];
    unsigned count = 0;
    uint32_t id, used;

    for (unsigned i = 0; i < 4; i++) {
        parts[count] = all[i];
        count += all[i].length != 0;
    }
    driver_add(&driver, control_queue(), parts, count);
    driver_kick(&driver, control_queue());
    fake_network_run(network, fake);
    if (!driver_used(&driver, control_queue(), &id, &used)) {
        return NOT_ANSWERED;
    }
    ck_assert_uint_eq(used, room + 1);
    if (room != 0) {
        memcpy(result, fake->ram + results, room);
    }
    return fake->ram[place];
}

uint8_t net_command(uint8_t class, uint8_t command, const void *data, uint32_t length)
{
    return net_query(class, command, data, length, NULL, 0);
}

uint8_t net_command_byte(uint8_t class, uint8_t command, uint8_t value)
{
    return net_command(class, command, &value, 1);
}

unsigned net_used(unsigned queue)
{
    uint32_t id, length;
    unsigned count = 0;

    while (driver_used(&driver, queue, &id, &length)) {
        count++;
    }
    return count;
}

bool net_arrives(const uint8_t *packet, uint32_t length)
{
    uint16_t before = driver_used_index(&driver, RX(0));

    fake_network_deliver(network, 0, NULL, packet, length);
    fake_network_run(network, fake);
    return driver_used_index(&driver, RX(0)) != before;
}

unsigned net_status(void)
{
    return driver_read(&driver, CONFIG + NET_CONFIG_STATUS, 2);
}
