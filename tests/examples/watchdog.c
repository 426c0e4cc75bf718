/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage: watchdog MODULE. The example's module as its author has built it, driven through the whole of ioreqd on a
 * simulated hypervisor, as a guest's driver would. Run by check-examples, which builds the module. The main thread is
 * the vCPU; register offsets are written out as in the example.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/drv/pci.h"
#include "tests/drv/stack.h"

#define MESSAGE UINT64_C(0xfee00000)

enum { PERIOD = 4, CONTROL = 8, FEED = 12, STATUS = 16, LEFT = 20 };

static const char *path;
static struct module *module;
static struct stack stack;
static struct vcpu vcpu;
static struct pci_function found[PCI_FUNCTIONS];

static uint32_t get(unsigned offset)
{
    return (uint32_t)vcpu_load(&vcpu, found[1].bar[0].address + offset, 4);
}

static void put(unsigned offset, uint32_t value)
{
    vcpu_store(&vcpu, found[1].bar[0].address + offset, 4, value);
}

static void open_with(bool lines)
{
    struct pci_space space = {.ports = 0xc000, .memory = 0xf0000000};
    struct stack_options options = {.sim = {.intx = lines}, .key = "period", .value = "30"};
    char reason[256] = "";

    module = module_open(path, reason, sizeof(reason));
    ck_assert_msg(module != NULL, "%s: %s", path, reason);
    options.model = module_models(module)[0];
    ck_assert_msg(stack_open(&stack, &options) && stack_run(&stack), "%s", stack.error);
    vcpu = (struct vcpu){.sim = stack.sim};
    ck_assert_uint_eq(pci_enumerate(&vcpu, found, PCI_FUNCTIONS), 2);
    ck_assert_uint_eq(found[1].vendor, 0x1234);
    ck_assert_uint_eq(found[1].device, 0x0d09);
    pci_place(&vcpu, &found[1], &space);
}

static void shut(void)
{
    ck_assert_uint_eq(stack_close(&stack), 0);
    module_close(module);
}

START_TEST(registers_at_power_on)
{
    open_with(false);
    ck_assert_uint_eq(found[1].bar[0].size, 4096);
    ck_assert_uint_eq(found[1].vectors, 1);
    ck_assert_uint_eq(get(0), 0x474f4457);
    ck_assert_uint_eq(get(PERIOD), 30);
    ck_assert_uint_eq(get(CONTROL), 0);
    ck_assert_uint_eq(get(STATUS), 0);
    ck_assert_uint_eq(get(LEFT), 0);
    ck_assert_uint_eq(get(0x800), 0);
    shut();
}
END_TEST

START_TEST(expires_with_a_message)
{
    struct sim_interrupt interrupt = {0};

    open_with(false);
    pci_msix_set(&vcpu, &found[1], 0, MESSAGE, 0x41);
    pci_msix_enable(&vcpu, &found[1], true);
    put(CONTROL, 3);
    ck_assert(sim_interrupt_wait(stack.sim, 10000, &interrupt));
    ck_assert(interrupt.is_message);
    ck_assert_uint_eq(interrupt.address, MESSAGE);
    ck_assert_uint_eq(interrupt.data, 0x41);
    ck_assert_uint_eq(get(STATUS), 1);
    ck_assert_uint_eq(get(CONTROL), 2);
    ck_assert_uint_eq(get(LEFT), 0);
    put(STATUS, 1);
    ck_assert_uint_eq(get(STATUS), 0);
    shut();
}
END_TEST

START_TEST(expires_with_the_line)
{
    struct sim_interrupt interrupt = {0};

    open_with(true);
    put(CONTROL, 3);
    ck_assert(sim_interrupt_wait(stack.sim, 10000, &interrupt));
    ck_assert(!interrupt.is_message && interrupt.level);
    ck_assert(sim_intx_level(stack.sim, STACK_FUNCTION >> 3, 0));
    put(STATUS, 1);
    ck_assert(!sim_intx_level(stack.sim, STACK_FUNCTION >> 3, 0));
    shut();
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
    shut();
}
END_TEST

int main(int count, char **arguments)
{
    Suite *suite = suite_create("watchdog");
    TCase *cases = tcase_create("module");
    SRunner *runner;
    int failed;

    if (count != 2) {
        fprintf(stderr, "usage: watchdog MODULE\n");
        return 2;
    }
    path = arguments[1];
    tcase_add_test(cases, registers_at_power_on);
    tcase_add_test(cases, expires_with_a_message);
    tcase_add_test(cases, expires_with_the_line);
    tcase_add_test(cases, does_not_expire);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
