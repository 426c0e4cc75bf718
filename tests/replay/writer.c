/* SPDX-License-Identifier: BSD-2-Clause */
/* The file that grows: what was added is in it, whatever becomes of the process. */
#include "recording/writer.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recording/recording.h"
#include "tests/replay/suites.h"

#define MANY 40000u

static char path[64];

static void make_path(void)
{
    snprintf(path, sizeof(path), "/tmp/test-writer-XXXXXX");
    close(mkstemp(path));
}

START_TEST(grows_over_pieces)
{
    struct writer *writer;
    struct stat status;
    size_t length;
    char *text, line[64];

    make_path();
    writer = writer_open(path);
    ck_assert_ptr_nonnull(writer);
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(line, sizeof(line), "line %08u of those that are added\n", i);
        ck_assert_int_eq(writer_add(writer, line, strlen(line)), 0);
    }
    writer_close(writer);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_size, (off_t)(strlen(line) * MANY));
    text = file_text(path, &length);
    ck_assert_uint_eq(length, strlen(line) * MANY);
    ck_assert_int_eq(memcmp(text + length - strlen(line), line, strlen(line)), 0);
    free(text);
    unlink(path);
}
END_TEST

START_TEST(a_killed_process_leaves_a_recording)
{
    static const char text[] = RECORDING_FIRST_LINE "\nguest pvh\n0 read port 0xc000 4";
    struct recording_error error;
    struct recording recording;
    size_t length;
    char *found;
    int status;
    pid_t child;

    make_path();
    child = fork();
    if (child == 0) {
        struct writer *writer = writer_open(path);

        if (writer != NULL && writer_add(writer, text, strlen(text)) == 0) {
            raise(SIGKILL);
        }
        _exit(1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    found = file_text(path, &length);
    ck_assert_msg(recording_read(found, length, &recording, &error) == 0, "%s", error.text);
    ck_assert_uint_eq(recording.lines, 3);
    ck_assert(!recording.line[2].answered);
    recording_free(&recording);
    free(found);
    unlink(path);
}
END_TEST

START_TEST(what_cannot_be_made)
{
    ck_assert_ptr_null(writer_open("/nowhere/at/all"));
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

TCase *writer_tests(void)
{
    TCase *tests = tcase_create("writer");

    tcase_add_test(tests, grows_over_pieces);
    tcase_add_test(tests, a_killed_process_leaves_a_recording);
    tcase_add_test(tests, what_cannot_be_made);
    return tests;
}
