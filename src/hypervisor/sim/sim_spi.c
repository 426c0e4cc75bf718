/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated guest's SPIs: what Xen's vGIC makes of the levels that a server sets, and what the guest then sees. The
 * states are those of the GIC architecture (GICv3 and v4, 4.1.2); the transitions are Xen's, which knows no levels.
 * Raised and taken by any thread, under the record lock.
 */
#include <errno.h>

#include "hypervisor/sim/sim_private.h"

static struct sim_spi *find(struct sim *sim, unsigned spi)
{
    if (spi < SIM_SPI_FIRST || spi - SIM_SPI_FIRST >= sim->options.spis || spi - SIM_SPI_FIRST >= SIM_SPIS ||
        (sim->options.vuart && spi == SIM_SPI_FIRST)) {
        return NULL;
    }
    return &sim->spi[spi - SIM_SPI_FIRST];
}

int sim_spi(struct hypervisor *hypervisor, unsigned spi, bool level)
{
    struct sim *sim = sim_of(hypervisor);
    struct sim_spi *raised = find(sim, spi);
    int result;

    if (!hypervisor->guest.spis) {
        sim_violate(sim, SIM_VIOLATION_MACHINE);
        return -EOPNOTSUPP;
    }
    if (raised == NULL) {
        return -EINVAL;
    }
    result = sim_fault(sim, SIM_FAULT_SPI);
    if (result != 0 || !level) {
        return result;
    }
    pthread_mutex_lock(&sim->record_lock);
    raised->pending = true;
    raised->count++;
    pthread_cond_broadcast(&sim->interrupted);
    pthread_mutex_unlock(&sim->record_lock);
    return 0;
}

/* The lock is held. */
static bool take(struct sim *sim, unsigned *spi)
{
    for (unsigned i = 0; i < SIM_SPIS && i < sim->options.spis; i++) {
        if (sim->spi[i].pending && !sim->spi[i].active) {
            sim->spi[i].pending = false;
            sim->spi[i].active = true;
            *spi = SIM_SPI_FIRST + i;
            return true;
        }
    }
    return false;
}

bool sim_spi_take(struct hypervisor *hypervisor, unsigned *spi)
{
    return sim_spi_take_wait(hypervisor, 0, spi);
}

bool sim_spi_take_wait(struct hypervisor *hypervisor, unsigned milliseconds, unsigned *spi)
{
    struct sim *sim = sim_of(hypervisor);
    const struct timespec deadline = sim_deadline(milliseconds);
    int error = milliseconds == 0 ? ETIMEDOUT : 0;
    bool found;

    pthread_mutex_lock(&sim->record_lock);
    found = take(sim, spi);
    while (!found && error == 0) {
        error = pthread_cond_timedwait(&sim->interrupted, &sim->record_lock, &deadline);
        found = take(sim, spi);
    }
    pthread_mutex_unlock(&sim->record_lock);
    return found;
}

void sim_spi_end(struct hypervisor *hypervisor, unsigned spi)
{
    struct sim *sim = sim_of(hypervisor);
    struct sim_spi *ended = find(sim, spi);

    pthread_mutex_lock(&sim->record_lock);
    if (ended != NULL) {
        ended->active = false;
    }
    pthread_mutex_unlock(&sim->record_lock);
}

bool sim_spi_is_pending(struct hypervisor *hypervisor, unsigned spi)
{
    struct sim *sim = sim_of(hypervisor);
    struct sim_spi *asked = find(sim, spi);
    bool pending;

    pthread_mutex_lock(&sim->record_lock);
    pending = asked != NULL && asked->pending;
    pthread_mutex_unlock(&sim->record_lock);
    return pending;
}

uint64_t sim_spi_count(struct hypervisor *hypervisor, unsigned spi)
{
    struct sim *sim = sim_of(hypervisor);
    struct sim_spi *asked = find(sim, spi);
    uint64_t count;

    pthread_mutex_lock(&sim->record_lock);
    count = asked != NULL ? asked->count : 0;
    pthread_mutex_unlock(&sim->record_lock);
    return count;
}
