/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The worker's files among themselves, on the main thread. worker.c has its life and calls the others, which do not call
 * it, nor one another: worker_layout.c has host bridges, ports and devices, worker_platform.c is what the bridge stands
 * on, worker_turn.c serves requests, and worker_view.c is for those who look on.
 */
#ifndef IOREQD_WORKER_WORKER_PRIVATE_H
#define IOREQD_WORKER_WORKER_PRIVATE_H

#include <stdio.h>

#include <event2/event.h>

#include "bridge/bridge.h"
#include "worker/worker.h"

#define WORKER_BUS_NAME 64 /* bytes of the name of a host bridge or root port, with its end */

struct worker_device {
    struct ioreqd_device *device;
    char bus[WORKER_BUS_NAME];
    uint8_t devfn;
    /* Set when the worker ends. */
    struct ioreqd_work quiet;
    struct worker *worker;
};

struct worker_port {
    char id[WORKER_BUS_NAME];
    char host[WORKER_BUS_NAME];
    uint8_t devfn;
    unsigned slot;
};

struct worker {
    struct device_environment environment;
    struct hypervisor *hypervisor;
    struct bridge_platform platform;
    struct dispatch dispatch;
    struct bridge_host_config *host;
    size_t hosts;
    struct bridge_interrupts interrupts; /* of a guest with SPIs */
    struct worker_port *port;
    size_t ports;
    struct worker_device **device;
    size_t devices;
    struct trace *trace; /* NULL: off */

    struct event *requests; /* a vCPU has rung */
    struct event *sweep;    /* guest memory may have stale mappings */
    struct event *patience; /* that ends: devices should be quiet */
    size_t restless;        /* devices that are not yet quiet */
    bool ending;
};

static inline int worker_out_of_memory(struct hypervisor_error *error)
{
    error->failure = HYPERVISOR_REFUSED;
    snprintf(error->text, sizeof(error->text), "out of memory");
    return -1;
}

static inline void worker_free_event(struct event **event)
{
    if (*event != NULL) {
        event_free(*event);
        *event = NULL;
    }
}

/* ---- layout ---- */

/* Records the layout if somebody records, and gives it to the bridge. 0, or -1 with the error filled in. */
int worker_place(struct worker *worker, struct hypervisor_error *error);
/* Destroys the devices too. */
void worker_free_layout(struct worker *worker);

/* ---- platform ---- */

/* What the bridge of this guest is made with, the worker being its context. */
void worker_make_platform(struct worker *worker);

/* ---- turns ---- */

/* Makes them, with the hypervisor; begins them, once all is placed. 0, or -1 when memory is short. */
int worker_make_turns(struct worker *worker);
int worker_begin_turns(struct worker *worker);
/* No request is taken any more; what is left of guest memory is still swept. */
void worker_end_turns(struct worker *worker);
void worker_free_turns(struct worker *worker);

/* ---- view ---- */

void worker_log_counters(const struct worker *worker);

#endif
