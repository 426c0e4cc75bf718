/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated guest's memory. A memfd holds every frame; a table says which page of it is behind which guest frame.
 * The guest's own view is mapped once; each map() is a mapping of its own, so that, as with Xen, what was unmapped or
 * cannot be mapped faults when touched, and what was mapped before a frame went away still shows the old frame.
 * Any thread, under the memory lock.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create() */
#endif

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hypervisor/sim/sim_private.h"

static size_t bytes_of(uint64_t frames)
{
    return (size_t)(frames << HYPERVISOR_PAGE_SHIFT);
}

static bool is_hole(const struct sim_memory *memory, uint64_t frame)
{
    return frame >= memory->frames || memory->page[frame] == SIM_HOLE;
}

int sim_memory_open(struct sim *sim)
{
    struct sim_memory *memory = &sim->memory;
    const size_t length = (size_t)sim->options.memory;
    void *view;

    memory->frames = sim->options.memory >> HYPERVISOR_PAGE_SHIFT;
    memory->page = malloc(memory->frames * sizeof(*memory->page));
    if (memory->page == NULL) {
        return -ENOMEM;
    }
    for (uint64_t frame = 0; frame < memory->frames; frame++) {
        memory->page[frame] = frame;
    }
    memory->next_page = memory->frames;
    memory->descriptor = memfd_create("sim guest memory", MFD_CLOEXEC);
    if (memory->descriptor < 0 || ftruncate(memory->descriptor, (off_t)length) != 0) {
        return -errno;
    }
    view = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, memory->descriptor, 0);
    if (view == MAP_FAILED) {
        return -errno;
    }
    memory->view = view;
    return 0;
}

void sim_memory_close(struct sim *sim)
{
    struct sim_memory *memory = &sim->memory;

    while (memory->mapping != NULL) {
        struct sim_mapping *mapping = memory->mapping;

        memory->mapping = mapping->next;
        if (!sim->options.one_mapping) {
            munmap(mapping->base, bytes_of(mapping->count));
        }
        free(mapping);
    }
    sim_grants_close(sim);
    if (memory->view != NULL) {
        munmap(memory->view, bytes_of(memory->frames));
    }
    if (memory->descriptor >= 0) {
        close(memory->descriptor);
    }
    free(memory->page);
}

/* Maps frames at one place, pages of the memfd that follow each other with one call; holes stay untouchable. */
static void *map_frames(const struct sim_memory *memory, uint64_t frame, size_t count)
{
    unsigned char *base = mmap(NULL, bytes_of(count), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    size_t run;

    if (base == MAP_FAILED) {
        return NULL;
    }
    for (size_t i = 0; i < count; i += run) {
        run = 1;
        if (is_hole(memory, frame + i)) {
            continue;
        }
        while (i + run < count && !is_hole(memory, frame + i + run) &&
               memory->page[frame + i + run] == memory->page[frame + i] + run) {
            run++;
        }
        if (mmap(base + bytes_of(i), bytes_of(run), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE,
                 memory->descriptor, (off_t)bytes_of(memory->page[frame + i])) == MAP_FAILED) {
            munmap(base, bytes_of(count));
            return NULL;
        }
    }
    return base;
}

void *sim_map(struct hypervisor *hypervisor, uint64_t frame, size_t count, int *error)
{
    struct sim *sim = sim_of(hypervisor);
    struct sim_memory *memory = &sim->memory;
    struct sim_mapping *mapping = NULL;
    void *base = NULL;
    size_t present = 0;
    int failure = -sim_fault(sim, SIM_FAULT_MAP);

    if (failure == 0 && (count == 0 || count > HYPERVISOR_MAP_MAX || frame > UINT64_MAX - count)) {
        failure = EINVAL;
    }
    if (failure != 0) {
        errno = failure;
        return NULL;
    }
    pthread_mutex_lock(&sim->memory_lock);
    for (size_t i = 0; i < count; i++) {
        error[i] = is_hole(memory, frame + i) ? -EINVAL : 0;
        present += error[i] == 0;
    }
    if (present == 0) {
        failure = EINVAL;
        goto out;
    }
    mapping = malloc(sizeof(*mapping));
    if (mapping == NULL) {
        failure = ENOMEM;
        goto out;
    }
    if (!sim->options.one_mapping) {
        base = map_frames(memory, frame, count);
    } else if (frame + count <= memory->frames) {
        base = memory->view + bytes_of(frame);
    }
    if (base == NULL) {
        failure = ENOMEM;
        free(mapping);
        goto out;
    }
    *mapping = (struct sim_mapping){.next = memory->mapping, .base = base, .count = count};
    memory->mapping = mapping;
    memory->count.open++;
    memory->count.frames += count;
    memory->count.mapped++;
out:
    pthread_mutex_unlock(&sim->memory_lock);
    if (base == NULL) {
        errno = failure;
    }
    return base;
}

void sim_unmap(struct hypervisor *hypervisor, void *base, size_t count)
{
    struct sim *sim = sim_of(hypervisor);
    struct sim_memory *memory = &sim->memory;
    struct sim_mapping **link;
    struct sim_mapping *mapping;

    pthread_mutex_lock(&sim->memory_lock);
    link = &memory->mapping;
    while (*link != NULL && ((*link)->base != base || (*link)->count != count)) {
        link = &(*link)->next;
    }
    mapping = *link;
    if (mapping != NULL) {
        *link = mapping->next;
        memory->count.open--;
        memory->count.frames -= count;
        memory->count.unmapped++;
        if (!sim->options.one_mapping) {
            munmap(base, bytes_of(count));
        }
        free(mapping);
    }
    pthread_mutex_unlock(&sim->memory_lock);
    if (mapping == NULL) {
        sim_violate(sim, SIM_VIOLATION_UNMAP);
    }
}

/* With the memory lock held. */
static unsigned char *find_memory(const struct sim_memory *memory, uint64_t address, size_t length)
{
    const uint64_t size = memory->frames << HYPERVISOR_PAGE_SHIFT;

    if (address >= size || length > size - address) {
        return NULL;
    }
    for (uint64_t offset = address; offset < address + length; offset = (offset | (HYPERVISOR_PAGE_SIZE - 1)) + 1) {
        if (is_hole(memory, offset >> HYPERVISOR_PAGE_SHIFT)) {
            return NULL;
        }
    }
    return memory->view + address;
}

void *sim_memory(struct hypervisor *hypervisor, uint64_t address, size_t length)
{
    struct sim *sim = sim_of(hypervisor);
    void *found;

    pthread_mutex_lock(&sim->memory_lock);
    found = find_memory(&sim->memory, address, length);
    pthread_mutex_unlock(&sim->memory_lock);
    return found;
}

void sim_memory_fill_ones(struct sim *sim, const struct request *request)
{
    uint64_t address = request->data;

    if (request->size == 0) {
        return;
    }
    pthread_mutex_lock(&sim->memory_lock);
    for (uint32_t i = 0; i < request->count; i++) {
        unsigned char *element = find_memory(&sim->memory, address, request->size);

        if (element == NULL) {
            break;
        }
        memset(element, 0xff, request->size);
        address = request->down ? address - request->size : address + request->size;
    }
    pthread_mutex_unlock(&sim->memory_lock);
}

void sim_punch(struct hypervisor *hypervisor, uint64_t frame, size_t count, int vcpu)
{
    struct sim *sim = sim_of(hypervisor);
    struct sim_memory *memory = &sim->memory;

    pthread_mutex_lock(&sim->memory_lock);
    for (uint64_t i = frame; i < memory->frames && i - frame < count; i++) {
        memory->page[i] = SIM_HOLE;
        (void)mmap(memory->view + bytes_of(i), bytes_of(1), PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    }
    pthread_mutex_unlock(&sim->memory_lock);
    if (vcpu >= 0) {
        sim_request(hypervisor, (unsigned)vcpu, REQUEST_INVALIDATE, 0, 0, 0, 0, 0);
    }
}

int sim_populate(struct hypervisor *hypervisor, uint64_t frame, size_t count)
{
    struct sim *sim = sim_of(hypervisor);
    struct sim_memory *memory = &sim->memory;
    int result = 0;

    pthread_mutex_lock(&sim->memory_lock);
    for (uint64_t i = frame; i - frame < count && result == 0; i++) {
        if (i >= memory->frames) {
            result = -EINVAL;
            break;
        }
        if (memory->page[i] != SIM_HOLE) {
            continue;
        }
        /* Never a page that was behind another frame before: a mapping may still show it. */
        if (ftruncate(memory->descriptor, (off_t)bytes_of(memory->next_page + 1)) != 0 ||
            mmap(memory->view + bytes_of(i), bytes_of(1), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_FIXED | MAP_NORESERVE, memory->descriptor,
                 (off_t)bytes_of(memory->next_page)) == MAP_FAILED) {
            result = -errno;
            break;
        }
        memory->page[i] = memory->next_page++;
    }
    pthread_mutex_unlock(&sim->memory_lock);
    return result;
}

struct sim_mappings sim_mappings(struct hypervisor *hypervisor)
{
    struct sim *sim = sim_of(hypervisor);
    struct sim_mappings count;

    pthread_mutex_lock(&sim->memory_lock);
    count = sim->memory.count;
    pthread_mutex_unlock(&sim->memory_lock);
    return count;
}
