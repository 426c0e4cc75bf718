/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ioreqd must know from, and tell to, those who run the guest: which domain a name means, of what kind it is,
 * whether it still lives, which functions are spoken for, and that its devices are ready. All of it needs privileges
 * that a restricted worker does not have, hence apart from hypervisor.h.
 *
 * One `struct toolstack` a process, used on the main thread.
 */
#ifndef IOREQD_HYPERVISOR_TOOLSTACK_H
#define IOREQD_HYPERVISOR_TOOLSTACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hypervisor/hypervisor.h"

enum guest_life {
    GUEST_ALIVE,
    GUEST_SUSPENDED, /* stopped, to go on later */
    GUEST_RESETTING, /* stopped for a soft reset: to go on with its memory and its devices */
    GUEST_GONE       /* shut down, crashed, dying or no more there: will never run again */
};

struct toolstack;

/*
 * What the domain is called, by its number, or by its name where name is not NULL: its name, and its UUID as xenstore
 * writes it. Opens xenstore for itself. What cannot be told, or does not fit, is left empty.
 */
void toolstack_names(const char *name, unsigned domain, char *found, size_t found_size, char *uuid, size_t uuid_size);

/* Finds the domain by its number, or by its name or UUID where name is not NULL. NULL with the error filled in. */
struct toolstack *toolstack_open(const char *name, unsigned domain, struct hypervisor_error *error);
/* Takes back what was announced and claimed. */
void toolstack_close(struct toolstack *toolstack);

/* Kind and number of the domain; vcpus is not known here: 0. */
const struct hypervisor_guest *toolstack_guest(const struct toolstack *toolstack);

/* Fills in its name; false, and an empty text, where it has none. */
bool toolstack_name(struct toolstack *toolstack, char *name, size_t size);

/* Polls readable when some domain's life may have changed; toolstack_life() then clears it and tells of ours. */
int toolstack_life_fd(const struct toolstack *toolstack);
enum guest_life toolstack_life(struct toolstack *toolstack);

/*
 * Takes functions (bus << 8 | device << 3 | function) for the server, if nobody else has one of them: another ioreqd,
 * the guest's passthrough configuration, or QEMU as far as it answers. Returns 0, or -1 with the error filled in,
 * which names the function and its owner. Nothing is kept from other emulators that do not look.
 */
int toolstack_claim(struct toolstack *toolstack, unsigned server, const uint16_t *function, size_t count,
                    struct hypervisor_error *error);

/* Whether somebody is known to have the function; who: filled in for people. */
bool toolstack_function_taken(struct toolstack *toolstack, uint16_t function, char *who, size_t size);

/* After toolstack_claim(): tells the toolstack that the devices answer. 0 or a negative errno. */
int toolstack_announce(struct toolstack *toolstack);

#endif
