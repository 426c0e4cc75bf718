/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Networks through a Linux tap interface, see network_tap.h: packets carry the header of virtio-net to the kernel and
 * back, so that checksums and segmentation are left to whoever comes last. Here are its opening, on the main thread,
 * and the packets, on each pair's loop.
 */
#define _GNU_SOURCE /* IOV_MAX */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "device/network_interface.h"
#include "device/network_tap.h"
#include "log.h"

/* struct virtio_net_hdr (virtio 1.4 §5.1.6). */
#define HEADER_FLAGS       0
#define HEADER_GSO         1
#define HEADER_NUM_BUFFERS 10
#define FLAG_NEEDS_CSUM    0x1u
#define FLAG_DATA_VALID    0x2u
#define GSO_NONE           0u
#define GSO_TCPV4          1u
#define GSO_UDP            3u
#define GSO_TCPV6          4u
#define GSO_UDP_L4         5u
#define GSO_ECN            0x80u

/* ---- opening and closing ---- */

static int refuse_control(int error, char *reason, size_t size)
{
    return network_refuse(reason, size, error, "%s: %s: %s", TAP_CONTROL, strerror(error),
                          error == EACCES || error == EPERM ? "give ioreqd's user access to it"
                                                            : "load the kernel's module tun: modprobe tun");
}

static int refuse_tap(const struct tap *tap, int error, char *reason, size_t size)
{
    switch (error) {
    case EPERM:
    case EACCES:
        return network_refuse(reason, size, error,
                              "not permitted: run ioreqd as root, or make the tap for its user: "
                              "ip tuntap add dev %s mode tap multi_queue user USER",
                              tap->name);
    case EBUSY:
        return network_refuse(reason, size, error, "another process uses the tap: end that one, or name another tap");
    default:
        return network_refuse(reason, size, error, "the tap cannot be opened: %s: name another one", strerror(error));
    }
}

static bool is_name(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && length < IF_NAMESIZE && strpbrk(name, "/:% \t\n") == NULL && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

/* Whether what is there, if anything is, can be opened. */
static int check_interface(struct tap *tap, bool check, char *reason, size_t size)
{
    struct network_interface found;
    int rc = network_interface_find(0, tap->name, &found);

    tap->multi_queue = true;
    if (rc == -ENODEV) {
        return 0; /* it will be made */
    }
    if (rc != 0) {
        return network_refuse(reason, size, -rc, "the kernel does not tell of the interface: %s", strerror(-rc));
    }
    if (!found.is_tap) {
        return network_refuse(reason, size, EINVAL,
                              "the interface is no tap%s%s: name another one, or make one: "
                              "ip tuntap add dev NAME mode tap",
                              found.kind[0] != 0 ? ", but of kind " : "", found.kind);
    }
    tap->multi_queue = found.multi_queue;
    /* Of a tap with one queue the kernel does not tell the processes; its carrier does. */
    if (found.queues > 0 || (check && !found.multi_queue && found.carrier)) {
        return refuse_tap(tap, EBUSY, reason, size);
    }
    return 0;
}

static int check_control(char *reason, size_t size)
{
    int descriptor = open(TAP_CONTROL, O_RDWR | O_CLOEXEC);

    if (descriptor < 0) {
        return refuse_control(errno, reason, size);
    }
    close(descriptor);
    return 0;
}

/* A tap that stays when we end has no program of ours: what another process left it with goes too. */
static void open_steering(struct ioreqd_network *network, struct tap *tap)
{
    int rc = tap_steering_open(&tap->steering);

    if (rc == 0) {
        rc = tap_steer(tap->first, tap->steering);
        rc = rc == 0 ? tap_steer(tap->first, NULL) : rc;
    }
    if (rc != 0) {
        log_line(LOG_INFO, NULL, "%s: guests cannot choose the queues of their packets (RSS): %s", network->place,
                 rc == -EPERM ? "ioreqd may not load programs into the kernel (CAP_BPF)" : strerror(-rc));
        tap_steering_close(tap->steering);
        tap->steering = NULL;
        return;
    }
    network->facts.hash_types = STEERING_HASH_TYPES;
}

static int learn(struct ioreqd_network *network, struct tap *tap, char *reason, size_t size)
{
    struct network_interface found;
    int rc = network_interface_find(0, tap->name, &found);

    if (rc != 0) {
        return network_refuse(reason, size, -rc, "the kernel does not tell of the interface: %s", strerror(-rc));
    }
    tap->index = found.index;
    network->facts = (struct ioreqd_network_facts){
        .offloads = tap_probe_offloads(tap->first),
        .queue_pairs = tap->multi_queue ? NETWORK_PAIRS : 1,
        .mtu = (uint16_t)(found.mtu <= UINT16_MAX ? found.mtu : 0),
    };
    if (tap->multi_queue) {
        open_steering(network, tap);
    }
    atomic_store(&network->link, found.up);
    return 0;
}

static int open_it(struct ioreqd_network *network, const char *name, bool check, char *reason, size_t size)
{
    struct tap *tap;
    int error;

    if (!is_name(name)) {
        return network_refuse(reason, size, EINVAL,
                              "an interface's name has 1 to %d characters, without / and :", IF_NAMESIZE - 1);
    }
    tap = calloc(1, sizeof(*tap));
    if (tap == NULL) {
        return network_refuse(reason, size, ENOMEM, "out of memory");
    }
    memcpy(tap->name, name, strlen(name) + 1);
    tap->first = tap->news = -1;
    tap->in_use = 1;
    if (check_control(reason, size) != 0 || check_interface(tap, check, reason, size) != 0) {
        goto fail;
    }
    if (check) {
        free(tap);
        return 0;
    }
    tap->first = tap_open_queue(tap->name, tap->multi_queue);
    if (tap->first < 0) {
        refuse_tap(tap, -tap->first, reason, size);
        goto fail;
    }
    if (learn(network, tap, reason, size) != 0) {
        goto fail;
    }
    network->own = tap;
    return 0;

fail:
    error = errno;
    tap_close(tap->first);
    free(tap);
    errno = error;
    return -1;
}

static void close_it(struct ioreqd_network *network)
{
    struct tap *tap = network->own;

    timer_free(tap->retry);
    watch_free(tap->news_watch);
    tap_close(tap->news);
    tap_close(tap->first);
    tap_steering_close(tap->steering);
    free(tap);
}

/* ---- on a pair's loop ---- */

static void wait_for(struct network_pair *pair)
{
    struct tap_pair *own = pair->own;

    if (own->watch != NULL) {
        watch_arm(own->watch, own->broken ? 0 : pair->wanted); /* a broken one is ready for ever */
    }
}

static void break_off(struct network_pair *pair)
{
    struct tap_pair *own = pair->own;

    own->broken = true;
    wait_for(pair);
}

static void on_packet(void *argument, unsigned events)
{
    network_tell(argument, events);
}

/* Takes what the main thread has left, if anything. */
static void take_next(struct network_pair *pair)
{
    struct tap_pair *own = pair->own;
    int next = atomic_exchange(&own->next, TAP_SAME);

    if (next == TAP_SAME) {
        return;
    }
    watch_free(own->watch);
    own->watch = NULL;
    tap_close(own->descriptor);
    own->descriptor = next;
    own->broken = next == TAP_NONE;
    if (!own->broken && watch_make(pair->loop, next, on_packet, pair, &own->watch) != 0) {
        own->broken = true;
    }
}

/* Without a link there is room for all that nobody will get; the kernel tells of none. */
static unsigned at_hand(struct network_pair *pair)
{
    const struct tap_pair *own = pair->own;

    return own->broken || !atomic_load(&pair->network->link) ? IOREQD_WRITABLE : 0;
}

static void on_bell(void *argument, unsigned events)
{
    struct network_pair *pair = argument;
    struct tap_pair *own = pair->own;
    uint64_t count;
    bool changed;

    (void)events;
    if (read(own->bell, &count, sizeof(count)) < 0) {
        return;
    }
    take_next(pair);
    wait_for(pair);
    changed = atomic_load(&pair->network->link) != own->link_told;
    own->link_told = own->link_told != changed;
    network_tell(pair, (changed ? IOREQD_CONNECTED : 0) | at_hand(pair));
}

static bool may_be_given(uint8_t gso, uint32_t offloads)
{
    uint32_t needed;

    switch (gso & ~GSO_ECN) {
    case GSO_NONE:
        needed = 0;
        break;
    case GSO_TCPV4:
        needed = IOREQD_NETWORK_TSO4;
        break;
    case GSO_TCPV6:
        needed = IOREQD_NETWORK_TSO6;
        break;
    case GSO_UDP:
        needed = IOREQD_NETWORK_UFO;
        break;
    case GSO_UDP_L4:
        needed = IOREQD_NETWORK_USO;
        break;
    default:
        return false;
    }
    needed |= (gso & GSO_ECN) != 0 ? IOREQD_NETWORK_ECN : 0;
    return (needed & ~offloads) == 0;
}

static int read_it(struct network_pair *pair, void *to, size_t length)
{
    struct tap_pair *own = pair->own;
    struct tap *tap = pair->network->own;
    uint8_t one_more, *header = to;
    /* The kernel cuts what does not fit, and says nothing. */
    struct iovec iov[2] = {{to, length}, {&one_more, 1}};
    uint32_t offloads = atomic_load_explicit(&tap->offloads, memory_order_relaxed);
    ssize_t count;

    if (own->broken) {
        return -EAGAIN;
    }
    do {
        count = readv(own->descriptor, iov, 2);
    } while (count < 0 && errno == EINTR);
    if (count < 0) {
        if (errno == EBADFD || errno == ENODEV || errno == EIO) {
            break_off(pair);
            return -EAGAIN;
        }
        return errno == EMSGSIZE ? -EIO : -errno;
    }
    /* The second: it has waited since more was agreed on. */
    if ((size_t)count > length || count < IOREQD_NETWORK_HEADER || !may_be_given(header[HEADER_GSO], offloads)) {
        return -EMSGSIZE;
    }
    if ((offloads & IOREQD_NETWORK_CHECKSUM) == 0) {
        if ((header[HEADER_FLAGS] & FLAG_NEEDS_CSUM) != 0) {
            return -EMSGSIZE;
        }
        header[HEADER_FLAGS] = (uint8_t)(header[HEADER_FLAGS] & ~FLAG_DATA_VALID);
    }
    header[HEADER_NUM_BUFFERS] = 1; /* which the kernel leaves out */
    header[HEADER_NUM_BUFFERS + 1] = 0;
    return (int)count;
}

static int write_it(struct network_pair *pair, const struct iovec *iov, unsigned count, size_t length)
{
    struct tap_pair *own = pair->own;
    ssize_t rc;

    if (own->broken) {
        return -ENOTCONN;
    }
    if (count > IOV_MAX) {
        return -EINVAL;
    }
    do {
        rc = writev(own->descriptor, iov, (int)count);
    } while (rc < 0 && errno == EINTR);
    if (rc < 0 && errno == EAGAIN) {
        return -EAGAIN;
    }
    if (rc < 0 && (errno == EBADFD || errno == ENODEV)) {
        break_off(pair);
        return -ENOTCONN;
    }
    return rc < 0 ? -errno : (int)length; /* what else the kernel has against the packet is no reason to keep it */
}

/* ---- pairs, on the main thread ---- */

static void free_pair(struct tap_pair *own)
{
    watch_free(own->bell_watch);
    watch_free(own->watch);
    tap_close(own->bell);
    tap_close(own->descriptor);
    tap_close(atomic_load(&own->next));
    free(own);
}

/* The pair's descriptor, with its queue at rest but for the first pair's. */
static int open_pair(struct network_pair *pair)
{
    struct tap *tap = pair->network->own;
    int descriptor, rc;

    if (pair->index == 0) {
        descriptor = tap->first;
        tap->first = -1;
        return descriptor;
    }
    descriptor = tap_open_queue(tap->name, tap->multi_queue);
    rc = descriptor >= 0 ? tap_use_queue(descriptor, false) : descriptor;
    if (rc != 0) {
        log_line(LOG_ERROR, NULL, "%s: queue pair %u cannot be opened: %s", pair->network->place, pair->index,
                 strerror(-rc));
        tap_close(descriptor);
        return rc;
    }
    return descriptor;
}

static void detach(struct network_pair *pair)
{
    const struct tap *tap = pair->network->own;
    const struct tap_pair *own = pair->own;

    if (pair->index == 0 && tap->steers && own->known >= 0) {
        tap_steer(own->known, NULL);
    }
    free_pair(pair->own);
}

static int attach(struct network_pair *pair)
{
    struct tap_pair *own = calloc(1, sizeof(*own));
    int rc;

    if (own == NULL) {
        return -ENOMEM;
    }
    own->descriptor = own->known = -1;
    own->in_use = pair->index == 0;
    own->link_told = atomic_load(&pair->network->link);
    atomic_init(&own->next, TAP_SAME);
    own->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (own->bell < 0) {
        rc = -errno;
        goto fail;
    }
    rc = watch_make(pair->loop, own->bell, on_bell, pair, &own->bell_watch);
    if (rc != 0) {
        goto fail;
    }
    rc = open_pair(pair);
    if (rc < 0) {
        goto fail;
    }
    own->descriptor = own->known = rc;
    rc = watch_make(pair->loop, own->descriptor, on_packet, pair, &own->watch);
    if (rc != 0) {
        goto fail;
    }
    watch_arm(own->bell_watch, IOREQD_READABLE);
    pair->own = own;
    return 0;

fail:
    free_pair(own);
    return rc;
}

const struct network_kind network_tap = {
    .name = "tap",
    .form = "tap:NAME",
    .open = open_it,
    .start = tap_start,
    .attach = attach,
    .detach = detach,
    .wait = wait_for,
    .at_hand = at_hand,
    .read = read_it,
    .write = write_it,
    .set_offloads = tap_set_offloads,
    .set_queue_pairs = tap_set_queue_pairs,
    .set_steering = tap_set_steering,
    .close = close_it,
};
