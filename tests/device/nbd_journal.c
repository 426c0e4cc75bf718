/* SPDX-License-Identifier: BSD-2-Clause */
/* The journal of an NBD export by itself: its records, and its memory. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device/file_nbd_journal.h"
#include "tests/device/nbd_bench.h"

#define LARGE_RECORD 262144u
#define RECORDS      4096u
#define ROUNDS       20000u

static uint32_t seed = 1;

static uint32_t pick(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

static void check_record(const struct nbd_record *record)
{
    uint32_t bytes = (uint32_t)record->length;

    if (bytes != 0 &&
        (record->bytes[0] != (uint8_t)record->offset || record->bytes[bytes - 1] != (uint8_t)record->offset)) {
        ck_abort_msg("the bytes of a record were changed");
    }
}

static struct nbd_record *make_record(struct nbd_journal *journal, uint32_t bytes, uint64_t offset)
{
    struct nbd_record *record = nbd_journal_begin(journal, bytes);

    if (record != NULL) {
        record->offset = offset;
        record->length = bytes;
        memset(record->bytes, (int)(uint8_t)offset, bytes);
    }
    return record;
}

/* Records are begun, kept, given up and dropped in any order: none overlaps another, and there is room when promised. */
START_TEST(records_keep_their_bytes)
{
    static struct nbd_record *begun[RECORDS];
    struct nbd_journal journal;
    unsigned count = 0, refused = 0;
    uint64_t last = 0;

    nbd_journal_init(&journal);
    ck_assert(nbd_journal_prepare(&journal));
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint32_t bytes = pick(4) == 0 ? pick(LARGE_RECORD + 1) : pick(3) * 4096;
        struct nbd_record *record = count < RECORDS ? make_record(&journal, bytes, i) : NULL;

        if (record != NULL) {
            begun[count++] = record;
        } else {
            refused++;
            ck_assert_uint_gt(journal.used, NBD_JOURNAL_BYTES / 2);
        }
        ck_assert_uint_le(journal.used, NBD_JOURNAL_BYTES);
        if (count > 0 && pick(8) != 0) {
            unsigned which = pick(count);

            check_record(begun[which]);
            if (pick(10) == 0) {
                nbd_journal_release(&journal, begun[which]);
            } else {
                nbd_journal_keep(&journal, begun[which]);
            }
            begun[which] = begun[--count];
        }
        if (pick(64) == 0) {
            struct nbd_record *kept;
            uint64_t before = 0;

            TAILQ_FOREACH(kept, &journal.kept, place)
            {
                check_record(kept);
                if (kept->number <= before || kept->number <= last) {
                    ck_abort_msg("not in the order of acknowledgement");
                }
                before = kept->number;
            }
            last = journal.acknowledged -
                   (journal.acknowledged > last ? pick((uint32_t)(journal.acknowledged - last)) : 0);
            nbd_journal_drop(&journal, last);
        }
    }
    ck_assert_uint_gt(refused, 0);
    while (count > 0) {
        nbd_journal_release(&journal, begun[--count]);
    }
    nbd_journal_drop(&journal, journal.acknowledged);
    ck_assert_uint_eq(journal.used | journal.kept_size | journal.kept_length, 0);
    nbd_journal_destroy(&journal);
}
END_TEST

static unsigned resident_pages(const struct nbd_journal *journal)
{
    static unsigned char map[NBD_JOURNAL_BYTES / 4096];
    unsigned pages = 0;

    ck_assert_int_eq(mincore(journal->memory, NBD_JOURNAL_BYTES, map), 0);
    for (unsigned i = 0; i < NBD_JOURNAL_BYTES / (unsigned)sysconf(_SC_PAGESIZE); i++) {
        pages += map[i] & 1;
    }
    return pages;
}

START_TEST(memory_is_taken_as_needed_and_given_back)
{
    struct nbd_journal journal;
    struct nbd_record *record;

    nbd_journal_init(&journal);
    ck_assert(nbd_journal_prepare(&journal));
    ck_assert_uint_eq(resident_pages(&journal), 0);
    record = make_record(&journal, LARGE_RECORD, 1);
    ck_assert_uint_gt(resident_pages(&journal), 0);
    nbd_journal_trim(&journal); /* it is needed */
    check_record(record);
    nbd_journal_keep(&journal, record);
    nbd_journal_drop(&journal, journal.acknowledged);
    nbd_journal_trim(&journal);
    ck_assert_uint_eq(resident_pages(&journal), 0);
    nbd_journal_destroy(&journal);
}
END_TEST

TCase *nbd_journal_tests(void)
{
    TCase *group = tcase_create("NBD journal");

    tcase_set_timeout(group, 60);
    tcase_add_test(group, records_keep_their_bytes);
    tcase_add_test(group, memory_is_taken_as_needed_and_given_back);
    return group;
}
