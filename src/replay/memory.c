/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory of a replayed guest, see memory.h. */
#include "replay/memory.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MEMORY_MIN  (UINT64_C(16) << 20)
#define MEMORY_MAX  (UINT64_C(64) << 30)
#define MEMORY_UNIT (UINT64_C(2) << 20)

static bool is_memory(const struct recording_line *line)
{
    switch (line->kind) {
    case RECORDING_OPERAND_READ:
    case RECORDING_OPERAND_WRITE:
    case RECORDING_DMA_READ:
    case RECORDING_DMA_WRITE:
    case RECORDING_MAP_READ:
    case RECORDING_MAP_WRITE:
    case RECORDING_MAP_WROTE:
    case RECORDING_WINDOW:
    case RECORDING_LOOK:
        return line->length != 0;
    default:
        return false;
    }
}

uint64_t memory_needed(const struct recording *recording, size_t *line)
{
    uint64_t needed = MEMORY_MIN;

    for (size_t i = 0; i < recording->lines; i++) {
        const struct recording_line *at = &recording->line[i];

        if (!is_memory(at) || at->error != 0) {
            continue;
        }
        if (at->length > MEMORY_MAX || at->address > MEMORY_MAX - at->length) {
            *line = i + 1;
            return 0;
        }
        needed = at->address + at->length > needed ? at->address + at->length : needed;
    }
    return (needed + MEMORY_UNIT - 1) / MEMORY_UNIT * MEMORY_UNIT;
}

static bool is_hole(struct hypervisor *sim, uint64_t frame)
{
    return sim_memory(sim, frame << HYPERVISOR_PAGE_SHIFT, 1) == NULL;
}

static bool is_used(const struct recording *recording, size_t first, size_t end, uint64_t frame)
{
    for (size_t i = first; i < end; i++) {
        const struct recording_line *line = &recording->line[i];

        if (is_memory(line) && line->error == 0 && line->address >> HYPERVISOR_PAGE_SHIFT <= frame &&
            (line->address + line->length - 1) >> HYPERVISOR_PAGE_SHIFT >= frame) {
            return true;
        }
    }
    return false;
}

/* An access of the line must fail: a frame of it that nobody else needs goes, unless one is missing already. */
static void make_hole(struct hypervisor *sim, const struct recording *recording, size_t first, size_t end,
                      const struct recording_line *line)
{
    uint64_t frame = line->address >> HYPERVISOR_PAGE_SHIFT;
    uint64_t last = (line->address + line->length - 1) >> HYPERVISOR_PAGE_SHIFT;

    if (line->address + line->length < line->address || last - frame >= MEMORY_MAX >> HYPERVISOR_PAGE_SHIFT) {
        return; /* it wraps, or is larger than RAM: it fails by itself */
    }
    for (uint64_t at = frame; at <= last; at++) {
        if (is_hole(sim, at)) {
            return;
        }
    }
    while (frame <= last && is_used(recording, first, end, frame)) {
        frame++;
    }
    if (frame <= last) {
        sim_punch(sim, frame, 1, -1);
    }
}

void memory_prepare(struct hypervisor *sim, const struct recording *recording, size_t first)
{
    size_t end = first;

    while (end < recording->lines && (end == first || recording->line[end].kind != RECORDING_REQUEST ||
                                      recording->line[end].request.kind != REQUEST_INVALIDATE)) {
        const struct recording_line *line = &recording->line[end++];
        uint64_t last;

        if (!is_memory(line) || line->error != 0) {
            continue;
        }
        last = (line->address + line->length - 1) >> HYPERVISOR_PAGE_SHIFT;
        for (uint64_t frame = line->address >> HYPERVISOR_PAGE_SHIFT; frame <= last; frame++) {
            if (is_hole(sim, frame)) {
                (void)sim_populate(sim, frame, 1);
            }
        }
    }
    for (size_t i = first; i < end; i++) {
        const struct recording_line *line = &recording->line[i];

        if (is_memory(line) && line->error == EFAULT) {
            make_hole(sim, recording, first, end, line);
        }
    }
}

void memory_fill(const struct guest *guest, const struct recording_line *line)
{
    uint8_t *view;

    if (line->bytes == NULL || line->length == 0) {
        return;
    }
    if (line->kind == RECORDING_FILE_READ) {
        int file = guest_file(guest, line->device, line->number);

        if (file >= 0 && pwrite(file, line->bytes, (size_t)line->length, (off_t)line->address) < 0) {
            return; /* a file that is too small for it: the device will tell */
        }
        return;
    }
    view = sim_memory(guest->sim, line->address, (size_t)line->length);
    if (view != NULL) {
        memcpy(view, line->bytes, (size_t)line->length);
    }
}

void memory_clear(struct hypervisor *sim, const struct recording_line *line)
{
    uint8_t *view = line->error == 0 ? sim_memory(sim, line->address, (size_t)line->length) : NULL;

    if (view != NULL) {
        memset(view, 0, (size_t)line->length);
    }
}
