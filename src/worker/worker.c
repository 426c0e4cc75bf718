/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The worker's life, from its making to the rest of its devices, see worker.h. Made and destroyed by main(), and all of
 * it on the main thread. What it is made of is in the files that worker_private.h names.
 */
#include <stdlib.h>
#include <sys/time.h>

#include "bridge/machine.h"
#include "device/heartbeat.h"
#include "log.h"
#include "worker/worker_private.h"

#define REST_GUEST_GONE 1 /* seconds */

struct worker *worker_create(void)
{
    struct worker *worker = calloc(1, sizeof(*worker));

    if (worker == NULL) {
        return NULL;
    }
    worker->environment.main_loop = loop_create();
    if (worker->environment.main_loop == NULL) {
        free(worker);
        return NULL;
    }
    bridge_default_interrupts(&worker->interrupts);
    return worker;
}

/* The server goes, and with it all that was claimed. */
static void stop_serving(struct worker *worker)
{
    if (worker->hypervisor != NULL) {
        worker->hypervisor->ops->stop(worker->hypervisor);
    }
    if (worker->environment.bridge != NULL) {
        bridge_close(worker->environment.bridge);
    }
}

void worker_destroy(struct worker *worker)
{
    if (worker == NULL) {
        return;
    }
    worker_free_turns(worker);
    worker_free_event(&worker->patience);
    stop_serving(worker);
    worker_free_layout(worker);
    free(worker->trace);
    bridge_destroy(worker->environment.bridge);
    guest_memory_destroy(worker->environment.memory);
    if (worker->hypervisor != NULL) {
        worker->hypervisor->ops->close(worker->hypervisor);
    }
    heartbeat_destroy(worker->environment.heartbeat);
    loop_destroy(worker->environment.main_loop);
    free(worker);
}

int worker_watch_loops(struct worker *worker, unsigned milliseconds, void (*alive)(void *argument), void *argument)
{
    worker->environment.heartbeat = heartbeat_create(worker->environment.main_loop, milliseconds, alive, argument);
    return worker->environment.heartbeat != NULL ? 0 : -1;
}

const struct device_environment *worker_environment(const struct worker *worker)
{
    return &worker->environment;
}

struct ioreqd_loop *worker_loop(struct worker *worker)
{
    return worker->environment.main_loop;
}

void worker_record(struct worker *worker, struct recorder *recorder)
{
    worker->dispatch.recorder = recorder;
    worker->environment.observer = recorder != NULL ? recorder_observer(recorder) : NULL;
}

int worker_start(struct worker *worker, struct hypervisor *hypervisor, struct hypervisor_error *error)
{
    worker->hypervisor = hypervisor;
    worker->environment.memory = guest_memory_create(hypervisor);
    worker_make_platform(worker);
    worker->environment.bridge = bridge_create(&worker->platform, worker);
    if (worker->environment.memory == NULL || worker->environment.bridge == NULL) {
        return worker_out_of_memory(error);
    }
    worker->dispatch.bridge = worker->environment.bridge;
    worker->dispatch.memory = worker->environment.memory;
    if (worker_make_turns(worker) != 0) {
        return worker_out_of_memory(error);
    }
    return hypervisor->ops->start(hypervisor, error);
}

int worker_serve(struct worker *worker, struct hypervisor_error *error)
{
    if (worker_place(worker, error) != 0) {
        return -1;
    }
    return worker_begin_turns(worker) == 0 ? 0 : worker_out_of_memory(error);
}

static void on_quiet(void *argument)
{
    struct worker_device *entry = argument;

    if (--entry->worker->restless == 0) {
        loop_break(entry->worker->environment.main_loop);
    }
}

static void on_impatience(evutil_socket_t fd, short what, void *argument)
{
    struct worker *worker = argument;

    (void)fd;
    (void)what;
    log_line(LOG_WARNING, NULL, "%zu devices do not come to rest: ending all the same", worker->restless);
    loop_break(worker->environment.main_loop);
}

void worker_end(struct worker *worker, bool guest_gone)
{
    struct timeval patience = {.tv_sec = guest_gone ? REST_GUEST_GONE : WORKER_REST_SECONDS};

    if (worker->ending) {
        return;
    }
    worker->ending = true;
    worker_end_turns(worker);
    stop_serving(worker);
    worker->restless = worker->devices;
    if (worker->restless == 0) {
        loop_break(worker->environment.main_loop);
        return;
    }
    worker->patience = evtimer_new(loop_event_base(worker->environment.main_loop), on_impatience, worker);
    if (worker->patience == NULL || event_add(worker->patience, &patience) != 0) {
        loop_break(worker->environment.main_loop);
        return;
    }
    for (size_t i = 0; i < worker->devices; i++) {
        struct worker_device *entry = worker->device[i];

        entry->worker = worker;
        entry->quiet.run = on_quiet;
        entry->quiet.argument = entry;
        device_quiesce(entry->device, &entry->quiet);
    }
}

bool worker_run(struct worker *worker)
{
    if (!worker->ending || worker->restless != 0) { /* else the end came before us: there is nothing to wait for */
        loop_run(worker->environment.main_loop);
    }
    worker_log_counters(worker);
    return worker->restless == 0;
}
