/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operations of an export that are under way, see file_nbd_private.h: sending them, in steps where they are long,
 * and what becomes of the answers.
 */
#include "device/file_nbd_private.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "device/bounce.h"
#include "device/file_nbd_library.h"

#define CLEAR_BYTES (UINT64_C(256) << 20) /* of one request that clears */
#define LOST(error) ((error) == ENOTCONN || (error) == ESHUTDOWN || (error) == EPIPE || (error) == ECONNRESET)

static int on_answer(void *argument, int *error)
{
    struct nbd_slot *slot = argument;

    if (slot->nbd->handle != NULL) { /* else the connection is being closed, and nothing holds any more */
        slot->error = *error;
        STAILQ_INSERT_TAIL(&slot->nbd->answers, slot, answered);
    }
    return 1; /* libnbd may forget it */
}

static void answer(struct nbd_slot *slot, int error)
{
    slot->error = error;
    STAILQ_INSERT_TAIL(&slot->nbd->answers, slot, answered);
}

/* Zeroes of a server that cannot make them by itself are written, out of the slot's buffer. */
static bool has_bytes(const struct nbd_slot *slot)
{
    uint8_t kind = slot->operation->kind;

    return kind == IOREQD_FILE_READ || kind == IOREQD_FILE_WRITE ||
           (kind == IOREQD_FILE_WRITE_ZEROES && !slot->nbd->export.can_zero);
}

static bool is_useless(const struct file_nbd *nbd)
{
    return nbd_library.aio_is_dead(nbd->handle) > 0 || nbd_library.aio_is_closed(nbd->handle) > 0;
}

static void send_step(struct nbd_slot *slot)
{
    struct file_nbd *nbd = slot->nbd;
    const struct nbd_export *export = &nbd->export;
    const nbd_completion_callback then = {.callback = on_answer, .user_data = slot};
    uint64_t offset = slot->operation->offset + slot->done;
    uint32_t no_hole = (slot->operation->flags & IOREQD_FILE_MAY_UNMAP) != 0 ? 0 : LIBNBD_CMD_FLAG_NO_HOLE;
    int64_t rc = 0;

    switch (slot->operation->kind) {
    case IOREQD_FILE_READ:
        rc = nbd_library.aio_pread(nbd->handle, slot->buffer, slot->step, offset, then, 0);
        break;
    case IOREQD_FILE_WRITE:
        rc = nbd_library.aio_pwrite(nbd->handle, slot->buffer, slot->step, offset, then, 0);
        break;
    case IOREQD_FILE_FLUSH:
        slot->acknowledged = nbd->acknowledged;
        if (export->can_flush && nbd->file->options.cache != FILE_CACHE_UNSAFE) {
            rc = nbd_library.aio_flush(nbd->handle, then, 0);
        } else {
            answer(slot, 0);
        }
        break;
    case IOREQD_FILE_DISCARD:
        if (export->can_trim) {
            rc = nbd_library.aio_trim(nbd->handle, slot->step, offset, then, 0);
        } else {
            answer(slot, 0);
        }
        break;
    case IOREQD_FILE_WRITE_ZEROES:
        if (export->can_zero) {
            rc = nbd_library.aio_zero(nbd->handle, slot->step, offset, then, no_hole);
        } else {
            rc = nbd_library.aio_pwrite(nbd->handle, slot->buffer, slot->step, offset, then, 0);
        }
        break;
    default:
        answer(slot, EOPNOTSUPP);
        break;
    }
    if (rc < 0) {
        int error = nbd_library.get_errno();

        answer(slot, is_useless(nbd) ? ENOTCONN : error != 0 ? error : EIO);
    }
}

static void begin_step(struct nbd_slot *slot)
{
    const struct nbd_export *export = &slot->nbd->export;
    const struct file_operation *operation = slot->operation;
    uint64_t limit = has_bytes(slot) ? BOUNCE_BYTES : CLEAR_BYTES;

    if (has_bytes(slot) && export->maximum < limit) {
        limit = export->maximum & ~(export->minimum - 1);
    }
    slot->step = slot->total - slot->done < limit ? slot->total - slot->done : limit;
    if (operation->kind == IOREQD_FILE_WRITE) {
        bounce_gather(slot->buffer, operation->iov, operation->iov_count, (size_t)slot->done, (size_t)slot->step);
    } else if (has_bytes(slot) && operation->kind == IOREQD_FILE_WRITE_ZEROES) {
        memset(slot->buffer, 0, (size_t)slot->step);
    }
    send_step(slot);
}

static void finish(struct nbd_slot *slot, int result)
{
    struct file_operation *operation = slot->operation;

    TAILQ_REMOVE(&slot->nbd->under_way, slot, place);
    TAILQ_INSERT_HEAD(&slot->nbd->idle, slot, place);
    operation->done(operation, result);
}

static void step_done(struct nbd_slot *slot)
{
    const struct file_operation *operation = slot->operation;

    if (operation->kind == IOREQD_FILE_READ) {
        bounce_scatter(slot->buffer, operation->iov, operation->iov_count, (size_t)slot->done, (size_t)slot->step);
    } else if (operation->kind == IOREQD_FILE_FLUSH) {
        if (slot->acknowledged > slot->nbd->flushed) {
            slot->nbd->flushed = slot->acknowledged;
        }
    } else {
        slot->nbd->acknowledged += slot->step;
    }
    slot->done += slot->step;
    if (slot->done < slot->total) {
        begin_step(slot);
    } else {
        finish(slot, 0);
    }
}

static uint64_t total_of(const struct file_operation *operation)
{
    uint64_t total = 0;

    if (operation->kind == IOREQD_FILE_FLUSH) {
        return 0;
    }
    if (file_operation_clears(operation)) {
        return operation->length;
    }
    for (uint32_t i = 0; i < operation->iov_count; i++) {
        total += operation->iov[i].iov_len;
    }
    return total;
}

bool file_nbd_begin(struct file_nbd *nbd)
{
    struct nbd_slot *slot = TAILQ_FIRST(&nbd->idle);
    struct file_operation *operation;

    if (slot == NULL || nbd->waiting.first == NULL) {
        return false;
    }
    if (slot->buffer == NULL) {
        void *buffer = mmap(NULL, BOUNCE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        slot->buffer = buffer != MAP_FAILED ? buffer : NULL;
    }
    operation = file_operations_take(&nbd->waiting);
    slot->operation = operation;
    slot->total = total_of(operation);
    slot->done = 0;
    TAILQ_REMOVE(&nbd->idle, slot, place);
    TAILQ_INSERT_TAIL(&nbd->under_way, slot, place);
    if (slot->buffer == NULL) {
        finish(slot, -ENOMEM);
    } else if (slot->total == 0 && operation->kind != IOREQD_FILE_FLUSH) {
        finish(slot, 0);
    } else if (((operation->offset | slot->total) & (nbd->export.minimum - 1)) != 0) {
        finish(slot, -EINVAL);
    } else {
        begin_step(slot);
    }
    return true;
}

bool file_nbd_settle(struct file_nbd *nbd)
{
    bool lost = false;
    struct nbd_slot *slot;

    while ((slot = STAILQ_FIRST(&nbd->answers)) != NULL) {
        STAILQ_REMOVE_HEAD(&nbd->answers, answered);
        if (slot->error == 0) {
            step_done(slot);
        } else if (LOST(slot->error)) {
            lost = true; /* it stays under way, to be sent again */
        } else if (slot->operation->kind == IOREQD_FILE_DISCARD) {
            finish(slot, 0);
        } else {
            finish(slot, -slot->error);
        }
    }
    return lost || is_useless(nbd);
}

void file_nbd_fail_all(struct file_nbd *nbd)
{
    struct file_operations waiting = nbd->waiting;
    struct file_operation *operation;
    struct nbd_slot *slot;

    nbd->waiting.first = NULL;
    while ((slot = TAILQ_FIRST(&nbd->under_way)) != NULL) {
        finish(slot, -EIO);
    }
    while ((operation = file_operations_take(&waiting)) != NULL) {
        operation->done(operation, -EIO);
    }
}

unsigned file_nbd_send_again(struct file_nbd *nbd)
{
    struct nbd_slot *slot;
    unsigned again = 0;

    TAILQ_FOREACH(slot, &nbd->under_way, place)
    {
        if (slot->operation->kind == IOREQD_FILE_WRITE) {
            send_step(slot); /* the same bytes, whatever the guest has made of its memory since */
        } else {
            begin_step(slot); /* the server may have other means now */
        }
        again++;
    }
    return again;
}
