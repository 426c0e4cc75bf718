/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operations of an export that are under way, see file_nbd_private.h: sending them, in steps where they are long,
 * and what becomes of the answers.
 */
#include "device/file_nbd_private.h"

#include <errno.h>
#include <sys/mman.h>

#include "device/bounce.h"

static struct nbd_slot *slot_of(struct nbd_call *call)
{
    return (struct nbd_slot *)call;
}

static bool writes(const struct nbd_slot *slot)
{
    return slot->operation->kind == IOREQD_FILE_WRITE || slot->operation->kind == IOREQD_FILE_WRITE_ZEROES;
}

static bool may_unmap(const struct nbd_slot *slot)
{
    return (slot->operation->flags & IOREQD_FILE_MAY_UNMAP) != 0;
}

static void send_flush(struct nbd_slot *slot)
{
    struct file_nbd *nbd = slot->call.nbd;

    slot->covers = nbd->journal.acknowledged;
    if (nbd->export.can_flush && nbd->file->options.cache != FILE_CACHE_UNSAFE) {
        file_nbd_sent(&slot->call, nbd_library.aio_flush(nbd->handle, file_nbd_then(&slot->call), 0));
    } else {
        file_nbd_answer(&slot->call, 0);
    }
}

static void send_step(struct nbd_slot *slot)
{
    struct file_nbd *nbd = slot->call.nbd;
    struct nbd_call *call = &slot->call;
    uint64_t offset = slot->operation->offset + slot->done;

    switch (slot->operation->kind) {
    case IOREQD_FILE_READ:
        file_nbd_sent(
            call, nbd_library.aio_pread(nbd->handle, slot->buffer, (size_t)slot->step, offset, file_nbd_then(call), 0));
        break;
    case IOREQD_FILE_WRITE:
        file_nbd_send_bytes(call, slot->record->bytes, offset, slot->step);
        break;
    case IOREQD_FILE_FLUSH:
        send_flush(slot);
        break;
    case IOREQD_FILE_DISCARD:
        if (nbd->export.can_trim) {
            file_nbd_sent(call, nbd_library.aio_trim(nbd->handle, slot->step, offset, file_nbd_then(call), 0));
        } else {
            file_nbd_answer(call, 0);
        }
        break;
    case IOREQD_FILE_WRITE_ZEROES:
        file_nbd_send_zeroes(call, offset, slot->step, may_unmap(slot));
        break;
    default:
        file_nbd_answer(call, EOPNOTSUPP);
        break;
    }
}

/* ---- steps ---- */

static uint64_t length_of_step(const struct nbd_slot *slot)
{
    uint64_t limit = file_nbd_limit(slot->call.nbd, file_operation_clears(slot->operation));
    uint64_t left = slot->total - slot->done;

    return left < limit ? left : limit;
}

/* Zeroes that need not be kept need no record. */
static bool needs_record(const struct nbd_slot *slot)
{
    return slot->record == NULL &&
           (slot->operation->kind == IOREQD_FILE_WRITE ||
            (slot->operation->kind == IOREQD_FILE_WRITE_ZEROES && file_nbd_keeps(slot->call.nbd)));
}

static bool take_record(struct nbd_slot *slot)
{
    bool has_bytes = slot->operation->kind == IOREQD_FILE_WRITE;

    slot->record = file_nbd_reserve(slot->call.nbd, has_bytes ? (uint32_t)slot->step : 0);
    return slot->record != NULL;
}

static void fill_record(struct nbd_slot *slot)
{
    const struct file_operation *operation = slot->operation;
    struct nbd_record *record = slot->record;

    record->offset = operation->offset + slot->done;
    record->length = slot->step;
    record->zeroes = operation->kind == IOREQD_FILE_WRITE_ZEROES;
    record->may_unmap = may_unmap(slot);
    if (!record->zeroes) {
        bounce_gather(record->bytes, operation->iov, operation->iov_count, (size_t)slot->done, (size_t)slot->step);
    }
}

static void begin_step(struct nbd_slot *slot)
{
    struct file_nbd *nbd = slot->call.nbd;

    slot->step = length_of_step(slot);
    if (needs_record(slot) && (!STAILQ_EMPTY(&nbd->for_room) || !take_record(slot))) {
        STAILQ_INSERT_TAIL(&nbd->for_room, slot, wait);
        return;
    }
    if (slot->record != NULL) {
        fill_record(slot);
    }
    send_step(slot);
}

void file_nbd_use_room(struct file_nbd *nbd)
{
    struct nbd_slot *slot;

    while ((slot = STAILQ_FIRST(&nbd->for_room)) != NULL && take_record(slot)) {
        STAILQ_REMOVE_HEAD(&nbd->for_room, wait);
        fill_record(slot);
        send_step(slot);
    }
}

/* ---- the end ---- */

static void finish(struct nbd_slot *slot, int result)
{
    struct file_operation *operation = slot->operation;
    struct file_nbd *nbd = slot->call.nbd;

    if (slot->record != NULL) {
        nbd_journal_release(&nbd->journal, slot->record);
        slot->record = NULL;
    }
    TAILQ_REMOVE(&nbd->under_way, slot, place);
    TAILQ_INSERT_HEAD(&nbd->idle, slot, place);
    operation->done(operation, result);
}

/* Everything that was acknowledged before it was sent is there to stay, but for what is lost already. */
static void flushed(struct nbd_slot *slot)
{
    struct file_nbd *nbd = slot->call.nbd;
    bool damaged = nbd->damage.number > slot->told;

    nbd_journal_drop(&nbd->journal, slot->covers);
    if (damaged) {
        nbd->damage.told = nbd->damage.number;
    }
    finish(slot, damaged ? -EIO : 0);
}

static void written(struct nbd_slot *slot)
{
    struct file_nbd *nbd = slot->call.nbd;

    nbd->written = true;
    if (slot->record != NULL && file_nbd_keeps(nbd)) {
        nbd_journal_keep(&nbd->journal, slot->record);
    } else if (slot->record != NULL) {
        nbd_journal_release(&nbd->journal, slot->record);
    }
    slot->record = NULL;
}

static void step_done(struct nbd_slot *slot)
{
    const struct file_operation *operation = slot->operation;

    if (operation->kind == IOREQD_FILE_READ) {
        bounce_scatter(slot->buffer, operation->iov, operation->iov_count, (size_t)slot->done, (size_t)slot->step);
    } else if (writes(slot)) {
        written(slot);
    }
    slot->done += slot->step;
    if (slot->done < slot->total) {
        begin_step(slot);
    } else {
        finish(slot, 0);
    }
}

static void settle(struct nbd_call *call)
{
    struct nbd_slot *slot = slot_of(call);

    if (call->error != 0) { /* a discard is a hint */
        finish(slot, slot->operation->kind == IOREQD_FILE_DISCARD ? 0 : -call->error);
    } else if (slot->operation->kind == IOREQD_FILE_FLUSH) {
        flushed(slot);
    } else {
        step_done(slot);
    }
}

/* ---- the beginning ---- */

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

/* The memory that an operation goes through. */
static bool has_memory(struct nbd_slot *slot)
{
    void *buffer;

    if (writes(slot)) {
        return nbd_journal_prepare(&slot->call.nbd->journal);
    }
    if (slot->buffer == NULL && slot->operation->kind == IOREQD_FILE_READ) {
        buffer = mmap(NULL, BOUNCE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        slot->buffer = buffer != MAP_FAILED ? buffer : NULL;
        return slot->buffer != NULL;
    }
    return true;
}

bool file_nbd_begin(struct file_nbd *nbd)
{
    struct nbd_slot *slot = TAILQ_FIRST(&nbd->idle);
    struct file_operation *operation;

    if (slot == NULL || nbd->waiting.first == NULL) {
        return false;
    }
    operation = file_operations_take(&nbd->waiting);
    slot->operation = operation;
    slot->total = total_of(operation);
    slot->done = 0;
    slot->told = nbd->damage.told;
    TAILQ_REMOVE(&nbd->idle, slot, place);
    TAILQ_INSERT_TAIL(&nbd->under_way, slot, place);
    if (!has_memory(slot)) {
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

/* ---- all of them ---- */

unsigned file_nbd_send_again(struct file_nbd *nbd)
{
    struct nbd_slot *slot;
    unsigned again = 0;

    STAILQ_INIT(&nbd->for_room); /* they come to it again, in their order */
    TAILQ_FOREACH(slot, &nbd->under_way, place)
    {
        if (slot->operation->kind == IOREQD_FILE_WRITE && slot->record != NULL) {
            send_step(slot); /* the same bytes, whatever the guest has made of its memory since */
        } else {
            begin_step(slot); /* the server may have other means now */
        }
        again++;
    }
    return again;
}

void file_nbd_fail_all(struct file_nbd *nbd)
{
    struct file_operations waiting = nbd->waiting;
    struct file_operation *operation;
    struct nbd_slot *slot;

    nbd->waiting.first = NULL;
    STAILQ_INIT(&nbd->for_room);
    while ((slot = TAILQ_FIRST(&nbd->under_way)) != NULL) {
        finish(slot, -EIO);
    }
    while ((operation = file_operations_take(&waiting)) != NULL) {
        operation->done(operation, -EIO);
    }
}

void file_nbd_init_slots(struct file_nbd *nbd)
{
    TAILQ_INIT(&nbd->idle);
    TAILQ_INIT(&nbd->under_way);
    STAILQ_INIT(&nbd->for_room);
    STAILQ_INIT(&nbd->answers);
    for (unsigned i = 0; i < NBD_SLOTS; i++) {
        nbd->slot[i].call = (struct nbd_call){.nbd = nbd, .settle = settle};
        TAILQ_INSERT_TAIL(&nbd->idle, &nbd->slot[i], place);
    }
}

void file_nbd_free_slots(struct file_nbd *nbd)
{
    for (unsigned i = 0; i < NBD_SLOTS; i++) {
        if (nbd->slot[i].buffer != NULL) {
            munmap(nbd->slot[i].buffer, BOUNCE_BYTES);
        }
    }
    if (nbd->zeroes != NULL) {
        munmap(nbd->zeroes, BOUNCE_BYTES);
    }
}
