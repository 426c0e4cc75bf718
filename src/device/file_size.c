/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Following the size of a file while a device uses it. The main loop looks once a second: a notice from the kernel
 * (inotify) would come with every write, and none comes for block devices.
 */
#include "device/file_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "device/loop.h"
#include "device/timer.h"
#include "log.h"

#define SECTOR           512u
#define LOOK_NANOSECONDS UINT64_C(1000000000)

void file_set_size(struct ioreqd_file *file, uint64_t size)
{
    uint64_t before = atomic_exchange(&file->size, size);

    if (before == size) {
        return;
    }
    log_line(LOG_INFO, file->owner, "%s has now %" PRIu64 " bytes, before %" PRIu64, file->name, size, before);
    if (file->resized != NULL) {
        file->resized(file->resized_argument);
    }
}

static void look(void *argument)
{
    struct ioreqd_file *file = argument;
    uint64_t size;

    if (file_measure(file, &size) == 0) {
        file_set_size(file, size);
    }
    timer_arm(file->look, timer_now() + LOOK_NANOSECONDS);
}

/* What keeps a file from being given another size; NULL: nothing. */
static const char *not_resizable(const struct ioreqd_file *file, uint64_t size, bool shrink, int *error)
{
    *error = -EINVAL;
    if (file->block_device) {
        return "it is a block device: resize it by its own means, and then call this without a size";
    }
    if (file->read_only) {
        *error = -EROFS;
        return "it is open for reading only";
    }
    if (size == 0 || size % SECTOR != 0 || size > INT64_MAX) {
        return "a size is a multiple of 512 bytes, and not 0";
    }
    if (size < atomic_load(&file->size) && !shrink) {
        return "it would shrink, and what lies behind the new end be lost: allow it with shrink";
    }
    return NULL;
}

int file_resize(struct ioreqd_file *file, const uint64_t *size, bool shrink, char *reason, size_t room)
{
    const char *why = NULL;
    uint64_t now;
    int rc = 0;

    if (file->nbd != NULL) {
        snprintf(reason, room, "%s: an NBD server tells the size of an export only when it is connected to",
                 file->name);
        return -EOPNOTSUPP;
    }
    if (size != NULL) {
        why = not_resizable(file, *size, shrink, &rc);
        if (why == NULL && ftruncate(file->fd, (off_t)*size) != 0) {
            rc = -errno;
            why = strerror(errno);
        }
    }
    if (why == NULL) {
        rc = file_measure(file, &now);
        why = rc != 0 ? strerror(-rc) : NULL;
    }
    if (why != NULL) {
        snprintf(reason, room, "%s: %s", file->name, why);
        return rc;
    }
    file_set_size(file, now);
    return 0;
}

int file_follow_size(struct ioreqd_file *file, struct ioreqd_loop *main_loop, void (*resized)(void *argument),
                     void *argument)
{
    if (file->main_loop != NULL) {
        return -EBUSY;
    }
    file->resized = resized;
    file->resized_argument = argument;
    if (file->nbd != NULL) { /* whose server tells it when we connect, and not again */
        file->main_loop = main_loop;
        return 0;
    }
    file->look = timer_make(main_loop, look, file);
    if (file->look == NULL) {
        return -ENOMEM;
    }
    file->main_loop = main_loop;
    timer_arm(file->look, timer_now() + LOOK_NANOSECONDS);
    return 0;
}
