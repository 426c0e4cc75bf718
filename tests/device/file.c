/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening the files of devices: size, locks, and reasons for people.
 */
#include "device/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/device/bench.h"

static char folder[] = "/tmp/test-device-XXXXXX";
static char path[64];
static char reason[128];

static void make_image(void)
{
    FILE *image;

    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/image", folder);
    image = fopen(path, "w");
    ck_assert_ptr_nonnull(image);
    ck_assert_int_eq(ftruncate(fileno(image), 12345), 0);
    fclose(image);
}

static void remove_image(void)
{
    unlink(path);
    rmdir(folder);
}

START_TEST(a_file_has_a_size)
{
    struct ioreqd_file *file = file_open(path, false, reason, sizeof(reason));

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(file_size(file), 12345);
    ck_assert(!file_read_only(file));
    ck_assert_int_eq(pwrite(file_descriptor(file), "x", 1, 0), 1);
    file_close(file);
    file = file_open(path, true, reason, sizeof(reason));
    ck_assert(file_read_only(file));
    ck_assert_int_eq(pwrite(file_descriptor(file), "x", 1, 0), -1);
    file_close(file);
    file_close(NULL);
}
END_TEST

/* A lock belongs to the open file: a second opening conflicts though it is the same process. */
START_TEST(files_are_locked)
{
    struct ioreqd_file *first = file_open(path, false, reason, sizeof(reason));
    struct ioreqd_file *second;

    ck_assert_ptr_null(file_open(path, false, reason, sizeof(reason)));
    ck_assert_int_eq(errno, EBUSY);
    ck_assert_str_eq(reason, "another process has it in use: end that one, or open it in both with readonly=on");
    ck_assert_ptr_null(file_open(path, true, reason, sizeof(reason)));
    file_close(first);
    first = file_open(path, true, reason, sizeof(reason));
    second = file_open(path, true, reason, sizeof(reason));
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(second);
    ck_assert_ptr_null(file_open(path, false, reason, sizeof(reason)));
    file_close(first);
    file_close(second);
    second = file_open(path, false, reason, sizeof(reason));
    ck_assert_ptr_nonnull(second);
    file_close(second);
}
END_TEST

static void expect_refusal(const char *name, bool read_only, int error, const char *text)
{
    reason[0] = '\0';
    ck_assert_ptr_null(file_open(name, read_only, reason, sizeof(reason)));
    ck_assert_int_eq(errno, error);
    ck_assert_msg(strstr(reason, text) != NULL, "%s: %s", name, reason);
}

START_TEST(reasons_tell_what_to_do)
{
    char fifo[80];

    expect_refusal("/nonexistent/image", false, ENOENT, "create it, or correct the path");
    expect_refusal(folder, false, EISDIR, "name a regular file or a block device");
    expect_refusal(folder, true, EINVAL, "neither a regular file nor a block device");
    expect_refusal("/dev/null", false, EINVAL, "neither a regular file nor a block device");
    snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    expect_refusal(fifo, true, EINVAL, "neither"); /* and nobody waits for a writer */
    unlink(fifo);
}
END_TEST

TCase *file_tests(void)
{
    TCase *group = tcase_create("files");

    tcase_add_checked_fixture(group, make_image, remove_image);
    tcase_add_test(group, a_file_has_a_size);
    tcase_add_test(group, files_are_locked);
    tcase_add_test(group, reasons_tell_what_to_do);
    return group;
}
