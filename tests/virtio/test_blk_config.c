/* SPDX-License-Identifier: BSD-2-Clause */
/* What virtio-blk offers and shows, by its properties and what its file can do (virtio 1.4 §5.2.3 to §5.2.5). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/virtio/blk.h"

#define LIBRARY (F_VERSION_1 | F_INDIRECT | F_EVENT_IDX | F_RING_RESET)
#define ALWAYS  (F_SEG_MAX | F_BLK_SIZE | F_FLUSH | F_TOPOLOGY | F_CONFIG_WCE)
/* What this model may offer; the library's own features are not its business. */
#define OF_BLOCKS UINT64_C(0xffffff)

static uint64_t offered(void)
{
    return driver_offered(&driver) & OF_BLOCKS;
}

static void create(void)
{
    ck_assert_int_eq(blk_create(), 0);
}

/* As with a host that knows nothing of the file, and as users leave the properties. */
START_TEST(tables)
{
    blk_prepare(BLK_SECTORS * 512);
    create();
    ck_assert_uint_eq(driver.description.device, 0x1042);
    ck_assert_uint_eq(driver.description.class_code[0], 1);
    ck_assert_uint_eq(driver.description.class_code[1], 0);
    ck_assert(offered() == ALWAYS);
    ck_assert((driver_offered(&driver) & LIBRARY) == LIBRARY);
    ck_assert_uint_eq(driver_read(&driver, CAPACITY, 4), BLK_SECTORS);
    ck_assert_uint_eq(driver_read(&driver, CAPACITY + 4, 4), 0);
    ck_assert_uint_eq(driver_read(&driver, SEG_MAX, 4), 254);
    ck_assert_uint_eq(driver_read(&driver, BLOCK, 4), 512);
    ck_assert_uint_eq(driver_read(&driver, PHYSICAL_EXP, 4), 0);
    ck_assert_uint_eq(driver_read(&driver, OPTIMAL_IO, 4), 0);
    blk_end();
}
END_TEST

/* But for writeback, and that only as a byte. */
START_TEST(nothing_else_is_writable)
{
    uint32_t before[32];

    blk_setup();
    for (unsigned i = 0; i < 32; i++) {
        before[i] = driver_read(&driver, CONFIG + 4 * i, 4);
    }
    for (unsigned i = 0; i < 32; i++) {
        driver_write(&driver, CONFIG + 4 * i, 4, ~before[i]);
        driver_write(&driver, CONFIG + 4 * i + 2, 2, 0x5555);
        driver_write(&driver, CONFIG + 4 * i + 3, 1, 0);
    }
    for (unsigned i = 0; i < 32; i++) {
        ck_assert_uint_eq(driver_read(&driver, CONFIG + 4 * i, 4), before[i]);
    }
    driver_write(&driver, WRITEBACK, 1, 0);
    driver_write(&driver, WRITEBACK, 1, 2); /* neither mode */
    ck_assert_uint_eq(driver_read(&driver, WRITEBACK, 1), 0);
    blk_end();
}
END_TEST

START_TEST(flush_is_always_offered_5_2_5_2)
{
    blk_prepare(BLK_SECTORS * 512);
    *(uint8_t *)blk_property("write-cache") = (uint8_t)(_i & 1);
    *(uint8_t *)blk_property("readonly") = (uint8_t)(_i >> 1);
    create();
    ck_assert((offered() & (F_FLUSH | F_CONFIG_WCE)) == (F_FLUSH | F_CONFIG_WCE));
    blk_end();
}
END_TEST

START_TEST(padding_is_zero_5_2_5_2)
{
    blk_setup();
    ck_assert_uint_eq(driver_read(&driver, UNUSED_0, 1), 0);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(driver_read(&driver, UNUSED_1 + i, 1), 0);
    }
    blk_end();
}
END_TEST

START_TEST(zones_are_not_offered_5_2_5_2)
{
    blk_setup();
    ck_assert((offered() & F_ZONED) == 0);
    for (unsigned i = 0; i < 24; i += 4) {
        ck_assert_uint_eq(driver_read(&driver, ZONED + i, 4), 0);
    }
    blk_end();
}
END_TEST

START_TEST(nothing_of_legacy_devices_is_offered_5_2_3_1)
{
    blk_setup();
    ck_assert((offered() & (F_BARRIER | F_SCSI)) == 0);
    blk_end();
}
END_TEST

/* Write-protected by the property, and by the file. */
START_TEST(read_only_refuses_writes_5_2_6_2)
{
    uint8_t before[1024];

    blk_prepare(BLK_SECTORS * 512);
    *(uint8_t *)blk_property("readonly") = _i & 1;
    fake->file.read_only = (_i & 1) == 0;
    fake->file.facts.abilities =
        IOREQD_FILE_CAN_DISCARD | IOREQD_FILE_CAN_WRITE_ZEROES | IOREQD_FILE_CAN_UNMAP | IOREQD_FILE_CAN_ERASE;
    create();
    ck_assert(offered() == (ALWAYS | F_RO));
    blk_start(_i & 2 ? F_RO : 0);
    memcpy(before, fake->file.data, sizeof(before));
    blk_request(OUT, 0, 512);
    ck_assert_uint_eq(blk_status(), IOERR);
    blk_range(0, 0, _i & 2 ? 1 : 0, 0);
    blk_request(DISCARD, 0, 16);
    ck_assert_uint_eq(blk_status(), IOERR);
    blk_request(ZEROES, 0, 16);
    ck_assert_uint_eq(blk_status(), IOERR);
    blk_request(ERASE, 0, 16);
    ck_assert_uint_eq(blk_status(), IOERR);
    ck_assert_mem_eq(fake->file.data, before, sizeof(before));
    blk_request(IN, 0, 512);
    ck_assert_uint_eq(blk_status(), OK);
    blk_request(FLUSH, 0, 0);
    ck_assert_uint_eq(blk_status(), OK);
    blk_end();
}
END_TEST

/* ---- topology (§5.2.5) ---- */

static const struct topology {
    struct ioreqd_file_facts facts;
    uint64_t logical, physical, minimum, optimal; /* properties */
    uint32_t block, exponent, minimum_io, optimal_io;
} topologies[] = {
    {{.logical_block = 512, .physical_block = 4096, .minimum_io = 4096, .optimal_io = 65536},
     0,
     0,
     0,
     0,
     512,
     3,
     8,
     128},
    {{.logical_block = 4096, .physical_block = 4096, .minimum_io = 4096, .optimal_io = 65536},
     0,
     0,
     0,
     0,
     4096,
     0,
     1,
     16},
    /* Properties come before facts. */
    {{.logical_block = 512, .physical_block = 4096, .minimum_io = 4096, .optimal_io = 65536},
     4096,
     16384,
     8192,
     16384,
     4096,
     2,
     2,
     4},
    {{.logical_block = 4096, .physical_block = 4096}, 512, 0, 0, 0, 512, 3, 0, 0},
    /* Facts that mean nothing in these blocks. */
    {{.logical_block = 512, .physical_block = 512, .minimum_io = 512, .optimal_io = 512}, 4096, 0, 0, 0, 4096, 0, 0, 0},
    {{.logical_block = 3000, .physical_block = 5000, .minimum_io = 700, .optimal_io = 700}, 0, 0, 0, 0, 512, 0, 0, 0},
    /* More than 65535 blocks do not fit, and are no more than a suggestion. */
    {{.minimum_io = 65537 * 512}, 0, 0, 0, 0, 512, 0, 0, 0},
    /* Blocks that drivers do not know. */
    {{.logical_block = 16384, .physical_block = 16384}, 0, 0, 0, 0, 4096, 2, 0, 0},
};

START_TEST(topology_5_2_5)
{
    const struct topology *row = &topologies[_i];

    blk_prepare(BLK_SECTORS * 512);
    fake->file.facts = row->facts;
    *(uint64_t *)blk_property("logical-block") = row->logical;
    *(uint64_t *)blk_property("physical-block") = row->physical;
    *(uint64_t *)blk_property("minimum-io") = row->minimum;
    *(uint64_t *)blk_property("optimal-io") = row->optimal;
    create();
    ck_assert_uint_eq(driver_read(&driver, BLOCK, 4), row->block);
    ck_assert_uint_eq(driver_read(&driver, PHYSICAL_EXP, 1), row->exponent);
    ck_assert_uint_eq(driver_read(&driver, ALIGNMENT_OFFSET, 1), 0);
    ck_assert_uint_eq(driver_read(&driver, MINIMUM_IO, 2), row->minimum_io);
    ck_assert_uint_eq(driver_read(&driver, OPTIMAL_IO, 4), row->optimal_io);
    ck_assert_uint_eq(driver_read(&driver, CAPACITY, 4), BLK_SECTORS); /* in units of 512, whatever the block */
    blk_start(0);
    blk_request(IN, 1, 512);
    ck_assert_uint_eq(blk_status(), OK);
    blk_end();
}
END_TEST

/* An image for disks of 512 still opens on one of 4096. */
START_TEST(odd_image_on_large_blocks)
{
    blk_prepare(63 * 512);
    fake->file.facts = (struct ioreqd_file_facts){.logical_block = 4096, .physical_block = 4096};
    create();
    ck_assert_uint_eq(driver_read(&driver, BLOCK, 4), 512);
    ck_assert_uint_eq(driver_read(&driver, PHYSICAL_EXP, 1), 3);
    ck_assert_uint_eq(driver_read(&driver, CAPACITY, 4), 63);
    blk_end();
}
END_TEST

/* ---- what the file can do ---- */

#define CAN_ALL (IOREQD_FILE_CAN_DISCARD | IOREQD_FILE_CAN_WRITE_ZEROES | IOREQD_FILE_CAN_UNMAP | IOREQD_FILE_CAN_ERASE)

static const struct ability {
    uint32_t abilities;
    bool keep; /* discard=off */
    uint64_t features;
    bool may_unmap;
} abilities[] = {
    {0, false, 0, false},
    {CAN_ALL, false, F_DISCARD | F_ZEROES | F_ERASE, true},
    {CAN_ALL, true, F_ZEROES | F_ERASE, false},
    {IOREQD_FILE_CAN_DISCARD, false, F_DISCARD, false},
    {IOREQD_FILE_CAN_WRITE_ZEROES, false, F_ZEROES, false},
    {IOREQD_FILE_CAN_WRITE_ZEROES | IOREQD_FILE_CAN_UNMAP, false, F_ZEROES, true},
    {IOREQD_FILE_CAN_ERASE, false, F_ERASE, false},
};

START_TEST(abilities_of_the_file_5_2_5)
{
    const struct ability *row = &abilities[_i];
    bool discard = (row->features & F_DISCARD) != 0;
    bool zeroes = (row->features & F_ZEROES) != 0;
    bool erase = (row->features & F_ERASE) != 0;

    blk_prepare(BLK_SECTORS * 512);
    fake->file.facts.abilities = row->abilities;
    *(uint8_t *)blk_property("discard") = !row->keep;
    create();
    ck_assert(offered() == (ALWAYS | row->features));
    ck_assert_uint_eq(driver_read(&driver, DISCARD_SECTORS, 4), discard ? 2097152 : 0); /* 1 GiB */
    ck_assert_uint_eq(driver_read(&driver, DISCARD_SEG, 4), discard ? 16 : 0);
    ck_assert_uint_eq(driver_read(&driver, DISCARD_ALIGNMENT, 4), discard ? 1 : 0);
    ck_assert_uint_eq(driver_read(&driver, ZEROES_SECTORS, 4), zeroes ? 2097152 : 0);
    ck_assert_uint_eq(driver_read(&driver, ZEROES_SEG, 4), zeroes ? 16 : 0);
    ck_assert_uint_eq(driver_read(&driver, MAY_UNMAP, 1), row->may_unmap);
    ck_assert_uint_eq(driver_read(&driver, ERASE_SECTORS, 4), erase ? 2097152 : 0);
    ck_assert_uint_eq(driver_read(&driver, ERASE_SEG, 4), erase ? 16 : 0);
    ck_assert_uint_eq(driver_read(&driver, ERASE_ALIGNMENT, 4), erase ? 1 : 0);
    /* What is not offered is not done. */
    blk_start(0);
    blk_range(0, 0, 1, 0);
    blk_request(DISCARD, 0, 16);
    ck_assert_uint_eq(blk_status(), discard ? OK : UNSUPP);
    blk_request(ZEROES, 0, 16);
    ck_assert_uint_eq(blk_status(), zeroes ? OK : UNSUPP);
    blk_request(ERASE, 0, 16);
    ck_assert_uint_eq(blk_status(), erase ? OK : UNSUPP);
    blk_end();
}
END_TEST

START_TEST(limits_of_the_file_5_2_5)
{
    static const struct {
        uint32_t granularity;
        uint64_t most;
        uint32_t alignment, discard, zeroes; /* sectors */
    } rows[] = {{65536, 100000, 128, 128, 195},
                {65536, 4096, 128, 8, 8}, /* less than its own granularity: all that it takes */
                {0, 512, 1, 1, 1},
                {700, 1 << 20, 1, 2048, 2048},
                {4096, UINT64_MAX, 8, 2097152, 2097152}};

    blk_prepare(BLK_SECTORS * 512);
    fake->file.facts = (struct ioreqd_file_facts){.abilities = CAN_ALL,
                                                  .discard_granularity = rows[_i].granularity,
                                                  .maximum_discard = rows[_i].most,
                                                  .maximum_zeroes = rows[_i].most,
                                                  .maximum_erase = rows[_i].most};
    create();
    ck_assert_uint_eq(driver_read(&driver, DISCARD_ALIGNMENT, 4), rows[_i].alignment);
    ck_assert_uint_eq(driver_read(&driver, ERASE_ALIGNMENT, 4), rows[_i].alignment);
    ck_assert_uint_eq(driver_read(&driver, DISCARD_SECTORS, 4), rows[_i].discard);
    ck_assert_uint_eq(driver_read(&driver, ERASE_SECTORS, 4), rows[_i].discard);
    ck_assert_uint_eq(driver_read(&driver, ZEROES_SECTORS, 4), rows[_i].zeroes);
    blk_end();
}
END_TEST

/* Not even a sector at once: a driver could do nothing with that. */
START_TEST(no_room_for_a_sector)
{
    blk_prepare(BLK_SECTORS * 512);
    fake->file.facts = (struct ioreqd_file_facts){
        .abilities = CAN_ALL, .maximum_discard = 511, .maximum_zeroes = 511, .maximum_erase = 511};
    create();
    ck_assert(offered() == ALWAYS);
    blk_end();
}
END_TEST

/* ---- properties ---- */

START_TEST(bad_properties)
{
    static const struct {
        uint64_t size;
        uint32_t queue_size;
        const char *property;
        uint64_t value;
        const char *says;
    } rows[] = {{0, 256, NULL, 0, "truncate -s"},
                {1000, 256, NULL, 0, "truncate -s %512"},
                {512, 100, NULL, 0, "power of 2"},
                {512, 256, "logical-block", 4096, "truncate -s %4096"},
                {4096, 256, "logical-block", 256, "use 512"},
                {4096, 256, "logical-block", 1536, "use 512"},
                {4096, 256, "physical-block", 256, "power of 2"},
                {4096, 256, "physical-block", 5000, "power of 2"},
                {4096, 256, "minimum-io", 700, "no multiple"},
                {4096, 256, "optimal-io", 700, "no multiple"}};

    blk_prepare(rows[_i].size);
    *(uint32_t *)blk_property("queue-size") = rows[_i].queue_size;
    if (rows[_i].property != NULL) {
        *(uint64_t *)blk_property(rows[_i].property) = rows[_i].value;
    }
    ck_assert_int_eq(blk_create(), -EINVAL);
    ck_assert_uint_eq(fake->property_errors, 1);
    ck_assert_msg(strstr(fake->text, rows[_i].says) != NULL, "%s", fake->text);
    free(blk_state);
    fake_destroy(fake);
}
END_TEST

START_TEST(smallest_queue)
{
    blk_prepare(512);
    *(uint32_t *)blk_property("queue-size") = 4;
    create();
    ck_assert_uint_eq(driver_read(&driver, SEG_MAX, 4), 2);
    driver_start(&driver, F_VERSION_1 | F_FLUSH, 1, 4);
    blk_request(IN, 0, 512);
    ck_assert_uint_eq(blk_status(), OK);
    blk_end();
}
END_TEST

START_TEST(largest_queue)
{
    blk_prepare(512);
    *(uint32_t *)blk_property("queue-size") = 1024;
    create();
    ck_assert_uint_eq(driver_read(&driver, SEG_MAX, 4), 510);
    driver_select(&driver, 0);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_SIZE, 2), 1024);
    blk_end();
}
END_TEST

TCase *blk_config_cases(void)
{
    TCase *cases = tcase_create("virtio-blk configuration");

    tcase_add_test(cases, tables);
    tcase_add_test(cases, nothing_else_is_writable);
    tcase_add_loop_test(cases, flush_is_always_offered_5_2_5_2, 0, 4);
    tcase_add_test(cases, padding_is_zero_5_2_5_2);
    tcase_add_test(cases, zones_are_not_offered_5_2_5_2);
    tcase_add_test(cases, nothing_of_legacy_devices_is_offered_5_2_3_1);
    tcase_add_loop_test(cases, read_only_refuses_writes_5_2_6_2, 0, 4);
    tcase_add_loop_test(cases, topology_5_2_5, 0, (int)(sizeof(topologies) / sizeof(topologies[0])));
    tcase_add_test(cases, odd_image_on_large_blocks);
    tcase_add_loop_test(cases, abilities_of_the_file_5_2_5, 0, (int)(sizeof(abilities) / sizeof(abilities[0])));
    tcase_add_loop_test(cases, limits_of_the_file_5_2_5, 0, 5);
    tcase_add_test(cases, no_room_for_a_sector);
    tcase_add_loop_test(cases, bad_properties, 0, 10);
    tcase_add_test(cases, smallest_queue);
    tcase_add_test(cases, largest_queue);
    return cases;
}
