/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A recorder whose lines go to a file. Made and closed on the main thread by main(), and by tests and fuzzers.
 */
#ifndef IOREQD_WORKER_RECORDER_FILE_H
#define IOREQD_WORKER_RECORDER_FILE_H

#include "worker/recorder.h"

struct recorder_file;

/* Makes the file, or makes a recording anew. NULL with errno set: EEXIST where the file is something else. */
struct recorder_file *recorder_file_open(const char *path);
/* After the worker that records was destroyed. NULL is allowed. */
void recorder_file_close(struct recorder_file *file);

struct recorder *recorder_file_recorder(struct recorder_file *file);

#endif
