/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of networks share: a loop, and a device that reads whatever comes, checks the header, and remembers
 * what it was told. The loop turns when the test says so; a pair may have a loop with a thread of its own instead.
 */
#ifndef TESTS_DEVICE_NETWORK_BENCH_H
#define TESTS_DEVICE_NETWORK_BENCH_H

#include <stdatomic.h>
#include <stdint.h>

#include "device/loop.h"
#include "device/network.h"
#include "tests/device/bench.h"

#define HEADER       IOREQD_NETWORK_HEADER
#define LONGEST      IOREQD_NETWORK_MAX_PACKET
#define NETWORK_NEAR 4 /* pairs */

struct near_pair {
    unsigned index;
    atomic_uint packets; /* that were read */
    atomic_uint dropped; /* -EMSGSIZE */
    atomic_uint connects;
    atomic_uint writables;
    atomic_uint calls;
    atomic_uint counted;                                 /* packets that count() found to be of its kind */
    bool (*count)(const uint8_t *packet, size_t length); /* NULL: none are counted */
    unsigned at_a_time; /* packets that it reads in one call; 0: as many as there are */
    size_t room;        /* bytes that it has for one; 0: for the longest */
    bool lazy;          /* it does not read */
    bool echoes;        /* sends back what it reads */
    /* The last one, of those that count() counts if there is one: Linux sends some of its own accord. */
    int length; /* with its header */
    uint8_t last[HEADER + LONGEST];
    uint8_t read[HEADER + LONGEST];
};

extern struct ioreqd_loop *network_loop;
extern struct ioreqd_network *network;
extern struct near_pair near_pair[NETWORK_NEAR];

void open_network_bench(void);
/* Closes the network if that is still open. */
void close_network_bench(void);
/* So many descriptors are open that were not when the bench was opened. */
void expect_descriptors(unsigned more);

/* Opens a network and attaches the first pair, which wants to read. */
void open_network(const char *value);
/* Attaches a further pair, or one on another loop. 0 or -errno. */
int attach_pair(unsigned index, struct ioreqd_loop *loop);
/* Tries to open one: the reason why it is refused, and errno. */
const char *network_refusal(const char *value, bool check, int *error);

/* A packet of length bytes without header, each of them what bench_byte() has at its offset and salt; sends one. */
void make_packet(uint8_t *to, size_t length, unsigned salt);
int send_packet(unsigned pair, size_t length, unsigned salt);
bool is_packet(const uint8_t *packet, size_t length, unsigned salt);

/* Turns the loop until it is so, for some seconds at most. */
void network_turn(void);
void network_turn_until(bool (*so)(void));
void network_turn_for(unsigned milliseconds);
bool has_link(void);
bool has_no_link(void);

/* The processor time that the loop takes while nothing happens for a fifth of a second: milliseconds. */
unsigned network_idle_cost(void);

/* The key and the packets that the hash of RSS is verified with, as Microsoft publishes them for network cards. */
struct steering_vector {
    const char *to;
    uint16_t to_port;
    const char *from;
    uint16_t from_port;
    uint32_t hash, hash_with_ports;
};

#define STEERING_VECTORS 8 /* the first five are of IPv4 */
extern const uint8_t steering_key[IOREQD_NETWORK_KEY_MOST];
extern const struct steering_vector steering_vectors[STEERING_VECTORS];

/* The hash with that key, bit for bit as it is defined. */
uint32_t toeplitz(const uint8_t *bytes, size_t length);

TCase *network_socket_tests(void);
TCase *steering_tests(void);
/* Says so if there are none. */

#endif
