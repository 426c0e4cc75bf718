/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log, see log.h. A line is made in the caller's stack and leaves in one write(2), which is what keeps the lines
 * of several threads apart without a lock. What is kept, the level, where lines go and the last lines, is the process's, as
 * standard error is; the last lines have a lock, which is held for a copy and never while a line is written.
 */
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "log_sink.h"

#define CUT_MARK "..."

/* Text may grow up to limit; behind it there is always room for the mark of a cut and the end of the line. */
struct line {
    char text[LOG_LINE_BYTES];
    size_t used;
    bool cut;
};

static const size_t limit_of_text = LOG_LINE_BYTES - sizeof("ioreqd: " CUT_MARK "\n") + 1;

static atomic_int highest_level = LOG_INFO;

static struct {
    pthread_mutex_t lock;
    struct log_entry entry[LOG_RECENT];
    uint64_t lines; /* that there ever were; the newest is entry[(lines - 1) % LOG_RECENT] */
} recent = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* NULL: standard error. */
static _Atomic(struct log_sink *) present_sink;

/* All or nothing, so that an escape or a multi-byte character is never halved. */
static void put(struct line *line, const char *text, size_t length)
{
    if (line->cut || length > limit_of_text - line->used) {
        line->cut = true;
        return;
    }
    memcpy(line->text + line->used, text, length);
    line->used += length;
}

/*
 * Length of the UTF-8 character at text (Unicode 15, table 3-7), or 0 where there is none that may stand in a line:
 * malformed bytes make journald store the line as a blob, and terminals obey the controls U+0080 to U+009F.
 */
static size_t character_length(const unsigned char *text)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high;
        size_t length;
    } form[] = {
        {0xc2, 0xc2, 0xa0, 0xbf, 2}, {0xc3, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };

    if (text[0] < 0x80) {
        return text[0] >= 0x20 && text[0] != 0x7f ? 1 : 0;
    }
    for (size_t i = 0; i < sizeof(form) / sizeof(form[0]); i++) {
        if (text[0] < form[i].first_low || text[0] > form[i].first_high) {
            continue;
        }
        if (text[1] < form[i].second_low || text[1] > form[i].second_high) {
            return 0;
        }
        for (size_t at = 2; at < form[i].length; at++) {
            /* The 0 at the end of the text is no continuation byte either. */
            if ((text[at] & 0xc0) != 0x80) {
                return 0;
            }
        }
        return form[i].length;
    }
    return 0;
}

static void put_visible(struct line *line, const char *text)
{
    while (*text != 0 && !line->cut) {
        size_t length = character_length((const unsigned char *)text);

        if (length > 0) {
            put(line, text, length);
            text += length;
            continue;
        }
        char escape[8];
        if (*text == '\n') {
            snprintf(escape, sizeof(escape), "\\n");
        } else if (*text == '\t') {
            snprintf(escape, sizeof(escape), "\\t");
        } else {
            snprintf(escape, sizeof(escape), "\\x%02x", (unsigned)(unsigned char)*text);
        }
        put(line, escape, strlen(escape));
        text++;
    }
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&highest_level, (int)level, memory_order_relaxed);
}

enum log_level log_level(void)
{
    return (enum log_level)atomic_load_explicit(&highest_level, memory_order_relaxed);
}

int log_set_target(const char *target, const char *domain)
{
    /* The journal takes more than lines from those who speak its protocol. */
    if (strcmp(target, "stderr") == 0 && log_sink_stderr_is_journal() && log_set_target("journal", domain) == 0) {
        return 0;
    }

    struct log_sink *sink = log_sink_open(target, domain, atomic_load(&present_sink));
    if (sink == NULL) {
        return -errno;
    }
    /* The one before stays: another thread may be writing to it. A process has two at most. */
    atomic_store(&present_sink, sink);
    return 0;
}

bool log_wants(enum log_level level)
{
    return level <= log_level();
}

/* text has length bytes, without the end of the line. */
static void keep(enum log_level level, const char *text, size_t length)
{
    struct log_entry *entry;
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    pthread_mutex_lock(&recent.lock);
    entry = &recent.entry[recent.lines++ % LOG_RECENT];
    entry->time = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    entry->level = level;
    memcpy(entry->text, text, length);
    entry->text[length] = 0;
    pthread_mutex_unlock(&recent.lock);
}

size_t log_recent(struct log_entry *entry, size_t count)
{
    pthread_mutex_lock(&recent.lock);
    if (count > LOG_RECENT) {
        count = LOG_RECENT;
    }
    if (count > recent.lines) {
        count = (size_t)recent.lines;
    }
    for (size_t i = 0; i < count; i++) {
        entry[i] = recent.entry[(recent.lines - count + i) % LOG_RECENT];
    }
    pthread_mutex_unlock(&recent.lock);
    return count;
}

void log_vline(enum log_level level, const char *prefix, const char *format, va_list arguments)
{
    int saved_errno = errno;
    char message[LOG_LINE_BYTES];
    struct line line = {.used = 0};

    if (!log_wants(level)) {
        return;
    }
    /* A message that does not fit here does not fit in the line either, which has less room: put() cuts it. */
    if (vsnprintf(message, sizeof(message), format, arguments) < 0) {
        snprintf(message, sizeof(message), "a message could not be formatted: %s", format);
    }
    if (level == LOG_ERROR) {
        put_visible(&line, "error: ");
    } else if (level == LOG_WARNING) {
        put_visible(&line, "warning: ");
    }
    if (prefix != NULL) {
        put_visible(&line, prefix);
        put_visible(&line, ": ");
    }
    put_visible(&line, message);
    if (line.cut) {
        memcpy(line.text + line.used, CUT_MARK, strlen(CUT_MARK));
        line.used += strlen(CUT_MARK);
    }
    keep(level, line.text, line.used);
    log_sink_write(atomic_load(&present_sink), level, prefix, line.text, line.used);
    errno = saved_errno;
}

void log_line(enum log_level level, const char *prefix, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_vline(level, prefix, format, arguments);
    va_end(arguments);
}

static uint64_t seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec;
}

static void tell_left_out(enum log_level level, const char *prefix, uint64_t left_out)
{
    if (left_out > 0) {
        log_line(level, prefix, "%" PRIu64 " more such lines were left out: at most %d are logged in %d seconds",
                 left_out, LOG_LIMIT_BURST, LOG_LIMIT_SECONDS);
    }
}

void log_limit_init(struct log_limit *limit)
{
    *limit = (struct log_limit){.window = seconds_now()};
    pthread_mutex_init(&limit->lock, NULL);
}

void log_limit_destroy(struct log_limit *limit)
{
    tell_left_out(LOG_WARNING, NULL, limit->left_out);
    pthread_mutex_destroy(&limit->lock);
}

void log_limited(struct log_limit *limit, enum log_level level, const char *prefix, const char *format,
                 va_list arguments)
{
    uint64_t left_out = 0;
    bool pass;

    if (!log_wants(level)) {
        return;
    }
    /* Lines are written outside the lock: who reads them may be slow, and other threads may have to count. */
    pthread_mutex_lock(&limit->lock);
    uint64_t now = seconds_now();
    if (now - limit->window >= LOG_LIMIT_SECONDS) {
        left_out = limit->left_out;
        limit->window = now;
        limit->lines = 0;
        limit->left_out = 0;
    }
    pass = limit->lines < LOG_LIMIT_BURST;
    if (pass) {
        limit->lines++;
    } else {
        limit->left_out++;
    }
    pthread_mutex_unlock(&limit->lock);

    tell_left_out(level, prefix, left_out);
    if (pass) {
        log_vline(level, prefix, format, arguments);
    }
}
