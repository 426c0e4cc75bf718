/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log of the process: one line a call, to standard error unless log_set_target() named another place. Any thread
 * may log; lines do not mix.
 *
 * A line has at most LOG_LINE_BYTES, its end included: a longer one is cut and ends in "...". What would move a
 * terminal's cursor or start a second line, wherever it came from, is written as \n, \t or \xNN.
 *
 * What a guest can make happen at will is logged through a `struct log_limit`, so that a hostile guest cannot fill a
 * disk: at most LOG_LIMIT_BURST lines in LOG_LIMIT_SECONDS, then one line that tells how many were left out.
 */
#ifndef IOREQD_LOG_H
#define IOREQD_LOG_H

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers are those of enum ioreqd_log_level in ioreqd/device.h. */
enum log_level { LOG_ERROR = 0, LOG_WARNING = 1, LOG_INFO = 2, LOG_DEBUG = 3 };

#define LOG_LINE_BYTES    1024
#define LOG_LIMIT_BURST   10
#define LOG_LIMIT_SECONDS 5

struct log_limit {
    pthread_mutex_t lock;
    uint64_t window; /* start of the present window, seconds of CLOCK_MONOTONIC */
    unsigned lines;  /* let through in it */
    uint64_t left_out;
};

/* Lines above this level are dropped. LOG_INFO until it is called. From any thread. */
void log_set_level(enum log_level level);
enum log_level log_level(void);

/*
 * Where lines go from now on: "stderr", "syslog", "journal", or the path of a file. domain: what the guest is called,
 * for logs that several ioreqd share; may be NULL. Main thread. 0, or a negative errno and nothing is changed.
 */
int log_set_target(const char *target, const char *domain);

/* Whether a line of this level would be written: to spare the work of making it. */
bool log_wants(enum log_level level);

/* prefix, as "virtio-blk disk0", may be NULL. errno is left as it was. */
void log_line(enum log_level level, const char *prefix, const char *format, ...) __attribute__((format(printf, 3, 4)));
void log_vline(enum log_level level, const char *prefix, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

/*
 * The last lines are kept in memory too, for whoever asks later: without the program's name and what follows the line.
 */
#define LOG_RECENT 128

struct log_entry {
    uint64_t time; /* milliseconds since 1970 */
    enum log_level level;
    char text[LOG_LINE_BYTES];
};

/* Copies the last lines, at most count, oldest first; returns how many. From any thread. */
size_t log_recent(struct log_entry *entry, size_t count);

void log_limit_init(struct log_limit *limit);
/* Tells first how many lines were left out, if nobody has been told yet. */
void log_limit_destroy(struct log_limit *limit);
/* As log_vline(), when the limit lets it through. */
void log_limited(struct log_limit *limit, enum log_level level, const char *prefix, const char *format,
                 va_list arguments) __attribute__((format(printf, 4, 0)));

#endif
