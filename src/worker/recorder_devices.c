/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What devices do, as lines: the table that src/device calls, from any thread. Windows are compared with a copy of what
 * they last held.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "worker/recorder_private.h"

#define GAP 8u /* equal bytes between two differences that make one line all the same */

struct recorder_window {
    struct recorder_window *next;
    const void *key;
    const struct ioreqd_device *device; /* that has looked at it, NULL before; on which thread, and where */
    pthread_t thread;
    const volatile void *base;
    uint64_t address;
    size_t length;
    uint8_t *seen; /* what it held; zeros at the beginning */
    uint8_t *now;  /* a copy: the guest goes on writing */
};

/* A piece of memory that a device has pinned to write to it. */
struct recorder_pin {
    struct recorder_pin *next;
    const uint64_t *where; /* the model keeps its pin: a piece is known by that, as pins of one place are equal */
    uint64_t pin;
    uint64_t address;
    struct iovec piece;
};

void recorder_windows_init(struct recorder_windows *windows)
{
    pthread_mutex_init(&windows->lock, NULL);
}

static void free_window(struct recorder_window *window)
{
    free(window->seen);
    free(window->now);
    free(window);
}

void recorder_windows_free(struct recorder_windows *windows)
{
    while (windows->first != NULL) {
        struct recorder_window *window = windows->first;

        windows->first = window->next;
        free_window(window);
    }
    while (windows->pin != NULL) {
        struct recorder_pin *pin = windows->pin;

        windows->pin = pin->next;
        free(pin);
    }
    pthread_mutex_destroy(&windows->lock);
}

static struct recording_line line_of(enum recording_kind kind, const struct ioreqd_device *device, uint64_t address,
                                     size_t length)
{
    struct recording_line line = {.kind = kind, .address = address, .length = length};

    snprintf(line.device, sizeof(line.device), "%s", device_id(device));
    return line;
}

/* The next run of differences from *begin on, with short gaps in it. 0: there is none. */
static size_t next_difference(const struct recorder_window *window, size_t *begin)
{
    size_t end, at;

    while (*begin < window->length && window->seen[*begin] == window->now[*begin]) {
        (*begin)++;
    }
    end = *begin;
    for (at = *begin; at < window->length && at < end + GAP; at++) {
        if (window->seen[at] != window->now[at]) {
            end = at + 1;
        }
    }
    return end - *begin;
}

static void look(struct recorder *recorder, const struct ioreqd_device *device, struct recorder_window *window)
{
    size_t begin = 0, length;

    memcpy(window->now, (const void *)(uintptr_t)window->base, window->length);
    while ((length = next_difference(window, &begin)) != 0) {
        struct recording_line line = line_of(RECORDING_LOOK, device, window->address + begin, length);

        line.bytes = window->now + begin;
        recorder_add(recorder, &line);
        memcpy(window->seen + begin, window->now + begin, length);
        begin += length;
    }
}

/*
 * A device reads a ring again after it has asked where it is. What it goes on to do tells that it has: the windows that
 * it looked at on this thread are looked at once more, so that what it acts upon stands before what it does. Only this
 * thread moves them.
 */
static void look_again(struct recorder *recorder, const struct ioreqd_device *device)
{
    struct recorder_windows *windows = recorder_windows(recorder);

    pthread_mutex_lock(&windows->lock);
    for (struct recorder_window *window = windows->first; window != NULL; window = window->next) {
        if (window->base != NULL && window->device == device && pthread_equal(window->thread, pthread_self())) {
            look(recorder, device, window);
        }
    }
    pthread_mutex_unlock(&windows->lock);
}

static void on_dma(void *context, const struct ioreqd_device *device, enum ioreqd_direction direction, uint64_t address,
                   const void *bytes, size_t length, int error)
{
    struct recording_line line =
        line_of(direction == IOREQD_FROM_GUEST ? RECORDING_DMA_READ : RECORDING_DMA_WRITE, device, address, length);

    look_again(context, device);
    line.error = -error;
    line.bytes = error == 0 ? bytes : NULL;
    recorder_add(context, &line);
}

/* Takes out the piece that was pinned there, or gives NULL. */
static struct recorder_pin *take_pin(struct recorder_windows *windows, const uint64_t *where)
{
    struct recorder_pin *found = NULL;

    pthread_mutex_lock(&windows->lock);
    for (struct recorder_pin **at = &windows->pin; *at != NULL && found == NULL;) {
        if ((*at)->where == where) {
            found = *at;
            *at = found->next;
        } else {
            at = &(*at)->next;
        }
    }
    pthread_mutex_unlock(&windows->lock);
    return found;
}

static void keep_pin(struct recorder_windows *windows, uint64_t address, const struct iovec *piece,
                     const uint64_t *where)
{
    struct recorder_pin *pin = take_pin(windows, where); /* one that was given back from elsewhere */

    if (pin == NULL) {
        pin = malloc(sizeof(*pin));
    }
    if (pin == NULL) {
        return;
    }
    *pin = (struct recorder_pin){.where = where, .pin = *where, .address = address, .piece = *piece};
    pthread_mutex_lock(&windows->lock);
    pin->next = windows->pin;
    windows->pin = pin;
    pthread_mutex_unlock(&windows->lock);
}

static void on_unmap(void *context, const struct ioreqd_device *device, const uint64_t *pin, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct recorder_pin *found = take_pin(recorder_windows(context), &pin[i]);

        if (found != NULL && found->pin == pin[i]) {
            struct recording_line line = line_of(RECORDING_MAP_WROTE, device, found->address, found->piece.iov_len);

            line.bytes = found->piece.iov_base;
            recorder_add(context, &line);
        }
        free(found);
    }
}

static void on_map(void *context, const struct ioreqd_device *device, enum ioreqd_direction direction, uint64_t address,
                   size_t length, const struct iovec *iov, const uint64_t *pin, int pieces)
{
    struct recording_line line =
        line_of(direction == IOREQD_FROM_GUEST ? RECORDING_MAP_READ : RECORDING_MAP_WRITE, device, address, length);

    look_again(context, device);
    if (pieces < 0 || direction == IOREQD_TO_GUEST) {
        line.error = pieces < 0 ? -pieces : 0;
        recorder_add(context, &line);
        for (int i = 0; i < pieces; i++) {
            keep_pin(recorder_windows(context), address, &iov[i], &pin[i]);
            address += iov[i].iov_len;
        }
        return;
    }
    for (int i = 0; i < pieces; i++) {
        line.bytes = iov[i].iov_base;
        line.length = iov[i].iov_len;
        recorder_add(context, &line);
        line.address += line.length;
    }
}

static void on_window(void *context, const struct ioreqd_device *device, const void *key, uint64_t address,
                      size_t length, int error)
{
    struct recording_line line = line_of(RECORDING_WINDOW, device, address, length);
    struct recorder_windows *windows = recorder_windows(context);
    struct recorder_window *window;

    line.error = -error;
    recorder_add(context, &line);
    if (error != 0) {
        return;
    }
    window = calloc(1, sizeof(*window));
    if (window == NULL) {
        return;
    }
    *window = (struct recorder_window){.key = key, .address = address, .length = length};
    window->seen = calloc(1, length);
    window->now = malloc(length);
    if (window->seen == NULL || window->now == NULL) {
        free_window(window);
        return;
    }
    pthread_mutex_lock(&windows->lock);
    window->next = windows->first;
    windows->first = window;
    pthread_mutex_unlock(&windows->lock);
}

static void on_window_closed(void *context, const void *key)
{
    struct recorder_windows *windows = recorder_windows(context);

    pthread_mutex_lock(&windows->lock);
    for (struct recorder_window **at = &windows->first; *at != NULL; at = &(*at)->next) {
        if ((*at)->key == key) {
            struct recorder_window *window = *at;

            *at = window->next;
            free_window(window);
            break;
        }
    }
    pthread_mutex_unlock(&windows->lock);
}

static void on_look(void *context, const struct ioreqd_device *device, const void *key, const volatile void *base)
{
    struct recorder_windows *windows = recorder_windows(context);

    pthread_mutex_lock(&windows->lock);
    for (struct recorder_window *window = windows->first; window != NULL; window = window->next) {
        if (window->key == key) {
            window->device = device;
            window->thread = pthread_self();
            window->base = base;
            if (base != NULL) {
                look(context, device, window);
            }
        }
    }
    pthread_mutex_unlock(&windows->lock);
}

static void on_bell(void *context, const struct ioreqd_device *device, unsigned queue, uint32_t value)
{
    struct recording_line line = line_of(RECORDING_BELL, device, 0, 0);

    line.number = queue;
    line.data = value;
    recorder_add(context, &line);
}

/* The file is read here a second time: what the request will find is known only once it is done. */
static void on_file_read(void *context, const struct ioreqd_device *device, unsigned number, int descriptor,
                         const struct ioreqd_file_request *request)
{
    struct recording_line line = line_of(RECORDING_FILE_READ, device, request->offset, 0);
    uint8_t *bytes;
    ssize_t got;

    line.number = number;
    for (uint32_t i = 0; i < request->iov_count; i++) {
        line.length += request->iov[i].iov_len;
    }
    bytes = malloc(line.length == 0 ? 1 : (size_t)line.length);
    if (bytes == NULL) {
        return;
    }
    got = pread(descriptor, bytes, (size_t)line.length, (off_t)request->offset);
    if (got > 0) {
        line.bytes = bytes;
        line.length = (uint64_t)got;
        recorder_add(context, &line);
    }
    free(bytes);
}

void recorder_observe(struct device_observer *observer, struct recorder *recorder)
{
    *observer = (struct device_observer){
        .context = recorder,
        .dma = on_dma,
        .map = on_map,
        .unmap = on_unmap,
        .window = on_window,
        .window_closed = on_window_closed,
        .look = on_look,
        .bell = on_bell,
        .file_read = on_file_read,
    };
}
