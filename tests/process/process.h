/* SPDX-License-Identifier: BSD-2-Clause */
/* The groups of test-process. */
#ifndef TESTS_PROCESS_PROCESS_H
#define TESTS_PROCESS_PROCESS_H

#include <check.h>

TCase *daemon_tests(void);
TCase *log_sink_tests(void);
TCase *pidfile_tests(void);
TCase *readiness_tests(void);

/* A folder of the test's own; fixtures. */
void folder_open(void);
void folder_close(void);
/* A path in it; the text is good until the next call but three. */
const char *folder_path(const char *name);

#endif
