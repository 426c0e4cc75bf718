/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way of a request through the simulated hypervisor. The vCPU's half does what Xen does in ioreq_server_select(),
 * ioreq_send() and wait_for_io() of xen/common/ioreq.c, on the vCPU's thread; the server's half implements
 * hypervisor_ops on the server's main thread.
 */
#include <sys/eventfd.h>

#include "hypervisor/sim/sim_private.h"

static uint64_t cut(uint64_t value, uint32_t size)
{
    return size >= 8 ? value : value & ((UINT64_C(1) << (size * 8)) - 1);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Event channels
 */

void sim_ring_server(struct sim *sim, unsigned vcpu)
{
    sim->channel[vcpu].pending = true;
    if (!sim->channel[vcpu].masked) {
        (void)eventfd_write(sim->event_fd, 1);
    }
}

static void ring_vcpu(struct sim_vcpu *vcpu)
{
    pthread_mutex_lock(&vcpu->bell_lock);
    vcpu->rung = true;
    pthread_cond_signal(&vcpu->bell);
    pthread_mutex_unlock(&vcpu->bell_lock);
}

/* Waits until the vCPU's bell was rung since the last call. False when that takes too long. */
static bool wait_for_bell(struct sim_vcpu *vcpu, const struct timespec *deadline)
{
    int error = 0;
    bool rung;

    pthread_mutex_lock(&vcpu->bell_lock);
    while (!vcpu->rung && error == 0) {
        error = pthread_cond_timedwait(&vcpu->bell, &vcpu->bell_lock, deadline);
    }
    rung = vcpu->rung;
    vcpu->rung = false;
    pthread_mutex_unlock(&vcpu->bell_lock);
    return rung;
}

/* ------------------------------------------------------------------------------------------------------------------
 * The vCPU's half
 */

static uint8_t type_of(enum request_kind kind)
{
    switch (kind) {
    case REQUEST_PORT:
        return SLOT_TYPE_PORT;
    case REQUEST_MEMORY:
        return SLOT_TYPE_COPY;
    case REQUEST_CONFIG:
        return SLOT_TYPE_PCI_CONFIG;
    case REQUEST_INVALIDATE:
        return SLOT_TYPE_INVALIDATE;
    case REQUEST_OTHER:
        break;
    }
    return SLOT_TYPE_TIMEOFFSET;
}

/* The bytes that the whole of a memory request touches; false when they wrap around. */
static bool span_of(const struct request *request, uint64_t *first, uint64_t *last)
{
    uint64_t before = 0;
    uint64_t after;

    if (request->size == 0 || request->count == 0) {
        return false;
    }
    after = (uint64_t)(request->count - 1) * request->size;
    if (request->down) {
        before = after;
        after = 0;
    }
    if (before > request->address || after + (request->size - 1) > UINT64_MAX - request->address) {
        return false;
    }
    *first = request->address - before;
    *last = request->address + after + (request->size - 1);
    return true;
}

/* Whether the server gets the request. Called with the lock held. */
static bool is_selected(const struct sim *sim, const struct request *request)
{
    uint64_t first;
    uint64_t last;

    switch (request->kind) {
    case REQUEST_PORT: /* the port stays put, so the count does not matter */
        first = request->address;
        last = first + request->size - 1;
        return sim_ranges_contain(&sim->claims[CLAIM_PORT], first, last);
    case REQUEST_MEMORY:
        return span_of(request, &first, &last) && sim_ranges_contain(&sim->claims[CLAIM_MEMORY], first, last);
    case REQUEST_CONFIG:
        first = request->address >> 32;
        if (sim->hypervisor.guest.memory_only) {
            return false; /* none is made today: with SIM_UNCHECKED, as a later Xen may */
        }
        return sim_ranges_contain(&sim->claims[SIM_CLAIM_FUNCTIONS], first, first);
    case REQUEST_INVALIDATE: /* these are broadcast */
    case REQUEST_OTHER:
        break;
    }
    return true;
}

/* ioreq_send(): a slot that the server spoilt gets no request. */
static bool slot_is_fit(struct sim *sim, unsigned vcpu)
{
    struct slot *slot = &sim->page->slot[vcpu];

    if ((atomic_load_explicit(&slot->state_and_flags, memory_order_acquire) & SLOT_STATE_MASK) != SLOT_NONE) {
        sim_violate(sim, SIM_VIOLATION_STATE);
        return false;
    }
    if (slot->event_port != sim->port[vcpu]) {
        sim_violate(sim, SIM_VIOLATION_PORT);
        return false;
    }
    return true;
}

static void fill_slot(struct slot *slot, const struct request *request)
{
    unsigned flags = SLOT_REQUEST;

    slot->address = request->address;
    slot->data = request->data;
    slot->count = request->count;
    slot->size = request->size;
    slot->type = type_of(request->kind);
    flags |= request->data_is_pointer ? SLOT_DATA_IS_POINTER : 0;
    flags |= request->write ? 0 : SLOT_READ;
    flags |= request->down ? SLOT_DOWN : 0;
    atomic_store_explicit(&slot->state_and_flags, (uint8_t)flags, memory_order_release);
}

bool sim_request(struct hypervisor *hypervisor, unsigned vcpu, enum request_kind kind, uint64_t address, uint32_t size,
                 uint32_t count, unsigned flags, uint64_t data)
{
    struct sim *sim = sim_of(hypervisor);
    struct sim_vcpu *v = &sim->vcpu[vcpu];
    bool plain_read;

    if (vcpu >= hypervisor->guest.vcpus || v->open) {
        return false;
    }
    v->asked = (struct request){
        .kind = kind,
        .write = (flags & SIM_WRITE) != 0,
        .down = (flags & SIM_DOWN) != 0,
        .data_is_pointer = (flags & SIM_POINTER) != 0,
        .size = size,
        .count = count,
        .address = address,
        .data = data,
    };
    plain_read = !v->asked.write && !v->asked.data_is_pointer;
    if (kind == REQUEST_INVALIDATE) { /* send_invalidate_ioreq(): count 0 is Xen's */
        v->asked = (struct request){.kind = kind, .write = true, .size = 4, .data = UINT64_MAX};
        plain_read = false;
    } else if ((flags & SIM_UNCHECKED) == 0 && !v->asked.data_is_pointer) {
        v->asked.data = plain_read ? 0 : cut(data, size);
    }
    v->result = plain_read ? cut(UINT64_MAX, size) : 0;
    v->last_state = SLOT_NONE;

    /* Not stopped between the look and the ring: Xen pauses the guest while a server goes away. */
    pthread_mutex_lock(&sim->lock);
    if (sim->enabled && ((flags & SIM_UNCHECKED) != 0 || is_selected(sim, &v->asked)) && slot_is_fit(sim, vcpu)) {
        fill_slot(&sim->page->slot[vcpu], &v->asked);
        sim_ring_server(sim, vcpu);
        v->open = true;
    }
    pthread_mutex_unlock(&sim->lock);
    if (!v->open && v->asked.data_is_pointer && !v->asked.write) {
        sim_memory_fill_ones(sim, &v->asked);
    }
    return v->open;
}

/* wait_for_io(), one look. */
bool sim_result(struct hypervisor *hypervisor, unsigned vcpu, uint64_t *data)
{
    struct sim *sim = sim_of(hypervisor);
    struct sim_vcpu *v = &sim->vcpu[vcpu];
    struct slot *slot = &sim->page->slot[vcpu];
    uint8_t state;

    if (!v->open) {
        *data = v->result;
        return true;
    }
    state = atomic_load_explicit(&slot->state_and_flags, memory_order_acquire) & SLOT_STATE_MASK;
    if (state == SLOT_NONE) {
        sim_violate(sim, SIM_VIOLATION_VANISHED);
        v->open = false;
    } else if (state > SLOT_RESPONSE || state < v->last_state) {
        /* Here the guest would end; the slot is put right so that a test can go on. */
        sim_violate(sim, SIM_VIOLATION_TRANSITION);
        v->open = false;
    } else if (state == SLOT_RESPONSE) {
        if (!v->asked.write && !v->asked.data_is_pointer) {
            v->result = cut(slot->data, v->asked.size);
            if (hypervisor->guest.memory_only && v->asked.size != 0 && slot->data != v->result) {
                sim_violate(sim, SIM_VIOLATION_DATA);
            }
        }
        v->open = false;
    }
    v->last_state = state;
    if (v->open) {
        return false;
    }
    atomic_store_explicit(&slot->state_and_flags, SLOT_NONE, memory_order_release);
    *data = v->result;
    return true;
}

uint64_t sim_wait(struct hypervisor *hypervisor, unsigned vcpu)
{
    struct sim *sim = sim_of(hypervisor);
    struct sim_vcpu *v = &sim->vcpu[vcpu];
    const struct timespec deadline = sim_deadline(sim->options.milliseconds);
    uint64_t data;

    while (!sim_result(hypervisor, vcpu, &data)) {
        if (!wait_for_bell(v, &deadline)) {
            sim_violate(sim, SIM_VIOLATION_TIMEOUT);
            v->open = false;
            return v->result;
        }
    }
    return data;
}

uint64_t sim_access(struct hypervisor *hypervisor, unsigned vcpu, enum request_kind kind, uint64_t address,
                    uint32_t size, uint32_t count, unsigned flags, uint64_t data)
{
    sim_request(hypervisor, vcpu, kind, address, size, count, flags, data);
    return sim_wait(hypervisor, vcpu);
}

struct slot *sim_slot(struct hypervisor *hypervisor, unsigned vcpu)
{
    return &sim_of(hypervisor)->page->slot[vcpu];
}

/* ------------------------------------------------------------------------------------------------------------------
 * The server's half
 */

int sim_event_fd(struct hypervisor *hypervisor)
{
    return sim_of(hypervisor)->event_fd;
}

unsigned sim_events(struct hypervisor *hypervisor, unsigned *vcpu, unsigned count)
{
    struct sim *sim = sim_of(hypervisor);
    struct sim_channel *channel = sim->channel;
    const unsigned vcpus = hypervisor->guest.vcpus;
    unsigned found = 0;
    unsigned i;
    eventfd_t ignored;

    pthread_mutex_lock(&sim->lock);
    (void)eventfd_read(sim->event_fd, &ignored);
    for (i = 0; i < vcpus && found < count; i++) {
        if (channel[i].pending && !channel[i].masked) {
            vcpu[found++] = i;
        }
    }
    /* What did not fit in the batch keeps the descriptor readable. */
    for (; i < vcpus; i++) {
        if (channel[i].pending && !channel[i].masked) {
            (void)eventfd_write(sim->event_fd, 1);
            break;
        }
    }
    /* A batch that was not rearmed before the next stays masked: forgetting it shows as a hang, as it does on Xen. */
    if (found > 0) {
        for (i = 0; i < vcpus; i++) {
            channel[i].in_batch = false;
        }
    }
    for (i = 0; i < found; i++) {
        channel[vcpu[i]] = (struct sim_channel){.pending = false, .masked = true, .in_batch = true};
    }
    pthread_mutex_unlock(&sim->lock);
    return found;
}

void sim_rearm(struct hypervisor *hypervisor)
{
    struct sim *sim = sim_of(hypervisor);

    pthread_mutex_lock(&sim->lock);
    for (unsigned i = 0; i < hypervisor->guest.vcpus; i++) {
        struct sim_channel *channel = &sim->channel[i];

        if (channel->in_batch) {
            channel->in_batch = false;
            channel->masked = false;
            if (channel->pending) {
                (void)eventfd_write(sim->event_fd, 1);
            }
        }
    }
    pthread_mutex_unlock(&sim->lock);
}

bool sim_take(struct hypervisor *hypervisor, unsigned vcpu, struct request *request)
{
    return vcpu < hypervisor->guest.vcpus && slot_take(&sim_of(hypervisor)->page->slot[vcpu], request);
}

void sim_answer(struct hypervisor *hypervisor, unsigned vcpu, uint64_t data)
{
    struct sim *sim = sim_of(hypervisor);

    /* The slot of a request that was not taken, or is answered, is the vCPU's: it must not be touched. */
    if (vcpu >= hypervisor->guest.vcpus || !slot_is_open(&sim->page->slot[vcpu])) {
        sim_violate(sim, SIM_VIOLATION_ANSWER);
        return;
    }
    slot_answer(&sim->page->slot[vcpu], data);
    ring_vcpu(&sim->vcpu[vcpu]);
}

void sim_answer_open_request(struct sim *sim, unsigned vcpu)
{
    struct slot *slot = &sim->page->slot[vcpu];
    struct request ignored;

    if (slot_take(slot, &ignored) || slot_is_open(slot)) {
        slot_answer(slot, UINT64_MAX);
        ring_vcpu(&sim->vcpu[vcpu]);
    }
}
