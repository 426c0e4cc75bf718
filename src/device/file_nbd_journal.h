/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a server may still forget: the bytes of writes, from before they are sent until a flush that was sent after
 * they were acknowledged has succeeded. A write's bytes are gathered into its record and sent out of it, so that
 * keeping them costs no second copy.
 *
 * The records lie in a ring, in the order in which they were begun, and only as much of it is resident as was used.
 * What was acknowledged is listed in the order of that: of two writes that overlap the guest may count on the later
 * one only if it began after the earlier one was acknowledged. Zeroes have a record without bytes. Discards have none:
 * nothing is promised of what was discarded, and it stays so when it comes back.
 *
 * Owned by a struct file_nbd, and used on its loop.
 */
#ifndef IOREQD_DEVICE_FILE_NBD_JOURNAL_H
#define IOREQD_DEVICE_FILE_NBD_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#define NBD_JOURNAL_BYTES (UINT32_C(4) << 20) /* with the records' heads */
#define NBD_RECORD_UNIT   64u

enum nbd_record_state {
    NBD_RECORD_FREE,  /* or a gap, before the ring begins anew */
    NBD_RECORD_BEGUN, /* not acknowledged */
    NBD_RECORD_KEPT
};

struct nbd_record {
    TAILQ_ENTRY(nbd_record) place; /* among those kept */
    uint64_t offset, length;       /* in the export */
    uint64_t number;               /* of the acknowledgement */
    uint32_t size;                 /* in the ring, with this head; a multiple of NBD_RECORD_UNIT */
    uint8_t state;                 /* enum nbd_record_state */
    bool zeroes;                   /* and no bytes */
    bool may_unmap;                /* of zeroes */
    _Alignas(NBD_RECORD_UNIT) uint8_t bytes[];
};

/* Zeroed but for the list, it is empty. */
struct nbd_journal {
    uint8_t *memory; /* NULL until it is needed */
    uint32_t begin, end;
    uint32_t used; /* bytes from begin to end: tells a full ring from an empty one */
    TAILQ_HEAD(, nbd_record) kept;
    uint32_t kept_size;    /* of their records */
    uint64_t kept_length;  /* in the export */
    uint64_t begun;        /* records, since the beginning */
    uint64_t acknowledged; /* of them: the number of the last */
};

void nbd_journal_init(struct nbd_journal *journal);
void nbd_journal_destroy(struct nbd_journal *journal);

/* Makes sure that there is memory: false if there is none. */
bool nbd_journal_prepare(struct nbd_journal *journal);
/*
 * A record with room for so many bytes, a sixteenth of the journal at most; offset, length and what it is are the
 * caller's to fill in. NULL: there is no room now. There always is some while no more than half of the journal is
 * used.
 */
struct nbd_record *nbd_journal_begin(struct nbd_journal *journal, uint32_t bytes);
/* The write is acknowledged. */
void nbd_journal_keep(struct nbd_journal *journal, struct nbd_record *record);
/* The record is needed no more, kept or not. */
void nbd_journal_release(struct nbd_journal *journal, struct nbd_record *record);
/* A flush has succeeded that was sent when so many were acknowledged. */
void nbd_journal_drop(struct nbd_journal *journal, uint64_t acknowledged);
/* Gives the memory of an empty journal back; nothing is done to one that is not. */
void nbd_journal_trim(struct nbd_journal *journal);

#endif
