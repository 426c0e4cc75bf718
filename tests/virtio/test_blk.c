/* SPDX-License-Identifier: BSD-2-Clause */
/* The model virtio-blk, through the tables of its module. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/virtio/suites.h"

#define SECTORS 64u
#define SIZE    64
#define HEADER  0x8000u
#define DATA    0x80000u
#define STATUS_ 0xf000u

enum { IN = 0, OUT = 1, FLUSH = 4, GET_ID = 8, DISCARD = 11 };
enum { OK = 0, IOERR = 1, UNSUPP = 2, UNTOUCHED = 0x55 };

#define F_SEG_MAX  (1u << 2)
#define F_RO       (1u << 5)
#define F_BLK_SIZE (1u << 6)
#define F_FLUSH    (1u << 9)

static const struct ioreqd_model *model;
static void *disk;

static void *property(const char *name)
{
    const struct ioreqd_property *one = model->property;

    while (strcmp(one->name, name) != 0) {
        one++;
    }
    return (char *)disk + one->offset;
}

static uint64_t counter(const char *name)
{
    const struct ioreqd_counter *one = model->counter;

    while (strcmp(one->name, name) != 0) {
        one++;
    }
    return atomic_load((_Atomic uint64_t *)(void *)((char *)disk + one->offset));
}

static int begin(uint64_t size, bool read_only, uint32_t queue_size)
{
    struct ioreqd_file *file;

    fake = fake_create(size);
    model = ioreqd_module(&fake_host)[0];
    disk = calloc(1, model->state_size);
    file = &fake->file;
    memcpy(property("file"), &file, sizeof(file));
    *(uint8_t *)property("readonly") = read_only;
    *(uint32_t *)property("queue-size") = queue_size;
    strcpy(property("serial"), "S-0123");
    for (uint64_t i = 0; i < size; i++) {
        fake->file.data[i] = (uint8_t)(i / 512 + i);
    }
    return driver_begin(&driver, fake, model, disk);
}

static void end(void)
{
    driver_end(&driver);
    ck_assert_uint_eq(fake->windows, 0);
    ck_assert_uint_eq(fake->pinned, 0);
    free(disk);
    fake_destroy(fake);
}

static void setup(void)
{
    ck_assert_int_eq(begin(SECTORS * 512, false, 256), 0);
    driver_start(&driver, F_VERSION_1 | F_INDIRECT | F_FLUSH | F_SEG_MAX | F_BLK_SIZE, 1, SIZE);
}

static void header(uint32_t type, uint64_t sector)
{
    memset(fake->ram + HEADER, 0, 16);
    memcpy(fake->ram + HEADER, &type, 4);
    memcpy(fake->ram + HEADER + 8, &sector, 8);
    fake->ram[STATUS_] = UNTOUCHED;
}

/* Header, one data buffer and status in three descriptors; runs it to its end. */
static void request(uint32_t type, uint64_t sector, uint32_t length, uint32_t *used)
{
    struct part parts[3] = {{HEADER, 16, 0}, {DATA, length, type == OUT ? 0 : WRITE}, {STATUS_, 1, WRITE}};
    uint32_t id;

    header(type, sector);
    driver_add(&driver, 0, parts, 3);
    driver_kick(&driver, 0);
    fake_complete_all(fake);
    ck_assert(driver_used(&driver, 0, &id, used));
}

START_TEST(tables)
{
    ck_assert_uint_eq(driver.description.device, 0x1042);
    ck_assert_uint_eq(driver.description.class_code[0], 1);
    ck_assert_uint_eq(driver.description.class_code[1], 0);
    ck_assert(driver_offered(&driver) == (F_VERSION_1 | F_INDIRECT | F_EVENT_IDX | F_PACKED | F_NOTIFICATION_DATA |
                                          F_RING_RESET | F_FLUSH | F_SEG_MAX | F_BLK_SIZE));
    ck_assert_uint_eq(driver_read(&driver, CONFIG, 4), SECTORS);
    ck_assert_uint_eq(driver_read(&driver, CONFIG + 4, 4), 0);
    ck_assert_uint_eq(driver_read(&driver, CONFIG + 12, 4), 254);
    ck_assert_uint_eq(driver_read(&driver, CONFIG + 20, 4), 512);
    driver_write(&driver, CONFIG, 4, 1); /* nothing in there is writable */
    ck_assert_uint_eq(driver_read(&driver, CONFIG, 4), SECTORS);
}
END_TEST

START_TEST(read_sectors)
{
    uint32_t used;

    request(IN, 3, 1024, &used);
    ck_assert_uint_eq(fake->ram[STATUS_], OK);
    ck_assert_uint_eq(used, 1025);
    ck_assert_mem_eq(fake->ram + DATA, fake->file.data + 3 * 512, 1024);
    ck_assert_uint_eq(counter("reads"), 1);
    ck_assert_uint_eq(counter("bytes-read"), 1024);
    ck_assert_uint_eq(fake->msix[1], 1);
}
END_TEST

START_TEST(write_sectors)
{
    uint32_t used;

    memset(fake->ram + DATA, 0xa5, 512);
    request(OUT, SECTORS - 1, 512, &used);
    ck_assert_uint_eq(fake->ram[STATUS_], OK);
    ck_assert_uint_eq(used, 1);
    ck_assert_mem_eq(fake->file.data + (SECTORS - 1) * 512, fake->ram + DATA, 512);
    ck_assert_uint_eq(counter("writes"), 1);
    ck_assert_uint_eq(counter("bytes-written"), 512);
}
END_TEST

START_TEST(no_data)
{
    uint32_t used;

    request(IN, SECTORS, 0, &used);
    ck_assert_uint_eq(fake->ram[STATUS_], OK);
    ck_assert_uint_eq(used, 1);
}
END_TEST

START_TEST(out_of_bounds)
{
    static const struct {
        uint64_t sector;
        uint32_t length;
    } rows[] = {
        {SECTORS, 512},          {SECTORS - 1, 1024},         {SECTORS + 1, 0}, {UINT64_MAX, 512}, {UINT64_MAX, 1024},
        {UINT64_MAX / 512, 512}, {UINT64_MAX / 512 + 1, 512}, {0, 511},         {0, 513},          {1, 1}};
    uint32_t used;

    request(_i % 2 ? IN : OUT, rows[_i / 2].sector, rows[_i / 2].length, &used);
    ck_assert_uint_eq(fake->ram[STATUS_], IOERR);
    ck_assert_uint_le(used, 1);
    ck_assert_uint_eq(counter("errors"), 1);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
}
END_TEST

START_TEST(file_error)
{
    const struct part parts[] = {{HEADER, 16, 0}, {DATA, 512, WRITE}, {STATUS_, 1, WRITE}};
    uint32_t id, used;

    header(IN, 0);
    driver_add(&driver, 0, parts, 3);
    driver_kick(&driver, 0);
    fake_complete(fake, 0, -EIO);
    fake_pump(fake);
    ck_assert(driver_used(&driver, 0, &id, &used));
    ck_assert_uint_eq(fake->ram[STATUS_], IOERR);
    ck_assert_uint_eq(used, 0); /* nobody knows what was read, and the status lies behind it */
    ck_assert_uint_eq(counter("errors"), 1);
}
END_TEST

START_TEST(flush)
{
    const struct part parts[] = {{HEADER, 16, 0}, {STATUS_, 1, WRITE}};
    uint32_t id, used;

    header(FLUSH, 0);
    driver_add(&driver, 0, parts, 2);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(fake->requests, 1);
    ck_assert_uint_eq(fake->request[0]->operation, IOREQD_FILE_FLUSH);
    ck_assert_uint_eq(fake->ram[STATUS_], UNTOUCHED);
    fake_complete_all(fake);
    ck_assert(driver_used(&driver, 0, &id, &used));
    ck_assert_uint_eq(fake->ram[STATUS_], OK);
    ck_assert_uint_eq(used, 1);
    ck_assert_uint_eq(counter("flushes"), 1);
}
END_TEST

START_TEST(get_id)
{
    static const char wanted[20] = "S-0123";
    uint32_t used;

    memset(fake->ram + DATA, 0xff, 32);
    request(GET_ID, 0, 20, &used);
    ck_assert_uint_eq(fake->ram[STATUS_], OK);
    ck_assert_uint_eq(used, 21);
    ck_assert_mem_eq(fake->ram + DATA, wanted, 20);
    ck_assert_uint_eq(fake->ram[DATA + 20], 0xff);
    memset(fake->ram + DATA, 0xff, 32);
    request(GET_ID, 0, 4, &used);
    ck_assert_uint_eq(used, 5);
    ck_assert_mem_eq(fake->ram + DATA, "S-01\xff", 5);
    request(GET_ID, 0, 32, &used);
    ck_assert_uint_eq(used, 20); /* a gap before the status */
    ck_assert_uint_eq(fake->ram[DATA + 20], 0xff);
}
END_TEST

START_TEST(full_serial)
{
    uint32_t used;

    strcpy(property("serial"), "01234567890123456789");
    request(GET_ID, 0, 20, &used);
    ck_assert_mem_eq(fake->ram + DATA, "01234567890123456789", 20);
}
END_TEST

START_TEST(unknown_types)
{
    static const uint32_t types[] = {2, 3, 5, 9, DISCARD, 13, 0x80000000, 0xffffffff};
    uint32_t used;

    request(types[_i], 0, 512, &used);
    ck_assert_uint_eq(fake->ram[STATUS_], UNSUPP);
    ck_assert_uint_eq(used, 0);
    ck_assert_uint_eq(fake->requests, 0);
}
END_TEST

/* The header in 16 descriptors, data across several, the status in the same one as the end of the data. */
START_TEST(split_everywhere)
{
    struct part parts[20];
    uint32_t id, used;
    unsigned n = 0;

    header(IN, 1);
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

    header(OUT, 2);
    memset(fake->ram + HEADER + 16, 1, 100);
    memset(fake->ram + DATA, 2, 412);
    driver_add(&driver, 0, parts, 3);
    driver_kick(&driver, 0);
    fake_complete_all(fake);
    ck_assert(driver_used(&driver, 0, &id, &used));
    ck_assert_uint_eq(fake->ram[STATUS_], OK);
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

    header(DISCARD, 0);
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
    ck_assert_uint_eq(fake->ram[STATUS_], UNTOUCHED);
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

    header(IN, 0);
    driver_add(&driver, 0, parts, 4);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(fake->requests, 0);
    ck_assert(driver_used(&driver, 0, &id, &used));
    ck_assert_uint_eq(fake->ram[STATUS_], IOERR);
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
    ck_assert_uint_eq(fake->ram[STATUS_], IOERR);
    ck_assert_uint_eq(used, 1);
}
END_TEST

/* As many as the queue takes, answered from the last to the first. */
START_TEST(many_in_flight)
{
    struct part table[3] = {{HEADER, 16, NEXT}, {0, 512, NEXT | WRITE}, {0, 1, WRITE}};
    uint32_t id, used;

    header(IN, 5);
    for (uint16_t i = 0; i < SIZE; i++) {
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
    ck_assert_uint_eq(fake->requests, SIZE);
    while (fake->requests != 0) {
        fake_complete(fake, fake->requests - 1, 0);
    }
    fake_pump(fake);
    ck_assert_uint_eq(fake->msix[1], 1);
    for (unsigned i = 0; i < SIZE; i++) {
        ck_assert(driver_used(&driver, 0, &id, &used));
        ck_assert_uint_eq(id, SIZE - 1 - i);
        ck_assert_uint_eq(used, 513);
        ck_assert_uint_eq(fake->ram[STATUS_ + i], OK);
        ck_assert_mem_eq(fake->ram + DATA + 512 * i, fake->file.data + 5 * 512, 512);
    }
}
END_TEST

START_TEST(reset_with_file_requests)
{
    const struct part parts[] = {{HEADER, 16, 0}, {DATA, 512, WRITE}, {STATUS_, 1, WRITE}};

    header(IN, 0);
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

/* A flush covers what was completed before it; without the feature each write is stable when it is done. */
START_TEST(write_through)
{
    const struct part parts[] = {{HEADER, 16, 0}, {DATA, 512, 0}, {STATUS_, 1, WRITE}};

    ck_assert_int_eq(begin(SECTORS * 512, false, 256), 0);
    driver_start(&driver, F_VERSION_1, 1, SIZE);
    header(OUT, 0);
    driver_add(&driver, 0, parts, 3);
    driver_kick(&driver, 0);
    fake_complete(fake, 0, 0);
    fake_pump(fake);
    ck_assert_uint_eq(fake->ram[STATUS_], UNTOUCHED);
    ck_assert_uint_eq(fake->requests, 1);
    ck_assert_uint_eq(fake->request[0]->operation, IOREQD_FILE_FLUSH);
    if (_i == 0) {
        fake_complete_all(fake);
        ck_assert_uint_eq(fake->ram[STATUS_], OK);
    } else {
        fake_complete(fake, 0, -EIO);
        fake_pump(fake);
        ck_assert_uint_eq(fake->ram[STATUS_], IOERR);
    }
    end();
}
END_TEST

START_TEST(read_only)
{
    uint32_t used;
    uint8_t before[512];

    ck_assert_int_eq(begin(SECTORS * 512, true, 256), 0);
    ck_assert(driver_offered(&driver) & F_RO);
    driver_start(&driver, F_VERSION_1 | (_i ? F_RO : 0) | F_FLUSH, 1, SIZE);
    memcpy(before, fake->file.data, 512);
    request(OUT, 0, 512, &used);
    ck_assert_uint_eq(fake->ram[STATUS_], IOERR);
    ck_assert_mem_eq(fake->file.data, before, 512);
    request(IN, 0, 512, &used);
    ck_assert_uint_eq(fake->ram[STATUS_], OK);
    end();
}
END_TEST

START_TEST(bad_properties)
{
    static const struct {
        uint64_t size;
        uint32_t queue_size;
        const char *says;
    } rows[] = {{0, 256, "truncate -s"}, {1000, 256, "truncate -s %512"}, {512, 100, "power of 2"}};

    ck_assert_int_eq(begin(rows[_i].size, false, rows[_i].queue_size), -EINVAL);
    ck_assert_uint_eq(fake->property_errors, 1);
    ck_assert_ptr_nonnull(strstr(fake->text, rows[_i].says));
    end();
}
END_TEST

START_TEST(smallest_queue)
{
    uint32_t used;

    ck_assert_int_eq(begin(512, false, 4), 0);
    ck_assert_uint_eq(driver_read(&driver, CONFIG + 12, 4), 2);
    driver_start(&driver, F_VERSION_1 | F_FLUSH, 1, 4);
    request(IN, 0, 512, &used);
    ck_assert_uint_eq(fake->ram[STATUS_], OK);
    end();
}
END_TEST

START_TEST(largest_queue)
{
    ck_assert_int_eq(begin(512, false, 1024), 0);
    ck_assert_uint_eq(driver_read(&driver, CONFIG + 12, 4), 510);
    driver_select(&driver, 0);
    ck_assert_uint_eq(driver_read(&driver, QUEUE_SIZE, 2), 1024);
    end();
}
END_TEST

TCase *blk_cases(void)
{
    TCase *cases = tcase_create("virtio-blk");

    tcase_add_checked_fixture(cases, setup, end);
    tcase_add_test(cases, tables);
    tcase_add_test(cases, read_sectors);
    tcase_add_test(cases, write_sectors);
    tcase_add_test(cases, no_data);
    tcase_add_loop_test(cases, out_of_bounds, 0, 20);
    tcase_add_test(cases, file_error);
    tcase_add_test(cases, flush);
    tcase_add_test(cases, get_id);
    tcase_add_test(cases, full_serial);
    tcase_add_loop_test(cases, unknown_types, 0, 8);
    tcase_add_test(cases, split_everywhere);
    tcase_add_test(cases, header_with_data);
    tcase_add_loop_test(cases, malformed, 0, 4);
    tcase_add_test(cases, data_fault);
    tcase_add_test(cases, header_fault);
    tcase_add_test(cases, many_in_flight);
    tcase_add_test(cases, reset_with_file_requests);
    return cases;
}

TCase *blk_property_cases(void)
{
    TCase *cases = tcase_create("virtio-blk properties");

    tcase_add_loop_test(cases, write_through, 0, 2);
    tcase_add_loop_test(cases, read_only, 0, 2);
    tcase_add_loop_test(cases, bad_properties, 0, 3);
    tcase_add_test(cases, smallest_queue);
    tcase_add_test(cases, largest_queue);
    return cases;
}
