/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In the place of file_nbd.c where there is no libnbd: no export can be opened.
 */
#include <errno.h>

#include "device/file_nbd.h"
#include "device/file_private.h"

int file_nbd_open(struct ioreqd_file *file, char *reason, size_t size)
{
    (void)file;
    return file_refuse(reason, size, ENOTSUP,
                       "ioreqd was built without libnbd: build it with that, or give a local file");
}

void file_nbd_leave_loop(struct file_nbd *nbd)
{
    (void)nbd;
}

void file_nbd_close(struct file_nbd *nbd)
{
    (void)nbd;
}

void file_nbd_submit(struct file_nbd *nbd, struct ioreqd_loop *loop, struct file_operation *operation)
{
    (void)nbd;
    (void)loop;
    (void)operation;
}

struct ioreqd_loop *file_nbd_home(struct file_nbd *nbd, struct ioreqd_loop *loop)
{
    (void)nbd;
    return loop;
}

void file_nbd_hurry(struct file_nbd *nbd, struct ioreqd_loop *loop)
{
    (void)nbd;
    (void)loop;
}
