/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's life, see life.h.
 *
 * A soft reset is how a Linux guest with Xen's drivers begins another kernel (kexec, kdump): the domain shuts down with that
 * reason; the toolstack then has Xen forget event channels, grants and IOREQ servers (libxl's do_domain_soft_reset(), Xen's
 * domain_soft_reset()), starts QEMU again where there is one, and has the domain run on. Its memory stays, and nobody but
 * the new kernel resets its devices: ours keep their state and get a server again before the guest runs. Nothing tells
 * that Xen has taken the old one, so it is looked for, for as long as the domain is shut down.
 */
#include "life.h"

#include <stdlib.h>

#include <event2/event.h>

#include "log.h"

#define LOOK_MICROSECONDS 5000

struct life {
    struct worker *worker;
    struct toolstack *toolstack;
    int (*renew)(void *);
    void *context;
    struct event *change;
    struct event *look;
    bool resetting; /* the domain is shut down for a soft reset that we have not followed yet */
    bool failed;
};

static void fail(struct life *life)
{
    life->failed = true;
    worker_end(life->worker, false);
}

/* The server is gone with the reset: there is to be one again before the guest runs. */
static void follow(struct life *life)
{
    unsigned domain = toolstack_guest(life->toolstack)->domain;
    struct hypervisor_error error;

    if (worker_renew(life->worker, &error) != 0) {
        log_line(LOG_ERROR, NULL, "domain %u: after its reset: %s", domain, error.text);
        fail(life);
    } else if (life->renew(life->context) != 0) {
        fail(life);
    } else {
        log_line(LOG_INFO, NULL, "domain %u: its devices answer again", domain);
    }
}

static void look(struct life *life)
{
    enum guest_life now = toolstack_life(life->toolstack);
    unsigned domain = toolstack_guest(life->toolstack)->domain;
    struct timeval soon = {.tv_usec = LOOK_MICROSECONDS};

    if (now == GUEST_GONE) {
        log_line(LOG_INFO, NULL, "domain %u is gone", domain);
        worker_end(life->worker, true);
        return;
    }
    if (now == GUEST_RESETTING && !life->resetting) {
        log_line(LOG_INFO, NULL, "domain %u: resets itself, with its memory kept (kexec)", domain);
        life->resetting = true;
    }
    if (!life->resetting) {
        return;
    }
    if (worker_lost(life->worker)) {
        life->resetting = false;
        follow(life);
    } else if (now == GUEST_RESETTING) {
        event_add(life->look, &soon);
    } else {
        life->resetting = false; /* the toolstack did not reset it after all */
    }
}

static void on_change(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    look(argument);
}

struct life *life_watch(struct worker *worker, struct toolstack *toolstack, int (*renew)(void *), void *context)
{
    struct event_base *base = loop_event_base(worker_loop(worker));
    struct life *life = calloc(1, sizeof(*life));

    if (life == NULL) {
        return NULL;
    }
    *life = (struct life){.worker = worker, .toolstack = toolstack, .renew = renew, .context = context};
    life->change = event_new(base, toolstack_life_fd(toolstack), EV_READ | EV_PERSIST, on_change, life);
    life->look = evtimer_new(base, on_change, life);
    if (life->change == NULL || life->look == NULL || event_add(life->change, NULL) != 0) {
        life_free(life);
        return NULL;
    }
    event_active(life->change, EV_READ, 0); /* the guest may have ended while we started */
    return life;
}

bool life_failed(const struct life *life)
{
    return life != NULL && life->failed;
}

void life_free(struct life *life)
{
    if (life == NULL) {
        return;
    }
    if (life->change != NULL) {
        event_free(life->change);
    }
    if (life->look != NULL) {
        event_free(life->look);
    }
    free(life);
}
