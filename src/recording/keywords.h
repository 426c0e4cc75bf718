/* SPDX-License-Identifier: BSD-2-Clause */
/* The words that lines of a recording begin with, and the names of errors; shared by printing and parsing. */
#ifndef IOREQD_RECORDING_KEYWORDS_H
#define IOREQD_RECORDING_KEYWORDS_H

#include "recording/line.h"

struct recording_keyword {
    const char *word;
    enum recording_kind kind;
    bool device; /* a device's id follows */
    bool bytes;  /* an address and bytes, or how an access of so many failed */
};

/* NULL where there is none. */
const struct recording_keyword *recording_keyword_of(enum recording_kind kind);
/* Ends with a NULL word. */
extern const struct recording_keyword recording_keyword[];

/* NULL for one that has no name here. */
const char *recording_error_name(int error);
/* 0 where there is no such name. */
int recording_error_of(const char *name);

#endif
