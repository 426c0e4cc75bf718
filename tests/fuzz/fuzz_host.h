/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host for one device of any model, which does whatever the interface lets a host do, as the input of a fuzzer says,
 * and ends the program where the model breaks a rule of the interface. Time is virtual, loops run when they are told
 * to, and nothing that the device reads from guest memory is the same twice.
 *
 * What the model is given (timers, windows, pieces of memory) is allocated one by one, in its exact size, and freed
 * when it is given back, so that the address sanitizer sees any use beyond. One thread; owned by the fuzzer.
 */
#ifndef TESTS_FUZZ_HOST_H
#define TESTS_FUZZ_HOST_H

#include <ioreqd/device.h>
#include <stdbool.h>

#include "tests/fuzz/fuzz_input.h"

#define FUZZ_LOOPS    4 /* the main loop is the first */
#define FUZZ_REQUESTS 4096
#define FUZZ_BELLS    1024

/* Whether the model has an optional callback. */
#define FUZZ_CALLS(model, member) (IOREQD_HAS(model, member) && (model)->member != NULL)

enum fuzz_phase {
    FUZZ_CREATING,
    FUZZ_RUNNING,
    FUZZ_QUIESCING, /* asked to stop, has not answered */
    FUZZ_QUIET,     /* has answered; until resume() */
    FUZZ_RESETTING,
    FUZZ_DESTROYING
};

struct ioreqd_loop {
    struct ioreqd_work *first;
    struct ioreqd_work **end;
};

struct ioreqd_timer {
    struct ioreqd_timer *next;
    struct ioreqd_device *device;
    struct ioreqd_loop *loop;
    void (*fire)(void *argument);
    void *argument;
    uint64_t deadline; /* 0: not set */
};

struct ioreqd_watch {
    struct ioreqd_watch *next;
    struct ioreqd_device *device;
    struct ioreqd_loop *loop;
    void (*ready)(void *argument, unsigned events);
    void *argument;
    int descriptor;
    unsigned wanted;
};

struct ioreqd_window {
    struct ioreqd_window *next;
    struct ioreqd_device *device;
    uint8_t *bytes;
    size_t length;
    uint64_t address;
    bool shown; /* in this turn of the loop; it moves at its end */
};

/* What dma_map() gave. */
struct fuzz_piece {
    struct fuzz_piece *next;
    uint64_t pin;
    uint8_t *bytes;
    size_t length;
    enum ioreqd_direction direction;
};

struct ioreqd_file {
    struct ioreqd_file *next;
    uint64_t size;
    bool read_only;
};

struct ioreqd_stream {
    struct ioreqd_stream *next;
    struct ioreqd_device *device;
    struct ioreqd_loop *loop; /* NULL: not watched */
    void (*ready)(void *argument, unsigned events);
    void *argument;
    unsigned wanted;
    bool connected;
    size_t waiting; /* bytes to read */
    size_t room;    /* for bytes that are written */
    uint16_t columns, rows;
};

struct ioreqd_sockets {
    struct ioreqd_sockets *next;
    struct ioreqd_device *device;
    struct ioreqd_loop *loop; /* NULL: nobody listens */
    void (*came)(void *argument, int descriptor);
    void *argument;
    int far[4]; /* of the last ones that were connected; -1: none */
    unsigned next_far;
};
#define FUZZ_PAIRS 4 /* queue pairs of a network */

struct ioreqd_network {
    struct ioreqd_network *next;
    struct ioreqd_device *device;
    struct ioreqd_network_facts facts;
    uint32_t offloads;
    unsigned queue_pairs; /* in use */
    bool link;
    struct fuzz_pair {
        struct ioreqd_loop *loop; /* NULL: not watched */
        void (*ready)(void *argument, unsigned events);
        void *argument;
        unsigned wanted;
        unsigned waiting; /* packets to read */
        unsigned room;    /* for packets that are written */
    } pair[FUZZ_PAIRS];
};

/* A file request that was submitted, and what it was then. */
struct fuzz_request {
    struct ioreqd_file_request *request;
    struct ioreqd_file_request copy;
    struct ioreqd_loop *loop;
    struct ioreqd_file *file;
};

/* A doorbell that was rung and not yet heard. */
struct fuzz_bell {
    struct ioreqd_device *device;
    struct ioreqd_work work;
    uint32_t value;
};

struct ioreqd_device {
    const struct ioreqd_model *model;
    struct ioreqd_description description;
    void *state;
    struct fuzz_input input;

    enum fuzz_phase phase;
    struct ioreqd_loop loop[FUZZ_LOOPS];
    unsigned queue_loops;
    struct ioreqd_loop *current; /* whose callback runs; NULL: none */
    uint64_t now;
    bool answered; /* quiesced() in this turn */

    bool bus_master;
    bool windows_gone;
    bool failed;
    bool msi_on, msix_on, intx_off;
    int line; /* as the model drives it */
    unsigned property_errors;

    struct ioreqd_timer *timers;
    struct ioreqd_watch *watches;
    struct ioreqd_window *windows;
    struct fuzz_piece *pieces;
    uint64_t last_pin;
    struct ioreqd_file *files;
    struct ioreqd_stream *streams;
    struct ioreqd_sockets *sockets;
    struct ioreqd_network *networks;
    struct fuzz_bell bell[FUZZ_BELLS];
    unsigned requests;
    struct fuzz_request request[FUZZ_REQUESTS]; /* oldest first; the last member: not cleared for each run */
};

extern const struct ioreqd_host fuzz_host;

/* Ends the program: the model broke a rule. */
void fuzz_violation(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Around each call into the model: on which loop it is made. At the end memory moves and rules are checked. */
void fuzz_begin_call(struct ioreqd_device *device, struct ioreqd_loop *loop);
void fuzz_end_call(struct ioreqd_device *device);

/* What each host function of [any] loop, or of the main loop alone, begins with; name for the message. */
void fuzz_entered(struct ioreqd_device *device, const char *name);
void fuzz_entered_on(struct ioreqd_device *device, const struct ioreqd_loop *loop, const char *name);
/* The device does something that is seen outside, which it must not while it is quiet or not there yet. */
void fuzz_acts(struct ioreqd_device *device, const char *name);

void fuzz_host_begin(struct ioreqd_device *device, const uint8_t *data, size_t size);
/* Checks that all was given back, after destroy(); frees the rest. cut: it had not been quiesced. */
void fuzz_host_end(struct ioreqd_device *device, bool cut);

/* The loop of a queue: the same for all of its group. */
struct ioreqd_loop *fuzz_queue_loop(struct ioreqd_device *device, unsigned queue);

/* Each of these does one thing of its kind, and tells whether there was one. */
bool fuzz_run_one(struct ioreqd_device *device, struct ioreqd_loop *loop);
bool fuzz_fire_one(struct ioreqd_device *device); /* a timer that is due */
bool fuzz_complete_one(struct ioreqd_device *device, unsigned index, int error);
bool fuzz_stream_event(struct ioreqd_device *device, unsigned index, unsigned what, size_t bytes);
bool fuzz_watch_event(struct ioreqd_device *device);
/* Somebody connects, or does something at the far end of a socket. */
bool fuzz_sockets_event(struct ioreqd_device *device, unsigned what);
bool fuzz_network_event(struct ioreqd_device *device, unsigned pair, unsigned what, unsigned packets);

/* When the next timer is due; 0: none is set. */
uint64_t fuzz_next_deadline(const struct ioreqd_device *device);
unsigned fuzz_interrupt_mode(const struct ioreqd_device *device);

/* Puts a value into each of the model's properties. */
void fuzz_set_properties(struct ioreqd_device *device);

/* One access of the guest, chosen by the input among those that the description allows. */
void fuzz_access_bar(struct ioreqd_device *device, bool write);
void fuzz_read_rom(struct ioreqd_device *device);
void fuzz_access_capability(struct ioreqd_device *device);
/* Capabilities as they stand at power on. */
void fuzz_prepare_capabilities(struct ioreqd_device *device);

/* The model's tables make sense. */
void fuzz_check_tables(const struct ioreqd_model *model);

/* The saved fields, in one piece of fuzz_fields_bytes() bytes. */
size_t fuzz_fields_bytes(const struct ioreqd_model *model);
void fuzz_fields_copy(const struct ioreqd_device *device, uint8_t *to);
/* Ends the program where fields are not as they were; after_reset leaves out those that a reset keeps. */
void fuzz_fields_compare(const struct ioreqd_device *device, const uint8_t *with, const char *when, bool after_reset);

/* The counters are what they were or more; last has one for each. */
size_t fuzz_counters(const struct ioreqd_model *model);
void fuzz_check_counters(const struct ioreqd_device *device, uint64_t *last);

/* The parts of the table. */
int fuzz_dma_read(struct ioreqd_device *device, uint64_t address, void *to, size_t length);
int fuzz_dma_write(struct ioreqd_device *device, uint64_t address, const void *from, size_t length);
int fuzz_dma_map(struct ioreqd_device *device, uint64_t address, size_t length, enum ioreqd_direction direction,
                 struct iovec *iov, uint64_t *pin, unsigned count);
void fuzz_dma_unmap(struct ioreqd_device *device, const uint64_t *pin, unsigned count);
int fuzz_window_open(struct ioreqd_device *device, uint64_t address, size_t length, struct ioreqd_window **window);
volatile void *fuzz_window_base(struct ioreqd_window *window);
void fuzz_window_close(struct ioreqd_window *window);
void fuzz_move_windows(struct ioreqd_device *device);
void fuzz_change_pieces(struct ioreqd_device *device);

void fuzz_log(struct ioreqd_device *device, enum ioreqd_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void fuzz_needs_reset(struct ioreqd_device *device, const char *reason);
void fuzz_guest_error(struct ioreqd_device *device, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fuzz_property_error(struct ioreqd_device *device, const char *property, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void fuzz_fail(struct ioreqd_device *device, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fuzz_event(struct ioreqd_device *device, const char *name, const char *json);

uint64_t fuzz_file_size(struct ioreqd_file *file);
int fuzz_file_read_only(struct ioreqd_file *file);
void fuzz_file_submit(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_file *file,
                      struct ioreqd_file_request *request);
int fuzz_watch_create(struct ioreqd_device *device, struct ioreqd_loop *loop, int descriptor,
                      void (*ready)(void *argument, unsigned events), void *argument, struct ioreqd_watch **watch);
void fuzz_watch_set(struct ioreqd_watch *watch, unsigned events);
void fuzz_watch_destroy(struct ioreqd_watch *watch);
int fuzz_stream_watch(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_stream *stream,
                      void (*ready)(void *argument, unsigned events), void *argument);
void fuzz_stream_want(struct ioreqd_stream *stream, unsigned events);
size_t fuzz_stream_read(struct ioreqd_stream *stream, void *to, size_t length);
size_t fuzz_stream_write(struct ioreqd_stream *stream, const void *from, size_t length);
int fuzz_stream_connected(struct ioreqd_stream *stream);
int fuzz_stream_size(struct ioreqd_stream *stream, uint16_t *columns, uint16_t *rows);
struct ioreqd_sockets *fuzz_sockets_open(struct ioreqd_device *device);
void fuzz_sockets_close(struct ioreqd_sockets *sockets);
int fuzz_sockets_listen(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_sockets *sockets,
                        void (*came)(void *argument, int descriptor), void *argument);
int fuzz_sockets_connect(struct ioreqd_sockets *sockets, const char *suffix);
struct ioreqd_network *fuzz_network_choose(struct ioreqd_device *device, const struct ioreqd_property *property);
void fuzz_network_facts(struct ioreqd_network *network, struct ioreqd_network_facts *facts);
int fuzz_network_watch(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_network *network,
                       unsigned pair, void (*ready)(void *argument, unsigned events), void *argument);
void fuzz_network_want(struct ioreqd_network *network, unsigned pair, unsigned events);
int fuzz_network_read(struct ioreqd_network *network, unsigned pair, void *to, size_t length);
int fuzz_network_write(struct ioreqd_network *network, unsigned pair, const struct iovec *iov, unsigned count);
int fuzz_network_set_offloads(struct ioreqd_network *network, uint32_t offloads);
int fuzz_network_set_queue_pairs(struct ioreqd_network *network, unsigned queue_pairs);
int fuzz_network_link(struct ioreqd_network *network);

#endif
