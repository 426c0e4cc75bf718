/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the tests of the virtio library and of virtio-blk, each case in a process of its own. */
#include <stdlib.h>
#include <string.h>

#include "tests/virtio/blk.h"
#include "tests/virtio/suites.h"

struct fake *fake;
struct driver driver;
struct probe *probe;

void probe_begin(void)
{
    fake = fake_create(0);
    probe = calloc(1, sizeof(*probe));
    ck_assert_int_eq(driver_begin(&driver, fake, &probe_model, probe), 0);
}

void probe_end(void)
{
    driver_end(&driver);
    ck_assert_uint_eq(fake->windows, 0);
    ck_assert_uint_eq(fake->pinned, 0);
    free(probe);
    fake_destroy(fake);
}

void probe_complete(unsigned i, uint32_t used)
{
    struct ioreqd_virtio_request *request = probe->held[i];

    probe->count--;
    memmove(&probe->held[i], &probe->held[i + 1], (probe->count - i) * sizeof(probe->held[0]));
    ioreqd_virtio_request_complete(request, used);
}

int main(void)
{
    Suite *suite = suite_create("virtio");
    SRunner *runner;
    int failed;

    suite_add_tcase(suite, registers_cases());
    suite_add_tcase(suite, ring_cases());
    suite_add_tcase(suite, life_cases());
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
