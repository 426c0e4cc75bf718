/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines to syslog(3), see log_syslog.h. The C library keeps the connection, and locks it.
 */
#include "log_syslog.h"

#include <syslog.h>

void log_syslog_open(void)
{
    openlog("ioreqd", LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void log_syslog_write(int priority, const char *domain, const char *text, size_t length)
{
    syslog(priority, "%s%s%.*s", domain, domain[0] != 0 ? ": " : "", (int)length, text);
}
