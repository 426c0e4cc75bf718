/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is there: every host bridge of a guest and every function on it, as it is at this moment, for people. On the main
 * thread.
 */
#ifndef IOREQD_BRIDGE_SURVEY_H
#define IOREQD_BRIDGE_SURVEY_H

#include "bridge/bridge.h"

struct survey_function {
    const struct bridge_function *function;
    const struct bridge_function *above; /* the root port that it is behind; NULL: it is on the root bus */
    struct bridge_place place;
    uint8_t devfn;
    uint16_t vendor;
    uint16_t device;
    uint32_t class_code; /* base class << 16 | sub-class << 8 | programming interface */
    bool root_port;
    bool numbered;     /* the guest can reach it: it gave the bus a number */
    uint8_t secondary; /* of a root port: the bus behind it, 0: none yet */
    unsigned bars;     /* that decode */
};

/*
 * Calls host() for each host bridge, in the order in which they were added, and function() for each function of it: those
 * of the root bus by their numbers, each root port followed by what is behind it.
 */
void bridge_survey(const struct bridge *bridge, void (*host)(void *context, const struct bridge_host_config *config),
                   void (*function)(void *context, const struct survey_function *function), void *context);

#endif
