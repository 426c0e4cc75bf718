/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where lines go, see log_sink.h. Each is one write(2) or one datagram, which keeps those of several threads apart.
 */
#define _GNU_SOURCE /* SOCK_CLOEXEC */
#include "log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "log_syslog.h"

#define NAME           "ioreqd: "
#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define DOMAIN_BYTES   80
#define FILE_MODE      0640

enum kind { KIND_STDERR, KIND_FILE, KIND_SYSLOG, KIND_JOURNAL };

struct log_sink {
    enum kind kind;
    int fd;
    const struct log_sink *before;
    char domain[DOMAIN_BYTES];
};

/* syslog(3)'s numbers, which sd-daemon(3) and the journal use too. */
static int priority_of(enum log_level level)
{
    switch (level) {
    case LOG_ERROR:
        return 3;
    case LOG_WARNING:
        return 4;
    case LOG_INFO:
        return 6;
    case LOG_DEBUG:
        break;
    }
    return 7;
}

bool log_sink_stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    uintmax_t device, inode;
    struct stat status;
    int end = 0;

    if (stream == NULL || sscanf(stream, "%ju:%ju%n", &device, &inode, &end) != 2 || stream[end] != 0) {
        return false;
    }
    return fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

/* systemd's native protocol (systemd.io, "Native Journal Protocol"). IOREQD_JOURNAL_SOCKET is for tests. */
static int connect_journal(void)
{
    const char *path = getenv("IOREQD_JOURNAL_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path != NULL ? path : JOURNAL_SOCKET) >=
        sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
    } else if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
        return fd;
    }
    int saved_errno = errno;
    close(fd);
    errno = saved_errno;
    return -1;
}

struct log_sink *log_sink_open(const char *target, const char *domain, const struct log_sink *before)
{
    struct log_sink *sink = calloc(1, sizeof(*sink));

    if (sink == NULL) {
        return NULL;
    }
    sink->fd = -1;
    sink->before = before;
    /* A name with a control character in it would end the journal's field. xl takes none, but others may. */
    for (size_t i = 0; domain != NULL && domain[i] != 0 && i + 1 < sizeof(sink->domain); i++) {
        sink->domain[i] = (unsigned char)domain[i] < 0x20 ? '?' : domain[i];
    }
    if (strcmp(target, "syslog") == 0) {
        sink->kind = KIND_SYSLOG;
        log_syslog_open();
    } else if (strcmp(target, "journal") == 0) {
        sink->kind = KIND_JOURNAL;
        sink->fd = connect_journal();
    } else if (strcmp(target, "stderr") == 0) {
        sink->kind = KIND_STDERR;
    } else {
        sink->kind = KIND_FILE;
        sink->fd = open(target, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, FILE_MODE);
    }
    if ((sink->kind == KIND_JOURNAL || sink->kind == KIND_FILE) && sink->fd < 0) {
        int saved_errno = errno;

        free(sink);
        errno = saved_errno;
        return NULL;
    }
    return sink;
}

static void write_whole(int fd, const struct iovec *part, int parts)
{
    while (writev(fd, part, parts) < 0 && errno == EINTR) {
    }
}

/* Initialisers of an iovec; writev(2) does not change what it points to. */
#define PART(text, length)                                                                                             \
    {                                                                                                                  \
        .iov_base = (void *)(uintptr_t)(text), .iov_len = (length)                                                     \
    }

static void write_stderr(enum log_level level, const char *text, size_t length)
{
    char priority[8];
    /* sd-daemon(3): journald takes the priority of a line from here. */
    int priority_length =
        log_sink_stderr_is_journal() ? snprintf(priority, sizeof(priority), "<%d>", priority_of(level)) : 0;
    const struct iovec part[] = {PART(priority, (size_t)priority_length), PART(NAME, sizeof(NAME) - 1),
                                 PART(text, length), PART("\n", 1)};

    write_whole(STDERR_FILENO, part, 4);
}

static void write_file(const struct log_sink *sink, const char *text, size_t length)
{
    char head[DOMAIN_BYTES + 64];
    time_t now = time(NULL);
    size_t used;
    struct tm utc;

    gmtime_r(&now, &utc);
    used = strftime(head, 32, "%Y-%m-%dT%H:%M:%SZ ", &utc);
    used += (size_t)snprintf(head + used, sizeof(head) - used, "ioreqd[%d]: %s%s", getpid(), sink->domain,
                             sink->domain[0] != 0 ? ": " : "");
    const struct iovec part[] = {PART(head, used), PART(text, length), PART("\n", 1)};

    write_whole(sink->fd, part, 3);
}

static void write_journal(const struct log_sink *sink, enum log_level level, const char *prefix, const char *text,
                          size_t length)
{
    /* A device's name of at most 63 characters follows its model's; both are of letters, digits, - and _. */
    const char *device = prefix != NULL ? strrchr(prefix, ' ') : NULL;
    char fields[DOMAIN_BYTES + 192];
    int used = snprintf(fields, sizeof(fields), "\nPRIORITY=%d\nSYSLOG_IDENTIFIER=ioreqd\n", priority_of(level));

    if (sink->domain[0] != 0) {
        used += snprintf(fields + used, sizeof(fields) - (size_t)used, "DOMAIN=%s\n", sink->domain);
    }
    if (device != NULL) {
        used += snprintf(fields + used, sizeof(fields) - (size_t)used, "DEVICE=%.64s\n", device + 1);
    }
    const struct iovec part[] = {PART("MESSAGE=", 8), PART(text, length), PART(fields, (size_t)used)};

    write_whole(sink->fd, part, 3);
}

void log_sink_write(const struct log_sink *sink, enum log_level level, const char *prefix, const char *text,
                    size_t length)
{
    switch (sink != NULL ? sink->kind : KIND_STDERR) {
    case KIND_STDERR:
        write_stderr(level, text, length);
        break;
    case KIND_FILE:
        write_file(sink, text, length);
        break;
    case KIND_SYSLOG:
        log_syslog_write(priority_of(level), sink->domain, text, length);
        break;
    case KIND_JOURNAL:
        write_journal(sink, level, prefix, text, length);
        break;
    }
}
