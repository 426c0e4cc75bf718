/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * For scenarios of the lab, in dom0: waits until a line of one of the files matches an extended regular expression. A shell loop around
 * grep would take the emulated CPU from the emulators that are being waited for.
 *
 *   await-line SECONDS PATTERN FILE...
 *
 * Files may be missing at first. Exit status: 0 a line matches, 1 the time is over, 2 the command line is wrong.
 */
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_FILES 8
#define LINE_SIZE 4096

/* A file that grows, and the line of it that is being read. */
struct follower {
    const char *path;
    FILE *stream;
    size_t length;
    char line[LINE_SIZE];
};

static bool matches(const regex_t *pattern, const char *line)
{
    return regexec(pattern, line, 0, NULL, 0) == 0;
}

/* Reads what is new; true when a line of it matches. A line that has no end yet is looked at as it is. */
static bool look(struct follower *follower, const regex_t *pattern)
{
    int byte;

    if (!follower->stream)
        follower->stream = fopen(follower->path, "re");
    if (!follower->stream)
        return false;
    clearerr(follower->stream);
    while ((byte = fgetc(follower->stream)) != EOF) {
        if (byte == '\n') {
            follower->line[follower->length] = '\0';
            follower->length = 0;
            if (matches(pattern, follower->line))
                return true;
        } else if (byte != '\r' && byte != '\0' && follower->length < LINE_SIZE - 1) {
            follower->line[follower->length++] = (char)byte;
        }
    }
    follower->line[follower->length] = '\0';
    return follower->length > 0 && matches(pattern, follower->line);
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    static struct follower followers[MAX_FILES];
    const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
    int files = argc - 3;
    regex_t pattern;
    double end;

    if (files < 1 || files > MAX_FILES) {
        fprintf(stderr, "usage: await-line SECONDS PATTERN FILE... (at most %d files)\n", MAX_FILES);
        return 2;
    }
    if (regcomp(&pattern, argv[2], REG_EXTENDED | REG_NOSUB) != 0) {
        fprintf(stderr, "await-line: \"%s\" is not an extended regular expression\n", argv[2]);
        return 2;
    }
    end = now() + strtod(argv[1], NULL);
    for (int i = 0; i < files; i++)
        followers[i].path = argv[3 + i];
    while (true) {
        for (int i = 0; i < files; i++) {
            if (look(&followers[i], &pattern))
                return 0;
        }
        if (now() >= end)
            return 1;
        nanosleep(&pause, NULL);
    }
}
