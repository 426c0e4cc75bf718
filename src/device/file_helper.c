/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The helping thread, see file_helper.h. What it has done comes back on a stack that it pushes to and the loop takes
 * whole, so that a turn of the loop costs one look at a pointer.
 */
#define _GNU_SOURCE /* pthread_setname_np() */
#include "device/file_helper.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"

struct file_helper {
    int event_fd;
    bool has_thread;
    pthread_t thread;
    pthread_mutex_t lock; /* of what stands below, up to the next empty line */
    pthread_cond_t more;
    struct file_operations waiting;
    bool stop;

    _Atomic(struct file_operation *) done; /* newest first */
};

struct file_helper *file_helper_create(int event_fd)
{
    struct file_helper *helper = calloc(1, sizeof(*helper));

    if (helper != NULL) {
        helper->event_fd = event_fd;
        pthread_mutex_init(&helper->lock, NULL);
        pthread_cond_init(&helper->more, NULL);
    }
    return helper;
}

void file_helper_destroy(struct file_helper *helper)
{
    if (helper == NULL) {
        return;
    }
    if (helper->has_thread) {
        pthread_mutex_lock(&helper->lock);
        helper->stop = true;
        pthread_cond_signal(&helper->more);
        pthread_mutex_unlock(&helper->lock);
        pthread_join(helper->thread, NULL);
    }
    pthread_cond_destroy(&helper->more);
    pthread_mutex_destroy(&helper->lock);
    free(helper);
}

/* NULL: it is to end. */
static struct file_operation *next_one(struct file_helper *helper)
{
    struct file_operation *operation = NULL;

    pthread_mutex_lock(&helper->lock);
    while (!helper->stop && helper->waiting.first == NULL) {
        pthread_cond_wait(&helper->more, &helper->lock);
    }
    if (!helper->stop) {
        operation = file_operations_take(&helper->waiting);
    }
    pthread_mutex_unlock(&helper->lock);
    return operation;
}

static void *thread_main(void *argument)
{
    struct file_helper *helper = argument;
    struct file_operation *operation;
    const uint64_t one = 1;

    while ((operation = next_one(helper)) != NULL) {
        operation->result = file_operation_clear(operation);
        operation->next = atomic_load_explicit(&helper->done, memory_order_relaxed);
        while (!atomic_compare_exchange_weak(&helper->done, &operation->next, operation)) {
            continue;
        }
        if (write(helper->event_fd, &one, sizeof(one)) != (ssize_t)sizeof(one)) {
            log_line(LOG_ERROR, NULL, "an event loop cannot be woken");
        }
    }
    return NULL;
}

static int start(struct file_helper *helper)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&helper->thread, NULL, thread_main, helper);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        return -rc;
    }
    helper->has_thread = true;
    pthread_setname_np(helper->thread, "file helper");
    return 0;
}

int file_helper_give(struct file_helper *helper, struct file_operation *operation)
{
    int rc = helper->has_thread ? 0 : start(helper);

    if (rc != 0) {
        return rc;
    }
    pthread_mutex_lock(&helper->lock);
    file_operations_add(&helper->waiting, operation);
    pthread_cond_signal(&helper->more);
    pthread_mutex_unlock(&helper->lock);
    return 0;
}

bool file_helper_reap(struct file_helper *helper)
{
    struct file_operation *newest, *oldest = NULL;

    if (atomic_load_explicit(&helper->done, memory_order_acquire) == NULL) {
        return false;
    }
    newest = atomic_exchange(&helper->done, NULL);
    while (newest != NULL) {
        struct file_operation *next = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != NULL) {
        struct file_operation *operation = oldest;

        oldest = operation->next;
        operation->done(operation, operation->result);
    }
    return true;
}
