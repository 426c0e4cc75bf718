/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the lines of the log go: standard error, a file, syslog, or the journal of systemd. A sink is made by the main
 * thread and used by any; it is never changed, and stays until the process ends, as a thread may be writing to it.
 */
#ifndef IOREQD_LOG_SINK_H
#define IOREQD_LOG_SINK_H

#include <stddef.h>

#include "log.h"

struct log_sink;

/*
 * target: "stderr", "syslog", "journal", or the path of a file, which is made if it is not there and appended to.
 * domain: what the guest is called, for those sinks that several ioreqd write to; may be NULL.
 * before: the sink that it takes the place of, which it keeps; NULL: none. NULL with errno set.
 */
struct log_sink *log_sink_open(const char *target, const char *domain, const struct log_sink *before);

/* Whether standard error is the stream that systemd connected to the journal (systemd.exec(5), $JOURNAL_STREAM). */
bool log_sink_stderr_is_journal(void);

/*
 * sink: NULL for standard error. text: a line without its end, cleaned of what would break out of it. prefix: the device it is about, as
 * "virtio-blk disk0", or NULL. A log that cannot be written has nobody to be told to: there is no error.
 */
void log_sink_write(const struct log_sink *sink, enum log_level level, const char *prefix, const char *text,
                    size_t length);

#endif
