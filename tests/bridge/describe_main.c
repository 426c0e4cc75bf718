/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the unit tests of src/bridge/describe. Clauses are those of ACPI 6.4. */
#include <stdlib.h>

#include "tests/bridge/describe_tests.h"

int main(void)
{
    Suite *suite = suite_create("describe");
    SRunner *runner;
    int failed;

    suite_add_tcase(suite, describe_aml_tests());
    suite_add_tcase(suite, describe_acpi_tests());
    suite_add_tcase(suite, describe_text_tests());
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
