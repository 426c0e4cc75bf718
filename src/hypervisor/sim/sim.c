/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated hypervisor's life, its IOREQ server and claims, and its book of faults and violations. Opened and
 * closed by a test's main thread; the book is open to every thread.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hypervisor/sim/sim_private.h"

#define DEFAULT_MEMORY       (UINT64_C(16) << 20)
#define DEFAULT_MILLISECONDS 10000u
#define FIRST_PORT           16u /* any number but 0, so that a cleared event_port is noticed */

void sim_violate(struct sim *sim, enum sim_violation violation)
{
    pthread_mutex_lock(&sim->record_lock);
    sim->violations[violation]++;
    pthread_mutex_unlock(&sim->record_lock);
}

unsigned sim_violations_of(struct hypervisor *hypervisor, enum sim_violation violation)
{
    struct sim *sim = sim_of(hypervisor);
    unsigned count;

    pthread_mutex_lock(&sim->record_lock);
    count = sim->violations[violation];
    pthread_mutex_unlock(&sim->record_lock);
    return count;
}

unsigned sim_violations(struct hypervisor *hypervisor)
{
    struct sim *sim = sim_of(hypervisor);
    unsigned count = 0;

    pthread_mutex_lock(&sim->record_lock);
    for (unsigned i = 0; i < SIM_VIOLATIONS; i++) {
        count += sim->violations[i];
    }
    pthread_mutex_unlock(&sim->record_lock);
    return count;
}

void sim_fail(struct hypervisor *hypervisor, enum sim_fault fault, unsigned skip, int error)
{
    struct sim *sim = sim_of(hypervisor);

    pthread_mutex_lock(&sim->record_lock);
    sim->fault[fault] = (struct sim_planned_fault){.skip = skip, .error = error};
    pthread_mutex_unlock(&sim->record_lock);
}

int sim_fault(struct sim *sim, enum sim_fault fault)
{
    struct sim_planned_fault *planned = &sim->fault[fault];
    int error = 0;

    pthread_mutex_lock(&sim->record_lock);
    if (planned->error != 0 && planned->skip > 0) {
        planned->skip--;
    } else {
        error = -planned->error;
        planned->error = 0;
    }
    pthread_mutex_unlock(&sim->record_lock);
    return error;
}

struct timespec sim_deadline(unsigned milliseconds)
{
    struct timespec deadline;

    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += (time_t)(milliseconds / 1000);
    deadline.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_nsec -= 1000000000;
        deadline.tv_sec++;
    }
    return deadline;
}

static int start(struct hypervisor *hypervisor, struct hypervisor_error *error)
{
    struct sim *sim = sim_of(hypervisor);
    int failure = -sim_fault(sim, SIM_FAULT_START);

    pthread_mutex_lock(&sim->lock);
    if (failure == 0 && sim->enabled) {
        failure = EBUSY;
    }
    if (failure != 0) {
        goto out;
    }
    sim->enabled = true;
    for (unsigned vcpu = 0; vcpu < hypervisor->guest.vcpus; vcpu++) {
        sim->port[vcpu] = sim->next_port++;
        sim->page->slot[vcpu].event_port = sim->port[vcpu];
        /* Xen raises a port when it is bound (evtchn_bind_interdomain()), though there is no request. */
        sim_ring_server(sim, vcpu);
    }
out:
    pthread_mutex_unlock(&sim->lock);
    if (failure != 0) {
        error->failure = HYPERVISOR_REFUSED;
        snprintf(error->text, sizeof(error->text), "the simulated server cannot start: %s", strerror(failure));
        return -1;
    }
    return 0;
}

static void stop(struct hypervisor *hypervisor)
{
    struct sim *sim = sim_of(hypervisor);

    pthread_mutex_lock(&sim->lock);
    sim->enabled = false;
    for (unsigned vcpu = 0; vcpu < hypervisor->guest.vcpus; vcpu++) {
        sim_answer_open_request(sim, vcpu);
    }
    memset(sim->claims, 0, sizeof(sim->claims));
    memset(sim->channel, 0, sizeof(sim->channel));
    pthread_mutex_unlock(&sim->lock);
}

static int change_claim(struct hypervisor *hypervisor, unsigned kind, uint64_t first, uint64_t last,
                        int (*change)(struct sim_ranges *, uint64_t, uint64_t))
{
    struct sim *sim = sim_of(hypervisor);
    int result;

    pthread_mutex_lock(&sim->lock);
    result = sim->enabled ? change(&sim->claims[kind], first, last) : -ENOENT;
    pthread_mutex_unlock(&sim->lock);
    return result;
}

static int claim(struct hypervisor *hypervisor, enum claim_space space, uint64_t first, uint64_t last)
{
    if (space == CLAIM_PORT && hypervisor->guest.memory_only) {
        sim_violate(sim_of(hypervisor), SIM_VIOLATION_MACHINE);
    }
    int result = sim_fault(sim_of(hypervisor), SIM_FAULT_CLAIM);

    return result != 0 ? result : change_claim(hypervisor, space, first, last, sim_ranges_add);
}

static int unclaim(struct hypervisor *hypervisor, enum claim_space space, uint64_t first, uint64_t last)
{
    int result = change_claim(hypervisor, space, first, last, sim_ranges_remove);

    /* All claims went with the server, and xen/ knows that. */
    return result == -ENOENT && !sim_of(hypervisor)->enabled ? 0 : result;
}

static int claim_function(struct hypervisor *hypervisor, uint16_t function)
{
    /* Xen would accept it and do nothing. */
    if (hypervisor->guest.memory_only) {
        sim_violate(sim_of(hypervisor), SIM_VIOLATION_MACHINE);
        return 0;
    }
    int result = sim_fault(sim_of(hypervisor), SIM_FAULT_CLAIM);

    return result != 0 ? result : change_claim(hypervisor, SIM_CLAIM_FUNCTIONS, function, function, sim_ranges_add);
}

static int unclaim_function(struct hypervisor *hypervisor, uint16_t function)
{
    int result = change_claim(hypervisor, SIM_CLAIM_FUNCTIONS, function, function, sim_ranges_remove);

    return result == -ENOENT && !sim_of(hypervisor)->enabled ? 0 : result;
}

static void close_sim(struct hypervisor *hypervisor)
{
    struct sim *sim = sim_of(hypervisor);

    for (unsigned i = 0; i < sim->vcpus_made; i++) {
        pthread_cond_destroy(&sim->vcpu[i].bell);
        pthread_mutex_destroy(&sim->vcpu[i].bell_lock);
    }
    sim_memory_close(sim);
    if (sim->page != NULL) {
        munmap(sim->page, sizeof(*sim->page));
    }
    if (sim->event_fd >= 0) {
        close(sim->event_fd);
    }
    pthread_cond_destroy(&sim->interrupted);
    pthread_mutex_destroy(&sim->record_lock);
    pthread_mutex_destroy(&sim->memory_lock);
    pthread_mutex_destroy(&sim->lock);
    free(sim);
}

static const struct hypervisor_ops sim_ops = {
    .close = close_sim,
    .start = start,
    .stop = stop,
    .claim = claim,
    .unclaim = unclaim,
    .claim_function = claim_function,
    .unclaim_function = unclaim_function,
    .event_fd = sim_event_fd,
    .events = sim_events,
    .take = sim_take,
    .answer = sim_answer,
    .rearm = sim_rearm,
    .map = sim_map,
    .unmap = sim_unmap,
    .map_grants = sim_map_grants,
    .unmap_grants = sim_unmap_grants,
    .copy_grants = sim_copy_grants,
    .message = sim_message,
    .message_unmaskable = sim_message_unmaskable,
    .intx = sim_intx,
    .spi = sim_spi,
};

static void make_locks(struct sim *sim)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&sim->lock, NULL);
    pthread_mutex_init(&sim->memory_lock, NULL);
    pthread_mutex_init(&sim->record_lock, NULL);
    pthread_cond_init(&sim->interrupted, &monotonic);
    for (unsigned i = 0; i < sim->hypervisor.guest.vcpus; i++) {
        pthread_mutex_init(&sim->vcpu[i].bell_lock, NULL);
        pthread_cond_init(&sim->vcpu[i].bell, &monotonic);
        sim->vcpus_made++;
    }
    pthread_condattr_destroy(&monotonic);
}

struct hypervisor *sim_open(const struct sim_options *options)
{
    struct sim *sim = calloc(1, sizeof(*sim));
    int error;

    if (sim == NULL) {
        return NULL;
    }
    if (options != NULL) {
        sim->options = *options;
    }
    if (sim->options.memory == 0) {
        sim->options.memory = DEFAULT_MEMORY;
    }
    if (sim->options.vcpus == 0) {
        sim->options.vcpus = 1;
    }
    if (sim->options.milliseconds == 0) {
        sim->options.milliseconds = DEFAULT_MILLISECONDS;
    }
    if (sim->options.vcpus > HYPERVISOR_MAX_VCPUS || sim->options.memory % HYPERVISOR_PAGE_SIZE != 0) {
        free(sim);
        errno = EINVAL;
        return NULL;
    }
    sim->hypervisor.ops = &sim_ops;
    sim->hypervisor.guest = (struct hypervisor_guest){
        .domain = 1,
        .vcpus = sim->options.vcpus,
        .intx = sim->options.intx,
        .host_bridge = sim->options.host_bridge,
        .memory_only = sim->options.spis != 0,
        .spis = sim->options.spis != 0,
        .paused = true,
    };
    sim->next_port = FIRST_PORT;
    sim->memory.descriptor = -1;
    make_locks(sim);
    sim->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (sim->event_fd < 0) {
        error = errno;
        goto fail;
    }
    sim->page = mmap(NULL, sizeof(*sim->page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (sim->page == MAP_FAILED) {
        error = errno;
        sim->page = NULL;
        goto fail;
    }
    error = -sim_memory_open(sim);
    if (error != 0) {
        goto fail;
    }
    return &sim->hypervisor;

fail:
    close_sim(&sim->hypervisor);
    errno = error;
    return NULL;
}
