/* SPDX-License-Identifier: BSD-2-Clause */
/* Transfers of the model edu: those that are made, and those that it must refuse. */
#include <string.h>

#include "tests/devices/edu_host.h"

START_TEST(from_ram)
{
    start(0x123, BUFFER + 5, 100, 0);
    pass(MILLISECOND);
    ck_assert_uint_eq(get(COMMAND, 8), 0);
    ck_assert_mem_eq(buffer() + 5, world.ram + 0x123, 100);
    ck_assert_uint_eq(buffer()[4], 0);
    ck_assert_uint_eq(buffer()[105], 0);
    ck_assert_uint_eq(counter("bytes-from-guest"), 100);
    ck_assert_uint_eq(counter("bytes-to-guest"), 0);
    ck_assert_uint_eq(get(0x24, 4), 0);
    ck_assert_int_eq(world.line, 0);
    ck_assert_uint_eq(world.guest_errors, 0);
}
END_TEST

START_TEST(to_ram)
{
    uint8_t after = world.ram[0x1064];

    for (unsigned i = 0; i < 4096; i++) {
        buffer()[i] = (uint8_t)(i * 3 + i / 256);
    }
    start(BUFFER + 5, 0x1000, 100, TO_RAM);
    pass(MILLISECOND);
    ck_assert_uint_eq(get(COMMAND, 8), TO_RAM);
    ck_assert_mem_eq(world.ram + 0x1000, buffer() + 5, 100);
    ck_assert_uint_eq(world.ram[0x1064], after);
    ck_assert_uint_eq(counter("bytes-to-guest"), 100);
    ck_assert_uint_eq(counter("bytes-from-guest"), 0);
}
END_TEST

START_TEST(whole_buffer)
{
    start(0, BUFFER, 4096, INTERRUPT);
    pass(MILLISECOND);
    ck_assert_mem_eq(buffer(), world.ram, 4096);
    start(BUFFER, 0x4000, 4096, TO_RAM | INTERRUPT);
    pass(MILLISECOND);
    ck_assert_mem_eq(world.ram + 0x4000, world.ram, 4096);
    start(0x10, BUFFER + 4095, 1, 0);
    pass(MILLISECOND);
    ck_assert_uint_eq(buffer()[4095], world.ram[0x10]);
    ck_assert_uint_eq(world.guest_errors, 0);
    ck_assert_uint_eq(counter("bytes-from-guest"), 4097);
    ck_assert_uint_eq(counter("bytes-to-guest"), 4096);
}
END_TEST

START_TEST(in_halves)
{
    put(SOURCE, 4, 0x200);
    put(DESTINATION, 4, BUFFER);
    put(COUNT, 4, 16);
    put(COMMAND, 4, START);
    ck_assert_uint_eq(get(COMMAND, 4), START);
    pass(MILLISECOND);
    ck_assert_mem_eq(buffer(), world.ram + 0x200, 16);
}
END_TEST

START_TEST(transfer_interrupt)
{
    start(0, BUFFER, 1, INTERRUPT);
    ck_assert_int_eq(world.line, 0);
    pass(MILLISECOND);
    ck_assert_uint_eq(get(COMMAND, 8), INTERRUPT);
    ck_assert_uint_eq(get(0x24, 4), 0x100);
    ck_assert_int_eq(world.line, 1);
    put(0x64, 4, 0x100);
    ck_assert_int_eq(world.line, 0);
}
END_TEST

START_TEST(transfer_busy)
{
    start(0x100, BUFFER, 8, 0);
    pass(MILLISECOND - 1);
    ck_assert_uint_eq(get(COMMAND, 8), START);
    ck_assert_uint_eq(world.copies, 0);
    for (unsigned offset = SOURCE; offset <= COMMAND; offset += 8) {
        put(offset, 8, 0);
        put(offset, 4, 0);
        put(offset + 4, 4, 1);
    }
    ck_assert_uint_eq(world.guest_errors, 12);
    ck_assert_uint_eq(get(SOURCE, 8), 0x100);
    ck_assert_uint_eq(get(DESTINATION, 8), BUFFER);
    ck_assert_uint_eq(get(COUNT, 8), 8);
    pass(1);
    ck_assert_uint_eq(get(COMMAND, 8), 0);
    ck_assert_uint_eq(world.copies, 1);
    ck_assert_mem_eq(buffer(), world.ram + 0x100, 8);
}
END_TEST

/* A transfer that must not be made: nothing happens but that the start bit is cleared and the guest is told off. */
static void refused(uint64_t source, uint64_t destination, uint64_t length, uint64_t command)
{
    static uint8_t ram_before[RAM_BYTES];
    static uint8_t buffer_before[4096];
    unsigned errors = world.guest_errors;

    memset(buffer(), 0x5a, 4096);
    memcpy(ram_before, world.ram, sizeof(ram_before));
    memcpy(buffer_before, buffer(), sizeof(buffer_before));
    start(source, destination, length, command | INTERRUPT);
    pass(MILLISECOND);
    ck_assert_uint_eq(get(COMMAND, 8), command | INTERRUPT);
    ck_assert_uint_eq(world.guest_errors, errors + 1);
    ck_assert_mem_eq(world.ram, ram_before, sizeof(ram_before));
    ck_assert_mem_eq(buffer(), buffer_before, sizeof(buffer_before));
    ck_assert_uint_eq(get(SOURCE, 8), source);
    ck_assert_uint_eq(get(DESTINATION, 8), destination);
    ck_assert_uint_eq(get(COUNT, 8), length);
    ck_assert_uint_eq(get(0x24, 4), 0);
    ck_assert_int_eq(world.line, 0);
    ck_assert_uint_eq(counter("bytes-from-guest"), 0);
    ck_assert_uint_eq(counter("bytes-to-guest"), 0);
    ck_assert(!pending());
}

/* Where the device's side of a transfer must not be, for either direction. */
static const struct range {
    uint64_t address;
    uint64_t length;
} outside[] = {
    {BUFFER - 1, 1},                    /* below */
    {BUFFER - 1, 2},                    /* begins below */
    {BUFFER - 4096, 4096},              /* ends where it begins */
    {0, 16},                            /* far below */
    {0, BUFFER + 1},                    /* from below into it */
    {0, BUFFER + 8192},                 /* around it */
    {BUFFER + 4096, 1},                 /* above */
    {BUFFER + 4095, 2},                 /* ends above */
    {BUFFER + 1, 4096},                 /* a whole buffer, shifted */
    {UINT64_MAX, 1},                    /* far above */
    {BUFFER | UINT64_C(1) << 32, 16},   /* the lower half looks right */
    {BUFFER | UINT64_C(1) << 63, 16},   /* likewise */
    {UINT64_MAX, 2},                    /* the end wraps to 0 */
    {UINT64_MAX, BUFFER + 2},           /* the end wraps into the buffer */
    {BUFFER, UINT64_MAX},               /* the end wraps to below the buffer */
    {BUFFER + 1, UINT64_MAX},           /* the end wraps to the buffer */
    {BUFFER + 16, UINT64_MAX - 15},     /* likewise, a negative length */
    {BUFFER, UINT64_MAX - BUFFER + 1},  /* the end wraps to 0 */
    {BUFFER, UINT64_C(1) << 32},        /* the lower half is 0 */
    {BUFFER, (UINT64_C(1) << 32) + 16}, /* the lower half looks right */
    {BUFFER, (UINT64_C(1) << 63) + 16}, /* likewise */
    {BUFFER, 0},                        /* nothing */
    {BUFFER + 4096, 0},                 /* nothing, at the end */
    {0, 0},                             /* nothing, nowhere */
    {BUFFER, 4097},                     /* too much */
    {BUFFER, 8192},                     /* more */
    {BUFFER, RAM_BYTES},                /* all that memory has */
    {UINT64_MAX, UINT64_MAX},           /* all ones */
};

START_TEST(from_ram_to_outside)
{
    refused(0, outside[_i].address, outside[_i].length, 0);
    ck_assert_ptr_nonnull(strstr(world.text, "not inside the buffer"));
    ck_assert_uint_eq(world.copies, 0);
}
END_TEST

START_TEST(to_ram_from_outside)
{
    refused(outside[_i].address, 0, outside[_i].length, TO_RAM);
    ck_assert_ptr_nonnull(strstr(world.text, "not inside the buffer"));
    ck_assert_uint_eq(world.copies, 0);
}
END_TEST

/* The wrong way round: the direction says which side is the device's. */
START_TEST(wrong_direction)
{
    refused(BUFFER, 0x1000, 16, 0);
    refused(0x1000, BUFFER, 16, TO_RAM);
    ck_assert_uint_eq(world.copies, 0);
}
END_TEST

START_TEST(beyond_mask)
{
    static const struct range beyond[] = {
        {MASK, 2},       {MASK + 1, 1},   {MASK - 4094, 4096},    {UINT64_C(1) << 32, 16},
        {UINT64_MAX, 1}, {UINT64_MAX, 2}, {UINT64_MAX - 15, 4096}};

    for (unsigned i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
        refused(beyond[i].address, BUFFER, beyond[i].length, 0);
        refused(BUFFER, beyond[i].address, beyond[i].length, TO_RAM);
    }
    ck_assert_uint_eq(world.copies, 0);
}
END_TEST

START_TEST(no_memory)
{
    refused(MASK, BUFFER, 1, 0); /* the mask allows these */
    refused(BUFFER, MASK - 4095, 4096, TO_RAM);
    refused(RAM_BYTES - 1, BUFFER, 2, 0);
    refused(BUFFER, RAM_BYTES - 1, 2, TO_RAM);
    ck_assert_uint_eq(world.copies, 4);
    ck_assert_ptr_nonnull(strstr(world.text, "no memory"));
}
END_TEST

START_TEST(no_bus_master)
{
    world.no_bus_master = true;
    refused(0, BUFFER, 16, 0);
    refused(BUFFER, 0, 16, TO_RAM);
    ck_assert_ptr_nonnull(strstr(world.text, "bus mastering"));
}
END_TEST

START_TEST(after_refusal)
{
    start(0, 0, 16, 0);
    pass(MILLISECOND);
    start(0x100, BUFFER, 16, INTERRUPT);
    pass(MILLISECOND);
    ck_assert_mem_eq(buffer(), world.ram + 0x100, 16);
    ck_assert_uint_eq(get(0x24, 4), 0x100);
    ck_assert_uint_eq(world.guest_errors, 1);
}
END_TEST

TCase *dma_cases(void)
{
    TCase *cases = tcase_create("dma");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, from_ram);
    tcase_add_test(cases, to_ram);
    tcase_add_test(cases, whole_buffer);
    tcase_add_test(cases, in_halves);
    tcase_add_test(cases, transfer_interrupt);
    tcase_add_test(cases, transfer_busy);
    tcase_add_loop_test(cases, from_ram_to_outside, 0, sizeof(outside) / sizeof(outside[0]));
    tcase_add_loop_test(cases, to_ram_from_outside, 0, sizeof(outside) / sizeof(outside[0]));
    tcase_add_test(cases, wrong_direction);
    tcase_add_test(cases, beyond_mask);
    tcase_add_test(cases, no_memory);
    tcase_add_test(cases, no_bus_master);
    tcase_add_test(cases, after_refusal);
    return cases;
}
