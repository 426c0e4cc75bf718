/* SPDX-License-Identifier: BSD-2-Clause */
/* What a replay found, for people, and the recording with what was got instead. On the main thread. */
#ifndef IOREQD_REPLAY_REPORT_H
#define IOREQD_REPLAY_REPORT_H

#include <stdio.h>

#include "replay/replay.h"

/* Prints each difference with the line's number, - before what was recorded and + before what was got. How many. */
size_t report_print(const struct replay *replay, const char *path, FILE *out);

/* Writes the recording anew. 0 or -errno. */
int report_update(const struct replay *replay, const char *path);

#endif
