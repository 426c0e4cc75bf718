/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread that does for a loop what would hold it up: clearing parts of files, one after the other. Started when
 * there is something for the first time; owned by the loop's file ring.
 */
#ifndef IOREQD_DEVICE_FILE_HELPER_H
#define IOREQD_DEVICE_FILE_HELPER_H

#include "device/file_operation.h"

struct file_helper;

/* event_fd: an eventfd that is written to when something is done. NULL: no memory. */
struct file_helper *file_helper_create(int event_fd);
/* Waits for what is being done at the moment. NULL is allowed. */
void file_helper_destroy(struct file_helper *helper);

/* 0, or a negative errno: there is no thread to be had. On the owner's thread, as the rest. */
int file_helper_give(struct file_helper *helper, struct file_operation *operation);
/* Calls done() of what was done since. False when there was nothing. */
bool file_helper_reap(struct file_helper *helper);

#endif
