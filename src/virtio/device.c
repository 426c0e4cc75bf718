/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a virtio device: made, reset, quiesced, broken, destroyed. Reset and quiesce may have to wait for file
 * requests in flight; then the device is left as it is, the last queue to stop comes back here, and nothing blocks.
 */
#include "virtio/device.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "virtio/features.h"
#include "virtio/interrupt.h"
#include "virtio/legacy.h"
#include "virtio/queue.h"
#include "virtio/registers.h"

struct ioreqd_virtio_device *virtio_device_of(void *state)
{
    return ((struct ioreqd_virtio *)state)->device;
}

bool virtio_device_negotiated(const struct ioreqd_virtio_device *device, unsigned bit)
{
    return bit < 128 && (device->registers->driver_feature[bit / 32] >> (bit % 32) & 1u) != 0;
}

int ioreqd_virtio_negotiated(const struct ioreqd_virtio *virtio, unsigned bit)
{
    return virtio_device_negotiated(virtio->device, bit);
}

bool virtio_device_is_legacy(const struct ioreqd_virtio_device *device)
{
    return device->registers->interface == VIRTIO_INTERFACE_LEGACY;
}

int ioreqd_virtio_is_legacy(const struct ioreqd_virtio *virtio)
{
    return virtio_device_is_legacy(virtio->device);
}

bool virtio_device_pick(struct ioreqd_virtio_device *device, uint8_t interface)
{
    uint8_t *picked = &device->registers->interface;

    if (device->resetting) { /* the driver must wait until the status is 0 (virtio 1.4 §4.1.4.3.2) */
        device->host->guest_error(device->device, "write before the end of a reset: ignored");
        return false;
    }
    if (*picked == 0) {
        *picked = interface;
    }
    if (*picked != interface) {
        device->host->guest_error(device->device, "write by the %s interface, but the driver uses the other: ignored",
                                  interface == VIRTIO_INTERFACE_LEGACY ? "legacy" : "modern");
        return false;
    }
    return true;
}

void virtio_device_set_queue_vector(struct ioreqd_virtio_device *device, unsigned index, uint16_t vector)
{
    vector = virtio_interrupt_vector(device, vector);
    device->registers->queue_vector[index] = vector;
    virtio_queue_set_vector(virtio_queue_of(device, index), vector);
}

/* Shows people what the driver sees as DEVICE_NEEDS_RESET, with the reason, or that it is over. */
static void show_needs_reset(const struct ioreqd_virtio_device *device, const char *reason)
{
    if (IOREQD_HAS(device->host, needs_reset)) {
        device->host->needs_reset(device->device, reason);
    }
}

static void clear_queue(struct ioreqd_virtio_device *device, unsigned index)
{
    struct ioreqd_virtio_registers *registers = device->registers;

    virtio_queue_release(virtio_queue_of(device, index));
    registers->queue_size[index] = device->options.queue_size;
    registers->queue_vector[index] = VIRTIO_NO_VECTOR;
    registers->queue_enable[index] = 0;
    registers->queue_reset[index] = 0;
    registers->queue_descriptor[index] = 0;
    registers->queue_driver[index] = 0;
    registers->queue_device[index] = 0;
    registers->queue_next_available[index] = 0;
    registers->queue_next_used[index] = 0;
}

/* The driver has reset this one alone. */
static void finish_queue_reset(struct ioreqd_virtio_device *device, unsigned index)
{
    clear_queue(device, index);
    if (device->options.queue_reset != NULL) {
        device->options.queue_reset(device->device, device->state, index);
    }
}

/*
 * config_generation and config_changed stay: a driver that reads the configuration across a reset must still notice.
 * The PCI configuration access capability stays too: it belongs to the function, not to the virtio device.
 */
static void clear_registers(struct ioreqd_virtio_device *device)
{
    struct ioreqd_virtio_registers *registers = device->registers;

    for (unsigned i = 0; i < device->options.queues; i++) {
        clear_queue(device, i);
    }
    registers->device_feature_select = 0;
    registers->driver_feature_select = 0;
    memset(registers->driver_feature, 0, sizeof(registers->driver_feature));
    registers->config_vector = VIRTIO_NO_VECTOR;
    registers->queue_select = 0;
    registers->interface = 0;
    virtio_interrupt_clear(device);
    if (atomic_exchange(&device->broken, false)) {
        show_needs_reset(device, NULL);
    }
    registers->status = 0;
    device->settled = false;
    moderation_reset(device);
    if (device->options.reset != NULL) {
        device->options.reset(device->device, device->state);
    }
}

/* Tells the driver once. A reset that came first forgives it. */
static void tell_broken(struct ioreqd_virtio_device *device)
{
    if (!atomic_load(&device->broken) || device->resetting || device->at_rest ||
        (device->registers->status & VIRTIO_STATUS_NEEDS_RESET) != 0) {
        return;
    }
    device->registers->status |= VIRTIO_STATUS_NEEDS_RESET;
    if ((device->registers->status & VIRTIO_STATUS_DRIVER_OK) != 0) { /* (virtio 1.4 §2.1.2) */
        virtio_interrupt_config(device);
    }
}

/* Ends a reset or a quiesce once every queue stands; until then the last of them comes back here. */
static void settle(struct ioreqd_virtio_device *device)
{
    for (unsigned i = 0; i < device->options.queues; i++) {
        if (virtio_queue_stopping(virtio_queue_of(device, i))) {
            return;
        }
    }
    if (device->resetting) {
        device->resetting = false;
        clear_registers(device);
    }
    if (device->quiescing) {
        device->quiescing = false;
        tell_broken(device); /* broken_work may still be on its way, and nothing changes after the answer */
        device->at_rest = true;
        device->host->quiesced(device->device);
    }
}

void virtio_device_reset(struct ioreqd_virtio_device *device)
{
    device->resetting = true;
    for (unsigned i = 0; i < device->options.queues; i++) {
        virtio_queue_stop(virtio_queue_of(device, i), true);
    }
    settle(device);
}

/*
 * A queue that the driver has enabled and that is not is one of a legacy driver, before its first use, or one whose
 * memory was out of reach, as bus mastering was off.
 */
void virtio_device_start_queue(struct ioreqd_virtio_device *device, unsigned index)
{
    struct ioreqd_virtio_queue *queue = virtio_queue_of(device, index);
    /* A legacy driver need not set DRIVER_OK to use its queues. */
    bool live = virtio_device_is_legacy(device) || (device->registers->status & VIRTIO_STATUS_DRIVER_OK) != 0;

    if (!live || device->quiet) {
        return;
    }
    if (virtio_device_is_legacy(device) && !device->settled) {
        virtio_features_settle(device); /* a legacy driver never says when it has chosen, nor hears of a refusal */
    }
    if (device->registers->queue_enable[index] != 0 && virtio_queue_configurable(queue) &&
        !atomic_load(&device->broken)) {
        virtio_queue_enable(queue);
    }
    virtio_queue_start(queue);
}

/* Before DRIVER_OK a legacy driver may not be done with the features: its queues wait for their first use. */
void virtio_device_start_queues(struct ioreqd_virtio_device *device)
{
    bool all = (device->registers->status & VIRTIO_STATUS_DRIVER_OK) != 0;

    for (unsigned i = 0; i < device->options.queues; i++) {
        if (all || !virtio_queue_configurable(virtio_queue_of(device, i))) {
            virtio_device_start_queue(device, i);
        }
    }
}

void virtio_device_reset_queue(struct ioreqd_virtio_device *device, unsigned index)
{
    struct ioreqd_virtio_queue *queue = virtio_queue_of(device, index);

    device->registers->queue_reset[index] = 1;
    virtio_queue_stop(queue, true);
    if (!virtio_queue_stopping(queue)) {
        finish_queue_reset(device, index);
    }
}

void virtio_device_queue_stopped(struct ioreqd_virtio_device *device, unsigned index)
{
    if (device->registers->queue_reset[index] != 0) {
        finish_queue_reset(device, index);
    }
    settle(device);
}

static void show_broken(void *argument)
{
    tell_broken(argument);
}

void ioreqd_virtio_broken(struct ioreqd_virtio *virtio, const char *format, ...)
{
    struct ioreqd_virtio_device *device = virtio->device;
    char text[160];
    va_list arguments;

    if (atomic_exchange(&device->broken, true)) {
        return; /* one report until reset: what follows comes of the first */
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    device->host->guest_error(device->device, "%s; the device needs a reset by its driver", text);
    show_needs_reset(device, text);
    device->host->post(device->host->main_loop(device->device), &device->broken_work);
}

/* Of the whole function, whatever the kind: what belongs to it and not to the virtio device goes too. */
void ioreqd_virtio_reset(struct ioreqd_device *unused, void *state, enum ioreqd_reset_kind kind)
{
    struct ioreqd_virtio_device *device = virtio_device_of(state);

    (void)unused;
    (void)kind;
    memset(device->registers->config_access, 0, sizeof(device->registers->config_access));
    device->quiet = false;
    device->at_rest = false;
    virtio_device_reset(device);
}

void ioreqd_virtio_quiesce(struct ioreqd_device *unused, void *state)
{
    struct ioreqd_virtio_device *device = virtio_device_of(state);

    (void)unused;
    device->quiet = true;
    device->quiescing = true;
    for (unsigned i = 0; i < device->options.queues; i++) {
        virtio_queue_stop(virtio_queue_of(device, i), false);
    }
    settle(device);
}

void ioreqd_virtio_resume(struct ioreqd_device *unused, void *state)
{
    struct ioreqd_virtio_device *device = virtio_device_of(state);

    (void)unused;
    device->quiet = false;
    device->at_rest = false;
    if (device->config_waits) {
        device->config_waits = false;
        ioreqd_virtio_config_changed(device->state);
    }
    tell_broken(device);
    virtio_device_start_queues(device);
}

/* Queues that could not reach their rings look again, or are found only now. */
void ioreqd_virtio_bus_master(struct ioreqd_device *unused, void *state, int on)
{
    struct ioreqd_virtio_device *device = virtio_device_of(state);

    (void)unused;
    for (unsigned i = 0; on != 0 && i < device->options.queues; i++) {
        if (virtio_queue_running(virtio_queue_of(device, i))) {
            virtio_queue_ring_bell(virtio_queue_of(device, i));
        }
    }
    if (on != 0) {
        virtio_device_start_queues(device);
    }
}

static void offer(struct ioreqd_virtio_device *device, unsigned bit)
{
    device->offered[bit / 32] |= UINT32_C(1) << (bit % 32);
}

/*
 * IN_ORDER makes a request wait for all that were taken before it, which costs a device whose requests take their time,
 * so that it is for the model, or the user, to ask for.
 */
static const struct ioreqd_virtio_formats default_formats = {.event_idx = 1, .indirect = 1, .packed = 1};

static void offer_formats(struct ioreqd_virtio_device *device, const struct ioreqd_virtio_formats *formats)
{
    if (formats->indirect) {
        offer(device, IOREQD_VIRTIO_F_INDIRECT_DESC);
    }
    if (formats->event_idx) {
        offer(device, IOREQD_VIRTIO_F_EVENT_IDX);
    }
    if (formats->packed) {
        offer(device, IOREQD_VIRTIO_F_RING_PACKED);
    }
    if (formats->in_order) {
        offer(device, IOREQD_VIRTIO_F_IN_ORDER);
    }
    if (formats->platform != 0) {
        offer(device, IOREQD_VIRTIO_F_ACCESS_PLATFORM);
    }
}

int ioreqd_virtio_create(struct ioreqd_virtio *virtio, const struct ioreqd_host *host, struct ioreqd_device *device,
                         const struct ioreqd_virtio_options *options)
{
    struct ioreqd_virtio_device *made;
    int error;

    virtio->device = NULL;
    if (options->queues == 0 || options->queues > IOREQD_VIRTIO_MAX_QUEUES || options->queue_size == 0 ||
        options->queue_size > IOREQD_VIRTIO_MAX_QUEUE_SIZE || (options->queue_size & (options->queue_size - 1)) != 0 ||
        options->chain_limit > IOREQD_VIRTIO_MAX_CHAIN || options->config_length > IOREQD_VIRTIO_REGION_LENGTH ||
        options->ready == NULL || !virtio_features_allowed(options)) {
        return -EINVAL;
    }
    if (virtio->transitional != 0 &&
        (options->description == NULL || !virtio_legacy_describe(options->description, options->config_length))) {
        host->property_error(device, "transitional", "there were no legacy devices of this type: leave it off");
        return -EINVAL;
    }
    made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return -ENOMEM;
    }
    made->registers = &virtio->registers;
    made->state = virtio;
    made->host = host;
    made->device = device;
    made->options = *options;
    if (made->options.chain_limit == 0) {
        made->options.chain_limit = IOREQD_VIRTIO_MAX_CHAIN;
    }
    made->transitional = virtio->transitional != 0;
    /* One for each queue and one for configuration changes, as IOREQD_VIRTIO_DESCRIPTION says. */
    made->vectors = options->description != NULL ? options->description->msix : (uint16_t)(options->queues + 1);
    made->broken_work = (struct ioreqd_work){.run = show_broken, .argument = made};
    for (unsigned i = 0; i < 4; i++) {
        made->offered[i] = (uint32_t)(options->features[i / 2] >> (i % 2 * 32));
    }
    offer(made, IOREQD_VIRTIO_F_VERSION_1);
    offer(made, IOREQD_VIRTIO_F_NOTIFICATION_DATA);
    offer(made, IOREQD_VIRTIO_F_RING_RESET);
    offer_formats(made, options->user_formats ? &virtio->formats : &default_formats);
    virtio_features_settle_offer(made);
    error = virtio_queues_create(made);
    if (error != 0) {
        free(made);
        return error;
    }
    virtio->device = made;
    clear_registers(made);
    return 0;
}

void ioreqd_virtio_destroy(struct ioreqd_virtio *virtio)
{
    struct ioreqd_virtio_device *device = virtio->device;

    if (device != NULL) {
        virtio_queues_destroy(device);
        free(device);
        virtio->device = NULL;
    }
}
