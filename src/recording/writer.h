/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file that a recording is written to. It is mapped, not written: what was added is in the file whatever becomes
 * of the process, without a system call a line, and without a handler of signals. A file that was not closed has zeros
 * behind its last byte. Under its owner's lock.
 */
#ifndef IOREQD_RECORDING_WRITER_H
#define IOREQD_RECORDING_WRITER_H

#include <stddef.h>

struct writer;

/* Makes the file, or empties it. NULL with errno set. */
struct writer *writer_open(const char *path);
/* 0, or -errno of what went wrong with this or an earlier call: the file then ends there. */
int writer_add(struct writer *writer, const char *data, size_t length);
/* Cuts the file to what was added. */
void writer_close(struct writer *writer);

#endif
