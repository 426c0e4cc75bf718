/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pidfile: it appears once the process is ready, whole, and the process has it locked (flock(2)) for as long as it
 * lives. So one that nobody has locked was left by a process that died, and is replaced; whoever wants to wait for the
 * end of the process locks it. Main thread.
 */
#ifndef IOREQD_PIDFILE_H
#define IOREQD_PIDFILE_H

#include <sys/types.h>

struct pidfile;

/* Whether another process has that file locked: its process id, 0 if nobody has, or a negative errno. */
pid_t pidfile_owner(const char *path);

/* Makes it. NULL with errno set; EBUSY: another process has it. */
struct pidfile *pidfile_create(const char *path);

/* Removes the file if it is still ours, and frees *pidfile. The lock stays until the process ends. NULL is allowed. */
void pidfile_remove(struct pidfile *pidfile);

#endif
