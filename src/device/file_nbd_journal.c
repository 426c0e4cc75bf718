/* SPDX-License-Identifier: BSD-2-Clause */
/* A ring of records, see file_nbd_journal.h. */
#define _GNU_SOURCE
#include "device/file_nbd_journal.h"

#include <stddef.h>
#include <sys/mman.h>

_Static_assert(sizeof(struct nbd_record) == NBD_RECORD_UNIT, "a gap of one unit has room for a record's head");
_Static_assert(NBD_JOURNAL_BYTES % NBD_RECORD_UNIT == 0, "records fill the ring to its end");

void nbd_journal_init(struct nbd_journal *journal)
{
    *journal = (struct nbd_journal){0};
    TAILQ_INIT(&journal->kept);
}

void nbd_journal_destroy(struct nbd_journal *journal)
{
    if (journal->memory != NULL) {
        munmap(journal->memory, NBD_JOURNAL_BYTES);
    }
    nbd_journal_init(journal);
}

bool nbd_journal_prepare(struct nbd_journal *journal)
{
    void *memory;

    if (journal->memory == NULL) {
        memory = mmap(NULL, NBD_JOURNAL_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        journal->memory = memory != MAP_FAILED ? memory : NULL;
    }
    return journal->memory != NULL;
}

static struct nbd_record *record_at(const struct nbd_journal *journal, uint32_t place)
{
    return (struct nbd_record *)(void *)(journal->memory + place);
}

static struct nbd_record *append(struct nbd_journal *journal, uint32_t size, enum nbd_record_state state)
{
    struct nbd_record *record = record_at(journal, journal->end);

    record->size = size;
    record->state = (uint8_t)state;
    journal->used += size;
    journal->end += size;
    if (journal->end == NBD_JOURNAL_BYTES) {
        journal->end = 0;
    }
    return record;
}

struct nbd_record *nbd_journal_begin(struct nbd_journal *journal, uint32_t bytes)
{
    uint32_t size =
        (uint32_t)sizeof(struct nbd_record) + (bytes + NBD_RECORD_UNIT - 1) / NBD_RECORD_UNIT * NBD_RECORD_UNIT;
    uint32_t rest = NBD_JOURNAL_BYTES - journal->end; /* up to where the ring begins anew */
    uint32_t gap = size > rest ? rest : 0;

    if (NBD_JOURNAL_BYTES - journal->used < gap || NBD_JOURNAL_BYTES - journal->used - gap < size) {
        return NULL;
    }
    if (gap != 0) {
        append(journal, gap, NBD_RECORD_FREE);
    }
    journal->begun++;
    return append(journal, size, NBD_RECORD_BEGUN);
}

void nbd_journal_keep(struct nbd_journal *journal, struct nbd_record *record)
{
    record->state = NBD_RECORD_KEPT;
    record->number = ++journal->acknowledged;
    journal->kept_size += record->size;
    journal->kept_length += record->length;
    TAILQ_INSERT_TAIL(&journal->kept, record, place);
}

/* The ring begins with a record that is needed. An empty one begins anew, with memory that the caches still have. */
static void advance(struct nbd_journal *journal)
{
    while (journal->used != 0 && record_at(journal, journal->begin)->state == NBD_RECORD_FREE) {
        uint32_t size = record_at(journal, journal->begin)->size;

        journal->used -= size;
        journal->begin += size;
        if (journal->begin == NBD_JOURNAL_BYTES) {
            journal->begin = 0;
        }
    }
    if (journal->used == 0) {
        journal->begin = 0;
        journal->end = 0;
    }
}

static void set_free(struct nbd_journal *journal, struct nbd_record *record)
{
    if (record->state == NBD_RECORD_KEPT) {
        TAILQ_REMOVE(&journal->kept, record, place);
        journal->kept_size -= record->size;
        journal->kept_length -= record->length;
    }
    record->state = NBD_RECORD_FREE;
}

void nbd_journal_release(struct nbd_journal *journal, struct nbd_record *record)
{
    set_free(journal, record);
    advance(journal);
}

void nbd_journal_drop(struct nbd_journal *journal, uint64_t acknowledged)
{
    struct nbd_record *record;

    while ((record = TAILQ_FIRST(&journal->kept)) != NULL && record->number <= acknowledged) {
        set_free(journal, record);
    }
    advance(journal);
}

void nbd_journal_trim(struct nbd_journal *journal)
{
    if (journal->memory != NULL && journal->used == 0) {
        madvise(journal->memory, NBD_JOURNAL_BYTES, MADV_DONTNEED);
    }
}
