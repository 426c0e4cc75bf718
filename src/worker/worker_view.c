/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The worker for those who look on: its devices and ports, what it counts, and the trace of its last requests, which it
 * keeps while somebody wants it. The worker's, on its main thread.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "worker/worker_private.h"

const struct dispatch_counters *worker_counters(const struct worker *worker)
{
    return &worker->dispatch.counters;
}

size_t worker_devices(const struct worker *worker)
{
    return worker->devices;
}

struct ioreqd_device *worker_device(const struct worker *worker, size_t index, const char **bus)
{
    *bus = worker->device[index]->bus;
    return worker->device[index]->device;
}

const char *worker_port_id(const struct worker *worker, const char *host, uint8_t devfn)
{
    for (size_t i = 0; i < worker->ports; i++) {
        if (worker->port[i].devfn == devfn && strcmp(worker->port[i].host, host) == 0) {
            return worker->port[i].id;
        }
    }
    return NULL;
}

bool worker_is_ending(const struct worker *worker)
{
    return worker->ending;
}

int worker_set_trace(struct worker *worker, bool on)
{
    if (on && worker->trace == NULL) {
        worker->trace = calloc(1, sizeof(*worker->trace));
        if (worker->trace == NULL) {
            return -ENOMEM;
        }
    } else if (!on) {
        free(worker->trace);
        worker->trace = NULL;
    }
    worker->environment.timed = on;
    return 0;
}

const struct trace *worker_trace(const struct worker *worker)
{
    return worker->trace;
}

void worker_log_counters(const struct worker *worker)
{
    const struct dispatch_counters *requests = &worker->dispatch.counters;
    const struct bridge_counters *bridge = bridge_counters(worker->environment.bridge);

    log_line(LOG_DEBUG, NULL,
             "requests: port %" PRIu64 " memory %" PRIu64 " config %" PRIu64 " invalidate %" PRIu64 " other %" PRIu64
             " malformed %" PRIu64 " without memory %" PRIu64,
             requests->port, requests->memory, requests->config, requests->invalidate, requests->other,
             requests->malformed, requests->no_memory);
    log_line(LOG_DEBUG, NULL,
             "accesses: unclaimed %" PRIu64 " misfit %" PRIu64 ", BARs refused: %" PRIu64 ", resets: %" PRIu64
             ", messages refused: %" PRIu64,
             bridge->unclaimed, bridge->misfit, bridge->refused, bridge->resets, bridge->messages);
    for (size_t i = 0; i < worker->devices; i++) {
        device_log_counters(worker->device[i]->device);
    }
}
