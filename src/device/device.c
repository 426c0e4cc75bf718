/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device's life, see device.h: created, configured, started, quiesced, destroyed, in this order; any of the later
 * steps may be left out.
 */
#define _GNU_SOURCE
#include "device/device.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/device_private.h"
#include "device/file.h"
#include "device/heartbeat.h"
#include "device/network.h"
#include "device/sockets.h"
#include "device/stream.h"
#include "device/timer.h"

/* Of one device: more than that are of no use to its queues. */
#define MOST_THREADS 64u

static void on_quiet_for_reset(void *argument);

struct ioreqd_device *device_create(const struct ioreqd_model *model, const char *id,
                                    const struct device_environment *environment)
{
    struct ioreqd_device *device = aligned_alloc(_Alignof(struct ioreqd_device), sizeof(*device));

    if (device == NULL) {
        return NULL;
    }
    memset(device, 0, sizeof(*device));
    device->model = model;
    device->environment = environment;
    device_set_threads(device, DEVICE_THREADS_AUTO);
    device->reset_when_quiet = (struct ioreqd_work){.run = on_quiet_for_reset, .argument = device};
    log_limit_init(&device->log_limit);
    log_limit_init(&device->guest_error_limit);
    trouble_init(&device->trouble);
    device->id = strdup(id);
    device->state = calloc(1, model->state_size);
    if (device->id == NULL || device->state == NULL || asprintf(&device->name, "%s %s", model->name, id) < 0) {
        device->name = NULL;
        device_destroy(device);
        return NULL;
    }
    device->description = (struct ioreqd_description){0};
    /* A module that is older or newer than we are has a table of another length. */
    memcpy(&device->description, model->description,
           model->description->struct_size < sizeof(device->description) ? model->description->struct_size
                                                                         : sizeof(device->description));
    return device;
}

void device_destroy(struct ioreqd_device *device)
{
    bool own_loops;

    if (device == NULL) {
        return;
    }
    own_loops = device->queue_loop != NULL && !device->on_main_loop;
    for (unsigned i = 0; own_loops && i < device->most_loops; i++) {
        if (device->queue_loop[i] != NULL) {
            loop_stop(device->queue_loop[i]); /* its thread raises interrupts through the function */
            heartbeat_remove(device->environment->heartbeat, device->queue_loop[i]);
        }
    }
    if (device->function != NULL) {
        bridge_remove_function(device->function);
        device->function = NULL;
    }
    if (device->model->destroy != NULL && device->created) {
        device->model->destroy(device, device->state);
    }
    for (size_t i = 0; i < device->streams; i++) {
        stream_close(device->stream[i]); /* while the loop that it is used on is there */
    }
    free(device->stream);
    for (size_t i = 0; i < device->files; i++) {
        file_leave_loops(device->file[i]);
    }
    for (size_t i = 0; i < device->networks; i++) {
        network_close(device->network[i]); /* the same */
    }
    free(device->network);
    for (size_t i = 0; i < device->sockets_count; i++) {
        sockets_close(device->sockets[i]);
    }
    free(device->sockets);
    for (unsigned i = 0; own_loops && i < device->most_loops; i++) {
        loop_destroy(device->queue_loop[i]);
    }
    free(device->queue_loop);
    for (size_t i = 0; i < device->files; i++) {
        file_close(device->file[i]);
    }
    free(device->file);
    free(device->bell);
    free(device->state);
    free(device->name);
    free(device->id);
    log_limit_destroy(&device->log_limit);
    log_limit_destroy(&device->guest_error_limit);
    trouble_destroy(&device->trouble);
    free(device);
}

void *device_state(struct ioreqd_device *device)
{
    return device->state;
}

const char *device_id(const struct ioreqd_device *device)
{
    return device->id;
}

const struct ioreqd_description *device_description(const struct ioreqd_device *device)
{
    return &device->description;
}

int device_keep_file(struct ioreqd_device *device, struct ioreqd_file *file)
{
    struct ioreqd_file **files = realloc(device->file, (device->files + 1) * sizeof(*files));

    if (files == NULL) {
        return -ENOMEM;
    }
    device->file = files;
    device->file[device->files++] = file;
    file_set_owner(file, device->name);
    file_set_timed(file, &device->environment->timed);
    return 0;
}

int device_keep_stream(struct ioreqd_device *device, struct ioreqd_stream *stream)
{
    struct ioreqd_stream **streams = realloc(device->stream, (device->streams + 1) * sizeof(*streams));

    if (streams == NULL) {
        return -ENOMEM;
    }
    device->stream = streams;
    device->stream[device->streams++] = stream;
    return 0;
}

int device_keep_sockets(struct ioreqd_device *device, struct ioreqd_sockets *sockets)
{
    struct ioreqd_sockets **all = realloc(device->sockets, (device->sockets_count + 1) * sizeof(*all));

    if (all == NULL) {
        return -ENOMEM;
    }
    device->sockets = all;
    device->sockets[device->sockets_count++] = sockets;
    return 0;
}

int device_keep_network(struct ioreqd_device *device, struct ioreqd_network *network)
{
    struct ioreqd_network **networks = realloc(device->network, (device->networks + 1) * sizeof(*networks));

    if (networks == NULL) {
        return -ENOMEM;
    }
    device->network = networks;
    device->network[device->networks++] = network;
    return 0;
}

/* ---- what the bridge calls ---- */

static bool is_timed(const struct ioreqd_device *device)
{
    return atomic_load_explicit(&device->environment->timed, memory_order_relaxed);
}

static uint64_t on_read(void *argument, unsigned bar, uint64_t offset, unsigned size)
{
    struct ioreqd_device *device = argument;
    uint64_t begun, value;

    device->accesses[DEVICE_READS]++;
    if (device->phase != DEVICE_RUNNING) {
        return bridge_all_ones(size);
    }
    if (!is_timed(device)) {
        return device->model->read(device, device->state, bar, offset, size);
    }
    begun = timer_now();
    value = device->model->read(device, device->state, bar, offset, size);
    device_count_time(device, begun);
    return value;
}

static void on_write(void *argument, unsigned bar, uint64_t offset, unsigned size, uint64_t value)
{
    struct ioreqd_device *device = argument;
    uint64_t begun;

    device->accesses[DEVICE_WRITES]++;
    if (device->phase != DEVICE_RUNNING) {
        return;
    }
    begun = is_timed(device) ? timer_now() : 0;
    device->model->write(device, device->state, bar, offset, size, value);
    if (begun != 0) {
        device_count_time(device, begun);
    }
}

static void on_bell(void *argument, unsigned queue, uint32_t value)
{
    struct ioreqd_device *device = argument;

    device->accesses[DEVICE_BELLS]++;
    if (device->phase != DEVICE_RUNNING) {
        return;
    }
    if (device->environment->observer != NULL) {
        device->environment->observer->bell(device->environment->observer->context, device, queue, value);
    }
    atomic_store_explicit(&device->bell[queue].value, value, memory_order_relaxed);
    loop_post(device->bell[queue].loop, &device->bell[queue].work);
}

static void run_bell(void *argument)
{
    struct queue_bell *bell = argument;
    struct ioreqd_device *device = bell->device;

    device->model->bell(device, device->state, bell->queue, atomic_load_explicit(&bell->value, memory_order_relaxed));
}

static uint32_t on_config_read(void *argument, unsigned index, unsigned offset, unsigned size, uint32_t value)
{
    struct ioreqd_device *device = argument;

    device->accesses[DEVICE_CONFIG]++;
    return device->model->config_read == NULL || device->phase != DEVICE_RUNNING
               ? value
               : device->model->config_read(device, device->state, index, offset, size, value);
}

static void on_config_write(void *argument, unsigned index, unsigned offset, unsigned size, uint32_t value)
{
    struct ioreqd_device *device = argument;

    device->accesses[DEVICE_CONFIG]++;
    if (device->model->config_write != NULL && device->phase == DEVICE_RUNNING) {
        device->model->config_write(device, device->state, index, offset, size, value);
    }
}

/* ---- what the guest decided about interrupts and memory. What it decides during a reset is told after it. ---- */

static void tell_bus_master(struct ioreqd_device *device)
{
    bool on = device->function != NULL && bridge_bus_master(device->function);

    if (device->phase == DEVICE_RUNNING && on != device->bus_master_told) {
        device->bus_master_told = on;
        if (IOREQD_HAS(device->model, bus_master) && device->model->bus_master != NULL) {
            device->model->bus_master(device, device->state, on);
        }
    }
}

static void on_bus_master(void *argument, bool on)
{
    (void)on;
    tell_bus_master(argument);
}

static void tell_interrupt_mode(struct ioreqd_device *device)
{
    enum ioreqd_interrupt_mode mode = device->mode;

    if (device->phase == DEVICE_RUNNING && mode != device->mode_told) {
        device->mode_told = mode;
        if (IOREQD_HAS(device->model, interrupt_mode) && device->model->interrupt_mode != NULL) {
            device->model->interrupt_mode(device, device->state, mode);
        }
    }
}

static void on_interrupt_mode(void *argument, enum ioreqd_interrupt_mode mode)
{
    struct ioreqd_device *device = argument;

    device->mode = mode;
    tell_interrupt_mode(device);
}

/* ---- resets that the guest asks for ---- */

/* While the model becomes quiet, none of its file requests waits for better times. */
static void hurry_files(struct ioreqd_device *device, bool hurry)
{
    for (size_t i = 0; i < device->files; i++) {
        file_hurry(device->file[i], hurry);
    }
}

static void finish_reset(struct ioreqd_device *device)
{
    if (device->model->reset != NULL) {
        device->model->reset(device, device->state, device->reset_kind);
    }
    trouble_end(device, TROUBLE_NEEDS_RESET);
    if (!bridge_failed(device->function)) { /* which a reset of the bus alone ends */
        trouble_end(device, TROUBLE_FAILED);
    }
    if (device->end_when_quiet != NULL) { /* it is to end, and quiet it is */
        device->phase = DEVICE_ENDING;
        loop_post(device->environment->main_loop, device->end_when_quiet);
        return;
    }
    hurry_files(device, false);
    device->phase = DEVICE_RUNNING;
    if (IOREQD_HAS(device->model, resume) && device->model->resume != NULL) {
        device->model->resume(device, device->state);
    }
    tell_interrupt_mode(device);
    tell_bus_master(device);
}

static void on_quiet_for_reset(void *argument)
{
    finish_reset(argument);
}

static void on_reset(void *argument, enum ioreqd_reset_kind kind)
{
    struct ioreqd_device *device = argument;

    if (device->phase == DEVICE_RESETTING) { /* one reset will do for both */
        device->reset_kind = kind;
    }
    if (device->phase != DEVICE_RUNNING) {
        return;
    }
    device->phase = DEVICE_RESETTING;
    device->reset_kind = kind;
    if (device->model->quiesce == NULL) {
        finish_reset(device);
        return;
    }
    device->when_quiet = &device->reset_when_quiet;
    hurry_files(device, true);
    device->model->quiesce(device, device->state);
}

static const struct bridge_function_ops function_ops = {
    .read = on_read,
    .write = on_write,
    .bell = on_bell,
    .config_read = on_config_read,
    .config_write = on_config_write,
    .reset = on_reset,
    .interrupt_mode = on_interrupt_mode,
    .bus_master = on_bus_master,
};

/* ---- life ---- */

void device_set_threads(struct ioreqd_device *device, unsigned threads)
{
    cpu_set_t allowed;

    if (threads == DEVICE_THREADS_AUTO) {
        threads = sched_getaffinity(0, sizeof(allowed), &allowed) == 0 ? (unsigned)CPU_COUNT(&allowed) : 1;
    }
    device->on_main_loop = threads == 0;
    device->most_loops = threads == 0 ? 1 : threads < MOST_THREADS ? threads : MOST_THREADS;
}

struct ioreqd_loop *device_queue_loop(struct ioreqd_device *device, unsigned queue)
{
    unsigned together = device->description.queue_group;
    unsigned index = together == 0 ? 0 : queue / together % device->most_loops;

    if (device->queue_loop[index] == NULL && !device->configured) {
        device->queue_loop[index] = loop_create();
    }
    /* Without memory for another one: the first is always there. */
    return device->queue_loop[index] != NULL ? device->queue_loop[index] : device->queue_loop[0];
}

/* The queues' first loop, which does not run yet, and their bells. As many as the model's table says. */
static int make_queues(struct ioreqd_device *device)
{
    unsigned queues = device->description.queues;

    if (queues == 0) {
        return 0;
    }
    device->bell = calloc(queues, sizeof(device->bell[0]));
    device->queue_loop = calloc(device->most_loops, sizeof(struct ioreqd_loop *));
    if (device->bell == NULL || device->queue_loop == NULL) {
        return -ENOMEM;
    }
    device->queue_loop[0] = device->on_main_loop ? device->environment->main_loop : loop_create();
    if (device->queue_loop[0] == NULL) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < queues; i++) {
        device->bell[i].device = device;
        device->bell[i].queue = i;
        device->bell[i].work.run = run_bell;
        device->bell[i].work.argument = &device->bell[i];
    }
    return 0;
}

int device_configure(struct ioreqd_device *device, const char **property, const char **reason)
{
    unsigned queues = device->description.queues;
    int rc = make_queues(device);

    *property = NULL;
    *reason = "out of memory";
    if (rc == 0) {
        rc = device->model->create(device, device->state, &device->description);
        device->created = rc == 0;
        *reason = strerror(rc < 0 ? -rc : 0);
    }
    if (rc == 0 && device->description.queues > queues) {
        *reason = "the model made more queues than its table has";
        rc = -EINVAL;
    }
    if (rc == 0 && bridge_check_description(&device->description) != NULL) {
        *reason = bridge_check_description(&device->description);
        rc = -EINVAL;
    }
    for (unsigned i = 0; rc == 0 && i < device->description.queues; i++) {
        device->bell[i].loop = device_queue_loop(device, i);
    }
    device->configured = true;
    if (rc != 0 && device->wrong_property != NULL) {
        *property = device->wrong_property;
        *reason = device->reason;
    }
    return rc;
}

/* Threads are named after the device, and numbered after the first. */
static int start_threads(struct ioreqd_device *device)
{
    if (device->on_main_loop) {
        return 0;
    }
    for (unsigned i = 0; device->queue_loop != NULL && i < device->most_loops; i++) {
        char name[16], number[12] = "";
        int rc = 0;

        if (device->queue_loop[i] == NULL) {
            continue;
        }
        if (i != 0) {
            snprintf(number, sizeof(number), "/%u", i);
        }
        snprintf(name, sizeof(name), "%.*s%s", (int)(sizeof(name) - 1 - strlen(number)), device->id, number);
        rc = loop_start(device->queue_loop[i], name);
        if (rc == 0) {
            rc = heartbeat_add(device->environment->heartbeat, device->queue_loop[i], name);
        }
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

int device_start(struct ioreqd_device *device, struct bridge_bus *bus, uint8_t devfn)
{
    int rc;

    if (device->model->reset != NULL) {
        device->model->reset(device, device->state, IOREQD_RESET_COLD);
    }
    rc = start_threads(device);
    if (rc != 0) {
        return rc;
    }
    rc = bridge_add_function(bus, devfn, &device->description, &function_ops, device, &device->function);
    if (rc != 0) {
        return rc;
    }
    device->phase = DEVICE_RUNNING;
    device->mode = bridge_interrupt_mode(device->function);
    tell_interrupt_mode(device);
    if (atomic_load(&device->failed)) {
        bridge_fail(device->function);
    }
    return 0;
}

void device_quiesce(struct ioreqd_device *device, struct ioreqd_work *when_quiet)
{
    if (device->phase == DEVICE_RESETTING) {
        device->end_when_quiet = when_quiet;
        return;
    }
    bool was_running = device->phase == DEVICE_RUNNING;

    device->phase = DEVICE_ENDING;
    if (device->model->quiesce != NULL && was_running) {
        device->when_quiet = when_quiet;
        hurry_files(device, true);
        device->model->quiesce(device, device->state);
    } else {
        loop_post(device->environment->main_loop, when_quiet);
    }
}

void device_log_counters(struct ioreqd_device *device)
{
    struct device_count count;

    for (size_t i = 0; device_counter(device, i, &count); i++) {
        log_line(LOG_DEBUG, device->name, "%s: %" PRIu64 " %s", count.name, count.value, count.unit);
    }
}
