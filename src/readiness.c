/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Readiness, see readiness.h.
 *
 * libsystemd brings five more libraries (compression, cryptography) into the process, for one datagram. So it is loaded
 * when systemd has started us, and not linked.
 */
#include "readiness.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "pidfile.h"

#define SYSTEMD_LIBRARY "libsystemd.so.0"

struct readiness {
    const char *path;
    struct pidfile *pidfile;
    bool announced;
    void *library; /* NULL: nobody is told */
    int (*notify)(int, const char *);
    unsigned watchdog;
};

static void load_systemd(struct readiness *readiness)
{
    int (*watchdog_enabled)(int, uint64_t *) = NULL;
    uint64_t microseconds = 0;
    void *notify, *enabled;

    if (getenv("NOTIFY_SOCKET") == NULL) {
        return;
    }
    readiness->library = dlopen(SYSTEMD_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (readiness->library == NULL) {
        log_line(LOG_WARNING, NULL, "systemd is not told when the devices are ready: %s", dlerror());
        return;
    }
    notify = dlsym(readiness->library, "sd_notify");
    enabled = dlsym(readiness->library, "sd_watchdog_enabled");
    /* ISO C has no cast from an object to a function. */
    memcpy(&readiness->notify, &notify, sizeof(notify));
    memcpy(&watchdog_enabled, &enabled, sizeof(enabled));
    if (watchdog_enabled != NULL && watchdog_enabled(0, &microseconds) > 0) {
        uint64_t milliseconds = microseconds / 1000;

        readiness->watchdog = milliseconds < UINT32_MAX ? (unsigned)milliseconds : UINT32_MAX;
    }
}

static void tell_systemd(const struct readiness *readiness, const char *state)
{
    if (readiness->notify != NULL) {
        readiness->notify(0, state);
    }
}

struct readiness *readiness_create(const char *pidfile)
{
    struct readiness *readiness = calloc(1, sizeof(*readiness));

    if (readiness != NULL) {
        readiness->path = pidfile;
        load_systemd(readiness);
    }
    return readiness;
}

void readiness_destroy(struct readiness *readiness)
{
    readiness_withdraw(readiness);
    if (readiness != NULL && readiness->library != NULL) {
        dlclose(readiness->library);
    }
    free(readiness);
}

unsigned readiness_watchdog(const struct readiness *readiness)
{
    return readiness->watchdog;
}

void readiness_alive(struct readiness *readiness)
{
    tell_systemd(readiness, "WATCHDOG=1");
}

int readiness_announce(struct readiness *readiness)
{
    if (readiness->path != NULL) {
        readiness->pidfile = pidfile_create(readiness->path);
        if (readiness->pidfile == NULL) {
            return -errno;
        }
    }
    readiness->announced = true;
    tell_systemd(readiness, "READY=1");
    return 0;
}

void readiness_withdraw(struct readiness *readiness)
{
    if (readiness == NULL) {
        return;
    }
    if (readiness->announced) {
        tell_systemd(readiness, "STOPPING=1");
        readiness->announced = false;
    }
    pidfile_remove(readiness->pidfile);
    readiness->pidfile = NULL;
}
