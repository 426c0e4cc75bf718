/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moderation of interrupts (virtio 1.4 §5.1.9.5.10), with limits for all queues of a direction, or for one. A queue has
 * those that were set last, by whichever command; one that was reset begins again with those of its direction. The main
 * loop writes them, each queue's loop has the library keep to them, and no lock is needed: the two limits are one word.
 */
#include "control.h"

#define WORD_OF(packets, microseconds) ((uint64_t)(microseconds) << 32 | (packets))

static struct net_moderation *of_direction(struct net *net, unsigned queue)
{
    return queue % 2 == 0 ? &net->settings.receive : &net->settings.transmit;
}

static void set(struct net *net, unsigned queue, const struct net_moderation *limits)
{
    atomic_store(&net->limits[queue], WORD_OF(limits->packets, limits->microseconds));
}

static struct net_moderation parse(const uint8_t *data)
{
    return (struct net_moderation){.packets = (uint32_t)net_get_le(data, 4),
                                   .microseconds = (uint32_t)net_get_le(data + 4, 4)};
}

enum acknowledge net_set_moderation(struct net *net, struct net_command *command)
{
    unsigned first = command->order->command == ORDER_MODERATE_RECEIVE ? 0 : 1;

    *of_direction(net, first) = parse(command->data);
    for (unsigned queue = first; queue < 2u * net->pairs; queue += 2) {
        set(net, queue, of_direction(net, first));
    }
    return ACK_OK;
}

/* The queue that a command means. False: it is none that is enabled, of those for packets. */
static bool find_queue(const struct net *net, const struct net_command *command, unsigned *queue)
{
    const struct ioreqd_virtio_registers *registers = &net->virtio.registers;

    *queue = (unsigned)net_get_le(command->data, 2); /* what follows it is reserved, and ignored */
    return *queue < 2 * net_pairs_there(net) && registers->queue_enable[*queue] != 0 &&
           registers->queue_reset[*queue] == 0;
}

enum acknowledge net_set_queue_moderation(struct net *net, struct net_command *command)
{
    struct net_moderation limits = parse(command->data + 4);
    unsigned queue;

    if (!find_queue(net, command, &queue)) {
        return ACK_ERROR;
    }
    set(net, queue, &limits);
    return ACK_OK;
}

enum acknowledge net_tell_queue_moderation(struct net *net, struct net_command *command)
{
    unsigned queue;

    if (!find_queue(net, command, &queue)) {
        return ACK_ERROR;
    }
    net_put_le(command->result, 8, atomic_load(&net->limits[queue]));
    return ACK_OK;
}

void net_renew_moderation(struct net *net, unsigned queue)
{
    set(net, queue, of_direction(net, queue));
}

void net_forget_moderation(struct net *net)
{
    for (unsigned queue = 0; queue < 2 * NET_PAIRS_MOST; queue++) {
        atomic_store(&net->limits[queue], 0);
    }
}

void net_apply_moderation(struct net *net, unsigned queue)
{
    uint64_t word = atomic_load(&net->limits[queue]);

    ioreqd_virtio_queue_moderate(ioreqd_virtio_queue(&net->virtio, queue), (uint32_t)word,
                                 (word >> 32) * UINT64_C(1000));
}
