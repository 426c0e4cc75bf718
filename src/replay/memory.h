/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of a replayed guest: where the recording needs RAM and where a hole, and the bytes that devices found
 * there. On the main thread, unless told otherwise.
 */
#ifndef IOREQD_REPLAY_MEMORY_H
#define IOREQD_REPLAY_MEMORY_H

#include "replay/guest.h"

/* Bytes of RAM that the recording needs; 0 with the number of a line, counted from 1, that needs too much. */
uint64_t memory_needed(const struct recording *recording, size_t *line);

/*
 * Makes RAM and holes as lines from first up to the next invalidation need them: a guest's memory changes its place
 * there alone, as far as its devices can tell.
 */
void memory_prepare(struct hypervisor *sim, const struct recording *recording, size_t first);

/* Fills in what a line's access found. [any thread] */
void memory_fill(const struct guest *guest, const struct recording_line *line);
/* Zeros, as they are where a window is opened. */
void memory_clear(struct hypervisor *sim, const struct recording_line *line);

#endif
