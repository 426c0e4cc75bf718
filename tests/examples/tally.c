/* SPDX-License-Identifier: BSD-2-Clause */
/* usage: tally MODULE. The example tally, driven as by a guest's driver, see example.h. Run by check-examples. */
#include "tests/examples/example.h"

#define DEVICE  0x0d0b
#define MESSAGE UINT64_C(0xfee00000)

enum { SUM = 0, LIMIT = 4, STATUS = 8 };

static struct example tally;

static void open_with(bool lines)
{
    example_open(&tally, DEVICE, lines, "limit", "30");
}

START_TEST(registers_at_power_on)
{
    open_with(false);
    ck_assert_uint_eq(tally.found[1].bar[0].size, 4096);
    ck_assert_uint_eq(tally.found[1].vectors, 1);
    ck_assert_uint_eq(example_get(&tally, SUM), 0);
    ck_assert_uint_eq(example_get(&tally, LIMIT), 30);
    ck_assert_uint_eq(example_get(&tally, STATUS), 0);
    ck_assert_uint_eq(example_get(&tally, 12), 0);
    ck_assert_uint_eq(example_get(&tally, 0xffc), 0);
    example_close(&tally);
}
END_TEST

START_TEST(adds_up_to_its_limit)
{
    struct sim_interrupt interrupt = {0};

    open_with(false);
    pci_msix_set(&tally.vcpu, &tally.found[1], 0, MESSAGE, 0x41);
    pci_msix_enable(&tally.vcpu, &tally.found[1], true);
    example_put(&tally, SUM, 29);
    ck_assert_uint_eq(example_get(&tally, STATUS), 0);
    ck_assert(!sim_interrupt_wait(tally.stack.sim, 0, &interrupt));
    example_put(&tally, SUM, 1);
    ck_assert(sim_interrupt_wait(tally.stack.sim, 10000, &interrupt));
    ck_assert(interrupt.is_message);
    ck_assert_uint_eq(interrupt.address, MESSAGE);
    ck_assert_uint_eq(interrupt.data, 0x41);
    ck_assert_uint_eq(example_get(&tally, SUM), 30);
    ck_assert_uint_eq(example_get(&tally, STATUS), 1);
    example_put(&tally, SUM, 1); /* it interrupts once */
    ck_assert_uint_eq(example_get(&tally, SUM), 31);
    ck_assert(!sim_interrupt_wait(tally.stack.sim, 0, &interrupt));
    example_put(&tally, STATUS, 1);
    ck_assert_uint_eq(example_get(&tally, SUM), 0);
    ck_assert_uint_eq(example_get(&tally, STATUS), 0);
    example_close(&tally);
}
END_TEST

START_TEST(drives_its_line)
{
    open_with(true);
    example_put(&tally, SUM, 10);
    ck_assert(!sim_intx_level(tally.stack.sim, STACK_FUNCTION >> 3, 0));
    example_put(&tally, LIMIT, 10); /* reached from the other side */
    ck_assert(sim_intx_level(tally.stack.sim, STACK_FUNCTION >> 3, 0));
    example_put(&tally, STATUS, 0);
    ck_assert(sim_intx_level(tally.stack.sim, STACK_FUNCTION >> 3, 0));
    example_put(&tally, STATUS, 1);
    ck_assert(!sim_intx_level(tally.stack.sim, STACK_FUNCTION >> 3, 0));
    example_close(&tally);
}
END_TEST

START_TEST(does_not_overflow)
{
    open_with(false);
    example_put(&tally, LIMIT, 0);
    example_put(&tally, SUM, UINT32_MAX - 1);
    example_put(&tally, SUM, 2);
    ck_assert_uint_eq(example_get(&tally, SUM), UINT32_MAX);
    ck_assert_uint_eq(example_get(&tally, STATUS), 0);
    example_put(&tally, 12, 7); /* no register */
    ck_assert_uint_eq(example_get(&tally, SUM), UINT32_MAX);
    example_close(&tally);
}
END_TEST

int main(int count, char **arguments)
{
    TCase *cases = tcase_create("module");

    tcase_add_test(cases, registers_at_power_on);
    tcase_add_test(cases, adds_up_to_its_limit);
    tcase_add_test(cases, drives_its_line);
    tcase_add_test(cases, does_not_overflow);
    return example_main("tally", cases, count, arguments);
}
