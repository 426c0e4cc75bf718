/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last requests of the guest, in a ring of memory, for people who look for what goes wrong or is slow. Owned by the
 * worker, written and read on its main thread; it exists only while it is switched on, because two looks at the clock
 * cost more than many an access.
 */
#ifndef IOREQD_WORKER_TRACE_H
#define IOREQD_WORKER_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "hypervisor/hypervisor.h"

#define TRACE_ENTRIES 1024u /* a power of 2 */

struct trace_entry {
    uint64_t begun; /* nanoseconds of CLOCK_MONOTONIC */
    uint32_t took;  /* nanoseconds until it was answered; UINT32_MAX: or longer */
    uint32_t count;
    uint64_t address;
    uint64_t data; /* written, or read; with `pointer` the address of the operand in guest memory */
    uint16_t vcpu;
    uint8_t kind; /* enum request_kind */
    uint8_t size;
    uint8_t write;
    uint8_t pointer;
};

struct trace {
    uint64_t entries; /* that there ever were */
    struct trace_entry entry[TRACE_ENTRIES];
};

/* A request that was answered with data. */
void trace_add(struct trace *trace, unsigned vcpu, const struct request *request, uint64_t data, uint64_t begun);

#endif
