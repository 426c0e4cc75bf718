/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The recorder: turns what passes between guest and devices into lines of a recording, ioreqd-recording(5), in the
 * order in which it happens. Made and destroyed by whoever wants the lines, on the main thread; it has to outlive the
 * worker that it is given to.
 *
 * What happens while a request is served comes out after the request's line, and whatever other threads do meanwhile
 * too: a cause stands before its effects. Functions marked [any] may be called from every thread, the others on the
 * main thread.
 */
#ifndef IOREQD_WORKER_RECORDER_H
#define IOREQD_WORKER_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/host_config.h"
#include "device/device.h"
#include "recording/line.h"

struct recorder;

/* Where lines go: one call at a time, from any thread, which must not call the recorder. begun and header may be NULL. */
struct recorder_sink {
    void *context;
    /* A part of the header, whole lines. */
    void (*header)(void *context, const char *text, size_t length);
    /* A request is about to be served: what is known of a line that is to come, should the answer never be. */
    void (*begun)(void *context, const struct recording_line *line);
    /* line and what it points to are the recorder's. */
    void (*line)(void *context, const struct recording_line *line);
};

/* NULL when memory is short. */
struct recorder *recorder_create(const struct recorder_sink *sink);
void recorder_destroy(struct recorder *recorder);

/* ---- the header, in this order ---- */

void recorder_guest(struct recorder *recorder, const struct hypervisor_guest *guest);
void recorder_host(struct recorder *recorder, const struct bridge_host_config *host);
void recorder_port(struct recorder *recorder, const char *id, const char *host, uint8_t devfn, unsigned slot);
/* With the options and files that recorder_describe() and recorder_describe_file() were told, at any time before. */
void recorder_device(struct recorder *recorder, const char *id, const char *bus, uint8_t devfn);

/* How the user asked for a device, as a --device option with id=; a file that a property names. 0 or -ENOMEM. */
int recorder_describe(struct recorder *recorder, const char *id, const char *options);
int recorder_describe_file(struct recorder *recorder, const char *id, const char *property, uint64_t size);

/* ---- what happens ---- */

/* Each request, and then its answer. */
void recorder_request(struct recorder *recorder, unsigned vcpu, const struct request *request);
void recorder_answer(struct recorder *recorder, uint64_t data);
/* The memory operand of that request; error is 0 or a negative errno. */
void recorder_operand(struct recorder *recorder, bool write, uint64_t address, const void *bytes, size_t length,
                      int error);

void recorder_message(struct recorder *recorder, uint64_t address, uint32_t data);        /* [any] */
void recorder_line(struct recorder *recorder, unsigned device, unsigned pin, bool level); /* [any] */

/* For the environment of the devices: what they do goes to the recorder. */
const struct device_observer *recorder_observer(const struct recorder *recorder);

#endif
