/* SPDX-License-Identifier: BSD-2-Clause */
/* Feeding and comparing, see replay.h. */
#include "replay/replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "replay/memory.h"

#define AHEAD        512u     /* lines after the group that are looked at */
#define PAUSE_MAX    1000000u /* microseconds: a guest that did nothing for longer is not waited for */
#define PATIENCE     10u      /* times that something was waited for in vain, after which little is waited */
#define IMPATIENT_MS 10u

bool replay_is_compared(const struct recording_line *line)
{
    switch (line->kind) {
    case RECORDING_NOTE:
    case RECORDING_HEADER:
    case RECORDING_REQUEST:
    case RECORDING_LOOK:
    case RECORDING_FILE_READ:
    case RECORDING_TIME:
        return false;
    default:
        return true;
    }
}

/* Bytes that came from outside are what was filled in: only where they came from is compared. */
static bool is_same(const struct recording_line *a, const struct recording_line *b)
{
    return a->kind == b->kind && strcmp(a->device, b->device) == 0 && a->address == b->address &&
           a->length == b->length && a->error == b->error && a->data == b->data && a->number == b->number &&
           a->pin == b->pin && a->level == b->level &&
           (a->bytes == NULL || b->bytes == NULL || recording_is_input(a->kind) ||
            memcmp(a->bytes, b->bytes, (size_t)a->length) == 0);
}

static size_t ahead(const struct replay *replay)
{
    return replay->recording->lines - replay->end < AHEAD ? replay->recording->lines : replay->end + AHEAD;
}

static bool overlap(const struct recording_line *a, const struct recording_line *b)
{
    return (a->kind == RECORDING_FILE_READ) == (b->kind == RECORDING_FILE_READ) &&
           a->address <= b->address + (b->length - 1) && b->address <= a->address + (a->length - 1);
}

/*
 * What is read first stands in memory at the end: lines are filled in from the last to the first. A ring may not show
 * what is to come, or a device would begin with it: a look is filled in once all before it in its group has happened.
 * event: only what may have changed by it; NULL: all. Under the lock.
 */
static void fill(struct replay *replay, const struct recording_line *event)
{
    const struct recording *recording = replay->recording;
    size_t limit = replay->begin; /* the first of the group that has yet to happen */

    while (limit < replay->end && (replay->seen[limit] || !replay_is_compared(&recording->line[limit]))) {
        limit++;
    }
    for (size_t i = ahead(replay); i-- > replay->begin;) {
        const struct recording_line *line = &recording->line[i];

        if (replay->seen[i] || !recording_is_input(line->kind) || (line->kind == RECORDING_LOOK && i > limit)) {
            continue;
        }
        if (event == NULL || line->kind == RECORDING_LOOK ||
            (recording_is_input(event->kind) && overlap(line, event))) {
            memory_fill(&replay->guest, line);
        }
    }
}

/* The looks of the group that is over, should its lines not have happened. Under the lock. */
static void fill_rest(struct replay *replay)
{
    for (size_t i = replay->begin; i < replay->end; i++) {
        if (!replay->seen[i] && replay->recording->line[i].kind == RECORDING_LOOK) {
            memory_fill(&replay->guest, &replay->recording->line[i]);
        }
    }
}

/* ---- what happens, on any thread ---- */

static void add_extra(struct replay *replay, const struct recording_line *line)
{
    struct replay_extra *grown = realloc(replay->extra, (replay->extras + 1) * sizeof(*grown));
    struct replay_extra *extra;

    if (grown == NULL) {
        replay->short_of_memory = true;
        return;
    }
    replay->extra = grown;
    extra = &grown[replay->extras];
    *extra = (struct replay_extra){.line = *line, .after = replay->end};
    if (line->bytes != NULL) {
        uint8_t *bytes = malloc(line->length == 0 ? 1 : (size_t)line->length);

        if (bytes == NULL) {
            replay->short_of_memory = true;
            return;
        }
        memcpy(bytes, line->bytes, (size_t)line->length);
        extra->line.bytes = bytes;
    }
    replay->extras++;
}

/* Looks for the line in the group, then behind it, then before it. */
static bool find(struct replay *replay, const struct recording_line *line, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        if (!replay->seen[i] && is_same(&replay->recording->line[i], line)) {
            replay->seen[i] = true;
            if (i >= replay->begin && i < replay->end && replay_is_compared(line)) {
                replay->missing--;
                pthread_cond_signal(&replay->changed);
            }
            return true;
        }
    }
    return false;
}

static void on_line(void *context, const struct recording_line *line)
{
    struct replay *replay = context;

    if (line->kind == RECORDING_TIME) {
        return;
    }
    pthread_mutex_lock(&replay->lock);
    if (line->kind == RECORDING_REQUEST) {
        replay->got = line->answer;
    } else if (find(replay, line, replay->begin, ahead(replay)) || find(replay, line, 0, replay->begin)) {
        fill(replay, line); /* the next access to this place finds the next line's bytes */
    } else if (replay_is_compared(line)) {
        add_extra(replay, line);
    }
    pthread_mutex_unlock(&replay->lock);
}

/* ---- the vCPU ---- */

/* From a request, or from the beginning, to the next request. */
static void set_group(struct replay *replay, size_t begin)
{
    const struct recording *recording = replay->recording;

    pthread_mutex_lock(&replay->lock);
    fill_rest(replay);
    replay->begin = begin;
    replay->end = begin;
    replay->missing = 0;
    while (replay->end < recording->lines &&
           (replay->end == begin || recording->line[replay->end].kind != RECORDING_REQUEST)) {
        const struct recording_line *line = &recording->line[replay->end];

        replay->missing += !replay->seen[replay->end] && replay_is_compared(line);
        if (line->kind == RECORDING_WINDOW) {
            memory_clear(replay->guest.sim, line);
        }
        replay->end++;
    }
    fill(replay, NULL);
    pthread_mutex_unlock(&replay->lock);
}

/* Waits for what the group has to cause. */
static void wait_for_group(struct replay *replay)
{
    unsigned milliseconds = replay->options.milliseconds;
    struct timespec deadline;
    int rc = 0;

    if (replay->timeouts >= PATIENCE && milliseconds > IMPATIENT_MS) {
        milliseconds = IMPATIENT_MS;
    }
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += milliseconds / 1000;
    deadline.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&replay->lock);
    while (replay->missing != 0 && rc == 0) {
        rc = pthread_cond_timedwait(&replay->changed, &replay->lock, &deadline);
    }
    replay->timeouts += replay->missing != 0;
    pthread_mutex_unlock(&replay->lock);
}

static void feed(struct replay *replay, size_t index)
{
    const struct recording_line *line = &replay->recording->line[index];
    const struct request *request = &line->request;
    unsigned flags = SIM_UNCHECKED | (request->write ? SIM_WRITE : SIM_READ) | (request->down ? SIM_DOWN : 0) |
                     (request->data_is_pointer ? SIM_POINTER : 0);

    sim_access(replay->guest.sim, line->vcpu, request->kind, request->address, request->size, request->count, flags,
               request->data);
    pthread_mutex_lock(&replay->lock);
    replay->answer[index] = replay->got;
    replay->wrong[index] = line->answered && ((replay->got ^ line->answer) & line->mask) != 0;
    replay->requests++;
    pthread_mutex_unlock(&replay->lock);
}

static uint64_t microseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Sleeps until the recorded time; shift is how much of it was left out. */
static void wait_for_time(uint64_t began, uint64_t recorded, uint64_t *shift)
{
    uint64_t now = microseconds() - began;
    uint64_t due = recorded > *shift ? recorded - *shift : 0;

    if (due > now + PAUSE_MAX) {
        *shift += due - now - PAUSE_MAX;
        due = now + PAUSE_MAX;
    }
    if (due > now) {
        uint64_t pause = due - now;
        const struct timespec sleep = {.tv_sec = (time_t)(pause / 1000000), .tv_nsec = (long)(pause % 1000000) * 1000};

        nanosleep(&sleep, NULL);
    }
}

static void feed_all(struct replay *replay)
{
    const struct recording *recording = replay->recording;
    uint64_t began = microseconds();
    uint64_t shift = 0;

    wait_for_group(replay); /* what happens before the first request */
    for (size_t i = 0; i < recording->lines; i++) {
        const struct recording_line *line = &recording->line[i];

        if (line->kind == RECORDING_TIME && !replay->options.fast) {
            wait_for_time(began, line->time, &shift);
        }
        if (line->kind != RECORDING_REQUEST) {
            continue;
        }
        if (line->request.kind == REQUEST_INVALIDATE) {
            memory_prepare(replay->guest.sim, recording, i);
        }
        set_group(replay, i);
        feed(replay, i);
        wait_for_group(replay);
    }
}

/* ---- life ---- */

static int make(struct replay *replay, struct config_error *error)
{
    const struct recorder_sink sink = {.context = replay, .line = on_line};
    const struct recording *recording = replay->recording;
    uint64_t memory;
    size_t line = 0;

    replay->seen = calloc(recording->lines + 1, sizeof(*replay->seen));
    replay->answer = calloc(recording->lines + 1, sizeof(*replay->answer));
    replay->wrong = calloc(recording->lines + 1, sizeof(*replay->wrong));
    replay->recorder = recorder_create(&sink);
    if (replay->seen == NULL || replay->answer == NULL || replay->wrong == NULL || replay->recorder == NULL) {
        return config_error_memory(error);
    }
    memory = memory_needed(recording, &line);
    if (memory == 0) {
        return config_error_set(error, EXIT_STATUS_CONFIGURATION,
                                "line %zu: its memory is above 64 GiB, which no replayed guest has: give a lower "
                                "address, or let the access fail",
                                line);
    }
    if (guest_make(&replay->guest, recording, memory, replay->recorder, &replay->options.guest, error) != 0) {
        return -1;
    }
    memory_prepare(replay->guest.sim, recording, 0);
    return 0;
}

int replay_run(struct replay *replay, const struct recording *recording, const struct replay_options *options,
               struct config_error *error)
{
    pthread_condattr_t attributes;

    *replay = (struct replay){.recording = recording, .options = *options};
    pthread_mutex_init(&replay->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&replay->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (make(replay, error) != 0) {
        return -1;
    }
    set_group(replay, 0);
    if (guest_run(&replay->guest, error) != 0) {
        return -1;
    }
    feed_all(replay);
    replay->violations = sim_violations(replay->guest.sim);
    guest_end(&replay->guest);
    return replay->short_of_memory ? config_error_memory(error) : 0;
}

void replay_free(struct replay *replay)
{
    guest_free(&replay->guest);
    recorder_destroy(replay->recorder);
    for (size_t i = 0; i < replay->extras; i++) {
        recording_line_free(&replay->extra[i].line);
    }
    free(replay->extra);
    free(replay->seen);
    free(replay->answer);
    free(replay->wrong);
    pthread_cond_destroy(&replay->changed);
    pthread_mutex_destroy(&replay->lock);
}
