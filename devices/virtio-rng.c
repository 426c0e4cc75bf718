/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-rng: random bytes from the kernel (virtio 1.4 §5.4).
 *
 * A buffer is taken only when there is something to put into it, and is done when ready() returns: nothing is ever in
 * flight. A buffer of any size costs one turn no more than TURN_BYTES. A limit on the rate is a bucket that holds up to burst
 * bytes and is filled at that rate; a buffer waits until the bucket fills it, or is full itself. A part would do (§5.4.6.2), but
 * Linux 6.1.192 and 6.12.107 count what they have read of a buffer twice: read in pieces, as parts are, it stalls them for good.
 * All on the queue's loop.
 */
#include <errno.h>
#include <ioreqd/virtio.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#define DEVICE_TYPE 4
#define QUEUES      1
#define QUEUE_SIZE  64

#define CHUNK      4096u
#define TURN_BYTES 65536u

#define SECOND     UINT64_C(1000000000) /* in nanoseconds */
#define RATE_MAX   (UINT64_C(1) << 32)
#define BURST_MIN  64u           /* the buffer of Linux's driver */
#define SEED_RETRY (SECOND / 10) /* while the kernel has not gathered enough to begin with */

struct rng {
    struct ioreqd_virtio virtio; /* first: the library's calls are given this */
    struct ioreqd_device *device;
    uint64_t property_rate; /* bytes a second; 0: no limit */
    uint64_t property_burst;

    struct ioreqd_virtio_queue *queue; /* since ready() was first called */
    struct ioreqd_timer *timer;
    uint64_t burst;
    uint64_t tokens; /* bytes in the bucket */
    uint64_t since;  /* the time up to which they are counted */

    _Atomic uint64_t requests;
    _Atomic uint64_t bytes;
};

static const struct ioreqd_host *host;

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* ------------------------------------------------------------------------------------------------------------------
 * The bucket
 */

static void fill_bucket(struct rng *rng)
{
    uint64_t now = host->now(rng->device);
    uint64_t rate = rng->property_rate;
    uint64_t room = rng->burst - rng->tokens;
    uint64_t seconds = (now - rng->since) / SECOND, rest = (now - rng->since) % SECOND;
    uint64_t more;

    /* No product exceeds 2^63: burst and rate have 32 bits. */
    if (seconds > room / rate) {
        more = room;
    } else {
        more = least(room, seconds * rate + rest * rate / SECOND);
    }
    rng->tokens += more;
    /* Parts of a byte count on, but a full bucket does not overflow into the next second. */
    rng->since = rng->tokens == rng->burst ? now : rng->since + more / rate * SECOND + more % rate * SECOND / rate;
}

/* Whether that many bytes, at most burst, may go out now. If not, the timer is set to when they may. */
static bool may_spend(struct rng *rng, uint64_t bytes)
{
    uint64_t missing;
    uint64_t rate = rng->property_rate;

    if (rate == 0) {
        return true;
    }
    fill_bucket(rng);
    if (rng->tokens >= bytes) {
        return true;
    }
    missing = bytes - rng->tokens;
    host->timer_set(rng->timer, rng->since + missing / rate * SECOND + missing % rate * SECOND / rate + 1);
    return false;
}

static void spend(struct rng *rng, uint64_t bytes)
{
    if (rng->property_rate != 0) {
        rng->tokens -= bytes;
    }
}

static void on_time(void *argument)
{
    struct rng *rng = argument;

    if (rng->queue != NULL) {
        ioreqd_virtio_queue_kick(rng->queue);
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * Requests
 */

/* 0, or -EAGAIN: the kernel has nothing yet. */
static int get_random(uint8_t *to, size_t length)
{
    while (length > 0) {
        ssize_t count = getrandom(to, length, GRND_NONBLOCK);

        if (count < 0 && errno != EINTR) {
            return -EAGAIN;
        }
        if (count > 0) {
            to += count;
            length -= (size_t)count;
        }
    }
    return 0;
}

/* Puts up to length bytes into the buffer; returns how many, with *error saying why they are fewer. */
static uint32_t fill(struct ioreqd_virtio_request *request, uint32_t length, int *error)
{
    uint8_t chunk[CHUNK];
    uint32_t done = 0;

    *error = 0;
    while (done < length) {
        uint32_t piece = (uint32_t)least(length - done, sizeof(chunk));

        *error = get_random(chunk, piece);
        if (*error == 0) {
            *error = ioreqd_virtio_request_write(request, done, chunk, piece);
        }
        if (*error != 0) {
            break;
        }
        done += piece;
    }
    explicit_bzero(chunk, sizeof(chunk)); /* may have become somebody's key */
    return done;
}

/* Serves one buffer. Returns how many bytes went out; 0: there is no going on now. */
static uint32_t serve(struct rng *rng, struct ioreqd_virtio_request *request)
{
    uint64_t length = least(ioreqd_virtio_request_writable(request), TURN_BYTES);
    uint32_t done;
    int error;

    if (length == 0) {
        ioreqd_virtio_broken(&rng->virtio, "buffer for random bytes that cannot be written"); /* (§5.4.6.1) */
        ioreqd_virtio_request_complete(request, 0);
        return 0;
    }
    if (rng->property_rate != 0) {
        length = least(length, rng->burst);
    }
    if (!may_spend(rng, length)) {
        ioreqd_virtio_put_back(request);
        return 0;
    }
    done = fill(request, (uint32_t)length, &error);
    if (done == 0 && (error == -EAGAIN || error == -EIO)) {
        /* At least one byte must go into it (§5.4.6.2). -EIO: until the guest lets us reach its memory again. */
        ioreqd_virtio_put_back(request);
        if (error == -EAGAIN) {
            host->timer_set(rng->timer, host->now(rng->device) + SEED_RETRY);
        }
        return 0;
    }
    if (done == 0) {
        ioreqd_virtio_broken(&rng->virtio, "buffer for random bytes lies outside of memory");
    }
    spend(rng, done);
    atomic_fetch_add_explicit(&rng->requests, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&rng->bytes, done, memory_order_relaxed);
    ioreqd_virtio_request_complete(request, done);
    return done;
}

static void ready(struct ioreqd_device *device, void *state, struct ioreqd_virtio_queue *queue)
{
    struct rng *rng = state;
    uint64_t turn = 0;

    (void)device;
    rng->queue = queue;
    while (turn < TURN_BYTES) {
        struct ioreqd_virtio_request *request = ioreqd_virtio_take(queue);
        uint32_t done;

        if (request == NULL) {
            return;
        }
        done = serve(rng, request);
        if (done == 0) {
            return;
        }
        turn += done;
    }
    ioreqd_virtio_queue_kick(queue);
}

/* ------------------------------------------------------------------------------------------------------------------
 * The device, on the main loop
 */

static int check_properties(struct rng *rng)
{
    if (rng->property_rate == 0 && rng->property_burst != 0) {
        host->property_error(rng->device, "burst",
                             "there is no limit that it could exceed: add rate=BYTES, or leave it out");
        return -EINVAL;
    }
    if (rng->property_burst != 0 && rng->property_burst < BURST_MIN) {
        host->property_error(rng->device, "burst", "is less than one buffer of Linux's driver: give 64 or more");
        return -EINVAL;
    }
    return 0;
}

static int create(struct ioreqd_device *device, void *state, struct ioreqd_description *description)
{
    struct rng *rng = state;
    const struct ioreqd_virtio_options options = {
        .queues = description->queues,
        .queue_size = QUEUE_SIZE,
        .ready = ready,
        .user_formats = 1,
    };
    int error;

    rng->device = device;
    error = check_properties(rng);
    if (error != 0) {
        return error;
    }
    rng->burst = rng->property_burst != 0 ? rng->property_burst : most(rng->property_rate, BURST_MIN);
    rng->tokens = rng->burst;
    rng->since = host->now(device);
    error = host->timer_create(device, host->queue_loop(device, 0), on_time, rng, &rng->timer);
    if (error != 0) {
        return error;
    }
    error = ioreqd_virtio_create(&rng->virtio, host, device, &options);
    if (error != 0) {
        host->timer_destroy(rng->timer);
    }
    return error;
}

static void destroy(struct ioreqd_device *device, void *state)
{
    struct rng *rng = state;

    (void)device;
    host->timer_destroy(rng->timer);
    ioreqd_virtio_destroy(&rng->virtio);
}

/* ------------------------------------------------------------------------------------------------------------------
 * What it says of itself
 */

static const struct ioreqd_description description =
    IOREQD_VIRTIO_DESCRIPTION(DEVICE_TYPE, 0xff, 0x00, 0x00, QUEUES, 0);

static const struct ioreqd_property properties[] = {
    {.name = "rate",
     .fallback = "0",
     .help = "bytes a second that the guest gets at most; 0: as many as it asks for",
     .kind = IOREQD_PROPERTY_SIZE,
     .offset = offsetof(struct rng, property_rate),
     .maximum = RATE_MAX},
    {.name = "burst",
     .fallback = "0",
     .help = "bytes that it may get at once after a pause; 0: what rate gives in a second",
     .kind = IOREQD_PROPERTY_SIZE,
     .offset = offsetof(struct rng, property_burst),
     .maximum = RATE_MAX},
    IOREQD_VIRTIO_PROPERTIES(struct rng, virtio),
    {.name = NULL},
};

static const struct ioreqd_field fields[] = {
    IOREQD_VIRTIO_FIELDS(struct rng, virtio, QUEUES),
    {.tag = 0},
};

static const struct ioreqd_counter counters[] = {
    {.name = "requests", .unit = "requests", .offset = offsetof(struct rng, requests)},
    {.name = "bytes", .unit = "bytes", .offset = offsetof(struct rng, bytes)},
    {.name = NULL},
};

static const struct ioreqd_model model = {
    .struct_size = sizeof(model),
    .abi = IOREQD_ABI,
    .name = "virtio-rng",
    .summary = "source of random bytes",
    .state_size = sizeof(struct rng),
    .state_version = 1,
    .description = &description,
    .property = properties,
    .field = fields,
    .counter = counters,
    .create = create,
    .destroy = destroy,
    IOREQD_VIRTIO_CALLS,
};

const struct ioreqd_model *const *ioreqd_module(const struct ioreqd_host *given)
{
    static const struct ioreqd_model *const models[] = {&model, NULL};

    if (!IOREQD_HAS(given, timer_destroy)) {
        return NULL; /* older than timers */
    }
    host = given;
    return models;
}
