/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of the simulated hypervisor, shared by the files of this folder and by nobody else.
 *
 * Three locks, never held together but for lock before a vCPU's: `lock` has the server's state, its claims and its
 * event channels; `memory_lock` the guest's frames; `record_lock` what tests look at afterwards. Slots have no lock:
 * their state says who owns them, as in Xen.
 */
#ifndef IOREQD_HYPERVISOR_SIM_PRIVATE_H
#define IOREQD_HYPERVISOR_SIM_PRIVATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "hypervisor/sim/sim.h"
#include "hypervisor/sim/sim_ranges.h"

#define SIM_CLAIM_FUNCTIONS (CLAIM_MEMORY + 1) /* beside enum claim_space */
#define SIM_CLAIMS          (SIM_CLAIM_FUNCTIONS + 1)

/* The server's end of a vCPU's event channel, under sim->lock. */
struct sim_channel {
    bool pending;
    bool masked;   /* reported and not yet rearmed */
    bool in_batch; /* of the last events() */
};

/* A vCPU. Its thread's own, but for the bell. */
struct sim_vcpu {
    struct request asked;
    bool open; /* placed and not yet answered */
    uint8_t last_state;
    uint64_t result;

    /* The vCPU's end of the event channel. */
    pthread_mutex_t bell_lock;
    pthread_cond_t bell;
    bool rung;
};

struct sim_mapping {
    struct sim_mapping *next;
    void *base;
    size_t count;
};

struct sim_memory {
    int descriptor; /* of the memfd that holds every frame that ever was */
    unsigned char *view;
    uint64_t frames;
    uint64_t next_page; /* of the memfd, not yet used */
    uint64_t *page;     /* of the memfd, that is behind each frame; SIM_HOLE */
    struct sim_mapping *mapping;
    struct sim_mappings count;
};

#define SIM_HOLE UINT64_MAX

/* A grant: what reference number it has is its place in the table. */
struct sim_grant {
    bool granted;
    bool write;
    uint64_t frame;
    unsigned mapped; /* how often now */
};

struct sim_grant_mapping {
    struct sim_grant_mapping *next;
    void *base;
    uint32_t reference; /* the first */
    size_t count;
};

/* Under sim->record_lock. */
struct sim_spi {
    bool pending;
    bool active;
    uint64_t count;
};

struct sim_planned_fault {
    unsigned skip;
    int error;
};

struct sim {
    struct hypervisor hypervisor; /* first: a struct hypervisor of ours is a struct sim */
    struct sim_options options;

    pthread_mutex_t lock;
    bool enabled;
    uint32_t next_port;
    uint32_t port[HYPERVISOR_MAX_VCPUS];
    struct sim_ranges claims[SIM_CLAIMS];
    struct sim_channel channel[HYPERVISOR_MAX_VCPUS];
    int event_fd;

    struct slot_page *page;
    struct sim_vcpu vcpu[HYPERVISOR_MAX_VCPUS];
    unsigned vcpus_made;

    pthread_mutex_t memory_lock;
    struct sim_memory memory;
    struct sim_grant grant[SIM_GRANTS];
    struct sim_grant_mapping *grant_mapping;

    pthread_mutex_t record_lock;
    pthread_cond_t interrupted;
    uint64_t interrupts_made;
    uint64_t interrupts_read;
    uint64_t interrupts_lost;
    struct sim_interrupt interrupt[SIM_INTERRUPTS];
    bool level[SIM_INTX_DEVICES][SIM_INTX_PINS];
    struct sim_spi spi[SIM_SPIS];
    struct sim_planned_fault fault[SIM_FAULTS];
    unsigned violations[SIM_VIOLATIONS];
};

static inline struct sim *sim_of(struct hypervisor *hypervisor)
{
    return (struct sim *)hypervisor;
}

/* sim.c */
void sim_violate(struct sim *sim, enum sim_violation violation);
int sim_fault(struct sim *sim, enum sim_fault fault); /* 0 or the negative errno to fail with now */
struct timespec sim_deadline(unsigned milliseconds);  /* on CLOCK_MONOTONIC */

/* sim_request.c */
int sim_event_fd(struct hypervisor *hypervisor);
unsigned sim_events(struct hypervisor *hypervisor, unsigned *vcpu, unsigned count);
bool sim_take(struct hypervisor *hypervisor, unsigned vcpu, struct request *request);
void sim_answer(struct hypervisor *hypervisor, unsigned vcpu, uint64_t data);
void sim_rearm(struct hypervisor *hypervisor);
void sim_ring_server(struct sim *sim, unsigned vcpu);         /* with the lock held */
void sim_answer_open_request(struct sim *sim, unsigned vcpu); /* with the lock held */

/* sim_memory.c */
int sim_memory_open(struct sim *sim);
void sim_memory_close(struct sim *sim);
void *sim_map(struct hypervisor *hypervisor, uint64_t frame, size_t count, int *error);
void sim_unmap(struct hypervisor *hypervisor, void *base, size_t count);
void sim_memory_fill_ones(struct sim *sim, const struct request *request); /* a read into memory that nobody serves */

/* sim_grants.c */
void sim_grants_close(struct sim *sim);
void *sim_map_grants(struct hypervisor *hypervisor, uint32_t reference, size_t count, bool write);
void sim_unmap_grants(struct hypervisor *hypervisor, void *base, size_t count);
int sim_copy_grants(struct hypervisor *hypervisor, uint32_t reference, size_t offset, void *buffer, size_t length,
                    bool to_guest);

/* sim_interrupt.c */
int sim_message(struct hypervisor *hypervisor, uint64_t address, uint32_t data);
bool sim_message_unmaskable(struct hypervisor *hypervisor, uint64_t address, uint32_t data);
int sim_intx(struct hypervisor *hypervisor, unsigned device, unsigned pin, bool level);

/* sim_spi.c */
int sim_spi(struct hypervisor *hypervisor, unsigned spi, bool level);

#endif
