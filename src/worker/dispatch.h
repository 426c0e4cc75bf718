/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a vCPU's request to single accesses: repeated and string instructions are taken apart here, so that the bridge
 * and the models never see one. Used by the worker on its main thread. No state but counters; never fails: each
 * request has an answer.
 */
#ifndef IOREQD_WORKER_DISPATCH_H
#define IOREQD_WORKER_DISPATCH_H

#include <stdint.h>

#include "bridge/bridge.h"
#include "device/guest_memory.h"
#include "hypervisor/hypervisor.h"
#include "worker/recorder.h"

struct dispatch_counters {
    uint64_t port;
    uint64_t memory;
    uint64_t config;
    uint64_t invalidate;
    uint64_t other;
    uint64_t malformed; /* requests of a size or count that Xen never sends */
    uint64_t no_memory; /* elements of string instructions whose memory operand is no RAM */
};

struct dispatch {
    struct bridge *bridge;
    struct guest_memory *memory;
    struct recorder *recorder; /* NULL: none */
    struct dispatch_counters counters;
};

/* Serves the request and returns the data to answer it with. */
uint64_t dispatch_request(struct dispatch *dispatch, const struct request *request);

#endif
