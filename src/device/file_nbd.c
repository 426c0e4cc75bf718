/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exports of NBD servers, see file_nbd.h: opening and closing on the main thread, and how operations come to the loop
 * that the connection is on.
 */
#include "device/file_nbd_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "device/loop.h"
#include "device/timer.h"
#include "device/watch.h"
#include "log.h"

/* ---- on the connection's loop ---- */

static void replay(struct file_nbd *nbd)
{
    if (file_nbd_settle(nbd)) {
        file_nbd_lose(nbd);
    } else if (file_nbd_replay(nbd)) {
        file_nbd_go_on(nbd);
    }
}

static void serve(struct file_nbd *nbd)
{
    for (unsigned i = 0; i < NBD_SLOTS && file_nbd_begin(nbd); i++) {
        continue;
    }
    if (file_nbd_settle(nbd)) {
        file_nbd_lose(nbd);
    } else {
        file_nbd_make_room(nbd);
    }
}

void file_nbd_pump(struct file_nbd *nbd)
{
    unsigned direction, events = 0;

    if (nbd->state == NBD_REPLAYING) {
        replay(nbd);
    }
    if (nbd->state == NBD_CONNECTED) {
        serve(nbd);
    }
    if (nbd->state != NBD_CONNECTED && atomic_load(&nbd->file->hurry)) {
        file_nbd_fail_all(nbd);
    }
    if (nbd->handle == NULL) {
        return;
    }
    if (!STAILQ_EMPTY(&nbd->answers) ||
        (nbd->state == NBD_CONNECTED && nbd->waiting.first != NULL && !TAILQ_EMPTY(&nbd->idle))) {
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
    if (nbd->idle_timer == NULL) {
        nbd->idle_timer = timer_make(home, file_nbd_on_idle, nbd);
    }
    if (nbd->connector == NULL) {
        nbd->connector = file_nbd_connector_create(nbd->file->name, home, &nbd->tried);
    }
    if (nbd->timer == NULL || nbd->idle_timer == NULL || nbd->connector == NULL) {
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
    nbd->flush = (struct nbd_call){.nbd = nbd, .settle = file_nbd_on_flushed};
    nbd_journal_init(&nbd->journal);
    file_nbd_init_slots(nbd);
    file_nbd_init_replays(nbd);
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
    timer_free(nbd->idle_timer);
    nbd->idle_timer = NULL;
    nbd->idle_armed = false;
    file_nbd_disconnect(nbd);
}

static void tell_abandoned(struct file_nbd *nbd)
{
    if (nbd->state != NBD_CONNECTED && !TAILQ_EMPTY(&nbd->journal.kept)) {
        log_line(LOG_ERROR, nbd->file->owner,
                 "%s is not there: %" PRIu64
                 " bytes that were written since the last flush are there only if the server has kept them",
                 nbd->file->name, nbd->journal.kept_length);
    }
}

void file_nbd_close(struct file_nbd *nbd)
{
    if (nbd == NULL) {
        return;
    }
    file_nbd_leave_loop(nbd);
    tell_abandoned(nbd);
    file_nbd_free_slots(nbd);
    nbd_journal_destroy(&nbd->journal);
    free(nbd);
}
