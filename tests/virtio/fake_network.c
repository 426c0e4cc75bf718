/* SPDX-License-Identifier: BSD-2-Clause */
/* A network and time for the fake host, see fake_network.h. */
#include "tests/virtio/fake_network.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct ioreqd_timer {
    void (*fire)(void *argument);
    void *argument;
    uint64_t deadline;
    bool used;
};

static struct ioreqd_timer timers[FAKE_TIMERS];
static uint64_t time_now = 1;

static struct ioreqd_loop *queue_loop(struct ioreqd_device *device, unsigned queue)
{
    return fake_host.queue_loop(device, queue / 2);
}

static uint64_t now(struct ioreqd_device *device)
{
    (void)device;
    return time_now;
}

static int make_timer(struct ioreqd_device *device, struct ioreqd_loop *loop, void (*fire)(void *argument),
                      void *argument, struct ioreqd_timer **timer)
{
    (void)device;
    (void)loop;
    for (unsigned i = 0; i < FAKE_TIMERS; i++) {
        if (!timers[i].used) {
            timers[i] = (struct ioreqd_timer){fire, argument, 0, true};
            *timer = &timers[i];
            return 0;
        }
    }
    return -ENOMEM;
}

static void timer_set(struct ioreqd_timer *timer, uint64_t deadline)
{
    timer->deadline = deadline;
}

static void timer_destroy(struct ioreqd_timer *timer)
{
    timer->used = false;
    timer->deadline = 0;
}

unsigned fake_timers(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < FAKE_TIMERS; i++) {
        count += timers[i].used;
    }
    return count;
}

void fake_time_pass(struct fake *fake, uint64_t nanoseconds)
{
    time_now += nanoseconds;
    for (unsigned i = 0; i < FAKE_TIMERS; i++) {
        if (timers[i].deadline != 0 && timers[i].deadline <= time_now) {
            timers[i].deadline = 0;
            timers[i].fire(timers[i].argument);
        }
    }
    fake_pump(fake);
}

/* ------------------------------------------------------------------------------------------------------------------
 * The network's functions
 */

static void network_facts(struct ioreqd_network *network, struct ioreqd_network_facts *facts)
{
    *facts = network->facts;
}

static int network_watch(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_network *network,
                         unsigned pair, void (*ready)(void *argument, unsigned events), void *argument)
{
    (void)device;
    if (pair >= network->facts.queue_pairs) {
        return -EINVAL;
    }
    network->pair[pair].loop = loop;
    network->pair[pair].ready = ready;
    network->pair[pair].argument = argument;
    return 0;
}

static void network_want(struct ioreqd_network *network, unsigned pair, unsigned events)
{
    network->pair[pair].wanted = events;
    network->pair[pair].wants++;
}

static int network_read(struct ioreqd_network *network, unsigned pair, void *to, size_t length)
{
    struct fake_packets *in = &network->pair[pair].in;

    network->pair[pair].reads++;
    if (in->done == in->count) {
        return -EAGAIN;
    }
    const struct fake_packet *packet = &in->packet[in->done++];
    if (packet->length < 0) {
        return packet->length;
    }
    if ((size_t)packet->length > length) {
        return -EMSGSIZE;
    }
    memcpy(to, packet->bytes, (size_t)packet->length);
    return packet->length;
}

static int network_write(struct ioreqd_network *network, unsigned pair, const struct iovec *iov, unsigned count)
{
    struct fake_network_pair *at = &network->pair[pair];
    struct fake_packet *packet = &at->out.packet[at->out.count];
    size_t length = 0;

    at->writes++;
    if (count > 1024) {
        abort(); /* no system call takes more */
    }
    if (network->write_error != 0) {
        return network->write_error;
    }
    if (at->room == 0) {
        return -EAGAIN;
    }
    at->room -= at->room != UINT_MAX;
    for (unsigned i = 0; i < count; i++) {
        length += iov[i].iov_len;
    }
    if (length < IOREQD_NETWORK_HEADER || at->out.count == FAKE_PACKETS) {
        abort();
    }
    packet->bytes = malloc(length);
    packet->length = 0;
    for (unsigned i = 0; i < count; i++) {
        memcpy(packet->bytes + packet->length, iov[i].iov_base, iov[i].iov_len);
        packet->length += (int)iov[i].iov_len;
    }
    at->out.count++;
    return packet->length;
}

static int network_set_offloads(struct ioreqd_network *network, uint32_t offloads)
{
    if (network->refuse == 0) {
        network->offloads = offloads;
    }
    return network->refuse;
}

static int network_set_queue_pairs(struct ioreqd_network *network, unsigned queue_pairs)
{
    if (network->refuse == 0) {
        network->queue_pairs = queue_pairs;
    }
    return network->refuse;
}

static int network_set_steering(struct ioreqd_network *network, const struct ioreqd_network_steering *steering)
{
    if (network->refuse != 0) {
        return network->refuse;
    }
    memset(&network->steering, 0, sizeof(network->steering));
    if (steering != NULL) {
        if (steering->entries > IOREQD_NETWORK_TABLE_MOST || steering->key_length > IOREQD_NETWORK_KEY_MOST) {
            abort();
        }
        for (unsigned i = 0; i < steering->entries; i++) {
            if (steering->table[i] >= network->queue_pairs) {
                abort(); /* a pair that is not in use */
            }
        }
        network->steering = *steering;
        memcpy(network->table, steering->table, steering->entries * sizeof(*steering->table));
        memcpy(network->key, steering->key, steering->key_length);
    }
    return 0;
}

static int network_link(struct ioreqd_network *network)
{
    return network->link;
}

static void event(struct ioreqd_device *device, const char *name, const char *json)
{
    (void)device;
    (void)name;
    (void)json;
}

void fake_network_host(struct ioreqd_host *host)
{
    *host = fake_host;
    host->queue_loop = queue_loop;
    host->now = now;
    host->timer_create = make_timer;
    host->timer_set = timer_set;
    host->timer_destroy = timer_destroy;
    host->event = event;
    host->network_facts = network_facts;
    host->network_watch = network_watch;
    host->network_want = network_want;
    host->network_read = network_read;
    host->network_write = network_write;
    host->network_set_offloads = network_set_offloads;
    host->network_set_queue_pairs = network_set_queue_pairs;
    host->network_link = network_link;
    host->network_set_steering = network_set_steering;
}

/* ------------------------------------------------------------------------------------------------------------------
 * What tests do
 */

struct ioreqd_network *fake_network_create(void)
{
    struct ioreqd_network *network = calloc(1, sizeof(*network));

    network->facts = (struct ioreqd_network_facts){
        .struct_size = sizeof(network->facts),
        .offloads = IOREQD_NETWORK_CHECKSUM | IOREQD_NETWORK_TSO4 | IOREQD_NETWORK_TSO6 | IOREQD_NETWORK_ECN |
                    IOREQD_NETWORK_UFO | IOREQD_NETWORK_USO,
        .queue_pairs = FAKE_PAIRS,
        .mtu = 1500,
        .mac = {0x02, 0, 0, 0, 0, 0x55},
        .hash_types = 0x3f,
    };
    network->link = true;
    for (unsigned i = 0; i < FAKE_PAIRS; i++) {
        network->pair[i].room = UINT_MAX;
    }
    return network;
}

static void forget(struct fake_packets *packets)
{
    for (unsigned i = 0; i < packets->count; i++) {
        free(packets->packet[i].bytes);
    }
}

void fake_network_destroy(struct ioreqd_network *network)
{
    for (unsigned i = 0; i < FAKE_PAIRS; i++) {
        forget(&network->pair[i].in);
        forget(&network->pair[i].out);
    }
    free(network);
}

void fake_network_deliver(struct ioreqd_network *network, unsigned pair, const uint8_t header[12], const void *packet,
                          unsigned length)
{
    struct fake_packets *in = &network->pair[pair].in;
    struct fake_packet *at = &in->packet[in->count++];

    at->length = (int)(IOREQD_NETWORK_HEADER + length);
    at->bytes = calloc(1, (size_t)at->length);
    if (header != NULL) {
        memcpy(at->bytes, header, IOREQD_NETWORK_HEADER);
    }
    if (length != 0) {
        memcpy(at->bytes + IOREQD_NETWORK_HEADER, packet, length);
    }
}

void fake_network_deliver_error(struct ioreqd_network *network, unsigned pair, int error)
{
    struct fake_packets *in = &network->pair[pair].in;

    in->packet[in->count++] = (struct fake_packet){NULL, error};
}

static unsigned events_of(const struct fake_network_pair *pair)
{
    unsigned events = 0;

    if (pair->loop != NULL) {
        events |= pair->in.done != pair->in.count ? pair->wanted & IOREQD_READABLE : 0;
        events |= pair->room != 0 ? pair->wanted & IOREQD_WRITABLE : 0;
    }
    return events;
}

void fake_network_run(struct ioreqd_network *network, struct fake *fake)
{
    bool again;
    unsigned rounds = 0;

    fake_pump(fake);
    do {
        again = false;
        for (unsigned i = 0; i < FAKE_PAIRS; i++) {
            unsigned events = events_of(&network->pair[i]);

            if (events != 0) {
                network->pair[i].ready(network->pair[i].argument, events);
                fake_pump(fake);
                again = true;
            }
        }
        if (rounds++ == 10000) {
            abort(); /* the device wants to hear of what it does nothing about */
        }
    } while (again);
}

void fake_network_set_link(struct ioreqd_network *network, struct fake *fake, bool link)
{
    network->link = link;
    for (unsigned i = 0; i < FAKE_PAIRS; i++) {
        if (network->pair[i].loop != NULL) {
            network->pair[i].ready(network->pair[i].argument, IOREQD_CONNECTED);
        }
    }
    fake_pump(fake);
}
