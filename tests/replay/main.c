/* SPDX-License-Identifier: BSD-2-Clause */
/* Recordings: format, file, what the simulated guest makes, and replaying. */
#include <stdlib.h>

#include "log.h"
#include "tests/replay/suites.h"

int main(void)
{
    Suite *suite = suite_create("replay");
    SRunner *runner = srunner_create(suite);
    int failed;

    log_set_level(LOG_ERROR);
    suite_add_tcase(suite, format_tests());
    suite_add_tcase(suite, writer_tests());
    suite_add_tcase(suite, record_tests());
    suite_add_tcase(suite, made_tests());
    suite_add_tcase(suite, difference_tests());
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
