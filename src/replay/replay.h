/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Feeds the requests of a recording to its guest made anew, and compares what comes of them. The main thread is the
 * vCPU; lines that the recorder makes come from the worker's threads.
 *
 * A group is a request with the lines up to the next one. Before it is fed, the bytes that its lines read are in
 * memory; after it, all that its lines tell of has to happen, in any order, within a time. What happens earlier than in
 * the recording is looked for in the groups that follow.
 */
#ifndef IOREQD_REPLAY_REPLAY_H
#define IOREQD_REPLAY_REPLAY_H

#include <pthread.h>

#include "replay/guest.h"

struct replay_options {
    struct guest_options guest;
    unsigned milliseconds; /* to wait for what a request has to cause */
    bool fast;             /* does not wait for the recorded times */
};

/* Something that happened and that the recording does not have. */
struct replay_extra {
    struct recording_line line; /* bytes are its own */
    size_t after;               /* the line of the file, counted from 1, that came last: the end of a group */
};

struct replay {
    const struct recording *recording;
    struct replay_options options;
    struct guest guest;
    struct recorder *recorder;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool *seen;        /* of the recording's lines: it happened, or there is nothing to compare */
    size_t begin, end; /* the group */
    size_t missing;    /* of its lines */
    uint64_t got;      /* the answer of the request */
    struct replay_extra *extra;
    size_t extras;
    bool short_of_memory;

    uint64_t *answer; /* of the recording's requests */
    bool *wrong;      /* the answer is not what was recorded */
    size_t requests;
    unsigned timeouts;
    unsigned violations; /* of the protocol between hypervisor and server */
};

/* 0 when the recording was fed to its end, whatever differs; -1 with the error filled in. */
int replay_run(struct replay *replay, const struct recording *recording, const struct replay_options *options,
               struct config_error *error);
void replay_free(struct replay *replay);

/* Whether a line tells of something that has to happen. */
bool replay_is_compared(const struct recording_line *line);

#endif
