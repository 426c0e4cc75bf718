/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct ioreqd_device, as device.c and host.c see it.
 */
#ifndef IOREQD_DEVICE_DEVICE_PRIVATE_H
#define IOREQD_DEVICE_DEVICE_PRIVATE_H

#include "device/device.h"
#include "device/statistics.h"
#include "device/trouble.h"
#include "log.h"

/* A doorbell on its way to the queue's loop. */
struct queue_bell {
    struct ioreqd_work work;
    struct ioreqd_device *device;
    struct ioreqd_loop *loop;
    unsigned queue;
    atomic_uint value;
};

/*
 * created -> running (device_start()) -> resetting (the guest asks for a reset) -> running -> ending (device_quiesce()).
 * A device that is not running is not there for the guest: it reads as all ones.
 */
enum device_phase { DEVICE_CREATED, DEVICE_RUNNING, DEVICE_RESETTING, DEVICE_ENDING };

/* What any thread counts: each has a slot of its own, or shares one with few others. */
struct device_tally {
    _Alignas(64) atomic_uint_fast64_t count[DEVICE_TALLIES];
};

#define TALLY_SLOTS 8u

struct ioreqd_device {
    const struct ioreqd_model *model;
    char *id;
    char *name; /* for the log */
    void *state;
    struct ioreqd_description description;
    const struct device_environment *environment;
    bool created;    /* by the model */
    bool configured; /* whether it was created or not */
    struct bridge_function *function;
    struct ioreqd_file **file;
    size_t files;
    struct ioreqd_stream **stream;
    size_t streams;
    struct ioreqd_sockets **sockets;
    size_t sockets_count;
    struct ioreqd_network **network;
    size_t networks;

    unsigned most_loops; /* for queues, at least 1 */
    bool on_main_loop;   /* that one is the main loop */
    struct ioreqd_loop *
        *queue_loop;         /* room for most_loops; the first is there with queues, others as they are needed */
    struct queue_bell *bell; /* one a queue */

    enum device_phase phase;
    struct ioreqd_work *when_quiet; /* what quiesced() has run */
    struct ioreqd_work reset_when_quiet;
    enum ioreqd_reset_kind reset_kind;
    struct ioreqd_work *end_when_quiet; /* of device_quiesce() while it was resetting */
    enum ioreqd_interrupt_mode mode;    /* as the guest has chosen it, and as the model was told */
    enum ioreqd_interrupt_mode mode_told;
    bool bus_master_told;
    atomic_bool failed; /* fail() was called, maybe before there was a function */
    struct log_limit log_limit;
    struct log_limit guest_error_limit;
    atomic_uint_fast64_t guest_errors;
    struct trouble trouble;

    uint64_t accesses[DEVICE_ACCESSES]; /* main thread */
    uint64_t took[DEVICE_TIMES];
    struct device_tally tally[TALLY_SLOTS];

    const char *wrong_property; /* what property_error() was told */
    char reason[256];
};

/* An access of the guest began at that time, and is over. Main thread. */
void device_count_time(struct ioreqd_device *device, uint64_t begun);
/* Adds to what is counted of the device. [any] */
void device_count(struct ioreqd_device *device, enum device_tally_kind kind, uint64_t more);

/* As device_counter(), of its files and networks, as far as it has some; how many there are. */
size_t device_backend_counters(const struct ioreqd_device *device);
bool device_backend_counter(const struct ioreqd_device *device, size_t index, struct device_count *count);

/* The loop of a queue; made now if it is not there and the device is being configured. */
struct ioreqd_loop *device_queue_loop(struct ioreqd_device *device, unsigned queue);

#endif
