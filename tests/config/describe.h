/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a configuration holds, as one line of text that tests can compare. No state.
 */
#ifndef IOREQD_TESTS_CONFIG_DESCRIBE_H
#define IOREQD_TESTS_CONFIG_DESCRIBE_H

#include <stddef.h>

#include "config/config.h"

/* Fills in text[size], and returns it. What does not fit is left out. */
const char *describe_config(const struct config *config, char *text, size_t size);

#endif
