/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending the journal again, see file_nbd_private.h, before anything else is sent to a server that has come back.
 * Several records are on their way at once, but none that overlaps another: a server may do in any order what it has
 * not answered.
 *
 * Records that were sent stay in the journal until a flush covers them, as the server may go away once more.
 */
#include "device/file_nbd_private.h"

#include <errno.h>

static void send_piece(struct nbd_replay *replay)
{
    const struct nbd_record *record = replay->record;
    uint64_t limit = file_nbd_limit(replay->call.nbd, record->zeroes);
    uint64_t left = record->length - replay->done;

    replay->step = left < limit ? left : limit;
    if (record->zeroes) {
        file_nbd_send_zeroes(&replay->call, record->offset + replay->done, replay->step, record->may_unmap);
    } else {
        file_nbd_send_bytes(&replay->call, record->bytes + replay->done, record->offset + replay->done, replay->step);
    }
}

static void settle(struct nbd_call *call)
{
    struct nbd_replay *replay = (struct nbd_replay *)call;
    struct nbd_record *record = replay->record;
    struct file_nbd *nbd = call->nbd;

    if (call->error == 0) {
        replay->done += replay->step;
        if (replay->done < record->length) {
            send_piece(replay);
            return;
        }
        nbd->replayed++;
        nbd->replayed_bytes += record->length;
    }
    replay->record = NULL;
    nbd->replaying--;
    if (call->error != 0) {
        file_nbd_note_damage(nbd, record, call->error);
    }
}

/* A place for the record; NULL: it has to wait for an answer to another. */
static struct nbd_replay *place_for(struct file_nbd *nbd, const struct nbd_record *record)
{
    struct nbd_replay *place = NULL;

    for (unsigned i = 0; i < NBD_REPLAYS; i++) {
        const struct nbd_record *other = nbd->replay[i].record;

        if (other == NULL) {
            place = &nbd->replay[i];
        } else if (record->offset < other->offset + other->length && other->offset < record->offset + record->length) {
            return NULL;
        }
    }
    return place;
}

void file_nbd_replay_begin(struct file_nbd *nbd)
{
    nbd->replay_next = TAILQ_FIRST(&nbd->journal.kept);
    nbd->replayed = 0;
    nbd->replayed_bytes = 0;
}

bool file_nbd_replay(struct file_nbd *nbd)
{
    struct nbd_replay *replay;

    while (nbd->replay_next != NULL && (replay = place_for(nbd, nbd->replay_next)) != NULL) {
        replay->record = nbd->replay_next;
        replay->done = 0;
        nbd->replay_next = TAILQ_NEXT(nbd->replay_next, place);
        nbd->replaying++;
        send_piece(replay);
    }
    return nbd->replay_next == NULL && nbd->replaying == 0;
}

void file_nbd_replay_end(struct file_nbd *nbd)
{
    nbd->replay_next = NULL;
    nbd->replaying = 0;
    for (unsigned i = 0; i < NBD_REPLAYS; i++) {
        nbd->replay[i].record = NULL;
    }
}

void file_nbd_init_replays(struct file_nbd *nbd)
{
    for (unsigned i = 0; i < NBD_REPLAYS; i++) {
        nbd->replay[i].call = (struct nbd_call){.nbd = nbd, .settle = settle};
    }
}
