/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pair of queues and its part of the network. The network tells when it has packets or room for some; the pair then
 * runs the queue as if its driver had rung, so that a burst of packets takes one turn, one update of the ring and one
 * interrupt, and no post to a loop. A queue that stands is not run: then the network is not asked again until it runs.
 */
#include <errno.h>
#include <stdlib.h>

#include "net.h"

void net_pair_want(struct net_pair *pair, unsigned events, bool on)
{
    unsigned wanted = on ? pair->wanted | events : pair->wanted & ~events;

    if (wanted != pair->wanted && pair->net->network != NULL) {
        pair->wanted = wanted;
        pair->net->host->network_want(pair->net->network, pair->index, wanted);
    }
}

/* Between the reset of its receive queue and that queue's next life, while the driver uses the pair. */
static bool is_drained(const struct net_pair *pair)
{
    return atomic_load(&pair->renewed[0]) && !atomic_load(&pair->net->quiet) && pair->index < pair->settings.pairs;
}

static void run_receive(struct net_pair *pair)
{
    pair->received = false;
    ioreqd_virtio_queue_run(ioreqd_virtio_queue(&pair->net->virtio, 2 * pair->index));
    if (!pair->received) {
        bool drains = is_drained(pair);

        if (drains) {
            net_drain(pair);
        }
        net_pair_want(pair, IOREQD_READABLE, drains);
    }
}

static void run_transmit(struct net_pair *pair)
{
    pair->transmitted = false;
    ioreqd_virtio_queue_run(ioreqd_virtio_queue(&pair->net->virtio, 2 * pair->index + 1));
    if (!pair->transmitted) {
        net_pair_want(pair, IOREQD_WRITABLE, false);
    }
}

static void network_ready(void *argument, unsigned events)
{
    struct net_pair *pair = argument;
    struct net *net = pair->net;

    if ((events & IOREQD_CONNECTED) != 0) {
        net->host->post(net->host->main_loop(net->device), &net->link_work);
    }
    if ((events & IOREQD_READABLE) != 0) {
        run_receive(pair);
    }
    if ((events & IOREQD_WRITABLE) != 0) {
        run_transmit(pair);
    }
}

void net_pair_settle(struct net_pair *pair)
{
    pair->settings = pair->net->settings;
    pair->offloads = net_features_to_guest(pair->settings.offloads);
    if (pair->index >= pair->settings.pairs) {
        pair->waiting = 0; /* no packet reaches a queue that is not in use (virtio 1.4 §5.1.9.5.6.2) */
    }
}

bool net_pair_renew(struct net_pair *pair, unsigned queue)
{
    atomic_bool *renewed = &pair->renewed[queue % 2];

    if (!atomic_load_explicit(renewed, memory_order_relaxed)) {
        return false;
    }
    atomic_store_explicit(renewed, false, memory_order_relaxed);
    net_apply_moderation(pair->net, queue); /* nothing is held back: it has not begun */
    return true;
}

static void drain(void *argument)
{
    run_receive(argument);
}

/* The driver has set something: the last pair to follow has its command answered. */
static void settle(void *argument)
{
    struct net_pair *pair = argument;
    struct net *net = pair->net;

    net_pair_settle(pair);
    /* Without MQ the queues of further pairs do not exist, and the control queue has the place of one. */
    if (pair->index < net_pairs_there(net)) {
        net_apply_moderation(net, 2 * pair->index);
        net_apply_moderation(net, 2 * pair->index + 1);
        run_receive(pair); /* it may be in use now */
    }
    if (atomic_fetch_sub(&net->command.unsettled, 1) == 1) {
        net->host->post(ioreqd_virtio_request_loop(net->command.request), &net->command.answer_work);
    }
}

void net_pairs_drain(struct net *net)
{
    for (unsigned i = 0; i < net->pairs; i++) {
        if (atomic_load(&net->pair[i].renewed[0])) {
            net->host->post(net->host->queue_loop(net->device, 2 * i), &net->pair[i].drain_work);
        }
    }
}

static void add(_Atomic uint64_t *counter, uint64_t more)
{
    if (more != 0) {
        atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
    }
}

void net_count(struct net *net, const struct net_count *received, const struct net_count *sent)
{
    if (received != NULL) {
        add(&net->packets_received, received->packets);
        add(&net->bytes_received, received->bytes);
        add(&net->receive_drops, received->dropped);
        add(&net->filtered, received->filtered);
    }
    if (sent != NULL) {
        add(&net->packets_sent, sent->packets);
        add(&net->bytes_sent, sent->bytes);
        add(&net->send_drops, sent->dropped);
    }
}

int net_pairs_create(struct net *net)
{
    net->pair = calloc(net->pairs, sizeof(*net->pair));
    if (net->pair == NULL) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < net->pairs; i++) {
        struct net_pair *pair = &net->pair[i];
        int error = 0;

        pair->net = net;
        pair->index = i;
        pair->drain_work = (struct ioreqd_work){.run = drain, .argument = pair};
        pair->settle_work = (struct ioreqd_work){.run = settle, .argument = pair};
        if (net->network != NULL) {
            error = net->host->network_watch(net->device, net->host->queue_loop(net->device, 2 * i), net->network, i,
                                             network_ready, pair);
        }
        if (error != 0) {
            net_pairs_destroy(net);
            return error;
        }
    }
    return 0;
}

void net_pairs_destroy(struct net *net)
{
    free(net->pair);
    net->pair = NULL;
}
