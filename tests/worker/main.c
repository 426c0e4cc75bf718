/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the tests of the worker and of the whole stack above a simulated hypervisor. */
#include "config.h"

#include <stdlib.h>

#include "tests/worker/disk.h"

int main(void)
{
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
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
