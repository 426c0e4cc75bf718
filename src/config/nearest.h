/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The name that a mistyped one was meant to be. A `struct nearest` lives in the stack of the function that offers
 * it the names there are.
 */
#ifndef IOREQD_CONFIG_NEAREST_H
#define IOREQD_CONFIG_NEAREST_H

struct nearest {
    const char *text;
    const char *name; /* the best so far, NULL when none is near enough to be meant */
    unsigned distance;
};

void nearest_begin(struct nearest *nearest, const char *text);
/* name is kept, not copied. Of two as near, the one offered first wins. */
void nearest_offer(struct nearest *nearest, const char *name);

#endif
