/* SPDX-License-Identifier: BSD-2-Clause */
/* What keeps a device from working, see trouble.h. */
#include "device/trouble.h"

#include <stdbool.h>
#include <stdio.h>

#include "device/device_private.h"
#include "device/timer.h"
#include "event.h"

/* A guest can break and reset its device as often as it likes: events of that are limited as lines of the log are. */
#define WINDOW_NANOSECONDS (UINT64_C(1000000000) * LOG_LIMIT_SECONDS)

static const char *const names[] = {
    [TROUBLE_NONE] = "recovered",
    [TROUBLE_NEEDS_RESET] = "needs-reset",
    [TROUBLE_FAILED] = "failed",
};

void trouble_init(struct trouble *trouble)
{
    pthread_mutex_init(&trouble->lock, NULL);
}

void trouble_destroy(struct trouble *trouble)
{
    pthread_mutex_destroy(&trouble->lock);
}

/* As the inside of a string of JSON; what would be too long for size bytes is cut. */
static void quote(char *to, size_t size, const char *text)
{
    size_t used = 0;

    for (; *text != 0 && used + 3 <= size; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte == '"' || byte == '\\') {
            to[used++] = '\\';
        }
        to[used++] = byte < 0x20 ? ' ' : *text;
    }
    to[used] = 0;
}

/* Under the lock: whether one more event may be told of. */
static bool may_tell(struct trouble *trouble)
{
    uint64_t now = timer_now();

    if (trouble->events == 0 || now - trouble->window >= WINDOW_NANOSECONDS) {
        trouble->window = now;
        trouble->events = 0;
    }
    if (trouble->events == LOG_LIMIT_BURST) {
        return false;
    }
    trouble->events++;
    return true;
}

void trouble_begin(struct ioreqd_device *device, enum trouble_kind kind, const char *reason)
{
    struct trouble *trouble = &device->trouble;
    char quoted[2 * TROUBLE_REASON] = "", json[sizeof(quoted) + sizeof("{\"reason\": \"\"}")];
    bool tell = false;

    pthread_mutex_lock(&trouble->lock);
    if (kind > atomic_load(&trouble->kind)) {
        snprintf(trouble->reason, sizeof(trouble->reason), "%s", reason);
        quote(quoted, sizeof(quoted), trouble->reason);
        atomic_store(&trouble->kind, kind);
        tell = may_tell(trouble);
    }
    pthread_mutex_unlock(&trouble->lock);
    if (tell) {
        snprintf(json, sizeof(json), "{\"reason\": \"%s\"}", quoted);
        event_tell(device->name, names[kind], json);
    }
}

void trouble_end(struct ioreqd_device *device, enum trouble_kind kind)
{
    struct trouble *trouble = &device->trouble;
    char json[64];
    bool tell = false;

    pthread_mutex_lock(&trouble->lock);
    if (atomic_load(&trouble->kind) == kind) {
        atomic_store(&trouble->kind, TROUBLE_NONE);
        trouble->reason[0] = 0;
        tell = may_tell(trouble);
    }
    pthread_mutex_unlock(&trouble->lock);
    if (tell) {
        snprintf(json, sizeof(json), "{\"from\": \"%s\"}", names[kind]);
        event_tell(device->name, names[TROUBLE_NONE], json);
    }
}

void trouble_reason(struct trouble *trouble, char *reason, size_t size)
{
    pthread_mutex_lock(&trouble->lock);
    snprintf(reason, size, "%s", trouble->reason);
    pthread_mutex_unlock(&trouble->lock);
}
