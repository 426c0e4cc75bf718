/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Following the size of a file while a device uses it. The main loop looks once a second: a notice from the kernel
 * (inotify) would come with every write, and none comes for block devices.
 */
#include "device/file_private.h"

#include <errno.h>
#include <inttypes.h>

#include "device/loop.h"
#include "device/timer.h"
#include "log.h"

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
