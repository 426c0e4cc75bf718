/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A driver of the model virtio-net for its tests: buffers for packets, packets, and commands. The device, its network
 * and the driver are one of each, for the length of a test.
 */
#ifndef TESTS_VIRTIO_NET_DRIVER_H
#define TESTS_VIRTIO_NET_DRIVER_H

#include <check.h>

#include "devices/virtio-net/features.h"
#include "devices/virtio-net/net.h"
#include "tests/virtio/driver.h"
#include "tests/virtio/fake_network.h"

#define SIZE      16 /* of the queues, unless a test says otherwise */
#define PART      0x800u
#define BUFFER(i) (0x80000u + PART * (i)) /* memory for packets: BUFFERS of PART bytes */
#define BUFFERS   256u

#define RX(pair) (2u * (pair))
#define TX(pair) (2u * (pair) + 1u)

#define NOT_ANSWERED 0xaa

/* All features but MRG_RXBUF and EVENT_IDX. */
#define PLAIN                                                                                                          \
    (F_VERSION_1 | F_RING_RESET | NET_BIT(NET_F_MAC) | NET_BIT(NET_F_STATUS) | NET_BIT(NET_F_MTU) |                    \
     NET_BIT(NET_F_CTRL_VQ) | NET_BIT(NET_F_CTRL_RX) | NET_BIT(NET_F_CTRL_RX_EXTRA) | NET_BIT(NET_F_CTRL_VLAN) |       \
     NET_BIT(NET_F_CTRL_MAC_ADDR) | NET_BIT(NET_F_GUEST_ANNOUNCE) | NET_BIT(NET_F_NOTF_COAL) |                         \
     NET_BIT(NET_F_VQ_NOTF_COAL))
#define HOST_OFFLOADS                                                                                                  \
    (NET_BIT(NET_F_CSUM) | NET_BIT(NET_F_HOST_TSO4) | NET_BIT(NET_F_HOST_TSO6) | NET_BIT(NET_F_HOST_ECN) |             \
     NET_BIT(NET_F_HOST_UFO) | NET_BIT(NET_F_HOST_USO))
#define GUEST_OFFLOADS                                                                                                 \
    (NET_BIT(NET_F_GUEST_CSUM) | NET_BIT(NET_F_GUEST_TSO4) | NET_BIT(NET_F_GUEST_TSO6) | NET_BIT(NET_F_GUEST_ECN) |    \
     NET_BIT(NET_F_GUEST_UFO) | NET_BIT(NET_F_GUEST_USO4) | NET_BIT(NET_F_GUEST_USO6))

enum { CLASS_RX, CLASS_MAC, CLASS_VLAN, CLASS_ANNOUNCE, CLASS_PAIRS, CLASS_OFFLOADS, CLASS_MODERATE };
enum { ACK_OK_, ACK_ERR_ };

extern struct fake *fake;
extern struct driver driver;
extern struct ioreqd_network *network;
extern struct net *net;
extern const struct ioreqd_model *net_model;

/* What a test may change before net_create(). */
extern struct net_plan {
    bool no_network;
    const char *mac;
    uint32_t mtu, queues, queue_size;
    uint32_t offloads;
    uint16_t network_pairs, network_mtu;
    bool no_network_mac;
    bool transitional;
    bool no_steering;
} plan;

/* One pair, all offloads, an MTU of 1500 and an address of the network's. */
void net_plan_default(void);
/* The fixtures of most cases: with that plan, up to DRIVER_OK with PLAIN. */
void net_setup(void);
void net_teardown(void);

/* The device, created and reset; returns what create() does. net_end() checks that nothing is left behind. */
int net_create(void);
void net_end(void);
void net_discard(void); /* where create() has failed */
/* From nothing to DRIVER_OK, with one pair and control queue, or with MQ those of the plan. */
void net_start(uint64_t features);
/* A reset by the driver and a new start. */
void net_restart(uint64_t features);

unsigned control_queue(void);

/* A buffer to receive into, of so many bytes; not rung for. */
void net_give(unsigned pair, unsigned buffer, uint32_t length);
/* SIZE buffers of PART bytes, and rings. */
void net_give_all(unsigned pair);
/* Sends a packet of the header, NULL: zeros, and bytes, in two descriptors; rings. */
void net_send(unsigned pair, const uint8_t header[12], const void *packet, uint32_t length);
/* The packet is as many bytes as it says, of which the first ones tell where it goes: 0 here, 1 broadcast. */
const uint8_t *net_packet(unsigned kind, uint32_t length);

/* A command with its answer. NOT_ANSWERED: there is none. */
uint8_t net_command(uint8_t class, uint8_t command, const void *data, uint32_t length);
uint8_t net_command_byte(uint8_t class, uint8_t command, uint8_t value);

/* The same with one more descriptor that the device writes, before that of the acknowledgement. */
uint8_t net_query(uint8_t class, uint8_t command, const void *data, uint32_t length, void *result, uint32_t room);

/* A packet from the network, without header; true: the driver got it. */
bool net_arrives(const uint8_t *packet, uint32_t length);
/* How many buffers came back since the last call, all of them. */
unsigned net_used(unsigned queue);

uint64_t net_counter(const char *name);
unsigned net_status(void);

TCase *net_config_cases(void);
TCase *net_part_cases(void);
TCase *net_send_cases(void);
TCase *net_receive_cases(void);
TCase *net_control_cases(void);
TCase *net_life_cases(void);
TCase *net_moderation_cases(void);
TCase *net_legacy_cases(void);
TCase *net_steering_cases(void);

#endif
