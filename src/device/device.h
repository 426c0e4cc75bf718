/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One device: an instance of a model, behind a function of the bridge. Made, started, quiesced and destroyed by the
 * worker on its main thread, which owns it.
 */
#ifndef IOREQD_DEVICE_DEVICE_H
#define IOREQD_DEVICE_DEVICE_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/bridge.h"
#include "device/guest_memory.h"
#include "device/loop.h"
#include "ioreqd/device.h"

/*
 * Who wants to know what devices do. Each call is made once it is done, on the thread that did it, and errors are 0 or
 * negative errnos. What a device does through a mapping or a window is not seen while it does it.
 */
struct device_observer {
    void *context;
    void (*dma)(void *context, const struct ioreqd_device *device, enum ioreqd_direction direction, uint64_t address,
                const void *bytes, size_t length, int error);
    /* pieces: of iov, or a negative errno. unmap: before the pieces go. pin is where the model keeps its pins. */
    void (*map)(void *context, const struct ioreqd_device *device, enum ioreqd_direction direction, uint64_t address,
                size_t length, const struct iovec *iov, const uint64_t *pin, int pieces);
    void (*unmap)(void *context, const struct ioreqd_device *device, const uint64_t *pin, unsigned count);
    /* A window is known by its key from opening to closing. look: the device asked where it is; NULL: gone. */
    void (*window)(void *context, const struct ioreqd_device *device, const void *key, uint64_t address, size_t length,
                   int error);
    void (*window_closed)(void *context, const void *key);
    void (*look)(void *context, const struct ioreqd_device *device, const void *key, const volatile void *base);
    void (*bell)(void *context, const struct ioreqd_device *device, unsigned queue, uint32_t value);
    /* Before a file is read: number of the device's, in the order of its properties. */
    void (*file_read)(void *context, const struct ioreqd_device *device, unsigned number, int descriptor,
                      const struct ioreqd_file_request *request);
};

/* What the devices of a worker share. bridge and memory are there when the first device is started. */
struct device_environment {
    struct bridge *bridge;
    struct guest_memory *memory;
    struct ioreqd_loop *main_loop;
    struct heartbeat *heartbeat;            /* NULL: nobody asks whether the loops turn */
    const struct device_observer *observer; /* NULL: nobody; set before the first device is started */
    atomic_bool timed; /* the time that accesses and file requests take is measured; changes on the main thread */
};

/* A device with its state zeroed: the caller then parses the properties into device_state(). NULL: no memory. */
struct ioreqd_device *device_create(const struct ioreqd_model *model, const char *id,
                                    const struct device_environment *environment);
/* Stops its loops and frees it. No request may reach it any more, and if it ran it must be quiet. NULL is allowed. */
void device_destroy(struct ioreqd_device *device);

void *device_state(struct ioreqd_device *device);
const char *device_id(const struct ioreqd_device *device);
/* What the model made of its description; its own before device_configure(). */
const struct ioreqd_description *device_description(const struct ioreqd_device *device);

/* Keeps a file that a property named; closed with the device. 0 or -ENOMEM. */
int device_keep_file(struct ioreqd_device *device, struct ioreqd_file *file);
/* The same of a stream. */
int device_keep_stream(struct ioreqd_device *device, struct ioreqd_stream *stream);
/* The same of sockets. */
int device_keep_sockets(struct ioreqd_device *device, struct ioreqd_sockets *sockets);

/*
 * How many threads its queues may have at most, before device_configure(). 0: none, they share the main loop, where each
 * doorbell spares two switches of threads while vCPUs' accesses wait for the queues' work. DEVICE_THREADS_AUTO, from the
 * beginning: as many as this process may use CPUs.
 */
#define DEVICE_THREADS_AUTO UINT_MAX
void device_set_threads(struct ioreqd_device *device, unsigned threads);
/* And of a network. */
int device_keep_network(struct ioreqd_device *device, struct ioreqd_network *network);

/*
 * Has the model make the device of its properties. -EINVAL with the property and what is wrong with it, for people;
 * property may be NULL.
 */
int device_configure(struct ioreqd_device *device, const char **property, const char **reason);

/* After device_configure(): gives it its function and loops, and resets it. 0 or a negative errno. */
int device_start(struct ioreqd_device *device, struct bridge_bus *bus, uint8_t devfn);

/* Asks a running device to be quiet, and has work run on the main loop when it is. */
void device_quiesce(struct ioreqd_device *device, struct ioreqd_work *when_quiet);

/* Writes its counters to the log. */
void device_log_counters(struct ioreqd_device *device);

#endif
