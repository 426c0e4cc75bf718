/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the tests of the control sockets. */
#include <signal.h>
#include <stdlib.h>

#include "tests/control/served.h"

int main(void)
{
    TCase *(*const group[])(void) = {
        request_tests_of_control, client_tests, method_tests, device_tests, verb_tests, socket_tests};
    Suite *suite = suite_create("control");
    SRunner *runner;
    int failed;

    signal(SIGPIPE, SIG_IGN); /* as main() does */
    for (unsigned i = 0; i < sizeof(group) / sizeof(group[0]); i++) {
        TCase *tests = group[i]();

        tcase_set_timeout(tests, 300);
        suite_add_tcase(suite, tests);
    }
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
