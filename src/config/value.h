/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text of one property's value and its range, from and to what people write. No state; any thread.
 */
#ifndef IOREQD_CONFIG_VALUE_H
#define IOREQD_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ioreqd/device.h"

/* Why a text is no value of a property, and what would be one. */
struct value_reason {
    char text[256];
};

/* A range, or a number, as people write it. */
struct value_text {
    char text[64];
};

/*
 * Checks text against the property's kind and range. *number: what numbers, sizes and BOOL (0 or 1) stand for; else 0.
 * Returns 0, or -1 and the reason.
 */
int value_parse(const struct ioreqd_property *property, const char *text, uint64_t *number,
                struct value_reason *reason);

/* Reads all of text as a number, with_suffix with k, M, G or T after it. False: it is none, or too large. */
bool value_number(const char *text, bool with_suffix, uint64_t *number);

/* "2 to 1024", "1k or more", "up to 20 bytes"; "" where the kind has no range. */
const char *value_range(const struct ioreqd_property *property, struct value_text *range);

#endif
