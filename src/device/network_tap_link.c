/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interface of a tap goes and comes, see network_tap.h. The link is there while the interface is up. One that is
 * deleted takes the descriptors' use with it (EBADFD); the network comes back with an interface of the same name. It is
 * not made anew here: whoever deleted it knows why. All of it is on the main thread.
 */
#include <errno.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device/network_interface.h"
#include "device/network_tap.h"
#include "log.h"

#define RETRY UINT64_C(1000000000) /* nanoseconds */

static struct tap_pair *own_of(struct ioreqd_network *network, unsigned index)
{
    return network->pair[index] != NULL ? network->pair[index]->own : NULL;
}

static void ring(struct tap_pair *own)
{
    uint64_t one = 1;

    /* Cannot fail: the counter would have to reach 2^64 - 1. */
    if (write(own->bell, &one, sizeof(one)) != (ssize_t)sizeof(one)) {
        log_line(LOG_ERROR, NULL, "a queue pair cannot be told of its link");
    }
}

static void leave(struct tap_pair *own, int next)
{
    int before = atomic_exchange(&own->next, next);

    tap_close(before); /* the pair has not come to take it */
    own->known = next;
}

static void set_link(struct ioreqd_network *network, bool link)
{
    if (atomic_exchange(&network->link, link) == link) {
        return;
    }
    log_line(LOG_INFO, NULL, "%s: the link is %s", network->place, link ? "up" : "down");
    for (unsigned i = 0; i < NETWORK_PAIRS; i++) {
        if (own_of(network, i) != NULL) {
            ring(own_of(network, i));
        }
    }
}

static void lose(struct ioreqd_network *network)
{
    struct tap *tap = network->own;

    log_line(LOG_WARNING, NULL, "%s: the interface is gone: the link is down until there is one of that name again",
             network->place);
    tap->index = 0;
    tap->told = false;
    for (unsigned i = 0; i < NETWORK_PAIRS; i++) {
        struct tap_pair *own = own_of(network, i);

        if (own != NULL) {
            leave(own, TAP_NONE);
            ring(own);
        }
    }
    set_link(network, false);
}

/* A descriptor for each pair, all or none. 0 or -errno. */
static int open_all(struct ioreqd_network *network, int descriptor[NETWORK_PAIRS])
{
    struct tap *tap = network->own;

    for (unsigned i = 0; i < NETWORK_PAIRS; i++) {
        struct tap_pair *own = own_of(network, i);
        int rc = 0;

        descriptor[i] = -1;
        if (own == NULL) {
            continue;
        }
        descriptor[i] = tap_open_queue(tap->name, tap->multi_queue);
        if (descriptor[i] < 0) {
            rc = descriptor[i];
        } else if (i >= tap->in_use) {
            rc = tap_use_queue(descriptor[i], false);
        }
        if (rc != 0) {
            for (unsigned j = 0; j <= i; j++) {
                tap_close(descriptor[j]);
            }
            return rc;
        }
    }
    return 0;
}

static int take_back(struct ioreqd_network *network, const struct network_interface *found)
{
    struct tap *tap = network->own;
    int descriptor[NETWORK_PAIRS];
    int rc;

    if (!found->is_tap || found->multi_queue != tap->multi_queue) {
        return -EINVAL;
    }
    if (found->queues > 0) {
        return -EBUSY;
    }
    rc = open_all(network, descriptor);
    if (rc != 0) {
        return rc;
    }
    tap_offer(descriptor[0], atomic_load(&tap->offloads));
    if (tap->steers) {
        tap_steer(descriptor[0], tap->steering);
    }
    for (unsigned i = 0; i < NETWORK_PAIRS; i++) {
        if (own_of(network, i) != NULL) {
            leave(own_of(network, i), descriptor[i]);
            own_of(network, i)->in_use = i < tap->in_use;
            ring(own_of(network, i));
        }
    }
    tap->index = found->index;
    return 0;
}

/* Deleted it takes its queues along; one that went to another namespace is as good as before, but out of sight. */
static bool is_gone(struct ioreqd_network *network)
{
    struct ifreq request = {0};

    return ioctl(own_of(network, 0)->known, TUNGETIFF, &request) != 0;
}

static void look_for(struct ioreqd_network *network)
{
    struct tap *tap = network->own;
    struct network_interface found;
    int rc = network_interface_find(0, tap->name, &found);

    if (rc == 0) {
        rc = take_back(network, &found);
        if (rc == 0) {
            log_line(LOG_INFO, NULL, "%s: the interface is back", network->place);
            set_link(network, network_interface_find(tap->index, tap->name, &found) == 0 && found.up);
            return;
        }
        if (!tap->told) {
            tap->told = true;
            log_line(LOG_WARNING, NULL, "%s: the interface that is there now cannot be used: %s", network->place,
                     rc == -EINVAL ? "it is not of the kind that it was" : strerror(-rc));
        }
    }
    timer_arm(tap->retry, timer_now() + RETRY);
}

static void look(void *argument)
{
    struct ioreqd_network *network = argument;
    struct tap *tap = network->own;
    struct network_interface found;
    int rc;

    if (network->pair[0] == NULL) {
        return; /* not yet */
    }
    if (tap->index != 0) {
        rc = network_interface_find(tap->index, tap->name, &found);
        if (rc == 0) {
            set_link(network, found.up);
        } else if (rc == -ENODEV && is_gone(network)) {
            lose(network);
        }
    }
    if (tap->index == 0) {
        look_for(network);
    }
}

static void on_news(void *argument, unsigned events)
{
    struct ioreqd_network *network = argument;
    struct tap *tap = network->own;

    (void)events;
    if (network_interface_heard(tap->news, tap->index, tap->name)) {
        look(network);
    }
}

int tap_start(struct ioreqd_network *network)
{
    struct tap *tap = network->own;
    int rc;

    tap->news = network_interface_listen();
    if (tap->news < 0) {
        return tap->news;
    }
    rc = watch_make(network->main_loop, tap->news, on_news, network, &tap->news_watch);
    if (rc != 0) {
        goto fail;
    }
    tap->retry = timer_make(network->main_loop, look, network);
    if (tap->retry == NULL) {
        rc = -ENOMEM;
        goto fail;
    }
    watch_arm(tap->news_watch, IOREQD_READABLE);
    timer_arm(tap->retry, timer_now()); /* for what has happened since it was opened */
    return 0;

fail:
    watch_free(tap->news_watch);
    tap->news_watch = NULL;
    close(tap->news);
    tap->news = -1;
    return rc;
}

/* ---- what the device sets ---- */

int tap_set_offloads(struct ioreqd_network *network, uint32_t offloads)
{
    struct tap *tap = network->own;
    struct tap_pair *first = network->pair[0] != NULL ? network->pair[0]->own : NULL;
    int descriptor = first != NULL ? first->known : tap->first;
    int rc;

    atomic_store(&tap->offloads, offloads); /* packets that wait already are held against it too */
    rc = descriptor >= 0 ? tap_offer(descriptor, offloads) : 0;
    return rc == -EBADFD ? 0 : rc; /* the interface is gone, and gets them when it is back */
}

int tap_set_steering(struct ioreqd_network *network, const struct ioreqd_network_steering *steering)
{
    struct tap *tap = network->own;
    struct tap_pair *first = network->pair[0] != NULL ? network->pair[0]->own : NULL;
    int descriptor = first != NULL ? first->known : tap->first;
    int rc = 0;

    if (steering != NULL) {
        tap_steering_set(tap->steering, steering);
    }
    if (descriptor >= 0 && tap->steers != (steering != NULL)) {
        rc = tap_steer(descriptor, steering != NULL ? tap->steering : NULL);
    }
    if (rc != 0 && rc != -EBADFD) { /* the interface is gone, and gets it when it is back */
        return rc;
    }
    tap->steers = steering != NULL;
    return 0;
}

int tap_set_queue_pairs(struct ioreqd_network *network, unsigned queue_pairs)
{
    struct tap *tap = network->own;

    for (unsigned i = 1; i < NETWORK_PAIRS; i++) {
        struct tap_pair *own = own_of(network, i);
        bool use = i < queue_pairs;
        int rc;

        if (own == NULL || own->in_use == use) {
            continue;
        }
        rc = own->known >= 0 ? tap_use_queue(own->known, use) : 0;
        if (rc != 0 && rc != -EBADFD) {
            return rc;
        }
        own->in_use = use;
    }
    tap->in_use = queue_pairs;
    return 0;
}
