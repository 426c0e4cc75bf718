/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the unit tests of what makes a process a service. */
#define _GNU_SOURCE /* nftw() */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/process/process.h"

#define PATHS 4

static char folder[] = "/tmp/ioreqd-process-XXXXXX";

void folder_open(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

void folder_close(void)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *folder_path(const char *name)
{
    static char path[PATHS][128];
    static unsigned next;
    char *mine = path[next++ % PATHS];

    snprintf(mine, sizeof(path[0]), "%s/%s", folder, name);
    return mine;
}

int main(void)
{
    TCase *(*const group[])(void) = {daemon_tests, log_sink_tests, pidfile_tests, readiness_tests};
    Suite *suite = suite_create("process");
    SRunner *runner;
    int failed;

    for (unsigned i = 0; i < sizeof(group) / sizeof(group[0]); i++) {
        TCase *tests = group[i]();

        tcase_set_timeout(tests, 60);
        tcase_add_checked_fixture(tests, folder_open, folder_close);
        suite_add_tcase(suite, tests);
    }
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
