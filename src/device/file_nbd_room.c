/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is done for an export's journal, see file_nbd_private.h: it is kept from filling up by flushes of our own,
 * emptied when the disk is idle, and what is lost of it is told.
 */
#include "device/file_nbd_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "device/loop.h"
#include "device/timer.h"
#include "event.h"
#include "log.h"

#define IDLE_NANOSECONDS UINT64_C(5000000000) /* without a write, after which the disk is idle */

/*
 * A server that cannot flush promises nothing of when a write is there to stay, so nothing could ever be dropped; its
 * word that it has written is all that there is. (NBD protocol, ordering of messages and writes.)
 */
bool file_nbd_keeps(const struct file_nbd *nbd)
{
    return nbd->export.can_flush && nbd->file->options.cache != FILE_CACHE_UNSAFE;
}

struct nbd_record *file_nbd_reserve(struct file_nbd *nbd, uint32_t bytes)
{
    if (!nbd->idle_armed) {
        nbd->idle_armed = true;
        nbd->idle_begun = nbd->journal.begun;
        timer_arm(nbd->idle_timer, timer_now() + IDLE_NANOSECONDS);
    }
    return nbd_journal_begin(&nbd->journal, bytes);
}

/* ---- damage ---- */

void file_nbd_note_damage(struct file_nbd *nbd, struct nbd_record *record, int error)
{
    struct nbd_damage *damage = &nbd->damage;
    uint64_t end = record->offset + record->length;

    if (damage->bytes == 0 || record->offset < damage->begin) {
        damage->begin = record->offset;
    }
    if (damage->bytes == 0 || end > damage->end) {
        damage->end = end;
    }
    damage->bytes += record->length;
    damage->error = error;
    nbd_journal_release(&nbd->journal, record);
}

void file_nbd_tell_damage(struct file_nbd *nbd, const char *what)
{
    struct nbd_damage *damage = &nbd->damage;
    char json[128];

    if (damage->bytes == 0) {
        return;
    }
    log_line(LOG_ERROR, nbd->file->owner,
             "%" PRIu64 " bytes that were written to %s, from byte %" PRIu64 " to %" PRIu64
             ", may be lost, because %s failed: %s: the guest's next flush fails",
             damage->bytes, nbd->file->name, damage->begin, damage->end - 1, what, strerror(damage->error));
    snprintf(json, sizeof(json), "{\"bytes\": %" PRIu64 ", \"first\": %" PRIu64 ", \"last\": %" PRIu64 "}",
             damage->bytes, damage->begin, damage->end - 1);
    event_tell(nbd->file->owner, "nbd-damaged", json);
    damage->bytes = 0;
    damage->number++;
}

/* ---- flushes of our own ---- */

static void flush(struct file_nbd *nbd)
{
    nbd->flushing = true;
    nbd->flush_covers = nbd->journal.acknowledged;
    file_nbd_sent(&nbd->flush, nbd_library.aio_flush(nbd->handle, file_nbd_then(&nbd->flush), 0));
}

/*
 * One that fails leaves the guest in the belief that all is well, and the server may take what it could not write for
 * written from then on: a later flush that succeeds would be no comfort. So the guest's next one fails.
 */
void file_nbd_on_flushed(struct nbd_call *call)
{
    struct file_nbd *nbd = call->nbd;
    struct nbd_record *record;

    nbd->flushing = false;
    if (call->error == 0) {
        nbd_journal_drop(&nbd->journal, nbd->flush_covers);
        return;
    }
    while ((record = TAILQ_FIRST(&nbd->journal.kept)) != NULL && record->number <= nbd->flush_covers) {
        file_nbd_note_damage(nbd, record, call->error);
    }
    file_nbd_tell_damage(nbd, "a flush");
}

void file_nbd_make_room(struct file_nbd *nbd)
{
    bool full;

    file_nbd_use_room(nbd);
    full = nbd->journal.kept_size > NBD_JOURNAL_BYTES / 2 || !STAILQ_EMPTY(&nbd->for_room);
    if (full && !nbd->flushing && !TAILQ_EMPTY(&nbd->journal.kept)) {
        flush(nbd);
    }
}

/* A disk that nobody writes to is to need no memory. */
void file_nbd_on_idle(void *argument)
{
    struct file_nbd *nbd = argument;
    struct nbd_journal *journal = &nbd->journal;
    bool idle = nbd->idle_begun == journal->begun && nbd->state == NBD_CONNECTED;

    if (idle && journal->used == 0) {
        nbd_journal_trim(journal);
        nbd->idle_armed = false;
        return;
    }
    nbd->idle_begun = journal->begun;
    timer_arm(nbd->idle_timer, timer_now() + IDLE_NANOSECONDS);
    if (idle && !nbd->flushing && !TAILQ_EMPTY(&journal->kept)) {
        flush(nbd);
        file_nbd_pump(nbd);
    }
}
