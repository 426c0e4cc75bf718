/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where lines of the log go: a file, and the journal with its fields.
 */
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "tests/process/process.h"

static int journal;

static void be_journal(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", folder_path("journal"));
    journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    ck_assert_int_ge(journal, 0);
    ck_assert_int_eq(bind(journal, (const struct sockaddr *)&address, sizeof(address)), 0);
    setenv("IOREQD_JOURNAL_SOCKET", address.sun_path, 1);
}

static const char *entry(void)
{
    static char text[4096];
    ssize_t length = recv(journal, text, sizeof(text) - 1, 0);

    text[length > 0 ? length : 0] = 0;
    return text;
}

START_TEST(fields_of_the_journal)
{
    char name[200];

    be_journal();
    ck_assert_int_eq(log_set_target("journal", "web"), 0);
    log_line(LOG_ERROR, "virtio-blk disk0", "it\nbroke");
    ck_assert_str_eq(entry(), "MESSAGE=error: virtio-blk disk0: it\\nbroke\nPRIORITY=3\nSYSLOG_IDENTIFIER=ioreqd\n"
                              "DOMAIN=web\nDEVICE=disk0\n");
    log_line(LOG_INFO, NULL, "ready");
    ck_assert_str_eq(entry(), "MESSAGE=ready\nPRIORITY=6\nSYSLOG_IDENTIFIER=ioreqd\nDOMAIN=web\n");
    /* No name adds a field, and a long one is cut. */
    ck_assert_int_eq(log_set_target("journal", "a\nPRIORITY=0"), 0);
    log_line(LOG_WARNING, NULL, "x");
    ck_assert_str_eq(entry(), "MESSAGE=warning: x\nPRIORITY=4\nSYSLOG_IDENTIFIER=ioreqd\nDOMAIN=a?PRIORITY=0\n");
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    ck_assert_int_eq(log_set_target("journal", name), 0);
    log_line(LOG_INFO, name, "x");
    ck_assert_ptr_nonnull(strstr(entry(), "\nDOMAIN=nnnn"));
}
END_TEST

START_TEST(no_journal)
{
    setenv("IOREQD_JOURNAL_SOCKET", folder_path("none"), 1);
    ck_assert_int_eq(log_set_target("journal", NULL), -ENOENT);
}
END_TEST

START_TEST(standard_error_that_is_the_journal)
{
    const char *path = folder_path("stderr");
    struct stat status;
    char stream[80], text[64];
    int fd = open(path, O_RDWR | O_CREAT, 0600), saved = dup(STDERR_FILENO);

    ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
    ck_assert_int_eq(fstat(fd, &status), 0);
    snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    be_journal();
    ck_assert_int_eq(log_set_target("stderr", "web"), 0);
    log_line(LOG_INFO, NULL, "with fields");
    ck_assert_ptr_nonnull(strstr(entry(), "DOMAIN=web\n"));
    /* Where that socket is not to be had, as behind a sandbox, the stream is good enough. */
    setenv("IOREQD_JOURNAL_SOCKET", folder_path("none"), 1);
    ck_assert_int_eq(log_set_target("stderr", "web"), 0);
    log_line(LOG_INFO, NULL, "without");
    dup2(saved, STDERR_FILENO);
    ck_assert_int_eq(pread(fd, text, sizeof(text), 0), (ssize_t)strlen("<6>ioreqd: without\n"));
    ck_assert_int_eq(memcmp(text, "<6>ioreqd: without\n", strlen("<6>ioreqd: without\n")), 0);
}
END_TEST

START_TEST(a_file)
{
    const char *path = folder_path("log");
    struct stat status;
    char text[512] = "";
    regex_t wanted;
    int fd;

    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(log_set_target(path, "web"), 0);
        log_line(LOG_WARNING, NULL, "line %u", i);
    }
    fd = open(path, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
    ck_assert_int_eq(regcomp(&wanted,
                             "^([0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}Z ioreqd\\[[0-9]+\\]: web: warning: "
                             "line [01]\n){2}$",
                             REG_EXTENDED),
                     0);
    ck_assert_msg(regexec(&wanted, text, 0, NULL, 0) == 0, "%s", text);
    regfree(&wanted);
    ck_assert_int_eq(fstat(fd, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07, 0); /* what a guest does is nobody else's business */
    close(fd);
    ck_assert_int_eq(log_set_target(folder_path("missing/log"), NULL), -ENOENT);
}
END_TEST

TCase *log_sink_tests(void)
{
    TCase *group = tcase_create("log_sink");

    tcase_add_test(group, fields_of_the_journal);
    tcase_add_test(group, no_journal);
    tcase_add_test(group, standard_error_that_is_the_journal);
    tcase_add_test(group, a_file);
    return group;
}
