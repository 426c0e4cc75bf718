/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the tests of virtio-vsock, each case in a process of its own. */
#include "tests/virtio/test_vsock.h"

#include <stdlib.h>

int main(void)
{
    Suite *suite = suite_create("virtio-vsock");
    SRunner *runner;
    int failed;

    suite_add_tcase(suite, vsock_connect_cases());
    suite_add_tcase(suite, vsock_data_cases());
    suite_add_tcase(suite, vsock_close_cases());
    suite_add_tcase(suite, vsock_queue_cases());
    suite_add_tcase(suite, vsock_life_cases());
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
