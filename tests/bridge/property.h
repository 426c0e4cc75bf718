/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest of the property test, two host bridges with seven functions, and what it does to bridge and reference alike.
 */
#ifndef TESTS_BRIDGE_PROPERTY_H
#define TESTS_BRIDGE_PROPERTY_H

#include "tests/bridge/reference.h"

#define PORT_INDEX 2u
#define WIDE_HOST  5u /* functions from here on are below it */

/* The device, as the bridge tells it things. */
struct news {
    int mode, master;
    unsigned resets[4];
};

extern struct bridge_function *property_function[REF_FUNCTIONS];
extern struct news property_news[REF_FUNCTIONS];
extern const uint8_t property_devfn[REF_FUNCTIONS];
extern uint64_t property_random; /* not 0 */
extern uint64_t property_seed;
extern unsigned long property_step;

/* A random number below n. */
unsigned property_below(unsigned n);
/* The test ends unless it holds; says at which step of which seed. */
void property_require(bool holds, const char *what, uint64_t where);

void property_set_up(void);
/* One thing that the guest or a device does, to bridge and reference. */
void property_act(void);
void property_settle(void);

/* Where configuration requests reach a function now, what a BAR of a device reads, and an address where BARs may be. */
unsigned property_number(unsigned i);
uint64_t property_value(unsigned index, unsigned bar, uint64_t offset, unsigned size);
uint32_t property_address(void);

#endif
