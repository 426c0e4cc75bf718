/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Event loops on libevent, see loop.h.
 *
 * Work is posted to a stack that any thread may push to and the loop alone takes whole, so there is nothing to lock.
 * `awake` spares system calls: it is set by whoever wakes the loop and stays set while the loop is busy, so a burst of
 * posts costs one write to the eventfd, and none at all while the loop runs.
 */
#define _GNU_SOURCE /* pthread_setname_np() */
#include "device/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "device/file_ring.h"
#include "log.h"

struct ioreqd_loop {
    struct event_base *base;
    struct event *wake;
    int wake_fd;
    struct file_ring *files;
    _Atomic(struct ioreqd_work *) posted;
    atomic_bool awake;
    atomic_bool stop;
    bool has_thread;
    pthread_t thread;
};

static void wake_up(struct ioreqd_loop *loop)
{
    uint64_t one = 1;

    /* Cannot fail: the counter would have to reach 2^64 - 1. */
    if (write(loop->wake_fd, &one, sizeof(one)) != (ssize_t)sizeof(one)) {
        log_line(LOG_ERROR, NULL, "an event loop cannot be woken");
    }
}

void loop_post(struct ioreqd_loop *loop, struct ioreqd_work *work)
{
    struct ioreqd_work *head;

    if (atomic_exchange(&work->posted, 1) != 0) {
        return; /* it waits already, and will see what the caller has just written */
    }
    head = atomic_load_explicit(&loop->posted, memory_order_relaxed);
    do {
        work->next = head;
    } while (!atomic_compare_exchange_weak(&loop->posted, &head, work));
    if (!atomic_exchange(&loop->awake, true)) {
        wake_up(loop);
    }
}

/* Runs what is posted, oldest first. False when there was nothing. */
static bool run_posted(struct ioreqd_loop *loop)
{
    struct ioreqd_work *newest = atomic_exchange(&loop->posted, NULL);
    struct ioreqd_work *oldest = NULL;

    if (newest == NULL) {
        return false;
    }
    while (newest != NULL) {
        struct ioreqd_work *next = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != NULL) {
        struct ioreqd_work *work = oldest;

        oldest = work->next;
        /* Before it runs: what is posted from now on must run again. Its memory may end with the run. */
        atomic_store(&work->posted, 0);
        work->run(work->argument);
    }
    return true;
}

void loop_turn(struct ioreqd_loop *loop)
{
    bool again;

    do {
        again = run_posted(loop);
        again = file_ring_turn(loop->files) || again;
    } while (again && !atomic_load(&loop->stop));
}

/* Turns while there is something to do. What is posted meanwhile, by the loop's own work too, needs no system call. */
static void turn_awake(struct ioreqd_loop *loop)
{
    atomic_store(&loop->awake, true);
    do {
        loop_turn(loop);
        atomic_store(&loop->awake, false);
        /* What was posted before the store found us awake and did not write to the eventfd. */
    } while (atomic_load(&loop->posted) != NULL && !atomic_load(&loop->stop) && !atomic_exchange(&loop->awake, true));
}

static void on_wake(evutil_socket_t fd, short what, void *argument)
{
    struct ioreqd_loop *loop = argument;
    uint64_t count;

    (void)what;
    if (read(fd, &count, sizeof(count)) < 0) {
        return; /* EAGAIN: somebody woke us for nothing */
    }
    turn_awake(loop);
    if (atomic_load(&loop->stop)) {
        event_base_loopbreak(loop->base);
    }
}

static void on_files(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    turn_awake(argument);
}

struct ioreqd_loop *loop_create(void)
{
    struct ioreqd_loop *loop = calloc(1, sizeof(*loop));
    struct event_config *config = event_config_new();

    if (loop == NULL || config == NULL) {
        goto fail;
    }
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->wake_fd < 0) {
        goto fail;
    }
    /* A loop's own base is touched by its thread alone: no locks, and no look at the clock in each turn. */
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME); /* spares a look at the clock in each turn */
    loop->base = event_base_new_with_config(config);
    loop->files = file_ring_create(true);
    if (loop->base == NULL || loop->files == NULL) {
        goto fail;
    }
    loop->wake = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
    if (loop->wake == NULL || event_add(loop->wake, NULL) != 0 ||
        file_ring_watch(loop->files, loop->base, on_files, loop) != 0) {
        goto fail;
    }
    event_config_free(config);
    return loop;

fail:
    if (config != NULL) {
        event_config_free(config);
    }
    loop_destroy(loop);
    return NULL;
}

void loop_destroy(struct ioreqd_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    loop_stop(loop);
    if (loop->wake != NULL) {
        event_free(loop->wake);
    }
    file_ring_destroy(loop->files);
    if (loop->base != NULL) {
        event_base_free(loop->base);
    }
    if (loop->wake_fd > 0) {
        close(loop->wake_fd);
    }
    free(loop);
}

int loop_run(struct ioreqd_loop *loop)
{
    return event_base_dispatch(loop->base) < 0 ? -EIO : 0;
}

void loop_break(struct ioreqd_loop *loop)
{
    event_base_loopbreak(loop->base);
}

static void *thread_main(void *argument)
{
    loop_run(argument);
    return NULL;
}

int loop_start(struct ioreqd_loop *loop, const char *name)
{
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&loop->thread, NULL, thread_main, loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        return -rc;
    }
    loop->has_thread = true;
    pthread_setname_np(loop->thread, name);
    return 0;
}

void loop_stop(struct ioreqd_loop *loop)
{
    if (!loop->has_thread) {
        return;
    }
    atomic_store(&loop->stop, true);
    wake_up(loop);
    pthread_join(loop->thread, NULL);
    loop->has_thread = false;
}

struct event_base *loop_event_base(struct ioreqd_loop *loop)
{
    return loop->base;
}

struct file_ring *loop_file_ring(struct ioreqd_loop *loop)
{
    return loop->files;
}
