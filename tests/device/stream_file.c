/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams into files, values that name no stream, and "none". */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/device/stream_bench.h"

START_TEST(appended)
{
    static uint8_t piece[65536];
    char got[32] = "";
    struct stat status;
    int file;

    for (unsigned i = 0; i < 2; i++) {
        open_near(in_folder("file:f"));
        ck_assert(stream_connected(near_end.stream));
        turn_for(5);
        ck_assert_uint_eq(near_end.connects, i + 1);
        ck_assert_uint_eq(stream_write(near_end.stream, "hello ", 6), 6);
        stream_want(near_end.stream, IOREQD_READABLE | IOREQD_WRITABLE);
        turn_for(5);
        ck_assert_uint_eq(near_end.writables, i + 1);
        ck_assert_uint_lt(idle_cost(), 50);
        ck_assert_uint_eq(near_end.length, 0);
        ck_assert_uint_eq(stream_read(near_end.stream, got, sizeof(got)), 0);
        stream_close(near_end.stream);
        near_end.stream = NULL;
    }
    file = open(in_folder("f"), O_RDONLY);
    ck_assert_int_eq(read(file, got, sizeof(got) - 1), 12);
    ck_assert_str_eq(got, "hello hello ");
    ck_assert_int_eq(fstat(file, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    close(file);
    open_near(in_folder("file:f"));
    for (unsigned i = 0; i < 16; i++) {
        ck_assert_uint_eq(stream_write(near_end.stream, piece, sizeof(piece)), sizeof(piece));
    }
    ck_assert_int_eq(stat(in_folder("f"), &status), 0);
    ck_assert_int_eq(status.st_size, 12 + 16 * 65536);
    ck_assert_int_eq(unlink(in_folder("f")), 0);
}
END_TEST

START_TEST(refused)
{
    struct ioreqd_stream *stream;
    char reason[256];
    int error;

    ck_assert_int_eq(mkdir(in_folder("d"), 0700), 0);
    ck_assert_int_eq(mkfifo(in_folder("p"), 0600), 0);
    for (int check = 0; check < 2; check++) {
        ck_assert_ptr_nonnull(strstr(refusal(in_folder("file:d"), check, &error), "cannot be opened for writing"));
        ck_assert_ptr_nonnull(strstr(refusal(in_folder("file:p"), check, &error), "cannot be opened for writing"));
        ck_assert_str_eq(refusal("file:/dev/null", check, &error), "it is not a regular file: name one");
        refusal(in_folder("file:missing/f"), check, &error);
        ck_assert_int_eq(error, ENOENT);
    }
    ck_assert_str_eq(refusal("file:", false, &error), "the path is missing: give file:PATH");
    ck_assert_int_eq(stream_open(in_folder("file:f"), true, &stream, reason, sizeof(reason)), 0);
    ck_assert_int_ne(access(in_folder("f"), F_OK), 0);
    ck_assert_int_eq(unlink(in_folder("p")), 0);
    ck_assert_int_eq(rmdir(in_folder("d")), 0);
}
END_TEST

START_TEST(no_stream)
{
    static const char *const wrong[] = {"", "ptyx", "tcp:1", "None", "fil", "/dev/pts/1", ":"};
    struct ioreqd_stream *stream = (struct ioreqd_stream *)&near_end;
    char reason[256];
    int error;

    ck_assert_int_eq(stream_open("none", false, &stream, reason, sizeof(reason)), 0);
    ck_assert_ptr_null(stream);
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ck_assert_str_eq(refusal(wrong[i], i % 2, &error),
                         "it is no stream: give pty, pty:LINK, unix:PATH, file:PATH, stdio, or none");
        ck_assert_int_eq(error, EINVAL);
    }
}
END_TEST

TCase *stream_file_tests(void)
{
    TCase *group = tcase_create("stream into a file");

    tcase_add_checked_fixture(group, open_stream_bench, close_stream_bench);
    tcase_add_test(group, appended);
    tcase_add_test(group, refused);
    tcase_add_test(group, no_stream);
    return group;
}
