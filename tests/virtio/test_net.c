/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the tests of virtio-net, each in a process of its own. What the standard asks for is in NET_CONFORMANCE.md. */
#include <stdlib.h>

#include "tests/virtio/net_driver.h"

int main(void)
{
    Suite *suite = suite_create("virtio-net");
    SRunner *runner;
    int failed;

    suite_add_tcase(suite, net_part_cases());
    suite_add_tcase(suite, net_config_cases());
    suite_add_tcase(suite, net_send_cases());
    suite_add_tcase(suite, net_receive_cases());
    suite_add_tcase(suite, net_control_cases());
    suite_add_tcase(suite, net_life_cases());
    suite_add_tcase(suite, net_moderation_cases());
    suite_add_tcase(suite, net_legacy_cases());
    suite_add_tcase(suite, net_steering_cases());
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
