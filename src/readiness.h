/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telling the process's starter that the devices answer, and that they still do: the pidfile, and systemd. (The xenstore
 * key is the toolstack's, hypervisor/toolstack.h.) Main thread.
 */
#ifndef IOREQD_READINESS_H
#define IOREQD_READINESS_H

#include <stddef.h>
#include <stdint.h>

struct readiness;

/* pidfile: may be NULL. NULL: no memory. */
struct readiness *readiness_create(const char *pidfile);
/* Withdraws what was announced. NULL is allowed. */
void readiness_destroy(struct readiness *readiness);

/* Milliseconds in which systemd expects to be told again (WatchdogSec=); 0: it does not. */
unsigned readiness_watchdog(const struct readiness *readiness);
void readiness_alive(struct readiness *readiness);

/* The pidfile appears, with the process id in it. 0, or a negative errno for the pidfile. */
int readiness_announce(struct readiness *readiness);

/* The end begins: what was announced no longer holds. May be called again, and with NULL. */
void readiness_withdraw(struct readiness *readiness);

#endif
