/* SPDX-License-Identifier: BSD-2-Clause */
/* The recorder's files among themselves: recorder.c has the lines, recorder_devices.c what devices do. */
#ifndef IOREQD_WORKER_RECORDER_PRIVATE_H
#define IOREQD_WORKER_RECORDER_PRIVATE_H

#include <pthread.h>

#include "worker/recorder.h"

struct recorder_window;
struct recorder_pin;

/* The windows that are open, with what they held when they were last looked at, and memory pinned to be written. */
struct recorder_windows {
    pthread_mutex_t lock;
    struct recorder_window *first;
    struct recorder_pin *pin;
};

void recorder_windows_init(struct recorder_windows *windows);
void recorder_windows_free(struct recorder_windows *windows);

/* Fills in the table whose calls come to this recorder. */
void recorder_observe(struct device_observer *observer, struct recorder *recorder);

/* A line, which is copied where it has to wait. [any] */
void recorder_add(struct recorder *recorder, const struct recording_line *line);
struct recorder_windows *recorder_windows(struct recorder *recorder);

#endif
