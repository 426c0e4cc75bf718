/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Networks behind a UNIX stream socket that somebody listens at, as passt(1) or another emulator does, see
 * network_private.h. There is one queue pair. Each packet goes as its length, 4 bytes, most significant first, and the
 * packet; there are no offloads, so the header that devices put before a packet is taken off and put on here.
 *
 * What has come is read in large pieces and handed out packet by packet; what is sent is gathered, and goes out when
 * the loop has done what it has to do now. Both buffers are of a fixed size.
 *
 * A peer that has gone, or says what makes no sense, is called again, less and less often. All of it is on the loop of
 * the pair.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "device/network_private.h"
#include "log.h"

#define LENGTH 4 /* bytes of a packet's length */
#define BUFFER 131072
#define MOST   (LENGTH + IOREQD_NETWORK_MAX_PACKET)

#define FIRST_RETRY UINT64_C(100000000) /* nanoseconds; doubled for each further one */
#define DOUBLINGS   5

_Static_assert(BUFFER >= MOST, "every packet fits");

struct bytes {
    size_t from, to; /* what is there; from < to unless both are 0 */
    uint8_t byte[BUFFER];
};

struct peer {
    struct sockaddr_un address;
    int descriptor; /* -1: nobody is there */
    struct ioreqd_watch *watch;
    struct ioreqd_timer *retry;
    unsigned calls; /* since somebody last said something */
    bool told;      /* that nobody is there */
    bool drained;   /* there was nothing more to be read */
    bool full;      /* there was no room for more to be sent */
    bool gathering; /* the timer is set */
    struct ioreqd_timer *gathered;
    struct bytes in, out;
};

static size_t held(const struct bytes *bytes)
{
    return bytes->to - bytes->from;
}

static void skip(struct bytes *bytes, size_t length)
{
    bytes->from += length;
    if (bytes->from == bytes->to) {
        bytes->from = bytes->to = 0;
    }
}

/* Moves what is there to the front. */
static void pack(struct bytes *bytes)
{
    if (bytes->from > 0) {
        memmove(bytes->byte, bytes->byte + bytes->from, held(bytes));
        bytes->to -= bytes->from;
        bytes->from = 0;
    }
}

/* ---- the peer comes and goes ---- */

/* A connection, or -errno. */
static int call(const struct sockaddr_un *address)
{
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error;

    if (descriptor < 0) {
        return -errno;
    }
    if (connect(descriptor, (const struct sockaddr *)address, sizeof(*address)) == 0) {
        return descriptor;
    }
    error = errno;
    close(descriptor);
    return -error;
}

static void call_later(struct peer *peer)
{
    timer_arm(peer->retry, timer_now() + (FIRST_RETRY << (peer->calls < DOUBLINGS ? peer->calls : DOUBLINGS)));
    peer->calls++;
}

/* Everything that is not sent or read yet is lost, as on a wire that is cut. */
static void hang_up(struct network_pair *pair, const char *reason)
{
    struct peer *peer = pair->own;

    if (!peer->told) {
        peer->told = true;
        log_line(LOG_WARNING, NULL, "%s: %s: the link is down until somebody serves it again", pair->network->place,
                 reason);
    }
    watch_free(peer->watch);
    peer->watch = NULL;
    close(peer->descriptor);
    peer->descriptor = -1;
    peer->in.from = peer->in.to = 0;
    peer->out.from = peer->out.to = 0;
    peer->drained = peer->full = false;
    atomic_store(&pair->network->link, false);
    network_notice(pair, IOREQD_CONNECTED);
    call_later(peer);
}

static void heard(struct network_pair *pair)
{
    struct peer *peer = pair->own;

    peer->calls = 0;
    if (peer->told) {
        peer->told = false;
        log_line(LOG_INFO, NULL, "%s: somebody is there again", pair->network->place);
    }
}

/* ---- what the buffers have ---- */

/* The length that the first packet says it has; there are 4 bytes. */
static size_t length_of(const struct bytes *in)
{
    uint32_t word;

    memcpy(&word, in->byte + in->from, sizeof(word));
    return ntohl(word);
}

/* Whether the first packet is there whole, or will never be. */
static bool has_packet(const struct bytes *in)
{
    size_t there = held(in);

    return there >= LENGTH && (length_of(in) > IOREQD_NETWORK_MAX_PACKET || there - LENGTH >= length_of(in));
}

static size_t room(const struct peer *peer)
{
    return BUFFER - held(&peer->out);
}

static unsigned at_hand(struct network_pair *pair)
{
    const struct peer *peer = pair->own;

    return (has_packet(&peer->in) ? IOREQD_READABLE : 0) |
           (peer->descriptor < 0 || room(peer) >= MOST ? IOREQD_WRITABLE : 0);
}

/* ---- sending ---- */

static void wait_for(struct network_pair *pair)
{
    struct peer *peer = pair->own;

    if (peer->watch != NULL) {
        watch_arm(peer->watch, (pair->wanted & IOREQD_READABLE) | (peer->full ? IOREQD_WRITABLE : 0));
    }
}

static void send_out(struct network_pair *pair)
{
    struct peer *peer = pair->own;
    bool was_full = peer->full;

    peer->full = false;
    while (held(&peer->out) > 0) {
        ssize_t count = send(peer->descriptor, peer->out.byte + peer->out.from, held(&peer->out), MSG_NOSIGNAL);

        if (count > 0) {
            skip(&peer->out, (size_t)count);
        } else if (errno == EAGAIN) {
            peer->full = true;
            break;
        } else if (errno != EINTR) {
            hang_up(pair, "the peer is gone");
            return;
        }
    }
    if (peer->full != was_full) {
        wait_for(pair);
    }
}

static void on_gathered(void *argument)
{
    struct network_pair *pair = argument;
    struct peer *peer = pair->own;

    peer->gathering = false;
    if (peer->descriptor >= 0 && !peer->full) {
        send_out(pair);
    }
    network_tell(pair, at_hand(pair)); /* there may be room again */
}

static void append(struct bytes *bytes, const void *from, size_t length)
{
    memcpy(bytes->byte + bytes->to, from, length);
    bytes->to += length;
}

static int write_it(struct network_pair *pair, const struct iovec *iov, unsigned count, size_t length)
{
    struct peer *peer = pair->own;
    size_t packet = length - IOREQD_NETWORK_HEADER, left = IOREQD_NETWORK_HEADER;
    uint32_t word = htonl((uint32_t)packet);

    if (peer->descriptor >= 0 && room(peer) < LENGTH + packet && !peer->full) {
        send_out(pair);
    }
    if (peer->descriptor < 0) {
        return -ENOTCONN;
    }
    if (room(peer) < LENGTH + packet) {
        return -EAGAIN;
    }
    if (BUFFER - peer->out.to < LENGTH + packet) {
        pack(&peer->out);
    }
    append(&peer->out, &word, sizeof(word));
    for (unsigned i = 0; i < count; i++) {
        size_t header = iov[i].iov_len < left ? iov[i].iov_len : left;

        left -= header;
        append(&peer->out, (const uint8_t *)iov[i].iov_base + header, iov[i].iov_len - header);
    }
    if (!peer->gathering && !peer->full) {
        peer->gathering = true;
        timer_arm(peer->gathered, 1); /* at once: a time that has passed */
    }
    return (int)length;
}

/* ---- receiving ---- */

/* Reads as much as there is, or fits, in one call. */
static void fetch(struct network_pair *pair)
{
    struct peer *peer = pair->own;
    ssize_t count;
    size_t most;

    pack(&peer->in);
    most = BUFFER - peer->in.to;
    do {
        count = recv(peer->descriptor, peer->in.byte + peer->in.to, most, 0);
    } while (count < 0 && errno == EINTR);
    if (count > 0) {
        peer->in.to += (size_t)count;
        peer->drained = (size_t)count < most;
        heard(pair);
    } else if (count < 0 && errno == EAGAIN) {
        peer->drained = true;
    } else {
        hang_up(pair, count == 0 ? "the peer has hung up" : "the peer is gone");
    }
}

static int hand_out(struct bytes *in, void *to, size_t length)
{
    size_t packet = length_of(in);
    bool fits = packet <= length - IOREQD_NETWORK_HEADER;

    if (fits) {
        /* struct virtio_net_hdr (virtio 1.4 §5.1.6): nothing is left to be done; num_buffers is 1, little-endian. */
        memset(to, 0, IOREQD_NETWORK_HEADER);
        ((uint8_t *)to)[IOREQD_NETWORK_HEADER - 2] = 1;
        memcpy((uint8_t *)to + IOREQD_NETWORK_HEADER, in->byte + in->from + LENGTH, packet);
    }
    skip(in, LENGTH + packet);
    return fits ? (int)(IOREQD_NETWORK_HEADER + packet) : -EMSGSIZE;
}

static int read_it(struct network_pair *pair, void *to, size_t length)
{
    struct peer *peer = pair->own;

    if (peer->descriptor >= 0 && !peer->drained && !has_packet(&peer->in)) {
        fetch(pair);
    }
    while (has_packet(&peer->in)) {
        if (length_of(&peer->in) > IOREQD_NETWORK_MAX_PACKET) {
            hang_up(pair, "the peer says that a packet is longer than any can be, and was cut off");
        } else if (length_of(&peer->in) < NETWORK_SHORTEST) {
            skip(&peer->in, LENGTH + length_of(&peer->in));
            tally_add(&pair->tally.unfit, 1);
        } else {
            return hand_out(&peer->in, to, length);
        }
    }
    return -EAGAIN;
}

static void on_ready(void *argument, unsigned events)
{
    struct network_pair *pair = argument;
    struct peer *peer = pair->own;

    if ((events & IOREQD_WRITABLE) != 0) {
        send_out(pair);
    }
    peer->drained = peer->drained && (events & IOREQD_READABLE) == 0;
    network_tell(pair, (events & IOREQD_READABLE) | at_hand(pair));
}

/* ---- life ---- */

static int use(struct network_pair *pair, int descriptor)
{
    struct peer *peer = pair->own;
    int rc = watch_make(pair->loop, descriptor, on_ready, pair, &peer->watch);

    if (rc == 0) {
        peer->descriptor = descriptor;
        wait_for(pair);
    }
    return rc;
}

static void on_retry(void *argument)
{
    struct network_pair *pair = argument;
    struct peer *peer = pair->own;
    int descriptor = call(&peer->address);

    if (descriptor >= 0 && use(pair, descriptor) != 0) {
        close(descriptor);
        descriptor = -1;
    }
    if (descriptor < 0) {
        call_later(peer);
        return;
    }
    atomic_store(&pair->network->link, true);
    network_notice(pair, IOREQD_CONNECTED);
}

static void detach(struct network_pair *pair)
{
    struct peer *peer = pair->own;

    timer_free(peer->retry);
    timer_free(peer->gathered);
    watch_free(peer->watch);
    peer->retry = peer->gathered = NULL;
    peer->watch = NULL;
}

static int attach(struct network_pair *pair)
{
    struct peer *peer = pair->network->own;
    int rc;

    pair->own = peer;
    peer->retry = timer_make(pair->loop, on_retry, pair);
    peer->gathered = timer_make(pair->loop, on_gathered, pair);
    rc = peer->retry != NULL && peer->gathered != NULL ? use(pair, peer->descriptor) : -ENOMEM;
    if (rc != 0) {
        detach(pair);
    }
    return rc;
}

static int refuse(int error, char *reason, size_t size)
{
    const char *remedy;

    switch (error) {
    case EACCES:
    case EPERM:
        remedy = "give ioreqd's user access to it";
        break;
    case ENOENT:
    case ECONNREFUSED:
        remedy = "nobody listens there: start passt, or whoever is to, before ioreqd";
        break;
    case EPROTOTYPE:
        remedy = "it is no stream socket: name another path";
        break;
    default:
        remedy = "name another path";
        break;
    }
    return network_refuse(reason, size, error, "%s: %s", strerror(error), remedy);
}

/*
 * Whether somebody listens, without a call, which would disturb them: the kernel refuses a socket of another type with
 * EPROTOTYPE when somebody has the path.
 */
static int check_peer(const struct sockaddr_un *address, char *reason, size_t size)
{
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct stat status;
    int error;

    if (descriptor < 0) {
        return refuse(errno, reason, size);
    }
    error = connect(descriptor, (const struct sockaddr *)address, sizeof(*address)) == 0 ? EPROTOTYPE : errno;
    close(descriptor);
    if (error == EPROTOTYPE && stat(address->sun_path, &status) == 0 && S_ISSOCK(status.st_mode)) {
        return 0;
    }
    return refuse(error, reason, size);
}

static int open_it(struct ioreqd_network *network, const char *path, bool check, char *reason, size_t size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct peer *peer;
    int descriptor;

    if (strlen(path) >= sizeof(address.sun_path)) {
        return network_refuse(reason, size, ENAMETOOLONG, "a socket's path has at most %zu bytes: name a shorter one",
                              sizeof(address.sun_path) - 1);
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (check) {
        return check_peer(&address, reason, size);
    }
    descriptor = call(&address);
    if (descriptor < 0) {
        return refuse(-descriptor, reason, size);
    }
    peer = calloc(1, sizeof(*peer));
    if (peer == NULL) {
        close(descriptor);
        return network_refuse(reason, size, ENOMEM, "out of memory");
    }
    peer->address = address;
    peer->descriptor = descriptor;
    network->own = peer;
    network->facts.queue_pairs = 1;
    atomic_store(&network->link, true);
    return 0;
}

static void close_it(struct ioreqd_network *network)
{
    struct peer *peer = network->own;

    if (peer->descriptor >= 0) {
        close(peer->descriptor);
    }
    free(peer);
}

/* The same by two names: the words are for who writes and reads the command line. */
#define SOCKET_KIND(name_)                                                                                             \
    {                                                                                                                  \
        .name = (name_), .form = name_ ":PATH", .open = open_it, .attach = attach, .detach = detach, .wait = wait_for, \
        .at_hand = at_hand, .read = read_it, .write = write_it, .close = close_it                                      \
    }

const struct network_kind network_passt = SOCKET_KIND("passt");
const struct network_kind network_unix = SOCKET_KIND("unix");
