/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tap in a network namespace of the test's own, for tests on the main thread of a process that may make interfaces. The
 * near end is the device of network_bench.h; the far end is a packet socket at the interface: what it sends comes out of
 * the tap. One tap and one far end at a time.
 */
#ifndef TESTS_DEVICE_TAP_BENCH_H
#define TESTS_DEVICE_TAP_BENCH_H

#include <net/if.h>

#include "tests/device/network_bench.h"

#define TAP_NAME "vif7.0"
#define TAP_PORT 7777 /* that UDP packets go to */

/* Why there can be no taps here, as an errno; 0: there can. */
int why_no_taps(void);

/* A group of tests, each in a namespace of its own with the bench opened. */
TCase *tap_tests(const char *name);

TCase *tap_life_tests(void);
TCase *tap_pairs_tests(void);

/* ---- the interface ---- */

void make_tap(short flags);
void delete_tap(void);
void set_tap_up(bool up);
/* Asks for something to be done with the tap by netlink, with one attribute. */
void ask_for_tap(uint16_t type, uint16_t attribute, uint32_t number);
/* Asks an ioctl() of network interfaces; of those of the namespace in which open_tap_control() was called last. */
int ask_tap(unsigned long what, struct ifreq *request);
void open_tap_control(void);
/* For network_turn_until(): it exists, and the network has a link. */
bool tap_is_there_again(void);

/* Opens it as a network, with the first pair, which counts packets of ours. */
void open_tap(void);

/* ---- packets: of ours, which are of a protocol of their own, and others ---- */

void open_far(bool with_header);
void far_says(size_t length, unsigned salt);
void far_hears(size_t length, unsigned salt);
int near_says(unsigned pair, size_t length, unsigned salt);
bool is_ours(const uint8_t *packet, size_t length);

/* A UDP packet of a flow from the far end. */
void say_udp(unsigned flow);
bool is_udp(const uint8_t *packet, size_t length);

/* A TCP packet from the far end that is still to be cut into three. */
void say_tso(void);
bool is_tcp(const uint8_t *packet, size_t length);

/* Turns the loop until all pairs together have counted so many. */
void turn_until_counted(unsigned packets);

#endif
