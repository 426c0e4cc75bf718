/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Discard, write zeroes and secure erase (virtio 1.4 §5.2.6). The disk of blk_setup() takes ranges of 48, 40 and 32
 * sectors.
 */
#include <errno.h>
#include <string.h>

#include "tests/virtio/blk.h"

#define UNMAP 1u

static const uint32_t types[] = {DISCARD, ZEROES, ERASE};
static const uint8_t operations[] = {IOREQD_FILE_DISCARD, IOREQD_FILE_WRITE_ZEROES, IOREQD_FILE_ERASE};
static const uint8_t left[] = {FAKE_DISCARDED, 0, FAKE_ERASED};
static const char *const counters[] = {"discards", "write-zeroes", "erases"};

/* Whether the sectors have this in them, and what is around them was left alone. */
static bool only_there(uint64_t sector, uint64_t sectors, uint8_t value)
{
    bool good = true;

    for (uint64_t i = 0; i < BLK_SECTORS * 512; i++) {
        bool inside = i / 512 >= sector && i / 512 < sector + sectors;

        good &= fake->file.data[i] == (inside ? value : (uint8_t)(i / 512 + i));
    }
    return good;
}

START_TEST(one_range_5_2_6)
{
    blk_range(0, 3, 2, 0);
    blk_submit(types[_i], 0, 16);
    ck_assert_uint_eq(fake->requests, 1);
    ck_assert_uint_eq(fake->request[0]->operation, operations[_i]);
    ck_assert_uint_eq(fake->request[0]->flags, 0);
    ck_assert_uint_eq(fake->request[0]->offset, 3 * 512);
    ck_assert_uint_eq(fake->request[0]->length, 2 * 512);
    ck_assert_uint_eq(blk_status(), UNTOUCHED);
    fake_complete_all(fake);
    ck_assert_uint_eq(blk_used(), 1);
    ck_assert_uint_eq(blk_status(), OK);
    ck_assert(only_there(3, 2, left[_i]));
    ck_assert_uint_eq(blk_counter(counters[_i]), 1);
    ck_assert_uint_eq(blk_counter("errors"), 0);
}
END_TEST

/* As many as there may be, next to each other, one after the other. */
START_TEST(several_ranges_5_2_6)
{
    for (unsigned i = 0; i < 16; i++) {
        blk_range(i, 10 + 2 * i, 2, 0);
    }
    blk_submit(types[_i], 0, 16 * 16);
    for (unsigned i = 0; i < 16; i++) {
        ck_assert_uint_eq(fake->requests, 1);
        ck_assert_uint_eq(fake->request[0]->offset, (10 + 2 * i) * 512);
        ck_assert_uint_eq(blk_status(), UNTOUCHED);
        fake_complete(fake, 0, 0);
        fake_pump(fake);
    }
    ck_assert_uint_eq(fake->requests, 0);
    ck_assert_uint_eq(blk_used(), 1);
    ck_assert_uint_eq(blk_status(), OK);
    ck_assert(only_there(10, 32, left[_i]));
}
END_TEST

/* What the driver writes into its list after the device has copied it is of no effect. */
START_TEST(list_is_copied_once)
{
    unsigned accesses;

    blk_range(0, 0, 1, 0);
    blk_range(1, 1, 1, 0);
    blk_submit(types[_i], 0, 32);
    accesses = fake->accesses;
    memset(fake->ram + LIST, 0xff, 32);
    fake_complete(fake, 0, 0);
    ck_assert_uint_eq(fake->requests, 1);
    ck_assert_uint_eq(fake->accesses, accesses);
    ck_assert_uint_eq(fake->request[0]->offset, 512);
    ck_assert_uint_eq(fake->request[0]->length, 512);
    fake_complete_all(fake);
    ck_assert_uint_eq(blk_status(), OK);
}
END_TEST

START_TEST(unknown_flags_5_2_6_2)
{
    static const uint32_t flags[] = {2, 3, 0x80000000, 0xffffffff};

    /* Nothing is done, not even of the ranges before. */
    blk_range(0, 0, 1, 0);
    blk_range(1, 1, 1, flags[_i / 3]);
    ck_assert_uint_eq(blk_request(types[_i % 3], 0, 32), 1);
    ck_assert_uint_eq(blk_status(), UNSUPP);
    ck_assert(only_there(0, 0, 0));
}
END_TEST

START_TEST(discard_with_unmap_5_2_6_2)
{
    blk_range(0, 0, 1, UNMAP);
    blk_request(_i == 0 ? DISCARD : ERASE, 0, 16); /* the flag means nothing to an erase either */
    ck_assert_uint_eq(blk_status(), UNSUPP);
    ck_assert(only_there(0, 0, 0));
}
END_TEST

/* Flags come before the rest of the range, and before write protection. */
START_TEST(flags_come_first_5_2_6_2)
{
    blk_range(0, UINT64_MAX, 1, 2);
    blk_request(types[_i], 0, 16);
    ck_assert_uint_eq(blk_status(), UNSUPP);
}
END_TEST

START_TEST(zeroes_read_as_zeroes_5_2_6_2)
{
    static const uint8_t zeroes[512];

    blk_range(0, 7, 3, _i == 0 ? 0 : UNMAP);
    blk_submit(ZEROES, 0, 16);
    ck_assert_uint_eq(fake->request[0]->flags, _i == 0 ? 0 : IOREQD_FILE_MAY_UNMAP);
    fake_complete_all(fake);
    ck_assert_uint_eq(blk_used(), 1);
    ck_assert(only_there(7, 3, 0));
    memset(fake->ram + DATA, 1, 512);
    ck_assert_uint_eq(blk_request(IN, 9, 512), 513);
    ck_assert_mem_eq(fake->ram + DATA, zeroes, 512);
}
END_TEST

/* The flag belongs to a range, not to the request. */
START_TEST(unmap_by_range)
{
    blk_range(0, 0, 1, UNMAP);
    blk_range(1, 1, 1, 0);
    blk_submit(ZEROES, 0, 32);
    ck_assert_uint_eq(fake->request[0]->flags, IOREQD_FILE_MAY_UNMAP);
    fake_complete(fake, 0, 0);
    ck_assert_uint_eq(fake->request[0]->flags, 0);
    fake_complete_all(fake);
}
END_TEST

/* The driver may ask; a disk that keeps its room zeroes without. */
START_TEST(may_unmap_is_0_where_nothing_is_unmapped_5_2_6_2)
{
    blk_end(); /* another disk than the others have */
    blk_prepare(BLK_SECTORS * 512);
    fake->file.facts.abilities = IOREQD_FILE_CAN_WRITE_ZEROES | (_i == 0 ? 0 : IOREQD_FILE_CAN_UNMAP);
    *(uint8_t *)blk_property("discard") = 0;
    ck_assert_int_eq(blk_create(), 0);
    blk_start(0);
    ck_assert_uint_eq(driver_read(&driver, MAY_UNMAP, 1), 0);
    blk_range(0, 7, 3, UNMAP);
    blk_submit(ZEROES, 0, 16);
    ck_assert_uint_eq(fake->request[0]->flags, 0);
    fake_complete_all(fake);
    ck_assert_uint_eq(blk_status(), OK);
    ck_assert(only_there(7, 3, 0));
}
END_TEST

START_TEST(lists_of_a_wrong_length_5_2_6_1)
{
    static const uint32_t lengths[] = {0, 1, 8, 15, 17, 31, 257, 17 * 16, 4096};

    memset(fake->ram + LIST, 0, 4096);
    ck_assert_uint_eq(blk_request(types[_i % 3], 0, lengths[_i / 3]), 1);
    ck_assert_uint_eq(blk_status(), IOERR);
    ck_assert_uint_eq(fake->requests, 0);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
    ck_assert_uint_eq(blk_counter("errors"), 1);
}
END_TEST

START_TEST(ranges_outside_5_2_6)
{
    static const struct {
        uint64_t sector;
        uint32_t sectors;
    } rows[] = {{BLK_SECTORS, 1},          {BLK_SECTORS - 1, 2}, {BLK_SECTORS + 1, 0},
                {UINT64_MAX, 1},           {UINT64_MAX, 2},      {UINT64_MAX / 512, 1},
                {UINT64_MAX / 512 + 1, 1}, {0, BLK_SECTORS + 1}, {0, UINT32_MAX}};

    blk_range(0, 0, 1, 0); /* good, and not done either */
    blk_range(1, rows[_i / 3].sector, rows[_i / 3].sectors, 0);
    blk_request(types[_i % 3], 0, 32);
    ck_assert_uint_eq(blk_status(), IOERR);
    ck_assert(only_there(0, 0, 0));
}
END_TEST

/* More than max_discard_sectors and the like. */
START_TEST(ranges_too_long_5_2_6)
{
    static const uint32_t most[] = {48, 40, 32};

    blk_range(0, 0, most[_i], 0);
    blk_request(types[_i], 0, 16);
    ck_assert_uint_eq(blk_status(), OK);
    blk_range(0, 0, most[_i] + 1, 0);
    blk_request(types[_i], 0, 16);
    ck_assert_uint_eq(blk_status(), IOERR);
    ck_assert(only_there(0, most[_i], left[_i]));
}
END_TEST

/* Nothing forbids ranges of nothing. */
START_TEST(empty_ranges)
{
    blk_range(0, BLK_SECTORS, 0, 0);
    blk_range(1, 5, 1, 0);
    blk_range(2, 0, 0, 0);
    blk_submit(types[_i], 0, 48);
    ck_assert_uint_eq(fake->requests, 1);
    fake_complete(fake, 0, 0);
    ck_assert_uint_eq(fake->requests, 0);
    fake_pump(fake);
    ck_assert_uint_eq(blk_status(), OK);
    ck_assert(only_there(5, 1, left[_i]));
    blk_submit(types[_i], 0, 16);
    ck_assert_uint_eq(fake->requests, 0);
    ck_assert_uint_eq(blk_status(), OK);
}
END_TEST

/* What the file answers, to the second of three ranges. */
START_TEST(errors_of_the_file)
{
    static const struct {
        int error;
        uint8_t status;
    } rows[] = {{-EIO, IOERR}, {-ENOSPC, IOERR}, {-EOPNOTSUPP, UNSUPP}, {-ENOTSUP, UNSUPP}, {-EINVAL, IOERR}};

    for (unsigned i = 0; i < 3; i++) {
        blk_range(i, i, 1, 0);
    }
    blk_submit(types[_i % 3], 0, 48);
    fake_complete(fake, 0, 0);
    fake_complete(fake, 0, rows[_i / 3].error);
    fake_pump(fake);
    ck_assert_uint_eq(fake->requests, 0);
    ck_assert_uint_eq(blk_used(), 1);
    ck_assert_uint_eq(blk_status(), rows[_i / 3].status);
    ck_assert_uint_eq(blk_counter("errors"), 1);
    ck_assert(only_there(0, 1, left[_i % 3]));
}
END_TEST

/* Header and list in pieces, and the status behind bytes that nobody asked for. */
START_TEST(list_in_pieces)
{
    const struct part parts[] = {{HEADER, 10, 0},   {HEADER + 10, 6, 0}, {LIST, 3, 0},       {LIST + 3, 20, 0},
                                 {LIST + 23, 9, 0}, {DATA, 8, WRITE},    {STATUS_, 1, WRITE}};

    blk_range(0, 5, 1, 0);
    blk_range(1, 6, 1, 0);
    blk_header(types[_i], 0);
    driver_add(&driver, 0, parts, 7);
    driver_kick(&driver, 0);
    fake_complete_all(fake);
    ck_assert_uint_eq(blk_used(), 0); /* the status lies behind bytes that were not written */
    ck_assert_uint_eq(blk_status(), OK);
    ck_assert(only_there(5, 2, left[_i]));
}
END_TEST

START_TEST(list_outside_of_memory)
{
    const struct part parts[] = {{HEADER, 16, 0}, {FAKE_RAM - 8, 16, 0}, {STATUS_, 1, WRITE}};

    blk_header(types[_i], 0);
    driver_add(&driver, 0, parts, 3);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(blk_used(), 1);
    ck_assert_uint_eq(blk_status(), IOERR);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
}
END_TEST

/* Which waits for the whole list. */
START_TEST(reset_in_the_middle)
{
    blk_range(0, 0, 1, 0);
    blk_range(1, 1, 1, 0);
    blk_submit(types[_i], 0, 32);
    driver_write(&driver, STATUS, 1, 0);
    fake_complete(fake, 0, 0);
    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
    fake_complete_all(fake);
    ck_assert_uint_eq(driver_status(&driver), 0);
    ck_assert_uint_eq(driver_used_index(&driver, 0), 0);
    ck_assert(only_there(0, 2, left[_i]));
}
END_TEST

TCase *blk_ranges_cases(void)
{
    TCase *cases = tcase_create("virtio-blk ranges");

    tcase_add_checked_fixture(cases, blk_setup, blk_end);
    tcase_add_loop_test(cases, one_range_5_2_6, 0, 3);
    tcase_add_loop_test(cases, several_ranges_5_2_6, 0, 3);
    tcase_add_loop_test(cases, list_is_copied_once, 0, 3);
    tcase_add_loop_test(cases, unknown_flags_5_2_6_2, 0, 12);
    tcase_add_loop_test(cases, discard_with_unmap_5_2_6_2, 0, 2);
    tcase_add_loop_test(cases, flags_come_first_5_2_6_2, 0, 3);
    tcase_add_loop_test(cases, zeroes_read_as_zeroes_5_2_6_2, 0, 2);
    tcase_add_test(cases, unmap_by_range);
    tcase_add_loop_test(cases, may_unmap_is_0_where_nothing_is_unmapped_5_2_6_2, 0, 2);
    tcase_add_loop_test(cases, lists_of_a_wrong_length_5_2_6_1, 0, 27);
    tcase_add_loop_test(cases, ranges_outside_5_2_6, 0, 27);
    tcase_add_loop_test(cases, ranges_too_long_5_2_6, 0, 3);
    tcase_add_loop_test(cases, empty_ranges, 0, 3);
    tcase_add_loop_test(cases, errors_of_the_file, 0, 15);
    tcase_add_loop_test(cases, list_in_pieces, 0, 3);
    tcase_add_loop_test(cases, list_outside_of_memory, 0, 3);
    tcase_add_loop_test(cases, reset_in_the_middle, 0, 3);
    return cases;
}
