/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telling the process's starter that the devices answer: the pidfile, and systemd. (The xenstore key is the
 * toolstack's, hypervisor/toolstack.h.) Main thread.
 */
#ifndef IOREQD_READINESS_H
#define IOREQD_READINESS_H

#include <stddef.h>

/* pidfile may be NULL. It appears whole, with the process id in it. 0, or a negative errno for the pidfile. */
int readiness_announce(const char *pidfile);

/* The end begins: what was announced no longer holds. */
void readiness_withdraw(const char *pidfile);

#endif
