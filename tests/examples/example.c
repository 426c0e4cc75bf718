/* SPDX-License-Identifier: BSD-2-Clause */
/* What the drivers of the examples have in common, see example.h. */
#include "tests/examples/example.h"

#include <stdio.h>
#include <stdlib.h>

static const char *path;

void example_open(struct example *example, uint16_t device, bool lines, const char *key, const char *value)
{
    struct pci_space space = {.ports = 0xc000, .memory = 0xf0000000};
    struct stack_options options = {.sim = {.intx = lines}, .key = key, .value = value};
    char reason[256] = "";

    example->module = module_open(path, reason, sizeof(reason));
    ck_assert_msg(example->module != NULL, "%s: %s", path, reason);
    options.model = module_models(example->module)[0];
    ck_assert_msg(stack_open(&example->stack, &options) && stack_run(&example->stack), "%s", example->stack.error);
    example->vcpu = (struct vcpu){.sim = example->stack.sim};
    ck_assert_uint_eq(pci_enumerate(&example->vcpu, example->found, PCI_FUNCTIONS), 2);
    ck_assert_uint_eq(example->found[1].vendor, 0x1234);
    ck_assert_uint_eq(example->found[1].device, device);
    pci_place(&example->vcpu, &example->found[1], &space);
}

void example_close(struct example *example)
{
    ck_assert_uint_eq(stack_close(&example->stack), 0);
    module_close(example->module);
}

uint32_t example_get(struct example *example, unsigned offset)
{
    return (uint32_t)vcpu_load(&example->vcpu, example->found[1].bar[0].address + offset, 4);
}

void example_put(struct example *example, unsigned offset, uint32_t value)
{
    vcpu_store(&example->vcpu, example->found[1].bar[0].address + offset, 4, value);
}

int example_main(const char *name, TCase *cases, int count, char **arguments)
{
    Suite *suite = suite_create(name);
    SRunner *runner;
    int failed;

    if (count != 2) {
        fprintf(stderr, "usage: %s MODULE\n", name);
        return 2;
    }
    path = arguments[1];
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
