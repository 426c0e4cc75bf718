/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A text that grows. When memory is short it stays as it is and says so. Its owner's alone.
 */
#ifndef IOREQD_RECORDING_TEXT_H
#define IOREQD_RECORDING_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed: empty. */
struct text {
    char *data; /* ended by a 0, once something was added */
    size_t length;
    size_t room;
    bool failed;
};

void text_add(struct text *text, const char *data, size_t length);
void text_print(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_clear(struct text *text);
void text_free(struct text *text);

#endif
