/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: what a line looks like, that no text breaks out of it, where it is cut, and the limit for guests' doings.
 */
#include "log.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Standard error, while it goes into a file. */
struct capture {
    FILE *file;
    int saved;
};

static void capture_begin(struct capture *capture)
{
    capture->file = tmpfile();
    ck_assert_ptr_nonnull(capture->file);
    capture->saved = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(fileno(capture->file), STDERR_FILENO), 0);
}

/* What was written since, up to size - 1 bytes. */
static const char *capture_end(struct capture *capture, char *text, size_t size)
{
    size_t length;

    ck_assert_int_ge(dup2(capture->saved, STDERR_FILENO), 0);
    close(capture->saved);
    rewind(capture->file);
    length = fread(text, 1, size - 1, capture->file);
    text[length] = 0;
    fclose(capture->file);
    return text;
}

static void limited(struct log_limit *limit, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void limited(struct log_limit *limit, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_limited(limit, LOG_WARNING, "p", format, arguments);
    va_end(arguments);
}

START_TEST(test_levels)
{
    struct capture capture;
    char text[1024];

    unsetenv("JOURNAL_STREAM");
    capture_begin(&capture);
    for (int highest = LOG_ERROR; highest <= LOG_DEBUG; highest++) {
        log_set_level((enum log_level)highest);
        log_line(LOG_ERROR, NULL, "%d", highest);
        log_line(LOG_WARNING, NULL, "%d", highest);
        log_line(LOG_INFO, "virtio-blk disk0", "%d", highest);
        log_line(LOG_DEBUG, NULL, "%d", highest);
    }
    ck_assert_str_eq(capture_end(&capture, text, sizeof(text)), "ioreqd: error: 0\n"
                                                                "ioreqd: error: 1\n"
                                                                "ioreqd: warning: 1\n"
                                                                "ioreqd: error: 2\n"
                                                                "ioreqd: warning: 2\n"
                                                                "ioreqd: virtio-blk disk0: 2\n"
                                                                "ioreqd: error: 3\n"
                                                                "ioreqd: warning: 3\n"
                                                                "ioreqd: virtio-blk disk0: 3\n"
                                                                "ioreqd: 3\n");
}
END_TEST

START_TEST(test_default_level)
{
    ck_assert(log_wants(LOG_INFO));
    ck_assert(!log_wants(LOG_DEBUG));
}
END_TEST

START_TEST(test_journal)
{
    struct capture capture;
    struct stat status;
    char stream[80], text[1024];

    log_set_level(LOG_DEBUG);
    capture_begin(&capture);
    ck_assert_int_eq(fstat(STDERR_FILENO, &status), 0);
    snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_line(LOG_ERROR, NULL, "a");
    log_line(LOG_WARNING, NULL, "b");
    log_line(LOG_INFO, NULL, "c");
    log_line(LOG_DEBUG, NULL, "d");

    snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino + 1);
    setenv("JOURNAL_STREAM", stream, 1);
    log_line(LOG_INFO, NULL, "e");
    snprintf(stream, sizeof(stream), "%ju:%ju1x", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_line(LOG_INFO, NULL, "f");
    setenv("JOURNAL_STREAM", "", 1);
    log_line(LOG_INFO, NULL, "g");
    ck_assert_str_eq(capture_end(&capture, text, sizeof(text)), "<3>ioreqd: error: a\n"
                                                                "<4>ioreqd: warning: b\n"
                                                                "<6>ioreqd: c\n"
                                                                "<7>ioreqd: d\n"
                                                                "ioreqd: e\n"
                                                                "ioreqd: f\n"
                                                                "ioreqd: g\n");
}
END_TEST

static const struct {
    const char *text;
    const char *shown;
} texts[] = {
    {"", ""},
    {"plain ~ %s \\n", "plain ~ %s \\n"},
    {"two\nlines\n", "two\\nlines\\n"},
    {"a\tb\rc", "a\\tb\\x0dc"},
    {"\x1b[31mred\x7f", "\\x1b[31mred\\x7f"},
    {"\x01\x1f", "\\x01\\x1f"},
    {"Stra\xc3\x9f"
     "e \xe2\x82\xac \xf0\x9f\x90\xbc",
     "Stra\xc3\x9f"
     "e \xe2\x82\xac \xf0\x9f\x90\xbc"},
    {"\xc2\x9b", "\\xc2\\x9b"},                   /* a control of ISO 6429: starts an escape sequence */
    {"\xc2\xa0", "\xc2\xa0"},                     /* the first that is none */
    {"\x80\xff", "\\x80\\xff"},                   /* continuation alone, never valid */
    {"\xc3", "\\xc3"},                            /* the text ends in a character */
    {"\xe2\x82", "\\xe2\\x82"},                   /* the same */
    {"\xf0\x9f\x90", "\\xf0\\x9f\\x90"},          /* the same */
    {"\xc0\x8a", "\\xc0\\x8a"},                   /* a newline in two bytes */
    {"\xe0\x80\x8a", "\\xe0\\x80\\x8a"},          /* and in three */
    {"\xed\xa0\x80", "\\xed\\xa0\\x80"},          /* a surrogate */
    {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* above U+10FFFF */
    {"\xf4\x8f\xbf\xbd", "\xf4\x8f\xbf\xbd"},     /* below */
};

START_TEST(test_visible)
{
    struct capture capture;
    char expected[256], text[256];

    unsetenv("JOURNAL_STREAM");
    snprintf(expected, sizeof(expected), "ioreqd: %s: %s\n", texts[_i].shown, texts[_i].shown);
    capture_begin(&capture);
    log_line(LOG_INFO, texts[_i].text, "%s", texts[_i].text);
    ck_assert_str_eq(capture_end(&capture, text, sizeof(text)), expected);
}
END_TEST

/* Lines of every length around the limit; unit is the text repeated, of which none may be cut in two. */
static void check_cut(const char *unit, const char *shown)
{
    struct capture capture;
    char message[4096], line[8192], expected[8192];
    size_t unit_length = strlen(unit), shown_length = strlen(shown), head = strlen("ioreqd: ");

    for (size_t fill = 0; fill < 8; fill++) {
        for (size_t count = 0; count < 1100; count += count < 180 ? 179 : 1) {
            size_t length = head + fill + count * shown_length + 1;
            size_t at = fill, fits = count;

            if (fill + count * unit_length >= sizeof(message)) {
                break;
            }
            memset(message, '.', fill);
            for (size_t i = 0; i < count; i++, at += unit_length) {
                memcpy(message + at, unit, unit_length);
            }
            message[at] = 0;

            if (length - 1 > LOG_LINE_BYTES - 4) {
                fits = (LOG_LINE_BYTES - 4 - head - fill) / shown_length;
            }
            memcpy(expected, "ioreqd: ", head);
            memset(expected + head, '.', fill);
            at = head + fill;
            for (size_t i = 0; i < fits; i++, at += shown_length) {
                memcpy(expected + at, shown, shown_length);
            }
            strcpy(expected + at, fits < count ? "...\n" : "\n");

            capture_begin(&capture);
            log_line(LOG_INFO, NULL, "%s", message);
            capture_end(&capture, line, sizeof(line));
            ck_assert_uint_le(strlen(line), LOG_LINE_BYTES);
            ck_assert_str_eq(line, expected);
        }
    }
}

START_TEST(test_cut)
{
    unsetenv("JOURNAL_STREAM");
    check_cut("a", "a");
    check_cut("\n", "\\n");
    check_cut("\x1b", "\\x1b");
    check_cut("\xe2\x82\xac", "\xe2\x82\xac");
    check_cut("\xf0\x9f\x90\xbc", "\xf0\x9f\x90\xbc");
}
END_TEST

START_TEST(test_long_prefix)
{
    struct capture capture;
    char prefix[3000], line[4096];

    unsetenv("JOURNAL_STREAM");
    memset(prefix, 'p', sizeof(prefix) - 1);
    prefix[sizeof(prefix) - 1] = 0;
    capture_begin(&capture);
    log_line(LOG_ERROR, prefix, "%s", prefix);
    capture_end(&capture, line, sizeof(line));
    ck_assert_uint_eq(strlen(line), LOG_LINE_BYTES);
    ck_assert_str_eq(line + LOG_LINE_BYTES - 6, "pp...\n");
}
END_TEST

START_TEST(test_errno_is_kept)
{
    struct capture capture;
    char text[64];

    capture_begin(&capture);
    close(STDERR_FILENO);
    errno = ENOSPC;
    log_line(LOG_INFO, NULL, "nobody sees this");
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert_str_eq(capture_end(&capture, text, sizeof(text)), "");
}
END_TEST

#define LEFT_OUT(count) count " more such lines were left out: at most 10 are logged in 5 seconds\n"

START_TEST(test_limit)
{
    struct log_limit limit;
    struct capture capture;
    char text[4096], expected[4096] = "";

    unsetenv("JOURNAL_STREAM");
    log_limit_init(&limit);
    capture_begin(&capture);
    for (int i = 0; i < 25; i++) {
        limited(&limit, "%d", i);
        if (i < LOG_LIMIT_BURST) {
            snprintf(expected + strlen(expected), 64, "ioreqd: warning: p: %d\n", i);
        }
    }
    ck_assert_uint_eq(limit.left_out, 15);

    /* Time passes. */
    limit.window -= LOG_LIMIT_SECONDS;
    limited(&limit, "later");
    strcat(expected, "ioreqd: warning: p: " LEFT_OUT("15") "ioreqd: warning: p: later\n");
    ck_assert_uint_eq(limit.left_out, 0);

    /* Lines that nobody wants use nothing up. */
    log_set_level(LOG_ERROR);
    for (int i = 0; i < 25; i++) {
        limited(&limit, "unwanted");
    }
    log_set_level(LOG_INFO);
    for (int i = 0; i < 11; i++) {
        limited(&limit, "x");
        strcat(expected, i < 9 ? "ioreqd: warning: p: x\n" : "");
    }
    log_limit_destroy(&limit);
    strcat(expected, "ioreqd: warning: " LEFT_OUT("2"));
    ck_assert_str_eq(capture_end(&capture, text, sizeof(text)), expected);
}
END_TEST

#define THREADS 4
#define LINES   500

static void *write_lines(void *argument)
{
    struct log_limit *limit = argument;

    for (int i = 0; i < LINES; i++) {
        log_line(LOG_INFO, "thread", "0123456789");
        limited(limit, "limited");
    }
    return NULL;
}

START_TEST(test_threads)
{
    static char text[THREADS * LINES * 128];
    struct log_limit limit;
    struct capture capture;
    pthread_t thread[THREADS];
    char *rest = text;
    unsigned lines = 0;

    unsetenv("JOURNAL_STREAM");
    log_limit_init(&limit);
    capture_begin(&capture);
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&thread[i], NULL, write_lines, &limit), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
    }
    limit.left_out = 0;
    log_limit_destroy(&limit);
    capture_end(&capture, text, sizeof(text));
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        lines += strcmp(line, "ioreqd: thread: 0123456789") == 0;
        ck_assert_msg(strcmp(line, "ioreqd: thread: 0123456789") == 0 ||
                          strncmp(line, "ioreqd: warning: p: ", 20) == 0 || line[0] == 0,
                      "mixed: %s", line);
    }
    ck_assert_uint_eq(lines, THREADS * LINES);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *tests = tcase_create("log");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_levels);
    tcase_add_test(tests, test_default_level);
    tcase_add_test(tests, test_journal);
    tcase_add_loop_test(tests, test_visible, 0, sizeof(texts) / sizeof(texts[0]));
    tcase_add_test(tests, test_cut);
    tcase_add_test(tests, test_long_prefix);
    tcase_add_test(tests, test_errno_is_kept);
    tcase_add_test(tests, test_limit);
    tcase_add_test(tests, test_threads);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
