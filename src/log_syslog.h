/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syslog(3), whose macros have names that log.h uses for its levels: so no file sees both. Any thread, once it is open.
 */
#ifndef IOREQD_LOG_SYSLOG_H
#define IOREQD_LOG_SYSLOG_H

#include <stddef.h>

/* Connects at once, so that later no file system need be there. A syslog that is not there loses lines. */
void log_syslog_open(void);

/* priority: syslog(3)'s. domain may be empty. */
void log_syslog_write(int priority, const char *domain, const char *text, size_t length);

#endif
