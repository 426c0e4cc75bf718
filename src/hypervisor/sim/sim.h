/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hypervisor in memory, for unit tests, benchmarks and fuzzing: it implements hypervisor.h as Xen does, and offers
 * the other side of it, the guest's. What Xen would refuse, ignore or crash the guest for is recorded, not fatal.
 *
 * The test opens it with sim_open() and closes it through its ops, from one thread, which is the server's main thread.
 * Each vCPU belongs to one thread at a time, which may be the main thread. Functions marked [any] may be called from
 * every thread.
 *
 * Two ways to use it. With threads: vCPU threads call sim_access() and sleep until the server has answered. With one
 * thread: sim_request() places a request, the test lets the server run, and sim_result() fetches the answer.
 */
#ifndef IOREQD_HYPERVISOR_SIM_H
#define IOREQD_HYPERVISOR_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hypervisor/hypervisor.h"
#include "hypervisor/slot.h"

struct sim_options {
    uint64_t memory; /* bytes of guest RAM from address 0, whole pages; 0: 16 MiB */
    unsigned vcpus;  /* 0: 1 */
    bool intx;
    bool host_bridge;
    unsigned spis;         /* it is a guest on Arm with so many, from 32 on: see hypervisor.h, memory_only and spis */
    bool vuart;            /* SPI 32 is the hypervisor's own */
    bool pirq;             /* the guest routes messages of vector 0 to event channels, past their mask bit */
    bool one_mapping;      /* map() points into sim_memory() and must not leave RAM: fast, seen by race detectors */
    unsigned milliseconds; /* how long sim_wait() waits for an answer; 0: 10 s */
};

/* NULL with errno set when it cannot be had. options may be NULL. */
struct hypervisor *sim_open(const struct sim_options *options);

/* ------------------------------------------------------------------------------------------------------------------
 * What vCPUs do
 */

#define SIM_READ      0u
#define SIM_WRITE     1u
#define SIM_DOWN      2u /* elements follow each other downwards: the guest's direction flag is set */
#define SIM_POINTER   4u /* data is a guest address */
#define SIM_UNCHECKED 8u /* placed as it is, whatever is claimed: late requests, and those that Xen never makes */

/*
 * Places a request in the vCPU's slot and rings the server. False when the server never sees it, because it is not
 * started, did not claim all of it, or spoilt the slot: then reads give all ones, writes are dropped, and sim_result()
 * has the answer at once. False, too, while the vCPU's last request is open. An INVALIDATE has Xen's fixed arguments.
 */
bool sim_request(struct hypervisor *, unsigned vcpu, enum request_kind kind, uint64_t address, uint32_t size,
                 uint32_t count, unsigned flags, uint64_t data);

/* Whether the vCPU's last request is answered, and with what: the value cut to its size, 0 for all but plain reads. */
bool sim_result(struct hypervisor *, unsigned vcpu, uint64_t *data);

/* Sleeps until the vCPU's last request is answered. After too long that is a violation, and all ones are read. */
uint64_t sim_wait(struct hypervisor *, unsigned vcpu);

/* sim_request() and sim_wait(). */
uint64_t sim_access(struct hypervisor *, unsigned vcpu, enum request_kind kind, uint64_t address, uint32_t size,
                    uint32_t count, unsigned flags, uint64_t data);

/* The slot itself, for tests that break the protocol. */
struct slot *sim_slot(struct hypervisor *, unsigned vcpu);

/* ------------------------------------------------------------------------------------------------------------------
 * Guest memory, [any]
 */

/* The guest's own view of a range, or NULL when it does not lie in RAM. Valid until one of its frames is punched. */
void *sim_memory(struct hypervisor *, uint64_t address, size_t length);

/*
 * Takes frames from the guest, as ballooning does. A mapping that the server still holds goes on to show the old
 * frames (faults, with one_mapping). vcpu, if not negative, is the vCPU that did it: an INVALIDATE is placed for it.
 */
void sim_punch(struct hypervisor *, uint64_t frame, size_t count, int vcpu);

/* Fills holes with fresh, zeroed frames. Returns 0 or a negative errno. */
int sim_populate(struct hypervisor *, uint64_t frame, size_t count);

struct sim_mappings {
    size_t open;     /* mapped and not yet unmapped */
    size_t frames;   /* in those */
    uint64_t mapped; /* calls of map() that succeeded, ever */
    uint64_t unmapped;
};

struct sim_mappings sim_mappings(struct hypervisor *);

#define SIM_GRANTS 1024u /* references, from 0 */

/*
 * The guest grants a frame to the server under a reference, or takes that back. False when the server has it mapped: the
 * guest must not use the page for anything else then.
 */
void sim_grant(struct hypervisor *, uint32_t reference, uint64_t frame, bool write);
bool sim_ungrant(struct hypervisor *, uint32_t reference);

/* ------------------------------------------------------------------------------------------------------------------
 * Interrupts that the server raised, [any]
 */

#define SIM_INTERRUPTS   256 /* kept until read; the oldest is lost first */
#define SIM_INTX_DEVICES 32
#define SIM_INTX_PINS    4

struct sim_interrupt {
    bool is_message;
    uint64_t address; /* of a message */
    uint32_t data;
    unsigned device; /* of a line */
    unsigned pin;
    bool level;
};

/* The oldest that was not yet read. False when there is none, at once or after some milliseconds. */
bool sim_interrupt(struct hypervisor *, struct sim_interrupt *);
bool sim_interrupt_wait(struct hypervisor *, unsigned milliseconds, struct sim_interrupt *);

/* How many were lost because nobody read them. */
uint64_t sim_interrupts_lost(struct hypervisor *);

/* The level of a line now. */
bool sim_intx_level(struct hypervisor *, unsigned device, unsigned pin);

/* ------------------------------------------------------------------------------------------------------------------
 * SPIs, [any]: as Xen's vGIC has them (xen/arch/arm/vgic.c, vgic_inject_irq()). High makes one pending, or pending
 * again while the guest handles it, and is then forgotten: low is ignored, and the level is not looked at when the
 * guest is done.
 */

#define SIM_SPI_FIRST 32u
#define SIM_SPIS      960u

/* The guest's side: takes one that pends and is not being handled, the lowest; it is then handled until sim_spi_end(). */
bool sim_spi_take(struct hypervisor *, unsigned *spi);
bool sim_spi_take_wait(struct hypervisor *, unsigned milliseconds, unsigned *spi);
void sim_spi_end(struct hypervisor *, unsigned spi);
bool sim_spi_is_pending(struct hypervisor *, unsigned spi);
/* How often the server made it pending. */
uint64_t sim_spi_count(struct hypervisor *, unsigned spi);

/* ------------------------------------------------------------------------------------------------------------------
 * Faults and violations, [any]
 */

enum sim_fault {
    SIM_FAULT_START,
    SIM_FAULT_CLAIM,
    SIM_FAULT_MAP,
    SIM_FAULT_MESSAGE,
    SIM_FAULT_INTX,
    SIM_FAULT_SPI,
    SIM_FAULTS
};

/* After `skip` more calls that go well, one call of that kind fails with error, a positive errno. 0: none will. */
void sim_fail(struct hypervisor *, enum sim_fault fault, unsigned skip, int error);

enum sim_violation {
    SIM_VIOLATION_STATE,      /* the slot was not NONE when a request was due: it was left unhandled */
    SIM_VIOLATION_PORT,       /* event_port had changed: as above */
    SIM_VIOLATION_TRANSITION, /* the state went back or above RESPONSE: Xen crashes the guest */
    SIM_VIOLATION_VANISHED,   /* the state went back to NONE: Xen reads all ones */
    SIM_VIOLATION_ANSWER,     /* answer() without a request that was taken, or twice */
    SIM_VIOLATION_TIMEOUT,    /* no answer in time: Xen would wait for ever */
    SIM_VIOLATION_UNMAP,      /* unmap() of what map() did not return */
    SIM_VIOLATION_INTX,       /* intx() of a guest without such lines: trips an assertion in Xen */
    SIM_VIOLATION_MACHINE,    /* ports or functions claimed, messages sent, or SPIs raised, where there are none */
    SIM_VIOLATION_DATA,       /* on Arm: an answer with bits above the access's size, which old Xen gives the guest */
    SIM_VIOLATIONS
};

unsigned sim_violations(struct hypervisor *);
unsigned sim_violations_of(struct hypervisor *, enum sim_violation);

#endif
