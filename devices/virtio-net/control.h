/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A command of the control queue (virtio 1.4 §5.1.9.5): which bytes it has, and what carries it out. All of it is on the
 * main loop, with the data in struct net_command; what changes must reach the pairs when they settle.
 */
#ifndef IOREQD_DEVICES_VIRTIO_NET_CONTROL_H
#define IOREQD_DEVICES_VIRTIO_NET_CONTROL_H

#include "net.h"

enum acknowledge { ACK_OK = 0, ACK_ERROR = 1 };

/* Commands of the class that moderates interrupts. */
enum order_moderate {
    ORDER_MODERATE_TRANSMIT = 0,
    ORDER_MODERATE_RECEIVE = 1,
    ORDER_MODERATE_QUEUE = 2,
    ORDER_MODERATE_TELL = 3
};

struct net_order {
    uint8_t class;
    uint8_t command;
    uint8_t feature; /* that must have been agreed on */
    uint16_t length; /* bytes of data, or TABLES, or ANY */
    enum acknowledge (*carry_out)(struct net *net, struct net_command *command);
    uint8_t result; /* bytes of data that the driver gets, before the acknowledgement */
};

/* See steer.c. */
enum acknowledge net_set_pairs(struct net *net, struct net_command *command);
enum acknowledge net_set_steering(struct net *net, struct net_command *command);

/* See moderate.c. */
enum acknowledge net_set_moderation(struct net *net, struct net_command *command);
enum acknowledge net_set_queue_moderation(struct net *net, struct net_command *command);
enum acknowledge net_tell_queue_moderation(struct net *net, struct net_command *command);

#endif
