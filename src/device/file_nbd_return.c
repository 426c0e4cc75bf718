/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Losing the connection of an export and having one again, see file_nbd_private.h.
 */
#include "device/file_nbd_private.h"

#include <inttypes.h>

#include "device/bounce.h"
#include "device/loop.h"
#include "device/timer.h"
#include "device/watch.h"
#include "event.h"
#include "log.h"

static void try_later(struct file_nbd *nbd)
{
    nbd->state = NBD_PAUSING;
    timer_arm(nbd->timer, timer_now() + nbd->pause);
    nbd->pause = 2 * nbd->pause < NBD_LONGEST_PAUSE ? 2 * nbd->pause : NBD_LONGEST_PAUSE;
}

void file_nbd_try(void *argument)
{
    struct file_nbd *nbd = argument;

    nbd->state = NBD_CONNECTING;
    if (file_nbd_connector_start(nbd->connector) != 0) {
        try_later(nbd);
    }
}

void file_nbd_disconnect(struct file_nbd *nbd)
{
    struct nbd_handle *handle = nbd->handle;

    watch_free(nbd->watch);
    nbd->watch = NULL;
    nbd->handle = NULL;
    STAILQ_INIT(&nbd->answers);
    nbd->flushing = false;
    file_nbd_replay_end(nbd);
    if (handle != NULL) {
        nbd_library.close(handle);
    }
}

void file_nbd_lose(struct file_nbd *nbd)
{
    const char *reason = nbd_library.get_error();

    log_line(LOG_ERROR, nbd->file->owner, "the connection to %s is lost: requests wait until there is one again%s%s",
             nbd->file->name, reason != NULL ? ": " : "", reason != NULL ? reason : "");
    event_tell(nbd->file->owner, "nbd-lost", NULL);
    file_nbd_disconnect(nbd);
    /* A server that takes connections but cannot serve is not to be kept busy with it. */
    if (timer_now() - nbd->since > NBD_LONGEST_PAUSE) {
        nbd->pause = NBD_SHORTEST_PAUSE;
    }
    nbd->refused = false;
    try_later(nbd);
}

static void on_ready(void *argument, unsigned events)
{
    struct file_nbd *nbd = argument;
    unsigned direction = nbd_library.aio_get_direction(nbd->handle);

    if ((events & IOREQD_READABLE) != 0 && (direction & LIBNBD_AIO_DIRECTION_READ) != 0) {
        nbd_library.aio_notify_read(nbd->handle);
    } else if ((events & IOREQD_WRITABLE) != 0 && (direction & LIBNBD_AIO_DIRECTION_WRITE) != 0) {
        nbd_library.aio_notify_write(nbd->handle);
    }
    file_nbd_pump(nbd);
}

int file_nbd_watch(struct file_nbd *nbd)
{
    return watch_make(atomic_load(&nbd->home), nbd_library.aio_get_fd(nbd->handle), on_ready, nbd, &nbd->watch);
}

void file_nbd_set_size(void *argument)
{
    struct file_nbd *nbd = argument;

    file_set_size(nbd->file, atomic_load(&nbd->new_size));
}

static void take_size(struct file_nbd *nbd, uint64_t size)
{
    atomic_store(&nbd->new_size, size);
    if (nbd->file->main_loop != NULL) {
        loop_post(nbd->file->main_loop, &nbd->resize);
    } else {
        file_nbd_set_size(nbd);
    }
}

/*
 * Whether what has come back can be the disk that the guest knows; NULL, or why not. One that has grown can; one that
 * is smaller, or cannot be written or flushed any more, is more likely another, and must not be written to.
 */
static const char *is_another(const struct file_nbd *nbd, const struct nbd_export *now)
{
    const struct nbd_export *before = &nbd->export;

    if (now->size < before->size) {
        return "is smaller than before";
    }
    if (now->read_only && !nbd->file->read_only) {
        return "can only be read now";
    }
    if (before->can_flush && !now->can_flush) {
        return "cannot be flushed any more";
    }
    if (now->minimum > before->minimum && now->minimum > NBD_SECTOR) {
        return "has larger blocks than before";
    }
    if (now->maximum < before->maximum && now->maximum < BOUNCE_BYTES) {
        return "takes smaller requests than before";
    }
    return NULL;
}

static void refuse(struct file_nbd *nbd, const struct nbd_export *now, const char *difference)
{
    if (!nbd->refused) {
        nbd->refused = true;
        log_line(LOG_ERROR, nbd->file->owner,
                 "%s is there again but %s (%" PRIu64 " bytes, before %" PRIu64
                 "): it is not used, and requests wait until the right one is there",
                 nbd->file->name, difference, now->size, nbd->export.size);
    }
}

static void accept_export(struct file_nbd *nbd, const struct nbd_export *now)
{
    if (now->size != nbd->export.size) {
        take_size(nbd, now->size);
    }
    nbd->export = *now;
    nbd->since = timer_now();
    if (nbd->written && !file_nbd_keeps(nbd)) {
        log_line(LOG_WARNING, nbd->file->owner,
                 "%s %s: what was written to it before is there only if the server has kept it", nbd->file->name,
                 now->can_flush ? "is not flushed (cache=unsafe)" : "cannot be flushed");
    }
    nbd->state = NBD_REPLAYING;
    file_nbd_replay_begin(nbd);
}

void file_nbd_go_on(struct file_nbd *nbd)
{
    unsigned again;

    file_nbd_tell_damage(nbd, "writing them again");
    nbd->state = NBD_CONNECTED;
    again = file_nbd_send_again(nbd);
    log_line(LOG_INFO, nbd->file->owner,
             "%s is there again: %u requests were sent again, and before them %u writes (%" PRIu64
             " bytes) that no flush had covered",
             nbd->file->name, again, nbd->replayed, nbd->replayed_bytes);
    event_tell(nbd->file->owner, "nbd-back", NULL);
}

void file_nbd_on_tried(void *argument)
{
    struct file_nbd *nbd = argument;
    const char *difference;
    struct nbd_export now;
    char reason[256];

    nbd->handle = file_nbd_connector_take(nbd->connector, &now, reason, sizeof(reason));
    if (nbd->handle == NULL) {
        log_line(LOG_DEBUG, nbd->file->owner, "%s: %s", nbd->file->name, reason);
        try_later(nbd);
        return;
    }
    difference = is_another(nbd, &now);
    if (difference != NULL || file_nbd_watch(nbd) != 0) {
        if (difference != NULL) {
            refuse(nbd, &now, difference);
        }
        file_nbd_disconnect(nbd);
        try_later(nbd);
        return;
    }
    accept_export(nbd, &now);
    file_nbd_pump(nbd);
}
