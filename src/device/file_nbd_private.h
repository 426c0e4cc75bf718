/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct file_nbd, as the objects that make it up see it: file_nbd.c, its requests and its connection. All of it is the
 * loop's that the connection is on, but for opening, closing and handing over.
 *
 * An operation that is under way has a slot, with a buffer for its bytes: guest memory may change while they are on
 * their way, and what is sent again must be what was sent before. Slots stay in the order in which they were begun.
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
#include "device/file_private.h"

#define NBD_SLOTS          128u
#define NBD_SECTOR         512u
#define NBD_SHORTEST_PAUSE UINT64_C(100000000) /* between two tries to connect; nanoseconds */
#define NBD_LONGEST_PAUSE  UINT64_C(5000000000)

/* An operation under way. */
struct nbd_slot {
    TAILQ_ENTRY(nbd_slot) place; /* among those under way, or among the idle ones */
    STAILQ_ENTRY(nbd_slot) answered;
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
enum nbd_state { NBD_CONNECTED, NBD_PAUSING, NBD_CONNECTING };

struct file_nbd {
    struct ioreqd_file *file;
    struct nbd_export export;
    struct nbd_handle *handle; /* NULL unless connected */
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
    STAILQ_HEAD(, nbd_slot) answers;

    uint64_t acknowledged; /* bytes written since the beginning */
    uint64_t flushed;      /* of them */

    struct ioreqd_work resize; /* on the main loop */
    atomic_uint_fast64_t new_size;
};

/* Sends and settles what can be, and has the loop call again when there is more. */
void file_nbd_pump(struct file_nbd *nbd);

/* ---- file_nbd_request.c ---- */

/* Takes the operation that has waited longest. False: there is none, or no room for another one now. */
bool file_nbd_begin(struct file_nbd *nbd);
/* Acts upon the answers that are there. True: the connection is of no use any more. */
bool file_nbd_settle(struct file_nbd *nbd);
/* Sends what was under way when the connection was lost; how many that were. */
unsigned file_nbd_send_again(struct file_nbd *nbd);
/* While there is no connection: all that waits for one ends with -EIO. */
void file_nbd_fail_all(struct file_nbd *nbd);

/* ---- file_nbd_return.c ---- */

/* The connection is of no use any more: one is tried to be made. */
void file_nbd_lose(struct file_nbd *nbd);
/* Ends the connection, and with it all that libnbd has of ours. */
void file_nbd_disconnect(struct file_nbd *nbd);
/* Hears of what the connection has to say, from now on. 0 or a negative errno. */
int file_nbd_watch(struct file_nbd *nbd);
/* The timer's, the connector's and the main loop's functions, of a struct file_nbd. */
void file_nbd_try(void *nbd);
void file_nbd_on_tried(void *nbd);
void file_nbd_set_size(void *nbd);

#endif
