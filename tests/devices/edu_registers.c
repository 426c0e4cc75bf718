/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables and registers of the model edu, its interrupts, and the factorial. */
#include <stddef.h>

#include "tests/devices/edu_host.h"

/* ------------------------------------------------------------------------------------------------------------------
 * Tables and registers
 */

START_TEST(tables)
{
    ck_assert_str_eq(model->name, "edu");
    ck_assert_ptr_null(ioreqd_module(&host)[1]);
    ck_assert_uint_eq(description.vendor, 0x1234);
    ck_assert_uint_eq(description.device, 0x11e8);
    ck_assert_uint_eq(description.revision, 0x10);
    ck_assert_uint_eq(description.class_code[0], 0x00);
    ck_assert_uint_eq(description.class_code[1], 0xff);
    ck_assert_uint_eq(description.class_code[2], 0x00);
    ck_assert_uint_eq(description.intx, 1);
    ck_assert_uint_eq(description.msi, 1);
    ck_assert_uint_eq(description.msix, 0);
    ck_assert_uint_eq(description.bar[0].kind, IOREQD_BAR_MEM32);
    ck_assert_uint_eq(description.bar[0].size, 1u << 20);
    ck_assert_uint_eq(description.bar[0].min_access, 4);
    ck_assert_uint_eq(description.bar[0].max_access, 8);
    ck_assert_str_eq(model->property[0].name, "dma-mask");
    ck_assert_str_eq(model->property[0].fallback, "0x0fffffff");
}
END_TEST

START_TEST(older_host)
{
    struct ioreqd_host older = host;

    older.struct_size = offsetof(struct ioreqd_host, msi);
    ck_assert_ptr_null(ioreqd_module(&older));
}
END_TEST

START_TEST(power_on)
{
    for (unsigned offset = 4; offset < 0x200; offset += 4) {
        ck_assert_uint_eq(get(offset, 4), offset == 4 ? 0xffffffff : 0);
    }
    ck_assert_uint_eq(get(0x40000, 8), 0); /* the buffer is not part of the BAR */
    ck_assert_uint_eq(get(0xffff8, 8), 0);
    ck_assert_uint_eq(world.guest_errors, 0);
    ck_assert(!pending());
}
END_TEST

START_TEST(identification)
{
    ck_assert_uint_eq(get(0x00, 4), 0x010000ed);
    put(0x00, 4, 0x12345678);
    ck_assert_uint_eq(get(0x00, 4), 0x010000ed);
}
END_TEST

START_TEST(liveness)
{
    put(0x04, 4, 0x12345678);
    ck_assert_uint_eq(get(0x04, 4), 0xedcba987);
    put(0x04, 4, 0xffffffff);
    ck_assert_uint_eq(get(0x04, 4), 0);
}
END_TEST

START_TEST(status_bits)
{
    put(0x20, 4, 0xffffffff);
    ck_assert_uint_eq(get(0x20, 4), 0x80); /* bit 0 is read-only, the others do not exist */
    put(0x20, 4, 0);
    ck_assert_uint_eq(get(0x20, 4), 0);
}
END_TEST

START_TEST(no_such_registers)
{
    static const unsigned offsets[] = {0x0c, 0x10, 0x1c, 0x24, 0x28, 0x5c, 0x68, 0x7c, 0xa0, 0xa4, 0x40000, 0xffffc};

    for (unsigned i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        put(offsets[i], 4, 0xffffffff);
        ck_assert_uint_eq(get(offsets[i], 4), 0);
    }
    put(0xa0, 8, UINT64_MAX);
    put(0xffff8, 8, UINT64_MAX);
    ck_assert_uint_eq(get(0x24, 4), 0);
    ck_assert_uint_eq(get(0x04, 4), 0xffffffff);
    ck_assert_uint_eq(get(COMMAND, 8), 0);
    ck_assert_int_eq(world.line, 0);
    ck_assert(!pending());
}
END_TEST

START_TEST(wrong_sizes)
{
    unsigned errors = 0;

    for (unsigned offset = 0; offset < 0x80; offset += 8) {
        put(offset, 8, 0x0101010101010101);
        ck_assert_uint_eq(world.guest_errors, ++errors);
        ck_assert(get(offset, 8) == UINT64_MAX);
        ck_assert_uint_eq(world.guest_errors, ++errors);
    }
    for (unsigned size = 1; size <= 2; size++) { /* the host lets none of these through */
        put(0x04, size, 1);
        put(SOURCE, size, 1);
        put(COMMAND, size, START);
        get(SOURCE, size);
        errors += 4;
        ck_assert_uint_eq(world.guest_errors, errors);
    }
    ck_assert_uint_eq(get(0x04, 4), 0xffffffff);
    ck_assert_uint_eq(get(0x08, 4), 0);
    ck_assert_uint_eq(get(0x20, 4), 0);
    ck_assert_uint_eq(get(0x24, 4), 0);
    ck_assert_uint_eq(get(SOURCE, 8), 0);
    ck_assert(!pending());
}
END_TEST

START_TEST(dma_registers)
{
    for (unsigned offset = SOURCE; offset < COMMAND; offset += 8) {
        put(offset, 8, UINT64_C(0x0123456789abcdef) + offset);
        ck_assert(get(offset, 8) == UINT64_C(0x0123456789abcdef) + offset);
        put(offset, 4, 0xffffffff11111111); /* what lies beyond the size does not count */
        ck_assert(get(offset, 8) == UINT64_C(0x0123456711111111));
        put(offset + 4, 4, 0x22222222);
        ck_assert(get(offset, 8) == UINT64_C(0x2222222211111111));
        ck_assert_uint_eq(get(offset, 4), 0x11111111);
        ck_assert_uint_eq(get(offset + 4, 4), 0x22222222);
    }
    put(COMMAND, 8, ~(uint64_t)START);
    ck_assert_uint_eq(get(COMMAND, 8), TO_RAM | INTERRUPT);
    put(COMMAND + 4, 4, 0xffffffff); /* no bit of the upper half starts anything */
    ck_assert_uint_eq(get(COMMAND, 8), TO_RAM | INTERRUPT);
    ck_assert_uint_eq(get(COMMAND + 4, 4), 0);
    ck_assert(!pending());
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------------
 * Interrupts
 */

START_TEST(raise_and_acknowledge)
{
    put(0x60, 4, 0x5);
    ck_assert_uint_eq(get(0x24, 4), 0x5);
    ck_assert_int_eq(world.line, 1);
    put(0x60, 4, 0x80000002);
    ck_assert_uint_eq(get(0x24, 4), 0x80000007);
    ck_assert_uint_eq(get(0x60, 4), 0); /* write-only */
    put(0x64, 4, 0x3);
    ck_assert_uint_eq(get(0x24, 4), 0x80000004);
    ck_assert_int_eq(world.line, 1);
    put(0x64, 4, 0x80000004);
    ck_assert_uint_eq(get(0x24, 4), 0);
    ck_assert_uint_eq(get(0x64, 4), 0);
    ck_assert_int_eq(world.line, 0);
    ck_assert_uint_eq(world.messages, 0);
    ck_assert_uint_eq(counter("raised"), 2);
}
END_TEST

START_TEST(raise_nothing)
{
    put(0x60, 4, 0);
    ck_assert_int_eq(world.line, 0);
    put(0x64, 4, 0xffffffff);
    ck_assert_int_eq(world.line, 0);
    ck_assert_uint_eq(counter("raised"), 0);
}
END_TEST

START_TEST(messages)
{
    world.msi_on = true;
    put(0x60, 4, 0x5);
    ck_assert_uint_eq(world.messages, 1);
    put(0x60, 4, 0x1); /* no bit gained */
    ck_assert_uint_eq(world.messages, 1);
    put(0x60, 4, 0x3);
    ck_assert_uint_eq(world.messages, 2);
    put(0x64, 4, 0x1);
    ck_assert_uint_eq(world.messages, 2);
    put(0x60, 4, 0x1);
    ck_assert_uint_eq(world.messages, 3);
    put(0x60, 4, 0);
    ck_assert_uint_eq(world.messages, 3);
    ck_assert_uint_eq(get(0x24, 4), 0x7);
    world.msi_on = false;
    put(0x60, 4, 0x8);
    ck_assert_uint_eq(world.messages, 3);
    ck_assert_int_eq(world.line, 1);
    ck_assert_uint_eq(counter("raised"), 4);
}
END_TEST

START_TEST(messages_of_work)
{
    world.msi_on = true;
    put(0x20, 4, 0x80);
    put(0x08, 4, 3);
    start(0x100, BUFFER, 8, INTERRUPT);
    ck_assert_uint_eq(world.messages, 0);
    pass(MILLISECOND);
    ck_assert_uint_eq(world.messages, 2);
    ck_assert_uint_eq(get(0x24, 4), 0x101);
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------------
 * Factorial
 */

START_TEST(factorials)
{
    static const uint32_t exact[] = {1, 1, 2, 6, 24, 120, 720, 5040, 40320, 362880, 3628800, 39916800, 479001600};

    for (uint32_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++) {
        ck_assert_uint_eq(compute(i), exact[i]);
    }
    ck_assert_uint_eq(counter("factorials"), 13);
    ck_assert_uint_eq(get(0x24, 4), 0); /* nobody asked for an interrupt */
}
END_TEST

START_TEST(factorial_overflows)
{
    ck_assert_uint_eq(compute(13), 1932053504u);
    ck_assert_uint_eq(compute(14), 1278945280u);
    ck_assert_uint_eq(compute(20), 2192834560u);
    ck_assert_uint_eq(compute(33), 0x80000000u);
    ck_assert_uint_eq(compute(34), 0);
    ck_assert_uint_eq(compute(0x80000000u), 0);
    ck_assert_uint_eq(compute(0xffffffffu), 0);
}
END_TEST

START_TEST(factorial_interrupt)
{
    put(0x20, 4, 0x80);
    put(0x08, 4, 5);
    ck_assert_uint_eq(get(0x20, 4), 0x81);
    ck_assert_int_eq(world.line, 0);
    pass(MILLISECOND);
    ck_assert_uint_eq(get(0x20, 4), 0x80);
    ck_assert_uint_eq(get(0x24, 4), 0x1);
    ck_assert_int_eq(world.line, 1);
    ck_assert_uint_eq(get(0x08, 4), 120);
    put(0x64, 4, 0x1);
    ck_assert_int_eq(world.line, 0);
}
END_TEST

START_TEST(factorial_busy)
{
    put(0x08, 4, 4);
    ck_assert_uint_eq(get(0x20, 4), 0x1);
    pass(MILLISECOND / 2);
    ck_assert_uint_eq(get(0x20, 4), 0x1);
    ck_assert_uint_eq(get(0x08, 4), 4);
    ck_assert_uint_eq(world.guest_errors, 0);
    put(0x08, 4, 6);
    ck_assert_uint_eq(world.guest_errors, 1);
    put(0x20, 4, 0); /* does not stop it */
    ck_assert_uint_eq(get(0x20, 4), 0x1);
    put(0x20, 4, 0x80); /* the end of the computation looks at this */
    pass(MILLISECOND / 2);
    ck_assert_uint_eq(get(0x08, 4), 24);
    ck_assert_uint_eq(get(0x20, 4), 0x80);
    ck_assert_uint_eq(get(0x24, 4), 0x1);
}
END_TEST

TCase *registers_cases(void)
{
    TCase *cases = tcase_create("registers");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, tables);
    tcase_add_test(cases, older_host);
    tcase_add_test(cases, power_on);
    tcase_add_test(cases, identification);
    tcase_add_test(cases, liveness);
    tcase_add_test(cases, status_bits);
    tcase_add_test(cases, no_such_registers);
    tcase_add_test(cases, wrong_sizes);
    tcase_add_test(cases, dma_registers);
    tcase_add_test(cases, raise_and_acknowledge);
    tcase_add_test(cases, raise_nothing);
    tcase_add_test(cases, messages);
    tcase_add_test(cases, messages_of_work);
    tcase_add_test(cases, factorials);
    tcase_add_test(cases, factorial_overflows);
    tcase_add_test(cases, factorial_interrupt);
    tcase_add_test(cases, factorial_busy);
    return cases;
}
