/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exports of NBD servers, see file_nbd.h: opening and closing on the main thread, and how operations come to the loop
 * that the connection is on.
 */
#include "device/file_nbd_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "device/bounce.h"
#include "device/file_nbd_library.h"
#include "device/loop.h"
#include "device/timer.h"
#include "device/watch.h"
#include "log.h"

/* ---- on the connection's loop ---- */

void file_nbd_pump(struct file_nbd *nbd)
{
    unsigned direction, events = 0;

    if (nbd->state == NBD_CONNECTED) {
        for (unsigned i = 0; i < NBD_SLOTS && file_nbd_begin(nbd); i++) {
            continue;
        }
        if (file_nbd_settle(nbd)) {
            file_nbd_lose(nbd);
        }
    }
    if (nbd->state != NBD_CONNECTED) {
        if (atomic_load(&nbd->file->hurry)) {
            file_nbd_fail_all(nbd);
        }
        return;
    }
    if (!STAILQ_EMPTY(&nbd->answers) || (nbd->waiting.first != NULL && !TAILQ_EMPTY(&nbd->idle))) {
        loop_post(atomic_load(&nbd->home), &nbd->work);
    }
    direction = nbd_library.aio_get_direction(nbd->handle);
    events |= (direction & LIBNBD_AIO_DIRECTION_READ) != 0 ? IOREQD_READABLE : 0;
    events |= (direction & LIBNBD_AIO_DIRECTION_WRITE) != 0 ? IOREQD_WRITABLE : 0;
    watch_arm(nbd->watch, events);
}

static void take_handed(struct file_nbd *nbd)
{
    struct file_operation *newest = atomic_exchange(&nbd->handed, NULL);
    struct file_operation *oldest = NULL;

    while (newest != NULL) {
        struct file_operation *next = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != NULL) {
        struct file_operation *next = oldest->next;

        file_operations_add(&nbd->waiting, oldest);
        oldest = next;
    }
}

/* What the connection needs of its loop, at the first operation. 0 or a negative errno. */
static int settle_in(struct file_nbd *nbd)
{
    struct ioreqd_loop *home = atomic_load(&nbd->home);

    if (nbd->timer == NULL) {
        nbd->timer = timer_make(home, file_nbd_try, nbd);
    }
    if (nbd->connector == NULL) {
        nbd->connector = file_nbd_connector_create(nbd->file->name, home, &nbd->tried);
    }
    if (nbd->timer == NULL || nbd->connector == NULL) {
        return -ENOMEM;
    }
    return nbd->watch == NULL && nbd->state == NBD_CONNECTED ? file_nbd_watch(nbd) : 0;
}

static void on_work(void *argument)
{
    struct file_nbd *nbd = argument;

    take_handed(nbd);
    if (settle_in(nbd) != 0) {
        file_nbd_fail_all(nbd);
        return;
    }
    file_nbd_pump(nbd);
}

struct ioreqd_loop *file_nbd_home(struct file_nbd *nbd, struct ioreqd_loop *loop)
{
    struct ioreqd_loop *home = NULL;

    return atomic_compare_exchange_strong(&nbd->home, &home, loop) ? loop : home;
}

void file_nbd_submit(struct file_nbd *nbd, struct ioreqd_loop *loop, struct file_operation *operation)
{
    struct ioreqd_loop *home = file_nbd_home(nbd, loop);

    if (home == loop) {
        file_operations_add(&nbd->waiting, operation);
    } else {
        operation->next = atomic_load_explicit(&nbd->handed, memory_order_relaxed);
        while (!atomic_compare_exchange_weak(&nbd->handed, &operation->next, operation)) {
            continue;
        }
    }
    loop_post(home, &nbd->work);
}

void file_nbd_hurry(struct file_nbd *nbd, struct ioreqd_loop *loop)
{
    if (atomic_load(&nbd->home) == loop) {
        loop_post(loop, &nbd->work);
    }
}

/* ---- opening and closing, on the main thread ---- */

static void fill_in(struct ioreqd_file *file, const struct nbd_export *export)
{
    struct ioreqd_file_facts *facts = &file->facts;

    *facts = (struct ioreqd_file_facts){
        .struct_size = sizeof(*facts),
        .logical_block = export->minimum > NBD_SECTOR ? export->minimum : NBD_SECTOR,
        .physical_block = export->preferred > NBD_SECTOR ? export->preferred : NBD_SECTOR,
        .minimum_io = export->preferred,
    };
    atomic_store(&file->size, export->size);
    file->read_only = file->options.read_only || export->read_only;
    if (file->read_only) {
        return;
    }
    facts->abilities = IOREQD_FILE_CAN_WRITE_ZEROES;
    if (export->can_trim) {
        facts->abilities |= IOREQD_FILE_CAN_DISCARD;
        facts->discard_granularity = facts->logical_block;
    }
    if (export->can_zero) {
        facts->abilities |= IOREQD_FILE_CAN_UNMAP;
    }
}

int file_nbd_open(struct ioreqd_file *file, char *reason, size_t size)
{
    struct file_nbd *nbd = calloc(1, sizeof(*nbd));
    atomic_bool stop = false;
    char why[200];

    if (nbd == NULL) {
        return file_refuse(reason, size, ENOMEM, "out of memory");
    }
    file->nbd = nbd;
    nbd->file = file;
    nbd->state = NBD_CONNECTED;
    nbd->pause = NBD_SHORTEST_PAUSE;
    nbd->work = (struct ioreqd_work){.run = on_work, .argument = nbd};
    nbd->tried = (struct ioreqd_work){.run = file_nbd_on_tried, .argument = nbd};
    nbd->resize = (struct ioreqd_work){.run = file_nbd_set_size, .argument = nbd};
    TAILQ_INIT(&nbd->idle);
    TAILQ_INIT(&nbd->under_way);
    STAILQ_INIT(&nbd->answers);
    for (unsigned i = 0; i < NBD_SLOTS; i++) {
        nbd->slot[i].nbd = nbd;
        TAILQ_INSERT_TAIL(&nbd->idle, &nbd->slot[i], place);
    }
    if (nbd_library_load(why, sizeof(why)) != 0) {
        return file_refuse(reason, size, ENOSYS, "%s", why);
    }
    nbd->handle = file_nbd_connect(file->name, &stop, &nbd->export, why, sizeof(why));
    if (nbd->handle == NULL) {
        return file_refuse(reason, size, errno, "%s", why);
    }
    if (file->options.cache == FILE_CACHE_NONE) {
        return file_refuse(reason, size, EINVAL,
                           "the server decides about its cache: leave cache=none out, and configure the server");
    }
    fill_in(file, &nbd->export);
    if (file->read_only && !file->options.read_only) {
        log_line(LOG_INFO, NULL, "%s can only be read, says its server", file->name);
    }
    return 0;
}

void file_nbd_leave_loop(struct file_nbd *nbd)
{
    if (nbd == NULL) {
        return;
    }
    file_nbd_connector_destroy(nbd->connector);
    nbd->connector = NULL;
    timer_free(nbd->timer);
    nbd->timer = NULL;
    file_nbd_disconnect(nbd);
}

void file_nbd_close(struct file_nbd *nbd)
{
    if (nbd == NULL) {
        return;
    }
    file_nbd_leave_loop(nbd);
    for (unsigned i = 0; i < NBD_SLOTS; i++) {
        if (nbd->slot[i].buffer != NULL) {
            munmap(nbd->slot[i].buffer, BOUNCE_BYTES);
        }
    }
    free(nbd);
}
