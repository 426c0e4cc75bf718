/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watches what becomes of the guest while its devices run: that it ends, or begins another kernel in the same domain, as
 * kexec does. On the main thread, owned by main().
 */
#ifndef IOREQD_LIFE_H
#define IOREQD_LIFE_H

#include "hypervisor/toolstack.h"
#include "worker/worker.h"

struct life;

/* Watches from now on, and has the worker end when the guest is gone. NULL when memory is short. */
struct life *life_watch(struct worker *worker, struct toolstack *toolstack);
/* NULL is allowed. */
void life_free(struct life *life);

#endif
