/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vCPU of a simulated guest, as its driver sees it: loads, stores and port accesses that block until the server has
 * answered. A vCPU belongs to one thread at a time.
 */
#ifndef TESTS_DRV_VCPU_H
#define TESTS_DRV_VCPU_H

#include <stdint.h>

#include "hypervisor/sim/sim.h"

struct vcpu {
    struct hypervisor *sim;
    unsigned index;
    /* How it reaches configuration space: memory-mapped at ecam, which begins with root_bus; 0: by ports. */
    uint64_t ecam;
    uint16_t segment;
    uint8_t root_bus;
};

static inline uint64_t vcpu_load(const struct vcpu *vcpu, uint64_t address, unsigned size)
{
    return sim_access(vcpu->sim, vcpu->index, REQUEST_MEMORY, address, size, 1, SIM_READ, 0);
}

static inline void vcpu_store(const struct vcpu *vcpu, uint64_t address, unsigned size, uint64_t value)
{
    sim_access(vcpu->sim, vcpu->index, REQUEST_MEMORY, address, size, 1, SIM_WRITE, value);
}

static inline uint32_t vcpu_in(const struct vcpu *vcpu, uint16_t port, unsigned size)
{
    return (uint32_t)sim_access(vcpu->sim, vcpu->index, REQUEST_PORT, port, size, 1, SIM_READ, 0);
}

static inline void vcpu_out(const struct vcpu *vcpu, uint16_t port, unsigned size, uint32_t value)
{
    sim_access(vcpu->sim, vcpu->index, REQUEST_PORT, port, size, 1, SIM_WRITE, value);
}

#endif
