/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Readiness, see readiness.h.
 */
#include "readiness.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

#define PATH_SIZE       4096
#define SYSTEMD_LIBRARY "libsystemd.so.0"

/*
 * libsystemd brings five more libraries (compression, cryptography) into the process, for one datagram. So it is
 * loaded when systemd has started us, and not linked.
 */
static void tell_systemd(const char *state)
{
    int (*notify)(int, const char *) = NULL;
    void *library, *symbol;

    if (getenv("NOTIFY_SOCKET") == NULL) {
        return;
    }
    library = dlopen(SYSTEMD_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    symbol = library == NULL ? NULL : dlsym(library, "sd_notify");
    if (symbol == NULL) {
        log_line(LOG_WARNING, NULL, "systemd is not told \"%s\": %s", state, dlerror());
        return;
    }
    memcpy(&notify, &symbol, sizeof(notify)); /* ISO C has no cast from an object to a function */
    notify(0, state);
    dlclose(library);
}

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

    if (rc == 0) {
        tell_systemd("READY=1");
    }
    return rc;
}

void readiness_withdraw(const char *pidfile)
{
    tell_systemd("STOPPING=1");
    if (pidfile != NULL) {
        unlink(pidfile);
    }
}
