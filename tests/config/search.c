/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which file is taken for a domain, and what is said when there is none.
 */
#include "config/search.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UUID "00112233-4455-6677-8899-aabbccddeeff"

static char directory[64];
static unsigned asked;

static void names(void *context, const struct config *config, struct config_names *found)
{
    const struct config_names *known = context;

    (void)config;
    asked++;
    *found = *known;
}

static void put(const char *name, bool there)
{
    char path[160];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    if (there) {
        close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    } else {
        unlink(path);
    }
}

static void setup(void)
{
    snprintf(directory, sizeof(directory), "/tmp/ioreqd-search-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    asked = 0;
}

static void teardown(void)
{
    put("guest.conf", false);
    put(UUID ".conf", false);
    rmdir(directory);
}

/* Looks for the domain, and compares what is found, or said, with the directory left out of it. */
static void expect(const char *domain, struct config_names known, int wanted, const char *text)
{
    struct config config = {.domain = (char *)(uintptr_t)domain, .domain_is_id = strcmp(domain, "5") == 0};
    struct config_search search = {.directory = directory, .names = names, .context = &known};
    struct config_error error = {.text = ""};
    char *path = NULL;
    char seen[1024] = "";
    const char *rest;

    ck_assert_int_eq(config_search(&search, &config, &path, &error), wanted);
    rest = wanted == 0 ? path : error.text;
    while (*rest != '\0') {
        const char *at = strstr(rest, directory);
        size_t used = strlen(seen);
        int length = at != NULL ? (int)(at - rest) : (int)strlen(rest);

        snprintf(seen + used, sizeof(seen) - used, "%.*s", length, rest);
        rest += length + (int)(at != NULL ? strlen(directory) : 0);
    }
    ck_assert_str_eq(seen, text);
    free(path);
}

#define NOTHING "there is no --device, and no configuration file: looked for "
#define REMEDY  ": make one, or give --config FILE or --device MODEL"

START_TEST(test_by_name)
{
    put("guest.conf", true);
    put(UUID ".conf", true);
    expect("guest", (struct config_names){.uuid = UUID}, 0, "/guest.conf");
    ck_assert_uint_eq(asked, 0);
    expect("5", (struct config_names){.name = "guest", .uuid = UUID}, 0, "/guest.conf");
}
END_TEST

START_TEST(test_by_uuid)
{
    put(UUID ".conf", true);
    expect("guest", (struct config_names){.name = "guest", .uuid = UUID}, 0, "/" UUID ".conf");
    expect("5", (struct config_names){.name = "guest", .uuid = UUID}, 0, "/" UUID ".conf");
    expect("5", (struct config_names){.uuid = UUID}, 0, "/" UUID ".conf");
    expect("a/b", (struct config_names){.uuid = UUID}, 0, "/" UUID ".conf");
}
END_TEST

START_TEST(test_none)
{
    expect("guest", (struct config_names){.uuid = UUID}, -1,
           "--domain guest: " NOTHING "/guest.conf and /" UUID ".conf" REMEDY);
    expect("guest", (struct config_names){.name = ""}, -1, "--domain guest: " NOTHING "/guest.conf" REMEDY);
    expect("5", (struct config_names){.uuid = UUID}, -1, "--domain 5: " NOTHING "/" UUID ".conf" REMEDY);
    expect("5", (struct config_names){.name = ""}, -1, "--domain 5: " NOTHING "/NAME.conf" REMEDY);
    expect("../guest", (struct config_names){.uuid = "../x"}, -1, "--domain ../guest: " NOTHING "/NAME.conf" REMEDY);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config/search");
    TCase *tests = tcase_create("search");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_by_name);
    tcase_add_test(tests, test_by_uuid);
    tcase_add_test(tests, test_none);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
