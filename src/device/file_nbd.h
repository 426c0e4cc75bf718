/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other end of a file that is an export of an NBD server. There is one connection for each file, on the loop that
 * uses it first: a flush then covers the writes of all loops whatever the server promises about several connections,
 * and there is one order in which requests are sent again. Other loops hand their operations over.
 *
 * While there is no connection, operations wait and one is tried to be made. Then what was acknowledged and no flush
 * had covered is sent again, in the order in which it was acknowledged; then what was under way, in its order; then
 * anything else.
 */
#ifndef IOREQD_DEVICE_FILE_NBD_H
#define IOREQD_DEVICE_FILE_NBD_H

#include <stdbool.h>
#include <stddef.h>

#include "device/file_operation.h"

struct file_nbd;

/* Whether a path names an export: nbd://HOST/EXPORT and the like. */
bool file_nbd_is_uri(const char *path);

/*
 * Connects file->name and fills in size, facts and whether it is read only. On the main thread, which waits some
 * seconds at most. -1 with the reason and errno; file->nbd is set even then and wants file_nbd_close().
 */
int file_nbd_open(struct ioreqd_file *file, char *reason, size_t size);
/* Before the loop that used it goes away, when that does not run any more. */
void file_nbd_leave_loop(struct file_nbd *nbd);
/* NULL is allowed. */
void file_nbd_close(struct file_nbd *nbd);

/* Takes an operation from the loop; done() is called on the loop that the connection is on. */
void file_nbd_submit(struct file_nbd *nbd, struct ioreqd_loop *loop, struct file_operation *operation);
/* The loop that the connection is on, which is this one if it has none yet. */
struct ioreqd_loop *file_nbd_home(struct file_nbd *nbd, struct ioreqd_loop *loop);
/* The device wants to be quiet: what waits for a connection fails. On any loop that uses the file. */
void file_nbd_hurry(struct file_nbd *nbd, struct ioreqd_loop *loop);

#endif
