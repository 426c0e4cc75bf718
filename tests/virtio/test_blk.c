/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of virtio-blk that move data, tell the serial number or are wrong (virtio 1.4 §5.2.6). */
#include <errno.h>
#include <string.h>

#include "tests/virtio/blk.h"

START_TEST(read_sectors)
{
    uint32_t used;

    used = blk_request(IN, 3, 1024);
    ck_assert_uint_eq(blk_status(), OK);
    ck_assert_uint_eq(used, 1025);
    ck_assert_mem_eq(fake->ram + DATA, fake->file.data + 3 * 512, 1024);
    ck_assert_uint_eq(blk_counter("reads"), 1);
    ck_assert_uint_eq(blk_counter("bytes-read"), 1024);
    ck_assert_uint_eq(fake->msix[1], 1);
}
END_TEST

START_TEST(write_sectors)
{
    uint32_t used;

    memset(fake->ram + DATA, 0xa5, 512);
    used = blk_request(OUT, BLK_SECTORS - 1, 512);
    ck_assert_uint_eq(blk_status(), OK);
    ck_assert_uint_eq(used, 1);
    ck_assert_mem_eq(fake->file.data + (BLK_SECTORS - 1) * 512, fake->ram + DATA, 512);
    ck_assert_uint_eq(blk_counter("writes"), 1);
    ck_assert_uint_eq(blk_counter("bytes-written"), 512);
}
END_TEST

START_TEST(no_data)
{
    uint32_t used;

    used = blk_request(IN, BLK_SECTORS, 0);
    ck_assert_uint_eq(blk_status(), OK);
    ck_assert_uint_eq(used, 1);
}
END_TEST

START_TEST(out_of_bounds)
{
    static const struct {
        uint64_t sector;
        uint32_t length;
    } rows[] = {{BLK_SECTORS, 512},
                {BLK_SECTORS - 1, 1024},
                {BLK_SECTORS + 1, 0},
                {UINT64_MAX, 512},
                {UINT64_MAX, 1024},
                {UINT64_MAX / 512, 512},
                {UINT64_MAX / 512 + 1, 512},
                {0, 511},
                {0, 513},
                {1, 1}};
    uint32_t used;

    used = blk_request(_i % 2 ? IN : OUT, rows[_i / 2].sector, rows[_i / 2].length);
    ck_assert_uint_eq(blk_status(), IOERR);
    ck_assert_uint_le(used, 1);
    ck_assert_uint_eq(blk_counter("errors"), 1);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
}
END_TEST

START_TEST(file_error)
{
    static const struct {
        uint32_t type;
        int error;
    } rows[] = {{IN, -EIO}, {OUT, -EIO}, {OUT, -ENOSPC}, {OUT, -EOPNOTSUPP}, {OUT, -EDQUOT}, {IN, -ENODATA}};

    blk_submit(rows[_i].type, 0, 512);
    fake_complete(fake, 0, rows[_i].error);
    fake_pump(fake);
    /* Nobody knows what was read, and the status lies behind it. */
    ck_assert_uint_eq(blk_used(), rows[_i].type == IN ? 0 : 1);
    ck_assert_uint_eq(blk_status(), IOERR);
    ck_assert_uint_eq(blk_counter("errors"), 1);
    ck_assert_uint_eq(fake->requests, 0);
}
END_TEST

START_TEST(get_id_5_2_6)
{
    static const char wanted[20] = "S-0123";
    uint32_t used;

    memset(fake->ram + DATA, 0xff, 32);
    used = blk_request(GET_ID, 0, 20);
    ck_assert_uint_eq(blk_status(), OK);
    ck_assert_uint_eq(used, 21);
    ck_assert_mem_eq(fake->ram + DATA, wanted, 20);
    ck_assert_uint_eq(fake->ram[DATA + 20], 0xff);
    memset(fake->ram + DATA, 0xff, 32);
    used = blk_request(GET_ID, 0, 4);
    ck_assert_uint_eq(used, 5);
    ck_assert_mem_eq(fake->ram + DATA, "S-01\xff", 5);
    used = blk_request(GET_ID, 0, 32);
    ck_assert_uint_eq(used, 20); /* a gap before the status */
    ck_assert_uint_eq(fake->ram[DATA + 20], 0xff);
}
END_TEST

START_TEST(full_serial)
{
    strcpy(blk_property("serial"), "01234567890123456789");
    blk_request(GET_ID, 0, 20);
    ck_assert_mem_eq(fake->ram + DATA, "01234567890123456789", 20);
}
END_TEST

/* SCSI commands, the legacy flush and barrier, the gaps between the types, and what is not offered (§5.2.6.3). */
START_TEST(unknown_types_5_2_6)
{
    static const uint32_t types[] = {2, 3, FLUSH_OUT, 9, 12, 17, 0x80000000, 0x80000001, 0xffffffff};

    ck_assert_uint_eq(blk_request(types[_i], 0, 512), 0);
    ck_assert_uint_eq(blk_status(), UNSUPP);
    ck_assert_uint_eq(fake->requests, 0);
}
END_TEST

START_TEST(zone_requests_without_zones_5_2_6_2)
{
    static const uint32_t types[] = {15, 16, 18, 20, 22, 24, 26};

    ck_assert_uint_eq(blk_request(types[_i], 0, 512), 0);
    ck_assert_uint_eq(blk_status(), UNSUPP);
}
END_TEST

START_TEST(lifetime_is_not_known_5_2_6_2)
{
    ck_assert((driver_offered(&driver) & F_LIFETIME) == 0);
    ck_assert_uint_eq(blk_request(10, 0, 6), 0);
    ck_assert_uint_eq(blk_status(), UNSUPP);
}
END_TEST

/* The header in 16 descriptors, data across several, the status in the same one as the end of the data. */
START_TEST(split_everywhere)
{
    struct part parts[20];
    uint32_t id, used;
    unsigned n = 0;

    blk_header(IN, 1);
    for (unsigned i = 0; i < 16; i++) {
        parts[n++] = (struct part){HEADER + i, 1, 0};
    }
    parts[n++] = (struct part){DATA, 100, WRITE};
    parts[n++] = (struct part){DATA + 200, 1, WRITE};
    parts[n++] = (struct part){DATA + 300, 411 + 1, WRITE};
    fake->ram[DATA + 300 + 411] = UNTOUCHED;
    driver_add(&driver, 0, parts, n);
    driver_kick(&driver, 0);
    fake_complete_all(fake);
    ck_assert(driver_used(&driver, 0, &id, &used));
    ck_assert_uint_eq(used, 513);
    ck_assert_uint_eq(fake->ram[DATA + 300 + 411], OK);
    ck_assert_mem_eq(fake->ram + DATA, fake->file.data + 512, 100);
    ck_assert_mem_eq(fake->ram + DATA + 200, fake->file.data + 612, 1);
    ck_assert_mem_eq(fake->ram + DATA + 300, fake->file.data + 613, 411);
}
END_TEST

/* Header and data to write in one descriptor, split again in the middle of a sector. */
START_TEST(header_with_data)
{
    const struct part parts[] = {{HEADER, 16 + 100, 0}, {DATA, 412, 0}, {STATUS_, 1, WRITE}};
    uint32_t id, used;

    blk_header(OUT, 2);
    memset(fake->ram + HEADER + 16, 1, 100);
    memset(fake->ram + DATA, 2, 412);
    driver_add(&driver, 0, parts, 3);
    driver_kick(&driver, 0);
    fake_complete_all(fake);
    ck_assert(driver_used(&driver, 0, &id, &used));
    ck_assert_uint_eq(blk_status(), OK);
    ck_assert_mem_eq(fake->file.data + 1024, fake->ram + HEADER + 16, 100);
    ck_assert_mem_eq(fake->file.data + 1124, fake->ram + DATA, 412);
}
END_TEST

START_TEST(malformed)
{
    static const struct part short_header[] = {{HEADER, 15, 0}, {STATUS_, 1, WRITE}};
    static const struct part no_status[] = {{HEADER, 16, 0}, {DATA, 512, 0}};
    static const struct part no_header[] = {{STATUS_, 1, WRITE}};
    static const struct part status_nowhere[] = {{HEADER, 16, 0}, {FAKE_RAM, 1, WRITE}};

    blk_header(DISCARD, 0);
    switch (_i) {
    case 0:
        driver_add(&driver, 0, short_header, 2);
        break;
    case 1:
        driver_add(&driver, 0, no_status, 2);
        break;
    case 2:
        driver_add(&driver, 0, no_header, 1);
        break;
    default:
        driver_add(&driver, 0, status_nowhere, 2);
        break;
    }
    driver_kick(&driver, 0);
    ck_assert_uint_eq(driver_status(&driver), 0x4f);
    ck_assert_uint_eq(driver_used_index(&driver, 0), 0);
    ck_assert_uint_eq(blk_status(), UNTOUCHED);
    driver_write(&driver, STATUS, 1, 0);
    ck_assert_uint_eq(driver_status(&driver), 0);
}
END_TEST

/* Data that lies in no memory fails the request and no more than that. */
START_TEST(data_fault)
{
    const struct part parts[] = {
        {HEADER, 16, 0}, {DATA, 512, WRITE}, {FAKE_RAM - 256, 512, WRITE}, {STATUS_, 1, WRITE}};
    uint32_t id, used;

    blk_header(IN, 0);
    driver_add(&driver, 0, parts, 4);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(fake->requests, 0);
    ck_assert(driver_used(&driver, 0, &id, &used));
    ck_assert_uint_eq(blk_status(), IOERR);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
    ck_assert_uint_eq(fake->pinned, 0);
}
END_TEST

START_TEST(header_fault)
{
    const struct part parts[] = {{FAKE_RAM, 16, 0}, {STATUS_, 1, WRITE}};
    uint32_t id, used;

    driver_add(&driver, 0, parts, 2);
    driver_kick(&driver, 0);
    ck_assert(driver_used(&driver, 0, &id, &used));
    ck_assert_uint_eq(blk_status(), IOERR);
    ck_assert_uint_eq(used, 1);
}
END_TEST

/* As many as the queue takes, answered from the last to the first. */
START_TEST(many_in_flight)
{
    struct part table[3] = {{HEADER, 16, NEXT}, {0, 512, NEXT | WRITE}, {0, 1, WRITE}};
    uint32_t id, used;

    blk_header(IN, 5);
    for (uint16_t i = 0; i < BLK_SIZE; i++) {
        uint32_t place = 0xa000 + 48u * i;
        const struct part indirect = {place, 48, INDIRECT};

        table[1].address = DATA + 512u * i;
        table[2].address = STATUS_ + i;
        for (uint16_t j = 0; j < 3; j++) {
            uint16_t next = (uint16_t)(j + 1);

            memcpy(fake->ram + place + 16u * j, &table[j].address, 8);
            memcpy(fake->ram + place + 16u * j + 8, &table[j].length, 4);
            memcpy(fake->ram + place + 16u * j + 12, &table[j].flags, 2);
            memcpy(fake->ram + place + 16u * j + 14, &next, 2);
        }
        fake->ram[STATUS_ + i] = UNTOUCHED;
        driver_add(&driver, 0, &indirect, 1);
    }
    driver_kick(&driver, 0);
    ck_assert_uint_eq(fake->requests, BLK_SIZE);
    while (fake->requests != 0) {
        fake_complete(fake, fake->requests - 1, 0);
    }
    fake_pump(fake);
    ck_assert_uint_eq(fake->msix[1], 1);
    for (unsigned i = 0; i < BLK_SIZE; i++) {
        ck_assert(driver_used(&driver, 0, &id, &used));
        ck_assert_uint_eq(id, BLK_SIZE - 1 - i);
        ck_assert_uint_eq(used, 513);
        ck_assert_uint_eq(fake->ram[STATUS_ + i], OK);
        ck_assert_mem_eq(fake->ram + DATA + 512 * i, fake->file.data + 5 * 512, 512);
    }
}
END_TEST

START_TEST(reset_with_file_requests)
{
    const struct part parts[] = {{HEADER, 16, 0}, {DATA, 512, WRITE}, {STATUS_, 1, WRITE}};

    blk_header(IN, 0);
    driver_add(&driver, 0, parts, 3);
    driver_kick(&driver, 0);
    driver_write(&driver, STATUS, 1, 0);
    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
    ck_assert_uint_eq(fake->pinned, 1);
    fake_complete_all(fake);
    ck_assert_uint_eq(driver_status(&driver), 0);
    ck_assert_uint_eq(fake->pinned, 0);
    ck_assert_uint_eq(driver_used_index(&driver, 0), 0);
}
END_TEST

TCase *blk_cases(void)
{
    TCase *cases = tcase_create("virtio-blk");

    tcase_add_checked_fixture(cases, blk_setup, blk_end);
    tcase_add_test(cases, read_sectors);
    tcase_add_test(cases, write_sectors);
    tcase_add_test(cases, no_data);
    tcase_add_loop_test(cases, out_of_bounds, 0, 20);
    tcase_add_loop_test(cases, file_error, 0, 6);
    tcase_add_test(cases, get_id_5_2_6);
    tcase_add_test(cases, full_serial);
    tcase_add_loop_test(cases, unknown_types_5_2_6, 0, 9);
    tcase_add_loop_test(cases, zone_requests_without_zones_5_2_6_2, 0, 7);
    tcase_add_test(cases, lifetime_is_not_known_5_2_6_2);
    tcase_add_test(cases, split_everywhere);
    tcase_add_test(cases, header_with_data);
    tcase_add_loop_test(cases, malformed, 0, 4);
    tcase_add_test(cases, data_fault);
    tcase_add_test(cases, header_fault);
    tcase_add_test(cases, many_in_flight);
    tcase_add_test(cases, reset_with_file_requests);
    return cases;
}
