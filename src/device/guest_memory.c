/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest memory in chunks, see guest_memory.h.
 *
 * Chunks live in a table of sets, looked up by their number. A chunk's control word holds how often it is pinned,
 * whether it is live, and a version that changes each time it is filled anew. To pin is to find a live chunk of the
 * number and the present generation, and to add one to the control word that was seen: if that succeeds, the chunk
 * was not refilled in between, and it will not be while the pin lasts. Only the filling of chunks takes the lock.
 */
#include "device/guest_memory.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SHIFT  21 /* 2 MiB: what one hypercall maps well */
#define CHUNK_SIZE   (UINT64_C(1) << CHUNK_SHIFT)
#define CHUNK_FRAMES (CHUNK_SIZE >> HYPERVISOR_PAGE_SHIFT)
#define WAYS         4u
#define SETS         1024u /* with WAYS: 8 GiB in sight at once */
#define SWEEP_CHUNKS 64u   /* looked at in one sweep */
#define SWEEP_UNMAPS 4u    /* and unmapped: each may take milliseconds */

#define CONTROL_PIN     UINT64_C(1)
#define CONTROL_PINS    UINT64_C(0xffffffff)
#define CONTROL_LIVE    (UINT64_C(1) << 32)
#define CONTROL_VERSION (UINT64_C(1) << 33)

_Static_assert(CHUNK_FRAMES <= HYPERVISOR_MAP_MAX, "a chunk is mapped by one call");

struct chunk {
    atomic_uint_fast64_t control;
    atomic_uint_fast64_t number;     /* address >> CHUNK_SHIFT */
    atomic_uint_fast64_t generation; /* when it was mapped */
    uint8_t *base;                   /* stable while pinned, as is present */
    uint64_t present[CHUNK_FRAMES / 64];
    bool extra; /* made because its set was full of pinned ones: ends with its pins */
};

struct guest_memory {
    struct hypervisor *hypervisor;
    atomic_uint_fast64_t generation;
    pthread_mutex_t fill_lock;
    unsigned victim;      /* under fill_lock */
    unsigned sweep_next;  /* main thread */
    unsigned sweep_clean; /* chunks looked at since the last stale one */
    struct chunk chunk[SETS][WAYS];
};

struct guest_window {
    struct guest_memory *memory;
    uint64_t address;
    size_t length;
    uint64_t generation;
    uint8_t *base; /* of the first page; NULL: not mapped */
    size_t frames;
};

struct guest_memory *guest_memory_create(struct hypervisor *hypervisor)
{
    struct guest_memory *memory = calloc(1, sizeof(*memory));

    if (memory == NULL) {
        return NULL;
    }
    memory->hypervisor = hypervisor;
    memory->sweep_clean = SETS * WAYS;
    pthread_mutex_init(&memory->fill_lock, NULL);
    return memory;
}

struct hypervisor *guest_memory_hypervisor(const struct guest_memory *memory)
{
    return memory->hypervisor;
}

static void unmap_chunk(struct guest_memory *memory, struct chunk *chunk)
{
    if (chunk->base != NULL) {
        memory->hypervisor->ops->unmap(memory->hypervisor, chunk->base, CHUNK_FRAMES);
        chunk->base = NULL;
    }
}

void guest_memory_destroy(struct guest_memory *memory)
{
    if (memory == NULL) {
        return;
    }
    for (unsigned i = 0; i < SETS * WAYS; i++) {
        unmap_chunk(memory, &memory->chunk[i / WAYS][i % WAYS]);
    }
    pthread_mutex_destroy(&memory->fill_lock);
    free(memory);
}

void guest_memory_invalidate(struct guest_memory *memory)
{
    atomic_fetch_add(&memory->generation, 1);
    memory->sweep_clean = 0;
}

/* Pins the chunk if it is what is looked for. */
static bool try_pin(struct guest_memory *memory, struct chunk *chunk, uint64_t number)
{
    uint64_t control = atomic_load_explicit(&chunk->control, memory_order_acquire);

    while ((control & CONTROL_LIVE) != 0 && atomic_load_explicit(&chunk->number, memory_order_relaxed) == number &&
           atomic_load_explicit(&chunk->generation, memory_order_relaxed) ==
               atomic_load_explicit(&memory->generation, memory_order_relaxed)) {
        if (atomic_compare_exchange_weak_explicit(&chunk->control, &control, control + CONTROL_PIN,
                                                  memory_order_acquire, memory_order_acquire)) {
            return true;
        }
    }
    return false;
}

/* Takes a chunk that nobody has pinned out of use. Under fill_lock. */
static bool try_retire(struct chunk *chunk)
{
    uint64_t control = atomic_load_explicit(&chunk->control, memory_order_acquire);

    if ((control & CONTROL_PINS) != 0) {
        return false;
    }
    return (control & CONTROL_LIVE) == 0 ||
           atomic_compare_exchange_strong_explicit(&chunk->control, &control, control & ~CONTROL_LIVE,
                                                   memory_order_acq_rel, memory_order_relaxed);
}

static bool is_stale(const struct guest_memory *memory, const struct chunk *chunk)
{
    return atomic_load_explicit(&chunk->generation, memory_order_relaxed) != atomic_load(&memory->generation);
}

/* A chunk of the set to fill: empty or stale rather than in use. NULL when all are pinned. Under fill_lock. */
static struct chunk *choose_victim(struct guest_memory *memory, struct chunk *set)
{
    for (unsigned i = 0; i < WAYS; i++) {
        if ((set[i].base == NULL || is_stale(memory, &set[i])) && try_retire(&set[i])) {
            return &set[i];
        }
    }
    for (unsigned i = 0; i < WAYS; i++) {
        struct chunk *chunk = &set[memory->victim++ % WAYS];

        if (try_retire(chunk)) {
            return chunk;
        }
    }
    return NULL;
}

/* Maps the chunk and pins it once. False when the guest has nothing there. Under fill_lock, chunk retired. */
static bool fill(struct guest_memory *memory, struct chunk *chunk, uint64_t number)
{
    uint64_t generation = atomic_load(&memory->generation); /* before the mapping: a change during it shows */
    int error[CHUNK_FRAMES];
    bool any = false;

    unmap_chunk(memory, chunk);
    memset(chunk->present, 0, sizeof(chunk->present));
    chunk->base = memory->hypervisor->ops->map(memory->hypervisor, number << (CHUNK_SHIFT - HYPERVISOR_PAGE_SHIFT),
                                               CHUNK_FRAMES, error);
    if (chunk->base == NULL) {
        return false;
    }
    for (unsigned i = 0; i < CHUNK_FRAMES; i++) {
        if (error[i] == 0) {
            chunk->present[i / 64] |= UINT64_C(1) << (i % 64);
            any = true;
        }
    }
    if (!any) {
        unmap_chunk(memory, chunk);
        return false;
    }
    atomic_store_explicit(&chunk->number, number, memory_order_relaxed);
    atomic_store_explicit(&chunk->generation, generation, memory_order_relaxed);
    uint64_t version =
        (atomic_load_explicit(&chunk->control, memory_order_relaxed) & ~(CONTROL_VERSION - 1)) + CONTROL_VERSION;
    atomic_store_explicit(&chunk->control, version | CONTROL_LIVE | CONTROL_PIN, memory_order_release);
    return true;
}

/* The chunk with this number, pinned, or NULL; whether it was mapped for that. */
static struct chunk *pin_chunk(struct guest_memory *memory, uint64_t number, bool *fresh)
{
    struct chunk *set = memory->chunk[number % SETS];
    struct chunk *chunk;

    *fresh = false;
    for (unsigned i = 0; i < WAYS; i++) {
        if (try_pin(memory, &set[i], number)) {
            return &set[i];
        }
    }
    pthread_mutex_lock(&memory->fill_lock);
    for (unsigned i = 0; i < WAYS; i++) { /* another thread may have been faster */
        if (try_pin(memory, &set[i], number)) {
            chunk = &set[i];
            goto out;
        }
    }
    chunk = choose_victim(memory, set);
    if (chunk == NULL) {
        chunk = calloc(1, sizeof(*chunk));
        if (chunk == NULL) {
            goto out;
        }
        chunk->extra = true;
    }
    *fresh = true;
    if (!fill(memory, chunk, number)) {
        if (chunk->extra) {
            free(chunk);
        }
        chunk = NULL;
    }
out:
    pthread_mutex_unlock(&memory->fill_lock);
    return chunk;
}

static void unpin_chunk(struct guest_memory *memory, struct chunk *chunk)
{
    bool extra = chunk->extra;
    uint64_t before = atomic_fetch_sub_explicit(&chunk->control, CONTROL_PIN, memory_order_release);

    if (extra && (before & CONTROL_PINS) == CONTROL_PIN) {
        unmap_chunk(memory, chunk); /* in no set: nobody else can find it */
        free(chunk);
    }
}

bool guest_memory_sweep(struct guest_memory *memory)
{
    unsigned unmapped = 0;

    pthread_mutex_lock(&memory->fill_lock);
    for (unsigned i = 0; i < SWEEP_CHUNKS && unmapped < SWEEP_UNMAPS && memory->sweep_clean < SETS * WAYS; i++) {
        unsigned at = memory->sweep_next++ % (SETS * WAYS);
        struct chunk *chunk = &memory->chunk[at / WAYS][at % WAYS];

        memory->sweep_clean++;
        if (chunk->base == NULL || !is_stale(memory, chunk)) {
            continue;
        }
        if (try_retire(chunk)) {
            unmap_chunk(memory, chunk);
            unmapped++;
        } else {
            memory->sweep_clean = 0; /* a transfer still has it: come again */
        }
    }
    pthread_mutex_unlock(&memory->fill_lock);
    return memory->sweep_clean < SETS * WAYS;
}

/* ---- access ---- */

static bool pages_present(const struct chunk *chunk, uint64_t offset, size_t length)
{
    uint64_t first = offset >> HYPERVISOR_PAGE_SHIFT;
    uint64_t last = (offset + length - 1) >> HYPERVISOR_PAGE_SHIFT;

    for (uint64_t i = first; i <= last; i++) {
        if ((chunk->present[i / 64] >> (i % 64) & 1) == 0) {
            return false;
        }
    }
    return true;
}

/*
 * The chunk with this number, pinned, with those pages. NULL when the guest has not got them. Memory that comes to the guest,
 * as from a balloon, is not told of (Xen's INVALIDATE follows removals alone): a page that was not there may be there now.
 */
static struct chunk *pin_pages(struct guest_memory *memory, uint64_t number, uint64_t offset, size_t length)
{
    bool fresh = false;

    for (unsigned i = 0; i < 2 && !fresh; i++) {
        struct chunk *chunk = pin_chunk(memory, number, &fresh);

        if (chunk == NULL || pages_present(chunk, offset, length)) {
            return chunk;
        }
        if (!fresh) { /* stale from now on; nobody else fills it while it is pinned */
            atomic_store(&chunk->generation, atomic_load(&memory->generation) - 1);
        }
        unpin_chunk(memory, chunk);
    }
    return NULL;
}

int guest_memory_pin(struct guest_memory *memory, uint64_t address, size_t length, struct iovec *iov, uint64_t *pin,
                     unsigned count)
{
    unsigned pieces = 0;
    int rc = -EFAULT;

    if (length == 0) {
        return -EINVAL;
    }
    if (length - 1 > UINT64_MAX - address) {
        return -EFAULT;
    }
    while (length != 0) {
        uint64_t offset = address & (CHUNK_SIZE - 1);
        size_t here = length < CHUNK_SIZE - offset ? length : (size_t)(CHUNK_SIZE - offset);
        struct chunk *chunk;

        if (pieces == count) {
            rc = -E2BIG;
            goto fail;
        }
        chunk = pin_pages(memory, address >> CHUNK_SHIFT, offset, here);
        if (chunk == NULL) {
            goto fail;
        }
        pin[pieces] = (uint64_t)(uintptr_t)chunk;
        iov[pieces] = (struct iovec){.iov_base = chunk->base + offset, .iov_len = here};
        pieces++;
        address += here;
        length -= here;
    }
    return (int)pieces;

fail:
    guest_memory_unpin(memory, pin, pieces);
    return rc;
}

void guest_memory_unpin(struct guest_memory *memory, const uint64_t *pin, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        unpin_chunk(memory, (struct chunk *)(uintptr_t)pin[i]);
    }
}

/* Whether the whole range is there now. */
static bool is_there(struct guest_memory *memory, uint64_t address, size_t length)
{
    struct iovec iov[2];
    uint64_t pin[2];

    if (length - 1 > UINT64_MAX - address) {
        return false;
    }
    while (length != 0) {
        size_t here = length < CHUNK_SIZE ? length : CHUNK_SIZE; /* at most 2 pieces */
        int pieces = guest_memory_pin(memory, address, here, iov, pin, 2);

        if (pieces < 0) {
            return false;
        }
        guest_memory_unpin(memory, pin, (unsigned)pieces);
        address += here;
        length -= here;
    }
    return true;
}

/* Copies between the guest and a buffer, chunk by chunk. Nothing is copied before the whole range was seen. */
static int copy(struct guest_memory *memory, uint64_t address, uint8_t *buffer, size_t length, bool to_guest)
{
    struct iovec iov[2];
    uint64_t pin[2];

    if (length > CHUNK_SIZE && !is_there(memory, address, length)) {
        return -EFAULT;
    }
    while (length != 0) {
        size_t here = length < CHUNK_SIZE ? length : CHUNK_SIZE; /* at most 2 pieces */
        int pieces = guest_memory_pin(memory, address, here, iov, pin, 2);

        if (pieces < 0) {
            return -EFAULT;
        }
        for (int i = 0; i < pieces; i++) {
            if (to_guest) {
                memcpy(iov[i].iov_base, buffer, iov[i].iov_len);
            } else {
                memcpy(buffer, iov[i].iov_base, iov[i].iov_len);
            }
            buffer += iov[i].iov_len;
        }
        guest_memory_unpin(memory, pin, (unsigned)pieces);
        address += here;
        length -= here;
    }
    return 0;
}

int guest_memory_read(struct guest_memory *memory, uint64_t address, void *to, size_t length)
{
    return copy(memory, address, to, length, false);
}

int guest_memory_write(struct guest_memory *memory, uint64_t address, const void *from, size_t length)
{
    return copy(memory, address, (uint8_t *)(uintptr_t)from, length, true);
}

/* ---- windows ---- */

static void unmap_window(struct guest_window *window)
{
    struct hypervisor *hypervisor = window->memory->hypervisor;

    if (window->base != NULL) {
        hypervisor->ops->unmap(hypervisor, window->base, window->frames);
        window->base = NULL;
    }
}

static int map_window(struct guest_window *window)
{
    struct hypervisor *hypervisor = window->memory->hypervisor;
    int error[HYPERVISOR_MAP_MAX];

    window->generation = atomic_load(&window->memory->generation);
    window->base = hypervisor->ops->map(hypervisor, window->address >> HYPERVISOR_PAGE_SHIFT, window->frames, error);
    if (window->base == NULL) {
        return -EFAULT;
    }
    for (size_t i = 0; i < window->frames; i++) {
        if (error[i] != 0) {
            unmap_window(window);
            return -EFAULT;
        }
    }
    return 0;
}

int guest_window_open(struct guest_memory *memory, uint64_t address, size_t length, struct guest_window **opened)
{
    uint64_t within = address & (HYPERVISOR_PAGE_SIZE - 1);
    struct guest_window *window;
    int rc;

    if (length == 0 || length - 1 > UINT64_MAX - address) {
        return -EINVAL;
    }
    if (length > HYPERVISOR_MAP_MAX * HYPERVISOR_PAGE_SIZE - within) {
        return -E2BIG;
    }
    window = calloc(1, sizeof(*window));
    if (window == NULL) {
        return -ENOMEM;
    }
    window->memory = memory;
    window->address = address;
    window->length = length;
    window->frames = (size_t)((within + length + HYPERVISOR_PAGE_SIZE - 1) >> HYPERVISOR_PAGE_SHIFT);
    rc = map_window(window);
    if (rc != 0) {
        free(window);
        return rc;
    }
    *opened = window;
    return 0;
}

volatile void *guest_window_base(struct guest_window *window)
{
    if (window->generation != atomic_load_explicit(&window->memory->generation, memory_order_relaxed)) {
        unmap_window(window);
        if (map_window(window) != 0) {
            return NULL; /* and try again next time: the generation is not ours, or the page may come back */
        }
    }
    if (window->base == NULL && map_window(window) != 0) {
        return NULL;
    }
    return window->base + (window->address & (HYPERVISOR_PAGE_SIZE - 1));
}

void guest_window_close(struct guest_window *window)
{
    if (window != NULL) {
        unmap_window(window);
        free(window);
    }
}
