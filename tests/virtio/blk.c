/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of virtio-blk share, see blk.h. */
#include "tests/virtio/blk.h"

#include <stdlib.h>
#include <string.h>

const struct ioreqd_model *blk_model;
void *blk_state;

void *blk_property(const char *name)
{
    const struct ioreqd_property *one = blk_model->property;

    while (strcmp(one->name, name) != 0) {
        one++;
    }
    return (char *)blk_state + one->offset;
}

uint64_t blk_counter(const char *name)
{
    const struct ioreqd_counter *one = blk_model->counter;

    while (strcmp(one->name, name) != 0) {
        one++;
    }
    return atomic_load((_Atomic uint64_t *)(void *)((char *)blk_state + one->offset));
}

/* As far as the fallbacks of this model go. */
static void set_fallback(const struct ioreqd_property *property)
{
    char *value = (char *)blk_state + property->offset;
    uint32_t number;

    if (property->fallback == NULL) {
        return;
    }
    switch (property->kind) {
    case IOREQD_PROPERTY_BOOL:
        *(uint8_t *)value = strcmp(property->fallback, "on") == 0;
        break;
    case IOREQD_PROPERTY_U32:
        number = (uint32_t)strtoul(property->fallback, NULL, 0);
        memcpy(value, &number, sizeof(number));
        break;
    case IOREQD_PROPERTY_STRING:
        strcpy(value, property->fallback);
        break;
    default:
        ck_abort_msg("%s has a fallback of an unknown kind", property->name);
    }
}

void blk_prepare(uint64_t bytes)
{
    struct ioreqd_file *file;

    fake = fake_create(bytes);
    blk_model = ioreqd_module(&fake_host)[0];
    blk_state = calloc(1, blk_model->state_size);
    for (const struct ioreqd_property *one = blk_model->property; one->name != NULL; one++) {
        set_fallback(one);
    }
    file = &fake->file;
    memcpy(blk_property("file"), &file, sizeof(file));
    strcpy(blk_property("serial"), "S-0123");
    for (uint64_t i = 0; i < bytes; i++) {
        fake->file.data[i] = (uint8_t)(i / 512 + i);
    }
}

int blk_create(void)
{
    return driver_begin(&driver, fake, blk_model, blk_state);
}

void blk_start(uint64_t without)
{
    driver_start(&driver, driver_offered(&driver) & ~(without | F_EVENT_IDX), 1, BLK_SIZE);
}

void blk_end(void)
{
    driver_end(&driver);
    ck_assert_uint_eq(fake->windows, 0);
    ck_assert_uint_eq(fake->pinned, 0);
    free(blk_state);
    fake_destroy(fake);
}

void blk_setup(void)
{
    blk_prepare(BLK_SECTORS * 512);
    fake->file.facts = (struct ioreqd_file_facts){.abilities = IOREQD_FILE_CAN_DISCARD | IOREQD_FILE_CAN_WRITE_ZEROES |
                                                               IOREQD_FILE_CAN_UNMAP | IOREQD_FILE_CAN_ERASE,
                                                  .maximum_discard = 48 * 512,
                                                  .maximum_zeroes = 40 * 512,
                                                  .maximum_erase = 32 * 512};
    ck_assert_int_eq(blk_create(), 0);
    blk_start(0);
    ck_assert_uint_eq(driver_status(&driver), 0xf);
}

void blk_header(uint32_t type, uint64_t sector)
{
    memset(fake->ram + HEADER, 0, 16);
    memcpy(fake->ram + HEADER, &type, 4);
    memcpy(fake->ram + HEADER + 8, &sector, 8);
    fake->ram[STATUS_] = UNTOUCHED;
}

void blk_submit(uint32_t type, uint64_t sector, uint32_t length)
{
    bool has_list = type == DISCARD || type == ZEROES || type == ERASE;
    struct part parts[3] = {
        {HEADER, 16, 0}, {has_list ? LIST : DATA, length, has_list || type == OUT ? 0 : WRITE}, {STATUS_, 1, WRITE}};

    blk_header(type, sector);
    driver_add(&driver, 0, parts, 3);
    driver_kick(&driver, 0);
}

uint32_t blk_used(void)
{
    uint32_t id, used = 0;

    ck_assert(driver_used(&driver, 0, &id, &used));
    return used;
}

uint32_t blk_request(uint32_t type, uint64_t sector, uint32_t length)
{
    blk_submit(type, sector, length);
    fake_complete_all(fake);
    return blk_used();
}

uint8_t blk_status(void)
{
    return fake->ram[STATUS_];
}

void blk_range(unsigned index, uint64_t sector, uint32_t sectors, uint32_t flags)
{
    uint8_t *to = fake->ram + LIST + 16 * index;

    memcpy(to, &sector, 8);
    memcpy(to + 8, &sectors, 4);
    memcpy(to + 12, &flags, 4);
}
