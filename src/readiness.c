/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Readiness, see readiness.h.
 */
#include "readiness.h"

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#define PATH_SIZE 4096

static int write_pidfile(const char *pidfile)
{
    char unfinished[PATH_SIZE];
    int fd, rc = 0;

    if ((size_t)snprintf(unfinished, sizeof(unfinished), "%s.%d", pidfile, getpid()) >= sizeof(unfinished)) {
        return -ENAMETOOLONG;
    }
    fd = open(unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        return -errno;
    }
    if (dprintf(fd, "%d\n", getpid()) < 0) {
        rc = -errno;
    }
    if (close(fd) != 0 && rc == 0) {
        rc = -errno;
    }
    /* Whoever waits for the file finds the number in it. */
    if (rc == 0 && rename(unfinished, pidfile) != 0) {
        rc = -errno;
    }
    if (rc != 0) {
        unlink(unfinished);
    }
    return rc;
}

int readiness_announce(const char *pidfile)
{
    int rc = pidfile == NULL ? 0 : write_pidfile(pidfile);

#ifdef HAVE_SYSTEMD
    if (rc == 0) {
        sd_notify(0, "READY=1");
    }
#endif
    return rc;
}

void readiness_withdraw(const char *pidfile)
{
#ifdef HAVE_SYSTEMD
    sd_notify(0, "STOPPING=1");
#endif
    if (pidfile != NULL) {
        unlink(pidfile);
    }
}
