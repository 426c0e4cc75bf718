/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file or block device that a device works on: struct ioreqd_file of the device interface. Opened by the process
 * that has the right to, on the main thread; a model sees its size and sends it requests, never its path.
 */
#ifndef IOREQD_DEVICE_FILE_H
#define IOREQD_DEVICE_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/file_options.h"
#include "device/tally.h"
#include "ioreqd/device.h"

/*
 * Opens a regular file or block device, and locks it: against all others when it is to be written, against writers
 * when not. Returns NULL with errno set and reason, of size bytes, saying for people what is wrong and what to do.
 */
struct ioreqd_file *file_open(const char *path, bool read_only, char *reason, size_t size);
struct ioreqd_file *file_open_with(const char *path, const struct file_options *options, char *reason, size_t size);
/* Its requests are done. The loops that used it do not run; they are still there, or file_leave_loops() was called. */
void file_close(struct ioreqd_file *file);
/* Before a loop that used it goes away, when that does not run any more. */
void file_leave_loops(struct ioreqd_file *file);

/* The name that messages have for the device whose file it is; stays the caller's. */
void file_set_owner(struct ioreqd_file *file, const char *owner);

/* Where it is told, at any time, whether requests are timed; NULL, as at the beginning: they are not. */
void file_set_timed(struct ioreqd_file *file, const atomic_bool *timed);

int file_descriptor(const struct ioreqd_file *file);
uint64_t file_size(const struct ioreqd_file *file);
bool file_read_only(const struct ioreqd_file *file);
/* As file_facts() of struct ioreqd_host. */
void file_tell_facts(const struct ioreqd_file *file, struct ioreqd_file_facts *facts);
/* As file_on_resize() of struct ioreqd_host. 0, -EBUSY or -ENOMEM. */
int file_follow_size(struct ioreqd_file *file, struct ioreqd_loop *main_loop, void (*resized)(void *argument),
                     void *argument);
/*
 * Looks at the size at once; with size, a regular file is given that many bytes first, and fewer than it has only with
 * shrink. Main thread. 0, or a negative errno with the reason, of room bytes, for people.
 */
int file_resize(struct ioreqd_file *file, const uint64_t *size, bool shrink, char *reason, size_t room);

/* As file_submit() of struct ioreqd_host. */
void file_submit(struct ioreqd_file *file, struct ioreqd_loop *loop, struct ioreqd_file_request *request);
/*
 * True: nothing is to wait any more, because the device is to be quiet. What waits for its turn goes at once, what
 * waits to be tried again fails. False: as before. From any thread.
 */
void file_hurry(struct ioreqd_file *file, bool hurry);

#define FILE_OPERATIONS (IOREQD_FILE_ERASE + 1)

/* What a file was asked for, by enum ioreqd_file_operation; 0: what is none. */
struct file_counts {
    uint64_t requests[FILE_OPERATIONS]; /* that have ended */
    uint64_t bytes[FILE_OPERATIONS];    /* of those that ended well */
    uint64_t errors;                    /* requests that ended with one */
    uint64_t stops;                     /* times that one failed and was kept to be tried again */
    uint64_t under_way;                 /* now */
    uint64_t most;                      /* that one loop had under way at any time */
    uint64_t took[TALLY_TIMES];         /* those that were timed, from submission to end, waiting for limits included */
};

/* Adds those of the file; of most it takes the greater. Main thread. */
void file_add_counts(struct ioreqd_file *file, struct file_counts *counts);

#endif
