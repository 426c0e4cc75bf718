/* SPDX-License-Identifier: BSD-2-Clause */
/* The simulated guest's grant table. Any thread, under the memory lock. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#endif

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "hypervisor/sim/sim_private.h"

void sim_grant(struct hypervisor *hypervisor, uint32_t reference, uint64_t frame, bool write)
{
    struct sim *sim = sim_of(hypervisor);

    pthread_mutex_lock(&sim->memory_lock);
    sim->grant[reference] = (struct sim_grant){.granted = true, .write = write, .frame = frame};
    pthread_mutex_unlock(&sim->memory_lock);
}

bool sim_ungrant(struct hypervisor *hypervisor, uint32_t reference)
{
    struct sim *sim = sim_of(hypervisor);
    bool free;

    pthread_mutex_lock(&sim->memory_lock);
    free = sim->grant[reference].mapped == 0;
    if (free) {
        sim->grant[reference].granted = false;
    }
    pthread_mutex_unlock(&sim->memory_lock);
    return free;
}

/* With the memory lock held. */
static bool are_granted(const struct sim *sim, uint32_t reference, size_t count, bool write)
{
    for (size_t i = 0; i < count; i++) {
        if (reference + i >= SIM_GRANTS || !sim->grant[reference + i].granted ||
            (write && !sim->grant[reference + i].write)) {
            return false;
        }
    }
    return count != 0 && count <= HYPERVISOR_GRANTS_MAX;
}

/* The page of the memfd that is behind a granted frame; SIM_HOLE where the guest has none. With the memory lock held. */
static uint64_t page_of(const struct sim *sim, uint32_t reference)
{
    uint64_t frame = sim->grant[reference].frame;

    return frame < sim->memory.frames ? sim->memory.page[frame] : SIM_HOLE;
}

static size_t bytes_of(uint64_t pages)
{
    return (size_t)(pages << HYPERVISOR_PAGE_SHIFT);
}

/* Pages of the memfd at one place. NULL with errno set. With the memory lock held. */
static uint8_t *map_pages(const struct sim *sim, uint32_t reference, size_t count, bool write)
{
    uint8_t *base = mmap(NULL, bytes_of(count), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    int error;

    if (base == MAP_FAILED) {
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t page = page_of(sim, reference + i);

        if (page == SIM_HOLE ||
            mmap(base + bytes_of(i), bytes_of(1), write ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED | MAP_FIXED,
                 sim->memory.descriptor, (off_t)bytes_of(page)) == MAP_FAILED) {
            error = page == SIM_HOLE ? EINVAL : errno;
            munmap(base, bytes_of(count));
            errno = error;
            return NULL;
        }
    }
    return base;
}

static void count_mapping(struct sim *sim, const struct sim_grant_mapping *mapping, bool mapped)
{
    struct sim_mappings *count = &sim->memory.count;

    for (size_t i = 0; i < mapping->count; i++) {
        sim->grant[mapping->reference + i].mapped += mapped ? 1u : -1u;
    }
    count->open += mapped ? 1 : -(size_t)1;
    count->frames += mapped ? mapping->count : -mapping->count;
    count->mapped += mapped;
    count->unmapped += !mapped;
}

void *sim_map_grants(struct hypervisor *hypervisor, uint32_t reference, size_t count, bool write)
{
    struct sim *sim = sim_of(hypervisor);
    struct sim_grant_mapping *mapping = malloc(sizeof(*mapping));
    int failure = mapping == NULL ? ENOMEM : -sim_fault(sim, SIM_FAULT_MAP);
    void *base = NULL;

    pthread_mutex_lock(&sim->memory_lock);
    if (failure == 0 && !are_granted(sim, reference, count, write)) {
        failure = EINVAL;
    }
    if (failure == 0) {
        base = map_pages(sim, reference, count, write);
        failure = errno;
    }
    if (base != NULL) {
        *mapping = (struct sim_grant_mapping){sim->grant_mapping, base, reference, count};
        sim->grant_mapping = mapping;
        count_mapping(sim, mapping, true);
    }
    pthread_mutex_unlock(&sim->memory_lock);
    if (base == NULL) {
        free(mapping);
        errno = failure;
    }
    return base;
}

void sim_unmap_grants(struct hypervisor *hypervisor, void *base, size_t count)
{
    struct sim *sim = sim_of(hypervisor);
    struct sim_grant_mapping **link = &sim->grant_mapping;
    struct sim_grant_mapping *mapping;

    pthread_mutex_lock(&sim->memory_lock);
    while (*link != NULL && ((*link)->base != base || (*link)->count != count)) {
        link = &(*link)->next;
    }
    mapping = *link;
    if (mapping != NULL) {
        *link = mapping->next;
        count_mapping(sim, mapping, false);
        munmap(base, bytes_of(count));
        free(mapping);
    }
    pthread_mutex_unlock(&sim->memory_lock);
    if (mapping == NULL) {
        sim_violate(sim, SIM_VIOLATION_UNMAP);
    }
}

void sim_grants_close(struct sim *sim)
{
    while (sim->grant_mapping != NULL) {
        struct sim_grant_mapping *mapping = sim->grant_mapping;

        sim->grant_mapping = mapping->next;
        munmap(mapping->base, bytes_of(mapping->count));
        free(mapping);
    }
}

int sim_copy_grants(struct hypervisor *hypervisor, uint32_t reference, size_t offset, void *buffer, size_t length,
                    bool to_guest)
{
    struct sim *sim = sim_of(hypervisor);
    uint8_t *at = buffer;
    int result = 0;

    pthread_mutex_lock(&sim->memory_lock);
    while (length != 0 && result == 0) {
        size_t here = (size_t)HYPERVISOR_PAGE_SIZE - offset < length ? (size_t)HYPERVISOR_PAGE_SIZE - offset : length;
        bool granted = are_granted(sim, reference, 1, to_guest) && page_of(sim, reference) != SIM_HOLE;
        uint8_t *page = granted ? sim->memory.view + bytes_of(sim->grant[reference].frame) : NULL;

        if (page == NULL) {
            result = -EFAULT;
        } else if (to_guest) {
            memcpy(page + offset, at, here);
        } else {
            memcpy(at, page + offset, here);
        }
        at += here;
        length -= here;
        offset = 0;
        reference++;
    }
    pthread_mutex_unlock(&sim->memory_lock);
    return result;
}
