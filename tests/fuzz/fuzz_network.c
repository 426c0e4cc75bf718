/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Networks of the fuzzing host, see fuzz_host.h. What a packet from the network has in it, and how long it is, the input
 * says, but a header keeps to the offloads that were agreed on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz_host.h"

#define OFFLOADS                                                                                                       \
    (IOREQD_NETWORK_CHECKSUM | IOREQD_NETWORK_TSO4 | IOREQD_NETWORK_TSO6 | IOREQD_NETWORK_ECN | IOREQD_NETWORK_UFO |   \
     IOREQD_NETWORK_USO)
#define EVENTS (IOREQD_READABLE | IOREQD_WRITABLE | IOREQD_CONNECTED)

struct ioreqd_network *fuzz_network_choose(struct ioreqd_device *device, const struct ioreqd_property *property)
{
    uint8_t choice = (uint8_t)fuzz_take(&device->input, 1);
    struct ioreqd_network *network;

    if ((choice & 0xc0) == 0xc0 && (property->flags & IOREQD_PROPERTY_REQUIRED) == 0) {
        return NULL;
    }
    network = calloc(1, sizeof(*network));
    network->next = device->networks;
    network->device = device;
    network->link = (choice & 1) == 0;
    network->queue_pairs = 1;
    network->facts = (struct ioreqd_network_facts){
        .offloads = (uint32_t)fuzz_take(&device->input, 1) & OFFLOADS,
        .queue_pairs = (uint16_t)(1 + (choice >> 1) % FUZZ_PAIRS),
        .mtu = (uint16_t)((choice & 8) != 0 ? fuzz_take(&device->input, 2) : 0),
        .mac = {2, 0, 0, 0, 0, (uint8_t)((choice & 16) != 0)},
    };
    if ((choice & 32) != 0) {
        memset(network->facts.mac, 0, sizeof(network->facts.mac));
    }
    device->networks = network;
    return network;
}

void fuzz_network_facts(struct ioreqd_network *network, struct ioreqd_network_facts *facts)
{
    uint32_t size = facts->struct_size;

    fuzz_entered(network->device, "network_facts");
    if (size < 2 * sizeof(uint32_t) || size > sizeof(*facts)) {
        fuzz_violation("network_facts: struct_size is %u", size);
    }
    memcpy(facts, &network->facts, size);
    facts->struct_size = size;
}

int fuzz_network_watch(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_network *network,
                       unsigned index, void (*ready)(void *argument, unsigned events), void *argument)
{
    fuzz_entered(device, "network_watch");
    if (device->phase != FUZZ_CREATING || index >= network->facts.queue_pairs || network->pair[index].loop != NULL) {
        fuzz_violation("network_watch: outside of create(), the second time, or a pair that there is not");
    }
    if (fuzz_take_back(&device->input) == 0xff) {
        return -ENOMEM;
    }
    network->pair[index] = (struct fuzz_pair){.loop = loop, .ready = ready, .argument = argument, .room = 2};
    return 0;
}

static struct fuzz_pair *used(struct ioreqd_network *network, unsigned index, const char *name)
{
    if (index >= FUZZ_PAIRS || network->pair[index].loop == NULL) {
        fuzz_violation("%s: before network_watch()", name);
    }
    fuzz_entered_on(network->device, network->pair[index].loop, name);
    return &network->pair[index];
}

void fuzz_network_want(struct ioreqd_network *network, unsigned index, unsigned events)
{
    struct fuzz_pair *pair = used(network, index, "network_want");

    if ((events & ~EVENTS) != 0) {
        fuzz_violation("network_want: events %#x", events);
    }
    pair->wanted = events;
}

/* A header that keeps to what was agreed on, though its numbers may be anything. */
static void make_header(struct ioreqd_network *network, uint8_t *header)
{
    static const struct {
        uint8_t type;
        uint32_t needs;
    } gso[] = {{1, IOREQD_NETWORK_TSO4}, {4, IOREQD_NETWORK_TSO6}, {3, IOREQD_NETWORK_UFO}, {5, IOREQD_NETWORK_USO}};
    uint8_t choice = (uint8_t)fuzz_take_back(&network->device->input);

    fuzz_fill(&network->device->input, header, IOREQD_NETWORK_HEADER);
    header[0] = (network->offloads & IOREQD_NETWORK_CHECKSUM) != 0 ? choice & 3 : 0;
    header[1] = (network->offloads & gso[choice >> 6].needs) != 0 ? gso[choice >> 6].type : 0;
    header[10] = 1;
    header[11] = 0;
}

int fuzz_network_read(struct ioreqd_network *network, unsigned index, void *to, size_t length)
{
    struct fuzz_pair *pair = used(network, index, "network_read");
    size_t packet;

    fuzz_acts(network->device, "network_read");
    if (length < IOREQD_NETWORK_HEADER) {
        fuzz_violation("network_read: length %zu", length);
    }
    memset(to, 0x5a, length); /* all of it is the model's */
    if (pair->waiting == 0) {
        return -EAGAIN;
    }
    pair->waiting--;
    packet = 14 + (size_t)fuzz_take_back(&network->device->input) * 7;
    if (packet > length - IOREQD_NETWORK_HEADER) {
        return -EMSGSIZE;
    }
    make_header(network, to);
    fuzz_fill(&network->device->input, (uint8_t *)to + IOREQD_NETWORK_HEADER, packet);
    return (int)(IOREQD_NETWORK_HEADER + packet);
}

int fuzz_network_write(struct ioreqd_network *network, unsigned index, const struct iovec *iov, unsigned count)
{
    struct fuzz_pair *pair = used(network, index, "network_write");
    size_t length = 0;

    fuzz_acts(network->device, "network_write");
    for (unsigned i = 0; i < count; i++) {
        const volatile uint8_t *looked = iov[i].iov_base;

        for (size_t j = 0; j < iov[i].iov_len; j++) {
            (void)looked[j];
        }
        length += iov[i].iov_len;
    }
    if (length < IOREQD_NETWORK_HEADER) {
        fuzz_violation("network_write: %zu bytes", length);
    }
    if (length > IOREQD_NETWORK_HEADER + IOREQD_NETWORK_MAX_PACKET) {
        return -EMSGSIZE;
    }
    if (network->link) {
        if (pair->room == 0) {
            return -EAGAIN;
        }
        pair->room--;
    }
    return (int)length;
}

int fuzz_network_set_offloads(struct ioreqd_network *network, uint32_t offloads)
{
    fuzz_entered_on(network->device, &network->device->loop[0], "network_set_offloads");
    if ((offloads & ~network->facts.offloads) != 0) {
        fuzz_violation("network_set_offloads: %#x of %#x", offloads, network->facts.offloads);
    }
    network->offloads = offloads;
    return fuzz_take_back(&network->device->input) == 0xff ? -EBUSY : 0;
}

int fuzz_network_set_queue_pairs(struct ioreqd_network *network, unsigned queue_pairs)
{
    fuzz_entered_on(network->device, &network->device->loop[0], "network_set_queue_pairs");
    for (unsigned i = 0; i < queue_pairs; i++) {
        if (i >= network->facts.queue_pairs || network->pair[i].loop == NULL) {
            fuzz_violation("network_set_queue_pairs: %u, but pair %u is not watched", queue_pairs, i);
        }
    }
    if (queue_pairs == 0) {
        fuzz_violation("network_set_queue_pairs: 0");
    }
    network->queue_pairs = queue_pairs;
    return fuzz_take_back(&network->device->input) == 0xff ? -EBUSY : 0;
}

int fuzz_network_link(struct ioreqd_network *network)
{
    fuzz_entered(network->device, "network_link");
    return network->link;
}

/* what: 0 the link comes up or goes down, which this pair hears of, 1 packets arrive, 2 there is room again; 3 or
 * nothing new: the loop looks once more. A pair that is not in use may have packets left. */
bool fuzz_network_event(struct ioreqd_device *device, unsigned index, unsigned what, unsigned packets)
{
    struct ioreqd_network *network = device->networks;
    struct fuzz_pair *pair;
    unsigned events = 0;

    if (network == NULL || network->pair[index % FUZZ_PAIRS].loop == NULL) {
        return false;
    }
    pair = &network->pair[index % FUZZ_PAIRS];
    if (what == 0) {
        network->link = !network->link;
        events = IOREQD_CONNECTED;
    } else if (what == 1) {
        pair->waiting += packets;
    } else if (what == 2) {
        pair->room += packets;
    }
    events |= pair->waiting != 0 ? pair->wanted & IOREQD_READABLE : 0;
    events |= !network->link || pair->room != 0 ? pair->wanted & IOREQD_WRITABLE : 0;
    if (events == 0) {
        return false;
    }
    fuzz_begin_call(device, pair->loop);
    pair->ready(pair->argument, events);
    fuzz_end_call(device);
    return true;
}
