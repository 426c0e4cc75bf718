/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exports of NBD servers, see file_nbd.h. All of this runs on the connection's loop, but for opening and handing over.
 *
 * An operation that is under way has a slot, with a buffer for its bytes: guest memory may change while they are on
 * their way, and what is sent again must be what was sent before. Slots stay in the order in which they were begun.
 *
 * libnbd calls back while it is being called; what it says is only noted then, and acted upon by pump().
 */
#include "device/file_nbd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/queue.h>

#include "device/bounce.h"
#include "device/file_nbd_connection.h"
#include "device/file_nbd_library.h"
#include "device/file_private.h"
#include "device/loop.h"
#include "device/timer.h"
#include "device/watch.h"
#include "event.h"
#include "log.h"

#define SLOTS          128u
#define CLEAR_BYTES    (UINT64_C(256) << 20) /* of one request that clears */
#define SECTOR         512u
#define MILLISECOND    UINT64_C(1000000)
#define SHORTEST_PAUSE (100 * MILLISECOND)
#define LONGEST_PAUSE  (5000 * MILLISECOND)
#define LOST(error)    ((error) == ENOTCONN || (error) == ESHUTDOWN || (error) == EPIPE || (error) == ECONNRESET)

/* An operation under way. */
struct slot {
    TAILQ_ENTRY(slot) place; /* among those under way, or among the idle ones */
    STAILQ_ENTRY(slot) answered;
    struct file_nbd *nbd;
    struct file_operation *operation;
    uint8_t *buffer; /* BOUNCE_BYTES; NULL until it is needed */
    uint64_t total;
    uint64_t done; /* by steps before this one */
    uint64_t step;
    int error;             /* of the answer */
    uint64_t acknowledged; /* of a flush: what had been written when it was sent */
};

/* connected -> lost -> pausing (a try failed) or connecting -> connected. Pausing comes to connecting when time is up. */
enum state { STATE_CONNECTED, STATE_PAUSING, STATE_CONNECTING };

struct file_nbd {
    struct ioreqd_file *file;
    struct nbd_export export;
    struct nbd_handle *handle; /* NULL unless connected */
    enum state state;

    _Atomic(struct ioreqd_loop *) home;
    struct ioreqd_work work; /* pump() */
    struct ioreqd_watch *watch;
    struct ioreqd_timer *timer;
    struct nbd_connector *connector;
    struct ioreqd_work tried; /* by the connector */
    uint64_t pause;
    uint64_t since; /* when it was connected */
    bool refused;   /* a server has come back as another: told */

    _Atomic(struct file_operation *) handed; /* by other loops, newest first */
    struct file_operations waiting;
    struct slot slot[SLOTS];
    TAILQ_HEAD(, slot) idle, under_way;
    STAILQ_HEAD(, slot) answers;

    uint64_t acknowledged; /* bytes written since the beginning */
    uint64_t flushed;      /* of them */

    struct ioreqd_work resize; /* on the main loop */
    atomic_uint_fast64_t new_size;
};

static void pump(struct file_nbd *nbd);

/* ---- one operation ---- */

static int on_answer(void *argument, int *error)
{
    struct slot *slot = argument;

    if (slot->nbd->handle != NULL) { /* else the connection is being closed, and nothing holds any more */
        slot->error = *error;
        STAILQ_INSERT_TAIL(&slot->nbd->answers, slot, answered);
    }
    return 1; /* libnbd may forget it */
}

static void answer(struct slot *slot, int error)
{
    slot->error = error;
    STAILQ_INSERT_TAIL(&slot->nbd->answers, slot, answered);
}

/* Zeroes of a server that cannot make them by itself are written, out of the slot's buffer. */
static bool has_bytes(const struct slot *slot)
{
    uint8_t kind = slot->operation->kind;

    return kind == IOREQD_FILE_READ || kind == IOREQD_FILE_WRITE ||
           (kind == IOREQD_FILE_WRITE_ZEROES && !slot->nbd->export.can_zero);
}

static bool is_useless(const struct file_nbd *nbd)
{
    return nbd_library.aio_is_dead(nbd->handle) > 0 || nbd_library.aio_is_closed(nbd->handle) > 0;
}

static void send_step(struct slot *slot)
{
    struct file_nbd *nbd = slot->nbd;
    const struct nbd_export *export = &nbd->export;
    const nbd_completion_callback then = {.callback = on_answer, .user_data = slot};
    uint64_t offset = slot->operation->offset + slot->done;
    uint32_t no_hole = (slot->operation->flags & IOREQD_FILE_MAY_UNMAP) != 0 ? 0 : LIBNBD_CMD_FLAG_NO_HOLE;
    int64_t rc = 0;

    switch (slot->operation->kind) {
    case IOREQD_FILE_READ:
        rc = nbd_library.aio_pread(nbd->handle, slot->buffer, slot->step, offset, then, 0);
        break;
    case IOREQD_FILE_WRITE:
        rc = nbd_library.aio_pwrite(nbd->handle, slot->buffer, slot->step, offset, then, 0);
        break;
    case IOREQD_FILE_FLUSH:
        slot->acknowledged = nbd->acknowledged;
        if (export->can_flush && nbd->file->options.cache != FILE_CACHE_UNSAFE) {
            rc = nbd_library.aio_flush(nbd->handle, then, 0);
        } else {
            answer(slot, 0);
        }
        break;
    case IOREQD_FILE_DISCARD:
        if (export->can_trim) {
            rc = nbd_library.aio_trim(nbd->handle, slot->step, offset, then, 0);
        } else {
            answer(slot, 0);
        }
        break;
    case IOREQD_FILE_WRITE_ZEROES:
        if (export->can_zero) {
            rc = nbd_library.aio_zero(nbd->handle, slot->step, offset, then, no_hole);
        } else {
            rc = nbd_library.aio_pwrite(nbd->handle, slot->buffer, slot->step, offset, then, 0);
        }
        break;
    default:
        answer(slot, EOPNOTSUPP);
        break;
    }
    if (rc < 0) {
        int error = nbd_library.get_errno();

        answer(slot, is_useless(nbd) ? ENOTCONN : error != 0 ? error : EIO);
    }
}

static void begin_step(struct slot *slot)
{
    const struct nbd_export *export = &slot->nbd->export;
    const struct file_operation *operation = slot->operation;
    uint64_t limit = has_bytes(slot) ? BOUNCE_BYTES : CLEAR_BYTES;

    if (has_bytes(slot) && export->maximum < limit) {
        limit = export->maximum & ~(export->minimum - 1);
    }
    slot->step = slot->total - slot->done < limit ? slot->total - slot->done : limit;
    if (operation->kind == IOREQD_FILE_WRITE) {
        bounce_gather(slot->buffer, operation->iov, operation->iov_count, (size_t)slot->done, (size_t)slot->step);
    } else if (has_bytes(slot) && operation->kind == IOREQD_FILE_WRITE_ZEROES) {
        memset(slot->buffer, 0, (size_t)slot->step);
    }
    send_step(slot);
}

static void finish(struct slot *slot, int result)
{
    struct file_operation *operation = slot->operation;

    TAILQ_REMOVE(&slot->nbd->under_way, slot, place);
    TAILQ_INSERT_HEAD(&slot->nbd->idle, slot, place);
    operation->done(operation, result);
}

static void step_done(struct slot *slot)
{
    const struct file_operation *operation = slot->operation;

    if (operation->kind == IOREQD_FILE_READ) {
        bounce_scatter(slot->buffer, operation->iov, operation->iov_count, (size_t)slot->done, (size_t)slot->step);
    } else if (operation->kind == IOREQD_FILE_FLUSH) {
        if (slot->acknowledged > slot->nbd->flushed) {
            slot->nbd->flushed = slot->acknowledged;
        }
    } else {
        slot->nbd->acknowledged += slot->step;
    }
    slot->done += slot->step;
    if (slot->done < slot->total) {
        begin_step(slot);
    } else {
        finish(slot, 0);
    }
}

static uint64_t total_of(const struct file_operation *operation)
{
    uint64_t total = 0;

    if (operation->kind == IOREQD_FILE_FLUSH) {
        return 0;
    }
    if (file_operation_clears(operation)) {
        return operation->length;
    }
    for (uint32_t i = 0; i < operation->iov_count; i++) {
        total += operation->iov[i].iov_len;
    }
    return total;
}

/* False: there is no room for another one now. */
static bool begin(struct file_nbd *nbd)
{
    struct slot *slot = TAILQ_FIRST(&nbd->idle);
    struct file_operation *operation;

    if (slot == NULL || nbd->waiting.first == NULL) {
        return false;
    }
    if (slot->buffer == NULL) {
        void *buffer = mmap(NULL, BOUNCE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        slot->buffer = buffer != MAP_FAILED ? buffer : NULL;
    }
    operation = file_operations_take(&nbd->waiting);
    slot->operation = operation;
    slot->total = total_of(operation);
    slot->done = 0;
    TAILQ_REMOVE(&nbd->idle, slot, place);
    TAILQ_INSERT_TAIL(&nbd->under_way, slot, place);
    if (slot->buffer == NULL) {
        finish(slot, -ENOMEM);
    } else if (slot->total == 0 && operation->kind != IOREQD_FILE_FLUSH) {
        finish(slot, 0);
    } else if (((operation->offset | slot->total) & (nbd->export.minimum - 1)) != 0) {
        finish(slot, -EINVAL);
    } else {
        begin_step(slot);
    }
    return true;
}

/* ---- the connection ---- */

static void try_later(struct file_nbd *nbd)
{
    nbd->state = STATE_PAUSING;
    timer_arm(nbd->timer, timer_now() + nbd->pause);
    nbd->pause = 2 * nbd->pause < LONGEST_PAUSE ? 2 * nbd->pause : LONGEST_PAUSE;
}

static void try_now(void *argument)
{
    struct file_nbd *nbd = argument;

    nbd->state = STATE_CONNECTING;
    if (file_nbd_connector_start(nbd->connector) != 0) {
        try_later(nbd);
    }
}

/* Ends the connection, and with it all that libnbd has of ours. */
static void disconnect(struct file_nbd *nbd)
{
    struct nbd_handle *handle = nbd->handle;

    watch_free(nbd->watch);
    nbd->watch = NULL;
    nbd->handle = NULL;
    STAILQ_INIT(&nbd->answers);
    if (handle != NULL) {
        nbd_library.close(handle);
    }
}

static void lose(struct file_nbd *nbd)
{
    const char *reason = nbd_library.get_error();

    log_line(LOG_ERROR, nbd->file->owner, "the connection to %s is lost: requests wait until there is one again%s%s",
             nbd->file->name, reason != NULL ? ": " : "", reason != NULL ? reason : "");
    event_tell(nbd->file->owner, "nbd-lost", NULL);
    disconnect(nbd);
    /* A server that takes connections but cannot serve is not to be kept busy with it. */
    if (timer_now() - nbd->since > LONGEST_PAUSE) {
        nbd->pause = SHORTEST_PAUSE;
    }
    nbd->refused = false;
    try_later(nbd);
}

static void on_ready(void *argument, unsigned events)
{
    struct file_nbd *nbd = argument;
    unsigned direction = nbd_library.aio_get_direction(nbd->handle);

    if ((events & IOREQD_READABLE) != 0 && (direction & LIBNBD_AIO_DIRECTION_READ) != 0) {
        nbd_library.aio_notify_read(nbd->handle);
    } else if ((events & IOREQD_WRITABLE) != 0 && (direction & LIBNBD_AIO_DIRECTION_WRITE) != 0) {
        nbd_library.aio_notify_write(nbd->handle);
    }
    pump(nbd);
}

static int watch_connection(struct file_nbd *nbd)
{
    return watch_make(atomic_load(&nbd->home), nbd_library.aio_get_fd(nbd->handle), on_ready, nbd, &nbd->watch);
}

static void set_size(void *argument)
{
    struct file_nbd *nbd = argument;

    file_set_size(nbd->file, atomic_load(&nbd->new_size));
}

static void take_size(struct file_nbd *nbd, uint64_t size)
{
    atomic_store(&nbd->new_size, size);
    if (nbd->file->main_loop != NULL) {
        loop_post(nbd->file->main_loop, &nbd->resize);
    } else {
        set_size(nbd);
    }
}

/*
 * Whether what has come back can be the disk that the guest knows; NULL, or why not. One that has grown can; one that
 * is smaller, or cannot be written or flushed any more, is more likely another, and must not be written to.
 */
static const char *is_another(const struct file_nbd *nbd, const struct nbd_export *now)
{
    const struct nbd_export *before = &nbd->export;

    if (now->size < before->size) {
        return "is smaller than before";
    }
    if (now->read_only && !nbd->file->read_only) {
        return "can only be read now";
    }
    if (before->can_flush && !now->can_flush) {
        return "cannot be flushed any more";
    }
    if (now->minimum > before->minimum && now->minimum > SECTOR) {
        return "has larger blocks than before";
    }
    if (now->maximum < before->maximum && now->maximum < BOUNCE_BYTES) {
        return "takes smaller requests than before";
    }
    return NULL;
}

static void refuse(struct file_nbd *nbd, const struct nbd_export *now, const char *difference)
{
    if (!nbd->refused) {
        nbd->refused = true;
        log_line(LOG_ERROR, nbd->file->owner,
                 "%s is there again but %s (%" PRIu64 " bytes, before %" PRIu64
                 "): it is not used, and requests wait until the right one is there",
                 nbd->file->name, difference, now->size, nbd->export.size);
    }
}

static void accept_export(struct file_nbd *nbd, const struct nbd_export *now)
{
    struct slot *slot;
    unsigned again = 0;

    if (nbd->acknowledged != nbd->flushed) {
        log_line(LOG_WARNING, nbd->file->owner,
                 "%" PRIu64
                 " bytes were written to %s since the last flush: they are there only if the server kept them",
                 nbd->acknowledged - nbd->flushed, nbd->file->name);
    }
    if (now->size != nbd->export.size) {
        take_size(nbd, now->size);
    }
    nbd->export = *now;
    nbd->state = STATE_CONNECTED;
    nbd->since = timer_now();
    TAILQ_FOREACH(slot, &nbd->under_way, place)
    {
        if (slot->operation->kind == IOREQD_FILE_WRITE) {
            send_step(slot); /* the same bytes, whatever the guest has made of its memory since */
        } else {
            begin_step(slot); /* the server may have other means now */
        }
        again++;
    }
    log_line(LOG_INFO, nbd->file->owner, "%s is there again: %u requests were sent again", nbd->file->name, again);
    event_tell(nbd->file->owner, "nbd-back", NULL);
}

static void on_tried(void *argument)
{
    struct file_nbd *nbd = argument;
    const char *difference;
    struct nbd_export now;
    char reason[256];

    nbd->handle = file_nbd_connector_take(nbd->connector, &now, reason, sizeof(reason));
    if (nbd->handle == NULL) {
        log_line(LOG_DEBUG, nbd->file->owner, "%s: %s", nbd->file->name, reason);
        try_later(nbd);
        return;
    }
    difference = is_another(nbd, &now);
    if (difference != NULL || watch_connection(nbd) != 0) {
        if (difference != NULL) {
            refuse(nbd, &now, difference);
        }
        disconnect(nbd);
        try_later(nbd);
        return;
    }
    accept_export(nbd, &now);
    pump(nbd);
}

/* ---- all operations ---- */

/* Acts upon the answers that are there. True: the connection is of no use any more. */
static bool settle(struct file_nbd *nbd)
{
    bool lost = false;
    struct slot *slot;

    while ((slot = STAILQ_FIRST(&nbd->answers)) != NULL) {
        STAILQ_REMOVE_HEAD(&nbd->answers, answered);
        if (slot->error == 0) {
            step_done(slot);
        } else if (LOST(slot->error)) {
            lost = true; /* it stays under way, to be sent again */
        } else if (slot->operation->kind == IOREQD_FILE_DISCARD) {
            finish(slot, 0);
        } else {
            finish(slot, -slot->error);
        }
    }
    return lost || is_useless(nbd);
}

static void fail_all(struct file_nbd *nbd)
{
    struct file_operations waiting = nbd->waiting;
    struct file_operation *operation;
    struct slot *slot;

    nbd->waiting.first = NULL;
    while ((slot = TAILQ_FIRST(&nbd->under_way)) != NULL) {
        finish(slot, -EIO);
    }
    while ((operation = file_operations_take(&waiting)) != NULL) {
        operation->done(operation, -EIO);
    }
}

static void pump(struct file_nbd *nbd)
{
    unsigned direction, events = 0;

    if (nbd->state == STATE_CONNECTED) {
        for (unsigned i = 0; i < SLOTS && begin(nbd); i++) {
            continue;
        }
        if (settle(nbd)) {
            lose(nbd);
        }
    }
    if (nbd->state != STATE_CONNECTED) {
        if (atomic_load(&nbd->file->hurry)) {
            fail_all(nbd);
        }
        return;
    }
    if (!STAILQ_EMPTY(&nbd->answers) || (nbd->waiting.first != NULL && !TAILQ_EMPTY(&nbd->idle))) {
        loop_post(atomic_load(&nbd->home), &nbd->work);
    }
    direction = nbd_library.aio_get_direction(nbd->handle);
    events |= (direction & LIBNBD_AIO_DIRECTION_READ) != 0 ? IOREQD_READABLE : 0;
    events |= (direction & LIBNBD_AIO_DIRECTION_WRITE) != 0 ? IOREQD_WRITABLE : 0;
    watch_arm(nbd->watch, events);
}

static void take_handed(struct file_nbd *nbd)
{
    struct file_operation *newest = atomic_exchange(&nbd->handed, NULL);
    struct file_operation *oldest = NULL;

    while (newest != NULL) {
        struct file_operation *next = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != NULL) {
        struct file_operation *next = oldest->next;

        file_operations_add(&nbd->waiting, oldest);
        oldest = next;
    }
}

/* What the connection needs of its loop, at the first operation. 0 or a negative errno. */
static int settle_in(struct file_nbd *nbd)
{
    struct ioreqd_loop *home = atomic_load(&nbd->home);

    if (nbd->timer == NULL) {
        nbd->timer = timer_make(home, try_now, nbd);
    }
    if (nbd->connector == NULL) {
        nbd->connector = file_nbd_connector_create(nbd->file->name, home, &nbd->tried);
    }
    if (nbd->timer == NULL || nbd->connector == NULL) {
        return -ENOMEM;
    }
    return nbd->watch == NULL && nbd->state == STATE_CONNECTED ? watch_connection(nbd) : 0;
}

static void on_work(void *argument)
{
    struct file_nbd *nbd = argument;

    take_handed(nbd);
    if (settle_in(nbd) != 0) {
        fail_all(nbd);
        return;
    }
    pump(nbd);
}

struct ioreqd_loop *file_nbd_home(struct file_nbd *nbd, struct ioreqd_loop *loop)
{
    struct ioreqd_loop *home = NULL;

    return atomic_compare_exchange_strong(&nbd->home, &home, loop) ? loop : home;
}

void file_nbd_submit(struct file_nbd *nbd, struct ioreqd_loop *loop, struct file_operation *operation)
{
    struct ioreqd_loop *home = file_nbd_home(nbd, loop);

    if (home == loop) {
        file_operations_add(&nbd->waiting, operation);
    } else {
        operation->next = atomic_load_explicit(&nbd->handed, memory_order_relaxed);
        while (!atomic_compare_exchange_weak(&nbd->handed, &operation->next, operation)) {
            continue;
        }
    }
    loop_post(home, &nbd->work);
}

void file_nbd_hurry(struct file_nbd *nbd, struct ioreqd_loop *loop)
{
    if (atomic_load(&nbd->home) == loop) {
        loop_post(loop, &nbd->work);
    }
}

/* ---- opening and closing, on the main thread ---- */

static void fill_in(struct ioreqd_file *file, const struct nbd_export *export)
{
    struct ioreqd_file_facts *facts = &file->facts;

    *facts = (struct ioreqd_file_facts){
        .struct_size = sizeof(*facts),
        .logical_block = export->minimum > SECTOR ? export->minimum : SECTOR,
        .physical_block = export->preferred > SECTOR ? export->preferred : SECTOR,
        .minimum_io = export->preferred,
    };
    atomic_store(&file->size, export->size);
    file->read_only = file->options.read_only || export->read_only;
    if (file->read_only) {
        return;
    }
    facts->abilities = IOREQD_FILE_CAN_WRITE_ZEROES;
    if (export->can_trim) {
        facts->abilities |= IOREQD_FILE_CAN_DISCARD;
        facts->discard_granularity = facts->logical_block;
    }
    if (export->can_zero) {
        facts->abilities |= IOREQD_FILE_CAN_UNMAP;
    }
}

int file_nbd_open(struct ioreqd_file *file, char *reason, size_t size)
{
    struct file_nbd *nbd = calloc(1, sizeof(*nbd));
    atomic_bool stop = false;
    char why[200];

    if (nbd == NULL) {
        return file_refuse(reason, size, ENOMEM, "out of memory");
    }
    file->nbd = nbd;
    nbd->file = file;
    nbd->state = STATE_CONNECTED;
    nbd->pause = SHORTEST_PAUSE;
    nbd->work = (struct ioreqd_work){.run = on_work, .argument = nbd};
    nbd->tried = (struct ioreqd_work){.run = on_tried, .argument = nbd};
    nbd->resize = (struct ioreqd_work){.run = set_size, .argument = nbd};
    TAILQ_INIT(&nbd->idle);
    TAILQ_INIT(&nbd->under_way);
    STAILQ_INIT(&nbd->answers);
    for (unsigned i = 0; i < SLOTS; i++) {
        nbd->slot[i].nbd = nbd;
        TAILQ_INSERT_TAIL(&nbd->idle, &nbd->slot[i], place);
    }
    if (nbd_library_load(why, sizeof(why)) != 0) {
        return file_refuse(reason, size, ENOSYS, "%s", why);
    }
    nbd->handle = file_nbd_connect(file->name, &stop, &nbd->export, why, sizeof(why));
    if (nbd->handle == NULL) {
        return file_refuse(reason, size, errno, "%s", why);
    }
    if (file->options.cache == FILE_CACHE_NONE) {
        return file_refuse(reason, size, EINVAL,
                           "the server decides about its cache: leave cache=none out, and configure the server");
    }
    fill_in(file, &nbd->export);
    if (file->read_only && !file->options.read_only) {
        log_line(LOG_INFO, NULL, "%s can only be read, says its server", file->name);
    }
    return 0;
}

void file_nbd_leave_loop(struct file_nbd *nbd)
{
    if (nbd == NULL) {
        return;
    }
    file_nbd_connector_destroy(nbd->connector);
    nbd->connector = NULL;
    timer_free(nbd->timer);
    nbd->timer = NULL;
    disconnect(nbd);
}

void file_nbd_close(struct file_nbd *nbd)
{
    if (nbd == NULL) {
        return;
    }
    file_nbd_leave_loop(nbd);
    for (unsigned i = 0; i < SLOTS; i++) {
        if (nbd->slot[i].buffer != NULL) {
            munmap(nbd->slot[i].buffer, BOUNCE_BYTES);
        }
    }
    free(nbd);
}
