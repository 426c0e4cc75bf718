/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage: watchdog MODULE. The example watchdog, driven as by a guest's driver, see example.h. Register offsets are written
 * out as in the example. Run by check-examples.
 */
#include "tests/examples/example.h"

#define DEVICE  0x0d09
#define MESSAGE UINT64_C(0xfee00000)

enum { PERIOD = 4, CONTROL = 8, FEED = 12, STATUS = 16, LEFT = 20 };

static struct example watchdog;

static uint32_t get(unsigned offset)
{
    return example_get(&watchdog, offset);
}

static void put(unsigned offset, uint32_t value)
{
    example_put(&watchdog, offset, value);
}

static void open_with(bool lines)
{
    example_open(&watchdog, DEVICE, lines, "period", "30");
}

START_TEST(registers_at_power_on)
{
    open_with(false);
    ck_assert_uint_eq(watchdog.found[1].bar[0].size, 4096);
    ck_assert_uint_eq(watchdog.found[1].vectors, 1);
    ck_assert_uint_eq(get(0), 0x474f4457);
    ck_assert_uint_eq(get(PERIOD), 30);
    ck_assert_uint_eq(get(CONTROL), 0);
    ck_assert_uint_eq(get(STATUS), 0);
    ck_assert_uint_eq(get(LEFT), 0);
    ck_assert_uint_eq(get(0x800), 0);
    example_close(&watchdog);
}
END_TEST

START_TEST(expires_with_a_message)
{
    struct sim_interrupt interrupt = {0};

    open_with(false);
    pci_msix_set(&watchdog.vcpu, &watchdog.found[1], 0, MESSAGE, 0x41);
    pci_msix_enable(&watchdog.vcpu, &watchdog.found[1], true);
    put(CONTROL, 3);
    ck_assert(sim_interrupt_wait(watchdog.stack.sim, 10000, &interrupt));
    ck_assert(interrupt.is_message);
    ck_assert_uint_eq(interrupt.address, MESSAGE);
    ck_assert_uint_eq(interrupt.data, 0x41);
    ck_assert_uint_eq(get(STATUS), 1);
    ck_assert_uint_eq(get(CONTROL), 2);
    ck_assert_uint_eq(get(LEFT), 0);
    put(STATUS, 1);
    ck_assert_uint_eq(get(STATUS), 0);
    example_close(&watchdog);
}
END_TEST

START_TEST(expires_with_the_line)
{
    struct sim_interrupt interrupt = {0};

    open_with(true);
    put(CONTROL, 3);
    ck_assert(sim_interrupt_wait(watchdog.stack.sim, 10000, &interrupt));
    ck_assert(!interrupt.is_message && interrupt.level);
    ck_assert(sim_intx_level(watchdog.stack.sim, STACK_FUNCTION >> 3, 0));
    put(STATUS, 1);
    ck_assert(!sim_intx_level(watchdog.stack.sim, STACK_FUNCTION >> 3, 0));
    example_close(&watchdog);
}
END_TEST

START_TEST(does_not_expire)
{
    open_with(false);
    put(PERIOD, 1000000);
    put(CONTROL, 1);
    ck_assert_uint_gt(get(LEFT), 900000);
    ck_assert_uint_le(get(LEFT), 1000000);
    put(PERIOD, 2000000);
    ck_assert_uint_le(get(LEFT), 1000000);
    put(FEED, 1);
    ck_assert_uint_gt(get(LEFT), 1900000);
    put(CONTROL, 0);
    ck_assert_uint_eq(get(LEFT), 0);
    put(FEED, 1);
    ck_assert_uint_eq(get(LEFT), 0);
    ck_assert_uint_eq(get(STATUS), 0);
    example_close(&watchdog);
}
END_TEST

int main(int count, char **arguments)
{
    TCase *cases = tcase_create("module");

    tcase_add_test(cases, registers_at_power_on);
    tcase_add_test(cases, expires_with_a_message);
    tcase_add_test(cases, expires_with_the_line);
    tcase_add_test(cases, does_not_expire);
    return example_main("watchdog", cases, count, arguments);
}
