/* SPDX-License-Identifier: BSD-2-Clause */
/* Events, see event.h. They are rare, so one lock does for all threads. */
#include "event.h"

#include <pthread.h>
#include <stddef.h>

#include "log.h"

static struct {
    pthread_mutex_t lock;
    void (*listen)(void *context, const char *source, const char *name, const char *json);
    void *context;
} listener = {.lock = PTHREAD_MUTEX_INITIALIZER};

void event_tell(const char *source, const char *name, const char *json)
{
    log_line(LOG_INFO, source, "event %s%s%s", name, json != NULL ? " " : "", json != NULL ? json : "");
    pthread_mutex_lock(&listener.lock);
    if (listener.listen != NULL) {
        listener.listen(listener.context, source, name, json);
    }
    pthread_mutex_unlock(&listener.lock);
}

void event_listen(void (*listen)(void *context, const char *source, const char *name, const char *json), void *context)
{
    pthread_mutex_lock(&listener.lock);
    listener.listen = listen;
    listener.context = context;
    pthread_mutex_unlock(&listener.lock);
}
