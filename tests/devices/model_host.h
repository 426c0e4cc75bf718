/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of models share: a host for one device, in which guest memory is a buffer, a stream is two of them and
 * time goes on when the test says so, and access to the device as its guest has it. One thread; each case in a process
 * of its own.
 */
#ifndef TESTS_DEVICES_MODEL_HOST_H
#define TESTS_DEVICES_MODEL_HOST_H

#include <check.h>
#include <ioreqd/device.h>
#include <stdbool.h>

#define RAM_BYTES   0x8000u
#define MILLISECOND UINT64_C(1000000)
#define TIMERS      3

struct ioreqd_timer {
    void (*fire)(void *argument);
    void *argument;
    uint64_t deadline; /* 0: not set */
    bool made;
};

/* The test sets in and room, and reads out. */
struct ioreqd_stream {
    const uint8_t *in;
    size_t in_length;
    size_t in_read;
    uint8_t *out;
    size_t out_length;
    size_t room; /* of out, in all */
    unsigned writes;
    bool connected;
    unsigned wanted;
    void (*ready)(void *argument, unsigned events);
    void *argument;
};

/* What stands for the device; the model never looks into it. */
struct host {
    uint8_t ram[RAM_BYTES]; /* from address 0 */
    uint64_t now;
    struct ioreqd_timer timer[TIMERS];
    unsigned timers_wanted; /* timer_create() fails beyond */
    bool no_bus_master;
    bool no_stream; /* stream_watch() fails */
    bool msi_on;

    unsigned messages;
    int line;        /* as the model drives it */
    unsigned levels; /* times that it did */
    unsigned guest_errors;
    unsigned property_errors;
    unsigned quiesced;
    unsigned copies; /* tried */
    char property[32];
    char text[256];
};

extern struct host world;
extern const struct ioreqd_host host;

/* The model, the state of its one device, and what that presents; prepare() sets them. */
extern const struct ioreqd_model *model;
extern void *state;
extern struct ioreqd_description description;

struct ioreqd_device *device(void);

/* Makes a new world, with a host that has so many timers, and the state of a device that is not created yet. */
void prepare(unsigned timers);
/* Destroys the device: all timers must be too. */
void teardown(void);
/* Puts a successor in its place: the same properties, a reset, and the saved fields. */
void hand_over(void);

/* Whether a timer is set; lets time pass, and fires what is due. */
bool pending(void);
void pass(uint64_t nanoseconds);

/* Tells the device what it wanted of a stream; false: nothing. And lets the other end come or go. */
bool stream_turn(struct ioreqd_stream *stream);
void stream_connect(struct ioreqd_stream *stream, bool connected);

/* A counter, a saved field and a property of the device. */
uint64_t counter(const char *name);
void *field(uint16_t tag);
void *property(const char *name);

/* Reads and writes registers of BAR 0. */
uint64_t get(uint64_t offset, unsigned size);
void put(uint64_t offset, unsigned size, uint64_t value);

/* For main(). */
int run_cases(const char *name, TCase *(*const cases[])(void), unsigned count);

#endif
