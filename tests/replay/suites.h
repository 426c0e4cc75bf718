/* SPDX-License-Identifier: BSD-2-Clause */
/* The cases of test-replay. */
#ifndef TESTS_REPLAY_SUITES_H
#define TESTS_REPLAY_SUITES_H

#include <check.h>
#include <stddef.h>
#include <stdint.h>

TCase *format_tests(void);
TCase *made_tests(void);
TCase *difference_tests(void);
TCase *record_tests(void);
TCase *writer_tests(void);

/* Replays a text with the models that were built. How many differences; what was printed, in memory to be freed. */
size_t replay_text(const char *text, size_t length, char **printed);
/* The same, and the recording with what was got is written to the path. */
size_t replay_and_update(const char *text, size_t length, const char *path, char **printed);

/* A whole file in memory to be freed, ended by a 0. */
char *file_text(const char *path, size_t *length);

#endif
