/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes a value apart at its commas, for options of the form NAME[,KEY=VALUE]... Two commas stand for one in an element,
 * as QEMU's users know it. No state; any thread.
 */
#ifndef IOREQD_CONFIG_ELEMENT_H
#define IOREQD_CONFIG_ELEMENT_H

/* The next element of *rest, to be freed; *rest becomes what follows its comma, or NULL at the end. NULL: no memory. */
char *element_take(const char **rest);

#endif
