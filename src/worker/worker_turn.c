/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A turn of the dispatch, the path of every access of the guest: vCPUs have rung, the request of each is taken, served and
 * answered, and what the devices put off meanwhile is done. The worker's, on its main thread.
 *
 * After a request that says that guest memory changed its place, stale mappings are swept until there are none.
 */
#include <sys/time.h>

#include "device/timer.h"
#include "worker/worker_private.h"

#define SWEEP_MICROSECONDS 50000

static void sweep_soon(struct worker *worker)
{
    struct timeval soon = {.tv_usec = SWEEP_MICROSECONDS};

    event_add(worker->sweep, &soon);
}

static void on_sweep(evutil_socket_t fd, short what, void *argument)
{
    struct worker *worker = argument;

    (void)fd;
    (void)what;
    if (guest_memory_sweep(worker->environment.memory)) {
        sweep_soon(worker);
    }
}

static uint64_t serve_recorded(struct worker *worker, unsigned vcpu, const struct request *request)
{
    uint64_t data;

    recorder_request(worker->dispatch.recorder, vcpu, request);
    data = dispatch_request(&worker->dispatch, request);
    recorder_answer(worker->dispatch.recorder, data);
    return data;
}

static void serve_traced(struct worker *worker, unsigned vcpu, const struct request *request)
{
    uint64_t begun = timer_now();
    uint64_t data = worker->dispatch.recorder == NULL ? dispatch_request(&worker->dispatch, request)
                                                      : serve_recorded(worker, vcpu, request);

    worker->hypervisor->ops->answer(worker->hypervisor, vcpu, data);
    trace_add(worker->trace, vcpu, request, data, begun);
}

/* Serves what one vCPU asks. The answer goes out before a doorbell is handed on: the vCPU runs meanwhile. */
static void serve_vcpu(struct worker *worker, unsigned vcpu)
{
    struct hypervisor *hypervisor = worker->hypervisor;
    struct request request;

    if (!hypervisor->ops->take(hypervisor, vcpu, &request)) {
        return;
    }
    if (worker->trace != NULL) {
        serve_traced(worker, vcpu, &request);
    } else if (worker->dispatch.recorder == NULL) {
        hypervisor->ops->answer(hypervisor, vcpu, dispatch_request(&worker->dispatch, &request));
    } else {
        hypervisor->ops->answer(hypervisor, vcpu, serve_recorded(worker, vcpu, &request));
    }
    bridge_deliver_bell(worker->environment.bridge);
    if (request.kind == REQUEST_INVALIDATE && !event_pending(worker->sweep, EV_TIMEOUT, NULL)) {
        sweep_soon(worker);
    }
}

static void on_requests(evutil_socket_t fd, short what, void *argument)
{
    struct worker *worker = argument;
    struct hypervisor *hypervisor = worker->hypervisor;
    unsigned vcpu[HYPERVISOR_MAX_VCPUS];
    unsigned count = hypervisor->ops->events(hypervisor, vcpu, HYPERVISOR_MAX_VCPUS);

    (void)fd;
    (void)what;
    loop_begin_turn(worker->environment.main_loop);
    for (unsigned i = 0; i < count; i++) {
        serve_vcpu(worker, vcpu[i]);
    }
    hypervisor->ops->rearm(hypervisor);
    loop_end_turn(worker->environment.main_loop); /* doorbells, and file requests that a model's register access made */
}

int worker_make_turns(struct worker *worker)
{
    struct event_base *base = loop_event_base(worker->environment.main_loop);
    struct hypervisor *hypervisor = worker->hypervisor;

    worker->requests =
        event_new(base, hypervisor->ops->event_fd(hypervisor), EV_READ | EV_PERSIST, on_requests, worker);
    worker->sweep = evtimer_new(base, on_sweep, worker);
    return worker->requests != NULL && worker->sweep != NULL ? 0 : -1;
}

int worker_begin_turns(struct worker *worker)
{
    return event_add(worker->requests, NULL);
}

void worker_end_turns(struct worker *worker)
{
    worker_free_event(&worker->requests);
}

void worker_free_turns(struct worker *worker)
{
    worker_free_event(&worker->requests);
    worker_free_event(&worker->sweep);
}

void worker_forget_memory(struct worker *worker)
{
    if (!worker->ending) {
        guest_memory_invalidate(worker->environment.memory);
        sweep_soon(worker);
    }
}
