/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs the tests of what virtio 1.4 asks of a device, clause by clause, each in a process of its own. A test's name begins
 * with the number of its clause; CONFORMANCE.md is the table of them.
 */
#include <stdlib.h>

#include "tests/virtio/suites.h"

int main(void)
{
    Suite *suite = suite_create("virtio-conformance");
    SRunner *runner;
    int failed;

    suite_add_tcase(suite, conformance_basic_cases());
    suite_add_tcase(suite, conformance_features_cases());
    suite_add_tcase(suite, conformance_pci_cases());
    suite_add_tcase(suite, conformance_interrupt_cases());
    suite_add_tcase(suite, conformance_legacy_cases());
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
