/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the tests of the model edu, each case in a process of its own. */
#include <stdlib.h>

#include "tests/devices/edu_host.h"

int main(void)
{
    Suite *suite = suite_create("edu");
    SRunner *runner;
    int failed;

    suite_add_tcase(suite, registers_cases());
    suite_add_tcase(suite, dma_cases());
    suite_add_tcase(suite, life_cases());
    suite_add_tcase(suite, creation_cases());
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
