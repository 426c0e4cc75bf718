/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loading modules, and the reasons for which they are refused. Wrong modules are built beside this program.
 */
#include "device/module.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef TEST_MODULE_DIRECTORY
#error "TEST_MODULE_DIRECTORY is where this program's modules are built"
#endif

#define BAD_MODEL   TEST_MODULE_DIRECTORY "/bad-model.so"
#define BAD_LIBRARY TEST_MODULE_DIRECTORY "/bad-library.so"

static char reason[256];

static const struct {
    const char *way;
    const char *reason;
} cases[] = {
    {"table", "its table is too short to be that of a model"},
    {"abi", "it is built for version 2 of the device interface, and this ioreqd has version 1"},
    {"name", "it has no name of letters, digits and '-', or no summary"},
    {"long-name", "it has no name of letters, digits and '-', or no summary"},
    {"no-name", "it has no name of letters, digits and '-', or no summary"},
    {"summary", "it has no name of letters, digits and '-', or no summary"},
    {"no-state", "its state has 0 bytes: 1 to 16777216 can be had"},
    {"state", "its state has 4294967295 bytes: 1 to 16777216 can be had"},
    {"create", "it lacks one of create, read and write"},
    {"read", "it lacks one of create, read and write"},
    {"write", "it lacks one of create, read and write"},
    {"bell", "it has doorbells and no function bell"},
    {"no-description", "it has no description, or one that is too short"},
    {"description", "it has no description, or one that is too short"},
    {"none", "it has no model for this version of ioreqd (device interface 1)"},
    {"null", "it has no model for this version of ioreqd (device interface 1)"},
    {"bar", "the size of a BAR is no power of two"},
    {"queue", "a doorbell has no queue"},
    {"tags", "the tag 1 is given to two saved fields"},
    {"field-kind", "saved field 1 is of no known kind"},
    {"no-field-kind", "saved field 1 is of no known kind"},
    {"field-reserved", "saved field 1 is of no known kind"},
    {"field-place", "saved field 2 does not lie inside the state"},
    {"field-far", "saved field 2 does not lie inside the state"},
    {"field-odd", "saved field 1 does not lie inside the state"},
    {"field-count", "saved field 2 does not lie inside the state"},
    {"field-many", "saved field 1 does not lie inside the state"},
    {"field-new", "saved field 2 is newer than the state"},
    {"counter-unit", "counter events has no unit or does not lie inside the state"},
    {"counter-place", "counter events has no unit or does not lie inside the state"},
    {"verb-name", "verb Do is no word, has no help, or does nothing"},
    {"verb-help", "verb do-more is no word, has no help, or does nothing"},
    {"verb-run", "verb do-more is no word, has no help, or does nothing"},
    {"verb-twice", "there are two verbs do"},
    {"parameter-name", "parameter a b of verb do is no word, has no help, or is of a kind that it cannot be"},
    {"parameter-help", "parameter second of verb do is no word, has no help, or is of a kind that it cannot be"},
    {"parameter-kind", "parameter second of verb do is no word, has no help, or is of a kind that it cannot be"},
    {"parameter-choice", "parameter first of verb do is no word, has no help, or is of a kind that it cannot be"},
    {"parameter-flags", "parameter first of verb do is no word, has no help, or is of a kind that it cannot be"},
    {"parameters", "verb do has more than 8 parameters"},
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

START_TEST(a_wrong_model_is_refused)
{
    ck_assert_int_eq(setenv("BAD_MODEL", cases[_i].way, 1), 0);
    ck_assert_ptr_null(module_open(BAD_MODEL, reason, sizeof(reason)));
    ck_assert_str_eq(reason, cases[_i].reason);
}
END_TEST

START_TEST(a_good_model_is_not)
{
    struct module *module;

    ck_assert_int_eq(unsetenv("BAD_MODEL"), 0);
    module = module_open(BAD_MODEL, reason, sizeof(reason));
    ck_assert_msg(module != NULL, "%s", reason);
    ck_assert_str_eq(module_models(module)[0]->name, "bad-model");
    ck_assert_ptr_null(module_models(module)[1]);
    module_close(module);
    module_close(NULL);
}
END_TEST

START_TEST(no_module_at_all)
{
    ck_assert_ptr_null(module_open(BAD_LIBRARY, reason, sizeof(reason)));
    ck_assert_str_eq(reason, "it is no module of ioreqd: it lacks the function ioreqd_module()");
    ck_assert_ptr_null(module_open("/nonexistent/module.so", reason, sizeof(reason)));
    ck_assert_ptr_nonnull(strstr(reason, "it cannot be loaded: "));
    ck_assert_ptr_nonnull(strstr(reason, "No such file"));
}
END_TEST

START_TEST(a_text_is_no_module)
{
    char path[] = "/tmp/test-module-XXXXXX";
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "text\n", 5), 5);
    close(fd);
    ck_assert_ptr_null(module_open(path, reason, sizeof(reason)));
    ck_assert_ptr_nonnull(strstr(reason, "it cannot be loaded: "));
    unlink(path);
}
END_TEST

/* The reason is cut to the room that there is. */
START_TEST(a_short_reason)
{
    char small[8] = "1234567";

    ck_assert_ptr_null(module_open(BAD_LIBRARY, small, 5));
    ck_assert_str_eq(small, "it i");
    ck_assert_int_eq(small[5], '6');
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("module");
    TCase *group = tcase_create("module");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(group, a_wrong_model_is_refused, 0, (int)CASES);
    tcase_add_test(group, a_good_model_is_not);
    tcase_add_test(group, no_module_at_all);
    tcase_add_test(group, a_text_is_no_module);
    tcase_add_test(group, a_short_reason);
    suite_add_tcase(suite, group);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
