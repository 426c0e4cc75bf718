/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct file_nbd, as the objects that make it up see it: file_nbd.c, its requests, its connection and what is done
 * for the journal. All of it is the loop's that the connection is on, but for opening, closing and handing over.
 *
 * An operation that is under way has a slot. What it reads goes through the slot's buffer, what it writes through a
 * record of the journal: guest memory may change while the bytes are on their way, and what is sent again must be what
 * was sent before. Slots stay in the order in which they were begun.
 *
 * libnbd calls back while it is being called; what it says is only noted then, and acted upon by file_nbd_pump().
 */
#ifndef IOREQD_DEVICE_FILE_NBD_PRIVATE_H
#define IOREQD_DEVICE_FILE_NBD_PRIVATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "device/file_nbd.h"
#include "device/file_nbd_connection.h"
#include "device/file_nbd_journal.h"
#include "device/file_nbd_library.h"
#include "device/file_private.h"

#define NBD_SLOTS          128u
#define NBD_REPLAYS        16u /* records that are sent at once */
#define NBD_SECTOR         512u
#define NBD_SHORTEST_PAUSE UINT64_C(100000000) /* between two tries to connect; nanoseconds */
#define NBD_LONGEST_PAUSE  UINT64_C(5000000000)

/* A command that the server was sent. */
struct nbd_call {
    STAILQ_ENTRY(nbd_call) answered;
    struct file_nbd *nbd;
    void (*settle)(struct nbd_call *call); /* there is an answer, and the connection is not lost */
    int error;                             /* of the answer */
};

/* An operation under way. */
struct nbd_slot {
    struct nbd_call call;        /* first */
    TAILQ_ENTRY(nbd_slot) place; /* among those under way, or among the idle ones */
    STAILQ_ENTRY(nbd_slot) wait; /* among those that wait for room in the journal */
    struct file_operation *operation;
    uint8_t *buffer;           /* BOUNCE_BYTES; NULL until it is needed */
    struct nbd_record *record; /* of this step; NULL: it needs none, or waits for room */
    uint64_t total;
    uint64_t done; /* by steps before this one */
    uint64_t step;
    uint64_t covers; /* of a flush: what was acknowledged when it was sent */
    uint64_t told;   /* of a flush: the damages that earlier ones have told of */
};

/* A record that is being sent again. */
struct nbd_replay {
    struct nbd_call call;      /* first */
    struct nbd_record *record; /* NULL: none */
    uint64_t done, step;
};

/* Writes that were acknowledged and are lost: the next flush fails. */
struct nbd_damage {
    uint64_t number; /* of such events since the beginning */
    uint64_t told;   /* of them, by flushes that failed */
    uint64_t bytes;  /* of the present event, and where they lie */
    uint64_t begin, end;
    int error;
};

/*
 * connected -> lost -> pausing (a try failed) or connecting -> replaying -> connected. Pausing comes to connecting when
 * time is up; replaying is lost as connected is.
 */
enum nbd_state { NBD_CONNECTED, NBD_PAUSING, NBD_CONNECTING, NBD_REPLAYING };

struct file_nbd {
    struct ioreqd_file *file;
    struct nbd_export export;
    struct nbd_handle *handle; /* NULL unless connected or replaying */
    enum nbd_state state;

    _Atomic(struct ioreqd_loop *) home;
    struct ioreqd_work work; /* file_nbd_pump() */
    struct ioreqd_watch *watch;
    struct ioreqd_timer *timer;
    struct nbd_connector *connector;
    struct ioreqd_work tried; /* by the connector */
    uint64_t pause;
    uint64_t since; /* when it was connected */
    bool refused;   /* a server has come back as another: told */

    _Atomic(struct file_operation *) handed; /* by other loops, newest first */
    struct file_operations waiting;
    struct nbd_slot slot[NBD_SLOTS];
    TAILQ_HEAD(, nbd_slot) idle, under_way;
    STAILQ_HEAD(, nbd_slot) for_room;
    STAILQ_HEAD(, nbd_call) answers;
    uint8_t *zeroes; /* BOUNCE_BYTES, never written; NULL until they are needed */
    bool written;    /* anything, ever */

    struct nbd_journal journal;
    struct nbd_damage damage;
    struct nbd_call flush; /* one of our own, to make room */
    bool flushing;
    uint64_t flush_covers;
    struct ioreqd_timer *idle_timer;
    bool idle_armed;
    uint64_t idle_begun; /* records, when the timer was armed */

    struct nbd_replay replay[NBD_REPLAYS];
    struct nbd_record *replay_next; /* NULL: all were sent */
    unsigned replaying;
    unsigned replayed;
    uint64_t replayed_bytes;

    struct ioreqd_work resize; /* on the main loop */
    atomic_uint_fast64_t new_size;
};

/* Sends and settles what can be, and has the loop call again when there is more. */
void file_nbd_pump(struct file_nbd *nbd);

/* ---- file_nbd_call.c ---- */

/* What libnbd is given to call when the answer is there. */
nbd_completion_callback file_nbd_then(struct nbd_call *call);
/* After libnbd was called, which returned rc: a command that could not be sent is answered with the reason. */
void file_nbd_sent(struct nbd_call *call, int64_t rc);
/* An answer without the server. */
void file_nbd_answer(struct nbd_call *call, int error);
/* Acts upon the answers that are there. True: the connection is of no use any more. */
bool file_nbd_settle(struct file_nbd *nbd);
/* How long one command that writes bytes, or zeroes, may be. */
uint64_t file_nbd_limit(const struct file_nbd *nbd, bool zeroes);
void file_nbd_send_bytes(struct nbd_call *call, const uint8_t *bytes, uint64_t offset, uint64_t length);
/* Zeroes are written where the server cannot make them. */
void file_nbd_send_zeroes(struct nbd_call *call, uint64_t offset, uint64_t length, bool may_unmap);

/* ---- file_nbd_request.c ---- */

/* Takes the operation that has waited longest. False: there is none, or no room for another one now. */
bool file_nbd_begin(struct file_nbd *nbd);
/* Goes on with what waits for room in the journal, as far as there is some. */
void file_nbd_use_room(struct file_nbd *nbd);
/* Sends what was under way when the connection was lost; how many that were. */
unsigned file_nbd_send_again(struct file_nbd *nbd);
/* While nothing of it is sent: all that waits for a connection ends with -EIO. */
void file_nbd_fail_all(struct file_nbd *nbd);
void file_nbd_init_slots(struct file_nbd *nbd);
void file_nbd_free_slots(struct file_nbd *nbd);

/* ---- file_nbd_room.c ---- */

/* Whether the server is to be told what it may have forgotten. */
bool file_nbd_keeps(const struct file_nbd *nbd);
/* A record for the bytes; NULL: there is no room now. */
struct nbd_record *file_nbd_reserve(struct file_nbd *nbd, uint32_t bytes);
/* After something was acknowledged or dropped: flushes when the journal fills up, and lets those go on that wait. */
void file_nbd_make_room(struct file_nbd *nbd);
/* Notes that a record is lost, and releases it. */
void file_nbd_note_damage(struct file_nbd *nbd, struct nbd_record *record, int error);
/* Tells of what was noted, and has the next flush fail. */
void file_nbd_tell_damage(struct file_nbd *nbd, const char *what);
/* Functions of a struct file_nbd and of its own flush. */
void file_nbd_on_idle(void *nbd);
void file_nbd_on_flushed(struct nbd_call *call);

/* ---- file_nbd_replay.c ---- */

/* The server is there again: what it may have forgotten is to be sent. */
void file_nbd_replay_begin(struct file_nbd *nbd);
/* Sends what can be sent. True: all of it was, and is answered. */
bool file_nbd_replay(struct file_nbd *nbd);
/* The connection is lost: it begins anew with the next one. */
void file_nbd_replay_end(struct file_nbd *nbd);
void file_nbd_init_replays(struct file_nbd *nbd);

/* ---- file_nbd_return.c ---- */

/* The connection is of no use any more: one is tried to be made. */
void file_nbd_lose(struct file_nbd *nbd);
/* Ends the connection, and with it all that libnbd has of ours. */
void file_nbd_disconnect(struct file_nbd *nbd);
/* The journal was sent: the rest is, and all goes on. */
void file_nbd_go_on(struct file_nbd *nbd);
/* Hears of what the connection has to say, from now on. 0 or a negative errno. */
int file_nbd_watch(struct file_nbd *nbd);
/* The timer's, the connector's and the main loop's functions, of a struct file_nbd. */
void file_nbd_try(void *nbd);
void file_nbd_on_tried(void *nbd);
void file_nbd_set_size(void *nbd);

#endif
