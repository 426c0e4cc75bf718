/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The worker's claims, see claims.h. A plain list: there are some hundreds at most, and they change when a guest moves
 * its BARs.
 */
#include "worker/claims.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

struct claim {
    bool function; /* first is one of bus 0 to 255, and last the same */
    enum claim_space space;
    uint64_t first, last;
};

static int ask(struct hypervisor *hypervisor, const struct claim *claim)
{
    return claim->function ? hypervisor->ops->claim_function(hypervisor, (uint16_t)claim->first)
                           : hypervisor->ops->claim(hypervisor, claim->space, claim->first, claim->last);
}

static int give_back(struct hypervisor *hypervisor, const struct claim *claim)
{
    return claim->function ? hypervisor->ops->unclaim_function(hypervisor, (uint16_t)claim->first)
                           : hypervisor->ops->unclaim(hypervisor, claim->space, claim->first, claim->last);
}

static int add(struct claims *claims, struct hypervisor *hypervisor, const struct claim *claim)
{
    int rc;

    if (claims->count == claims->room) {
        size_t room = claims->room == 0 ? 16 : 2 * claims->room;
        struct claim *grown = realloc(claims->claim, room * sizeof(*grown));

        if (grown == NULL) {
            return -ENOMEM;
        }
        claims->claim = grown;
        claims->room = room;
    }
    rc = ask(hypervisor, claim);
    if (rc == 0) {
        claims->claim[claims->count++] = *claim;
    }
    return rc;
}

static int take_away(struct claims *claims, struct hypervisor *hypervisor, const struct claim *claim)
{
    for (size_t i = 0; i < claims->count; i++) {
        const struct claim *one = &claims->claim[i];

        if (one->function == claim->function && one->space == claim->space && one->first == claim->first &&
            one->last == claim->last) {
            claims->claim[i] = claims->claim[--claims->count];
            break;
        }
    }
    return give_back(hypervisor, claim);
}

int claims_add(struct claims *claims, struct hypervisor *hypervisor, enum claim_space space, uint64_t first,
               uint64_t last)
{
    return add(claims, hypervisor, &(struct claim){.space = space, .first = first, .last = last});
}

int claims_remove(struct claims *claims, struct hypervisor *hypervisor, enum claim_space space, uint64_t first,
                  uint64_t last)
{
    return take_away(claims, hypervisor, &(struct claim){.space = space, .first = first, .last = last});
}

int claims_add_function(struct claims *claims, struct hypervisor *hypervisor, uint16_t function)
{
    return add(claims, hypervisor, &(struct claim){.function = true, .first = function, .last = function});
}

int claims_remove_function(struct claims *claims, struct hypervisor *hypervisor, uint16_t function)
{
    return take_away(claims, hypervisor, &(struct claim){.function = true, .first = function, .last = function});
}

int claims_repeat(const struct claims *claims, struct hypervisor *hypervisor)
{
    for (size_t i = 0; i < claims->count; i++) {
        int rc = ask(hypervisor, &claims->claim[i]);

        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

void claims_free(struct claims *claims)
{
    free(claims->claim);
    *claims = (struct claims){0};
}
