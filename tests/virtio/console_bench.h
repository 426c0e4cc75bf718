/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of virtio-console and virtio-rng share: the fake host with streams, time and a loop that all queues
 * share, and a driver that knows the device. Time goes on, and the other end of a stream comes, goes, sends and reads, when
 * the test says so. One thread; each case in a process of its own.
 */
#ifndef TESTS_VIRTIO_CONSOLE_BENCH_H
#define TESTS_VIRTIO_CONSOLE_BENCH_H

#include <check.h>

#include "tests/virtio/driver.h"

#define MILLISECOND   UINT64_C(1000000)
#define BENCH_PORTS   4 /* that the driver's queues have memory for */
#define BENCH_TIMERS  8
#define QUEUE_BUFFERS 32       /* descriptors of a queue */
#define BUFFERS       0xc0000u /* memory that no queue has */

#define F_SIZE        (UINT64_C(1) << 0)
#define F_MULTIPORT   (UINT64_C(1) << 1)
#define F_EMERG_WRITE (UINT64_C(1) << 2)

enum {
    DEVICE_READY = 0,
    DEVICE_ADD = 1,
    DEVICE_REMOVE = 2,
    PORT_READY = 3,
    CONSOLE_PORT = 4,
    RESIZE = 5,
    PORT_OPEN = 6,
    PORT_NAME = 7
};

struct ioreqd_timer {
    void (*fire)(void *argument);
    void *argument;
    uint64_t deadline; /* 0: not set */
    bool made;
};

struct ioreqd_stream {
    uint8_t in[16384];
    size_t in_length, in_read;
    uint8_t *out;
    size_t out_length;
    size_t room; /* of out, in all */
    bool connected;
    bool terminal;
    uint16_t columns, rows;
    unsigned wanted;
    void (*ready)(void *argument, unsigned events);
    void *argument;
};

struct bench {
    struct fake *fake;
    struct driver driver;
    const struct ioreqd_model *model;
    void *state;
    struct ioreqd_stream stream[BENCH_PORTS];
    struct ioreqd_timer timer[BENCH_TIMERS];
    uint64_t now;
    unsigned messages[32]; /* MSI-X, by vector */
    unsigned lines;        /* in the log */
    char line[256];
    bool quiet;                          /* the device must leave its streams alone */
    bool no_timer;                       /* timer_create() fails */
    uint64_t features;                   /* that the driver took */
    uint32_t next;                       /* memory for the next buffer */
    uint64_t place[16][DRIVER_MAX_SIZE]; /* of buffers, by queue and what the device shows when it is used */
};

extern struct bench bench;
extern uint64_t bench_formats; /* features of rings that bench_start() takes too */

/* A host for a model; one, which a test may change. */
struct ioreqd_host *bench_host(void);
void bench_open(const struct ioreqd_model *model);
int bench_create(void);
void bench_close(void);

/* A property, a counter and a saved field of the device. */
void *bench_property(const char *name);
uint64_t bench_counter(const char *name);
void bench_give_stream(const char *property, unsigned stream);

/* Lets time pass, and fires what is due. */
void bench_pass(uint64_t nanoseconds);
/* Tells the device what it wants of its streams, until that is nothing. */
void bench_run(void);
/* The other end comes or goes, sends, and has read everything. */
void bench_connect(unsigned stream, bool connected);
void bench_send(unsigned stream, const void *bytes, size_t length);
void bench_expect(unsigned stream, const char *text);

/* Negotiates features, with as many queues as the device has. */
void bench_start(uint64_t features);
/* Makes a buffer available and rings; returns where it is. */
uint32_t bench_give(unsigned queue, uint32_t length);
uint32_t bench_say(unsigned queue, const void *bytes, uint32_t length);
/* The bytes of the next used buffer of a queue that the device writes; -1: there is none. */
int bench_got(unsigned queue, void *bytes);
/* Whether one more buffer of a queue that the device reads was used. */
bool bench_done(unsigned queue);

/* Stops the device and has it go on; nothing may need the outside for that. */
void bench_rest(void);
void bench_go_on(void);
/* Puts a successor in its place: the same properties, a reset, and the saved fields. */
void bench_hand_over(void);

/* One control message; and the next one from the device as text, as "1 open 1", or "" where there is none. */
void control_say(uint32_t port, unsigned event, unsigned value);
const char *control_hear(void);
/* Gives so many buffers for control messages. */
void control_give(unsigned count);

TCase *console_data_cases(void);
TCase *console_control_cases(void);
TCase *console_emergency_cases(void);
TCase *console_size_cases(void);
TCase *console_life_cases(void);
TCase *console_verb_cases(void);
TCase *rng_cases(void);
TCase *rng_limit_cases(void);

/* The tables of the two models, whose module functions have one name. */
const struct ioreqd_model *const *console_module(const struct ioreqd_host *given);
const struct ioreqd_model *const *rng_module(const struct ioreqd_host *given);

#endif
