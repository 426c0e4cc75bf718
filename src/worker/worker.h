/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The worker: one group of devices of one guest, served through one IOREQ server on the main thread's loop. It owns the
 * hypervisor connection, the host bridges, guest memory and the devices.
 *
 * Life: created; devices added; started (the server exists, the devices answer); run until it is told to end; stopped
 * and destroyed. Whatever happened, worker_destroy() leaves nothing behind in the hypervisor.
 */
#ifndef IOREQD_WORKER_WORKER_H
#define IOREQD_WORKER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/host_config.h"
#include "device/device.h"
#include "hypervisor/hypervisor.h"
#include "worker/dispatch.h"
#include "worker/recorder.h"
#include "worker/trace.h"

struct worker;

/* NULL with errno set. */
struct worker *worker_create(void);
void worker_destroy(struct worker *worker);

/* What devices of this worker are made with. */
const struct device_environment *worker_environment(const struct worker *worker);
struct ioreqd_loop *worker_loop(struct worker *worker);

/*
 * A host bridge beside the one that every guest has (bridge_default_host()), and a root port, which is known by its id.
 * Both are made by worker_serve(). 0 or -ENOMEM.
 */
int worker_add_host(struct worker *worker, const struct bridge_host_config *config);
int worker_add_port(struct worker *worker, const char *id, const char *host, uint8_t devfn, unsigned slot);

/*
 * The interrupts of a guest that has SPIs (hypervisor.h); bridge_default_interrupts() are those of one that is not told.
 * Before worker_serve(), which fails where the guest does not have them all.
 */
void worker_set_interrupts(struct worker *worker, const struct bridge_interrupts *interrupts);

/*
 * Takes over a configured device, for the bus of a host bridge or root port of that name; NULL: of the host bridge that
 * every guest has. 0 or -ENOMEM, and then the caller keeps it.
 */
int worker_add_device(struct worker *worker, struct ioreqd_device *device, const char *bus, uint8_t devfn);

/* Has all that happens recorded, from worker_serve() on. Before worker_start(). */
void worker_record(struct worker *worker, struct recorder *recorder);

/*
 * Has alive(argument) called often enough that it is never later than that many milliseconds, while the main loop and
 * those of all queues turn. Before worker_start(). 0, or -1 with errno set.
 */
int worker_watch_loops(struct worker *worker, unsigned milliseconds, void (*alive)(void *argument), void *argument);

/*
 * Takes over the hypervisor connection, whatever it returns, and starts the server; worker_serve() then places the
 * devices and begins to answer. 0, or -1 with the error filled in.
 */
int worker_start(struct worker *worker, struct hypervisor *hypervisor, struct hypervisor_error *error);
int worker_serve(struct worker *worker, struct hypervisor_error *error);

/* What is known of the guest's memory is not to be relied on any more, as with a request that says so. */
void worker_forget_memory(struct worker *worker);

/*
 * Runs the loop until worker_end(). Then no more requests are taken, the server is gone, and the devices come to rest,
 * for at most WORKER_REST_SECONDS: a disk that hangs must not keep the guest's domain. Returns whether they did; if
 * not, transfers are still under way and the worker must not be destroyed: end the process.
 */
#define WORKER_REST_SECONDS 10
bool worker_run(struct worker *worker);

/* Has worker_run() come to its end. guest_gone: nobody waits for the devices, so they get a second to come to rest. */
void worker_end(struct worker *worker, bool guest_gone);

/* ---- for those who look on, on the main thread ---- */

const struct dispatch_counters *worker_counters(const struct worker *worker);

/* The devices, in the order in which they were added, and the name of the host bridge or root port of each. */
size_t worker_devices(const struct worker *worker);
struct ioreqd_device *worker_device(const struct worker *worker, size_t index, const char **bus);
/* The root ports' ids, by their places: NULL where there is none. */
const char *worker_port_id(const struct worker *worker, const char *host, uint8_t devfn);

bool worker_is_ending(const struct worker *worker);

/* The last requests, and with them the time that devices take for accesses. 0 or -ENOMEM. NULL: it is off. */
int worker_set_trace(struct worker *worker, bool on);
const struct trace *worker_trace(const struct worker *worker);

#endif
