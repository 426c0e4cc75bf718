/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the worker has claimed from the hypervisor, so that it can be claimed again of a new server. Owned by the worker,
 * used on its main thread.
 */
#ifndef IOREQD_WORKER_CLAIMS_H
#define IOREQD_WORKER_CLAIMS_H

#include <stddef.h>
#include <stdint.h>

#include "hypervisor/hypervisor.h"

struct claim;

struct claims {
    struct claim *claim;
    size_t count, room;
};

/* Each claims from the hypervisor, or gives back, and keeps that in mind. 0 or a negative errno. */
int claims_add(struct claims *claims, struct hypervisor *hypervisor, enum claim_space space, uint64_t first,
               uint64_t last);
int claims_remove(struct claims *claims, struct hypervisor *hypervisor, enum claim_space space, uint64_t first,
                  uint64_t last);
int claims_add_function(struct claims *claims, struct hypervisor *hypervisor, uint16_t function);
int claims_remove_function(struct claims *claims, struct hypervisor *hypervisor, uint16_t function);

/* Claims all of it again, of a server that has none of it. 0, or the first negative errno. */
int claims_repeat(const struct claims *claims, struct hypervisor *hypervisor);

void claims_free(struct claims *claims);

#endif
