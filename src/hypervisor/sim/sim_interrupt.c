/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts that the server raises in the simulated guest: written down, for the test to read. Raised and read by
 * any thread, under the record lock.
 */
#include <errno.h>

#include "hypervisor/sim/sim_private.h"

static void record(struct sim *sim, const struct sim_interrupt *interrupt)
{
    sim->interrupt[sim->interrupts_made % SIM_INTERRUPTS] = *interrupt;
    sim->interrupts_made++;
    if (sim->interrupts_made - sim->interrupts_read > SIM_INTERRUPTS) {
        sim->interrupts_read++;
        sim->interrupts_lost++;
    }
    pthread_cond_broadcast(&sim->interrupted);
}

int sim_message(struct hypervisor *hypervisor, uint64_t address, uint32_t data)
{
    struct sim *sim = sim_of(hypervisor);
    const struct sim_interrupt interrupt = {.is_message = true, .address = address, .data = data};
    int result = sim_fault(sim, SIM_FAULT_MESSAGE);

    if (hypervisor->guest.spis) {
        sim_violate(sim, SIM_VIOLATION_MACHINE);
        return -EOPNOTSUPP;
    }
    if (result != 0) {
        return result;
    }
    pthread_mutex_lock(&sim->record_lock);
    record(sim, &interrupt);
    pthread_mutex_unlock(&sim->record_lock);
    return 0;
}

/* Vector 0 stands for a PIRQ that the guest bound to an event channel (xen/arch/x86/hvm/irq.c, hvm_inject_msi()). */
bool sim_message_unmaskable(struct hypervisor *hypervisor, uint64_t address, uint32_t data)
{
    (void)address;
    return sim_of(hypervisor)->options.pirq && (data & 0xff) == 0;
}

int sim_intx(struct hypervisor *hypervisor, unsigned device, unsigned pin, bool level)
{
    struct sim *sim = sim_of(hypervisor);
    const struct sim_interrupt interrupt = {.device = device, .pin = pin, .level = level};
    int result;

    if (!hypervisor->guest.intx) {
        sim_violate(sim, SIM_VIOLATION_INTX);
        return -EOPNOTSUPP;
    }
    if (device >= SIM_INTX_DEVICES || pin >= SIM_INTX_PINS) {
        return -EINVAL;
    }
    result = sim_fault(sim, SIM_FAULT_INTX);
    if (result != 0) {
        return result;
    }
    pthread_mutex_lock(&sim->record_lock);
    sim->level[device][pin] = level;
    record(sim, &interrupt);
    pthread_mutex_unlock(&sim->record_lock);
    return 0;
}

bool sim_interrupt(struct hypervisor *hypervisor, struct sim_interrupt *interrupt)
{
    return sim_interrupt_wait(hypervisor, 0, interrupt);
}

bool sim_interrupt_wait(struct hypervisor *hypervisor, unsigned milliseconds, struct sim_interrupt *interrupt)
{
    struct sim *sim = sim_of(hypervisor);
    const struct timespec deadline = sim_deadline(milliseconds);
    int error = milliseconds == 0 ? ETIMEDOUT : 0;
    bool found;

    pthread_mutex_lock(&sim->record_lock);
    while (sim->interrupts_read == sim->interrupts_made && error == 0) {
        error = pthread_cond_timedwait(&sim->interrupted, &sim->record_lock, &deadline);
    }
    found = sim->interrupts_read != sim->interrupts_made;
    if (found) {
        *interrupt = sim->interrupt[sim->interrupts_read % SIM_INTERRUPTS];
        sim->interrupts_read++;
    }
    pthread_mutex_unlock(&sim->record_lock);
    return found;
}

uint64_t sim_interrupts_lost(struct hypervisor *hypervisor)
{
    struct sim *sim = sim_of(hypervisor);
    uint64_t lost;

    pthread_mutex_lock(&sim->record_lock);
    lost = sim->interrupts_lost;
    pthread_mutex_unlock(&sim->record_lock);
    return lost;
}

bool sim_intx_level(struct hypervisor *hypervisor, unsigned device, unsigned pin)
{
    struct sim *sim = sim_of(hypervisor);
    bool level;

    pthread_mutex_lock(&sim->record_lock);
    level = device < SIM_INTX_DEVICES && pin < SIM_INTX_PINS && sim->level[device][pin];
    pthread_mutex_unlock(&sim->record_lock);
    return level;
}
