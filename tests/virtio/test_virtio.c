/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the tests of the virtio library and of virtio-blk, each case in a process of its own. */
#include <stdlib.h>

#include "tests/virtio/blk.h"
#include "tests/virtio/suites.h"

int main(void)
{
    Suite *suite = suite_create("virtio");
    SRunner *runner;
    int failed;

    suite_add_tcase(suite, registers_cases());
    suite_add_tcase(suite, ring_cases("split rings", probe_begin));
    suite_add_tcase(suite, ring_cases("packed rings", probe_begin_packed));
    suite_add_tcase(suite, split_cases());
    suite_add_tcase(suite, packed_cases());
    suite_add_tcase(suite, order_cases("split rings in order", probe_begin));
    suite_add_tcase(suite, order_cases("packed rings in order", probe_begin_packed));
    suite_add_tcase(suite, large_cases());
    suite_add_tcase(suite, life_cases("life with split rings", probe_begin));
    suite_add_tcase(suite, life_cases("life with packed rings", probe_begin_packed));
    suite_add_tcase(suite, blk_cases());
    suite_add_tcase(suite, blk_config_cases());
    suite_add_tcase(suite, blk_cache_cases());
    suite_add_tcase(suite, blk_ranges_cases());
    suite_add_tcase(suite, blk_resize_cases());
    suite_add_tcase(suite, blk_queues_cases());
    suite_add_tcase(suite, blk_legacy_cases());
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
