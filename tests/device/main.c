/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the unit tests of src/device but for those of modules. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>

#include "tests/device/bench.h"
#include "tests/device/network_bench.h"
#include "tests/device/stream_bench.h"

int main(void)
{
    TCase *(*const group[])(void) = {
        memory_tests,        pin_tests,          window_tests,      granted_tests,    memory_race_tests,
        loop_tests,          file_ring_tests,    file_tests,        timer_tests,      watch_tests,
        stream_socket_tests, stream_pty_tests,   stream_file_tests, sockets_tests,    network_socket_tests,
        stream_stdio_tests,  file_request_tests, file_block_tests,  file_clear_tests, file_request_plain_tests,
        throttle_tests,      heartbeat_tests,    steering_tests,    trouble_tests,
    };
    Suite *suite = suite_create("device");
    SRunner *runner;
    int failed;

    for (unsigned i = 0; i < sizeof(group) / sizeof(group[0]); i++) {
        suite_add_tcase(suite, group[i]());
    }
#ifdef HAVE_LIBNBD
    suite_add_tcase(suite, nbd_tests());
    suite_add_tcase(suite, nbd_journal_tests());
    suite_add_tcase(suite, nbd_replay_tests());
    suite_add_tcase(suite, nbd_damage_tests());
#endif
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
