/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the tests of the worker and of the whole stack above a simulated hypervisor. */
#include "config.h"

#include <stdlib.h>

#include "tests/worker/disk.h"

static void on_main_loop(void)
{
    stack_default_layout = STACK_MAIN_LOOP;
}

int main(void)
{
    /* Those that queues on the main loop may make a difference to. */
    TCase *(*const of_queues[])(void) = {
        enumeration_tests, io_tests,      reset_tests, change_tests, end_tests,
        serial_tests,      console_tests, rng_tests,   vsock_tests,  disk_feature_tests,
    };
    TCase *(*const group[])(void) = {
        request_tests, host_tests, host_life_tests, enumeration_tests, io_tests,  reset_tests,
        change_tests,  end_tests,  serial_tests,    console_tests,     rng_tests, vsock_tests,
    };
    Suite *suite = suite_create("worker");
    SRunner *runner;
    int failed;

    for (unsigned i = 0; i < sizeof(group) / sizeof(group[0]); i++) {
        suite_add_tcase(suite, group[i]());
    }
    suite_add_tcase(suite, disk_feature_tests());
#ifdef HAVE_LIBNBD
    suite_add_tcase(suite, disk_nbd_tests());
#endif
    suite_add_tcase(suite, layout_tests());
    suite_add_tcase(suite, legacy_tests());
    runner = srunner_create(suite);
    suite = suite_create("worker, queues on the main loop");
    for (unsigned i = 0; i < sizeof(of_queues) / sizeof(of_queues[0]); i++) {
        TCase *of_one = of_queues[i]();

        tcase_add_checked_fixture(of_one, on_main_loop, NULL);
        suite_add_tcase(suite, of_one);
    }
    srunner_add_suite(runner, suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
