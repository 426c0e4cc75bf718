/* SPDX-License-Identifier: BSD-2-Clause */
/* The groups of tests of src/bridge/describe/. */
#ifndef TESTS_BRIDGE_DESCRIBE_TESTS_H
#define TESTS_BRIDGE_DESCRIBE_TESTS_H

#include <check.h>

TCase *describe_aml_tests(void);
TCase *describe_acpi_tests(void);
TCase *describe_text_tests(void);

#endif
