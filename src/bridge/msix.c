/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSI-X, see msix.h.
 *
 * A lost interrupt hangs a guest, so the order matters: msix_raise() reads the function's control while it holds the
 * vector's lock, and msix_set_control() stores the control first and then visits every vector under its lock. Whoever
 * comes second sees what the first did: either the event is sent by msix_raise() or it pends and the visit sends it.
 */
#include "bridge/msix.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define ENTRY_SIZE    16u
#define ENTRY_CONTROL 12u
#define ENTRY_MASKED  0x1u
#define SMALLEST_BAR  4096u

struct vector {
    pthread_mutex_t lock;
    uint64_t address;
    uint32_t data;
    bool masked;
    bool pending;
};

struct msix {
    const struct bridge_platform *platform;
    void *context;
    unsigned vectors;
    atomic_bool enabled;
    atomic_bool able;
    struct vector vector[];
};

/* Table and pending bits each fill one half of the BAR. */
static uint64_t half(unsigned vectors)
{
    uint64_t size = SMALLEST_BAR / 2;

    while (size < (uint64_t)vectors * ENTRY_SIZE) {
        size *= 2;
    }
    return size;
}

uint64_t msix_bar_size(unsigned vectors)
{
    return 2 * half(vectors);
}

uint32_t msix_pending_offset(unsigned vectors)
{
    return (uint32_t)half(vectors);
}

struct msix *msix_create(unsigned vectors, const struct bridge_platform *platform, void *context)
{
    struct msix *msix = calloc(1, sizeof(*msix) + vectors * sizeof(msix->vector[0]));

    if (msix == NULL) {
        return NULL;
    }
    msix->platform = platform;
    msix->context = context;
    msix->vectors = vectors;
    for (unsigned i = 0; i < vectors; i++) {
        pthread_mutex_init(&msix->vector[i].lock, NULL);
        msix->vector[i].masked = true; /* PCI 3.0 §6.8.2.9: set at reset */
    }
    return msix;
}

void msix_destroy(struct msix *msix)
{
    if (msix == NULL) {
        return;
    }
    for (unsigned i = 0; i < msix->vectors; i++) {
        pthread_mutex_destroy(&msix->vector[i].lock);
    }
    free(msix);
}

/* Sends or pends what the vector was raised for. The vector's lock is held. */
static void deliver(struct msix *msix, struct vector *vector)
{
    bool masked = vector->masked && !msix->platform->message_unmaskable(msix->context, vector->address, vector->data);

    vector->pending = masked || !atomic_load(&msix->able);
    if (!vector->pending) {
        msix->platform->message(msix->context, vector->address, vector->data);
    }
}

void msix_raise(struct msix *msix, unsigned index)
{
    if (index >= msix->vectors) {
        return;
    }
    struct vector *vector = &msix->vector[index];

    pthread_mutex_lock(&vector->lock);
    if (atomic_load(&msix->enabled)) {
        deliver(msix, vector);
    }
    pthread_mutex_unlock(&vector->lock);
}

void msix_set_control(struct msix *msix, bool enabled, bool able)
{
    atomic_store(&msix->enabled, enabled);
    atomic_store(&msix->able, able);
    for (unsigned i = 0; i < msix->vectors; i++) {
        struct vector *vector = &msix->vector[i];

        pthread_mutex_lock(&vector->lock);
        if (!enabled) {
            vector->pending = false;
        } else if (vector->pending) {
            deliver(msix, vector);
        }
        pthread_mutex_unlock(&vector->lock);
    }
}

void msix_reset(struct msix *msix)
{
    msix_set_control(msix, false, false);
    for (unsigned i = 0; i < msix->vectors; i++) {
        struct vector *vector = &msix->vector[i];

        pthread_mutex_lock(&vector->lock);
        vector->address = 0;
        vector->data = 0;
        vector->masked = true;
        pthread_mutex_unlock(&vector->lock);
    }
}

bool msix_is_enabled(const struct msix *msix)
{
    return atomic_load(&msix->enabled);
}

static uint32_t pending_bits(struct msix *msix, uint64_t first)
{
    uint32_t bits = 0;

    for (unsigned i = 0; i < 32 && first + i < msix->vectors; i++) {
        struct vector *vector = &msix->vector[first + i];

        pthread_mutex_lock(&vector->lock);
        bits |= (uint32_t)vector->pending << i;
        pthread_mutex_unlock(&vector->lock);
    }
    return bits;
}

uint32_t msix_read(struct msix *msix, uint64_t offset)
{
    uint64_t pending = msix_pending_offset(msix->vectors);
    uint64_t index = offset / ENTRY_SIZE;
    uint32_t value = 0;

    if (offset >= pending) {
        return pending_bits(msix, (offset - pending) * 8);
    }
    if (index >= msix->vectors) {
        return 0;
    }
    struct vector *vector = &msix->vector[index];

    pthread_mutex_lock(&vector->lock);
    switch (offset % ENTRY_SIZE) {
    case 0:
        value = (uint32_t)vector->address;
        break;
    case 4:
        value = (uint32_t)(vector->address >> 32);
        break;
    case 8:
        value = vector->data;
        break;
    case ENTRY_CONTROL:
        value = vector->masked ? ENTRY_MASKED : 0;
        break;
    }
    pthread_mutex_unlock(&vector->lock);
    return value;
}

void msix_write(struct msix *msix, uint64_t offset, uint32_t value)
{
    uint64_t index = offset / ENTRY_SIZE;

    if (index >= msix->vectors) {
        return; /* the pending bits are read-only */
    }
    struct vector *vector = &msix->vector[index];

    pthread_mutex_lock(&vector->lock);
    switch (offset % ENTRY_SIZE) {
    case 0:
        vector->address = (vector->address & ~UINT64_C(0xffffffff)) | (value & ~3u);
        break;
    case 4:
        vector->address = (vector->address & 0xffffffff) | (uint64_t)value << 32;
        break;
    case 8:
        vector->data = value;
        break;
    case ENTRY_CONTROL:
        vector->masked = (value & ENTRY_MASKED) != 0;
        break;
    }
    if (vector->pending) { /* §6.8.3.5: a pending message goes out as soon as it may */
        deliver(msix, vector);
    }
    pthread_mutex_unlock(&vector->lock);
}
