/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watches what becomes of the guest while its devices run: that it ends, or has itself reset with its memory kept, as
 * kexec does. On the main thread, owned by main().
 */
#ifndef IOREQD_LIFE_H
#define IOREQD_LIFE_H

#include "hypervisor/toolstack.h"
#include "worker/worker.h"

struct life;

/*
 * Watches the guest from now on, and has the worker end when the guest is gone. renew is called when the worker serves
 * the guest by a new IOREQ server after a reset: those who know of the old one are to be told; 0, or -1 after it said
 * why not: then the worker ends, and life_failed() is true. NULL when memory is short.
 */
struct life *life_watch(struct worker *worker, struct toolstack *toolstack, int (*renew)(void *), void *context);
bool life_failed(const struct life *life);
/* NULL is allowed. */
void life_free(struct life *life);

#endif
