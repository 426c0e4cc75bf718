/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's side of the device interface: each function of struct ioreqd_host, by what the worker has. Threads are as
 * ioreqd/device.h says for each.
 */
#include "device/host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "device/device_private.h"
#include "device/file.h"
#include "device/file_ring.h"
#include "device/granted_memory.h"
#include "device/network.h"
#include "device/sockets.h"
#include "device/stream.h"
#include "device/timer.h"
#include "device/watch.h"
#include "event.h"

/* ---- DMA: gated by the bus master bit of the function. The address says whether it is granted memory, or the guest's own. ---- */

static bool may_reach_memory(const struct ioreqd_device *device)
{
    return device->function != NULL && bridge_bus_master(device->function);
}

static int dma_read(struct ioreqd_device *device, uint64_t address, void *to, size_t length)
{
    const struct device_observer *observer = device->environment->observer;
    struct guest_memory *memory = device->environment->memory;
    int rc = !may_reach_memory(device) ? -EIO
             : granted_memory_is_address(address)
                 ? granted_memory_read(guest_memory_hypervisor(memory), address, to, length)
                 : guest_memory_read(memory, address, to, length);

    device_count(device, rc == 0 ? DEVICE_BYTES_FROM_GUEST : DEVICE_DMA_ERRORS, rc == 0 ? length : 1);
    if (observer != NULL) {
        observer->dma(observer->context, device, IOREQD_FROM_GUEST, address, to, length, rc);
    }
    return rc;
}

static int dma_write(struct ioreqd_device *device, uint64_t address, const void *from, size_t length)
{
    const struct device_observer *observer = device->environment->observer;
    struct guest_memory *memory = device->environment->memory;
    int rc = !may_reach_memory(device) ? -EIO
             : granted_memory_is_address(address)
                 ? granted_memory_write(guest_memory_hypervisor(memory), address, from, length)
                 : guest_memory_write(memory, address, from, length);

    device_count(device, rc == 0 ? DEVICE_BYTES_TO_GUEST : DEVICE_DMA_ERRORS, rc == 0 ? length : 1);
    if (observer != NULL) {
        observer->dma(observer->context, device, IOREQD_TO_GUEST, address, from, length, rc);
    }
    return rc;
}

static int dma_map(struct ioreqd_device *device, uint64_t address, size_t length, enum ioreqd_direction direction,
                   struct iovec *iov, uint64_t *pin, unsigned count)
{
    const struct device_observer *observer = device->environment->observer;
    struct guest_memory *memory = device->environment->memory;
    /* Foreign mappings are made for both directions. */
    int pieces = !may_reach_memory(device) ? -EIO
                 : granted_memory_is_address(address)
                     ? granted_memory_pin(guest_memory_hypervisor(memory), address, length,
                                          direction == IOREQD_TO_GUEST, iov, pin, count)
                     : guest_memory_pin(memory, address, length, iov, pin, count);

    if (pieces > 0) {
        device_count(device, direction == IOREQD_TO_GUEST ? DEVICE_BYTES_TO_GUEST : DEVICE_BYTES_FROM_GUEST, length);
    } else {
        device_count(device, DEVICE_DMA_ERRORS, pieces != -E2BIG);
    }
    if (observer != NULL) {
        observer->map(observer->context, device, direction, address, length, iov, pin, pieces);
    }
    return pieces;
}

static void dma_unmap(struct ioreqd_device *device, const uint64_t *pin, unsigned count)
{
    const struct device_observer *observer = device->environment->observer;

    if (observer != NULL) {
        observer->unmap(observer->context, device, pin, count);
    }
    for (unsigned i = 0; i < count; i++) {
        if (granted_memory_is_pin(pin[i])) {
            granted_memory_unpin(guest_memory_hypervisor(device->environment->memory), pin[i]);
        } else {
            guest_memory_unpin(device->environment->memory, &pin[i], 1);
        }
    }
}

/* ---- windows ---- */

struct ioreqd_window {
    struct ioreqd_device *device;
    struct guest_window *window; /* NULL: the memory is granted */
    struct granted_window granted;
};

static int window_open(struct ioreqd_device *device, uint64_t address, size_t length, struct ioreqd_window **opened)
{
    struct ioreqd_window *window;
    int rc;

    if (!may_reach_memory(device)) {
        return -EIO;
    }
    window = calloc(1, sizeof(*window));
    if (window == NULL) {
        return -ENOMEM;
    }
    window->device = device;
    if (granted_memory_is_address(address)) {
        rc = granted_window_open(guest_memory_hypervisor(device->environment->memory), address, length,
                                 &window->granted);
    } else {
        rc = guest_window_open(device->environment->memory, address, length, &window->window);
    }
    if (device->environment->observer != NULL) {
        device->environment->observer->window(device->environment->observer->context, device, window, address, length,
                                              rc);
    }
    if (rc != 0) {
        free(window);
        return rc;
    }
    *opened = window;
    return 0;
}

static volatile void *window_base(struct ioreqd_window *window)
{
    const struct device_observer *observer = window->device->environment->observer;
    volatile void *base = !may_reach_memory(window->device) ? NULL
                          : window->window == NULL          ? window->granted.base
                                                            : guest_window_base(window->window);

    if (observer != NULL) {
        observer->look(observer->context, window->device, window, base);
    }
    return base;
}

static void window_close(struct ioreqd_window *window)
{
    if (window != NULL) {
        if (window->device->environment->observer != NULL) {
            window->device->environment->observer->window_closed(window->device->environment->observer->context,
                                                                 window);
        }
        if (window->window == NULL) {
            granted_window_close(guest_memory_hypervisor(window->device->environment->memory), &window->granted);
        }
        guest_window_close(window->window);
        free(window);
    }
}

/* ---- interrupts: a device that has no place yet, or no more, has no line and no messages ---- */

static void msix(struct ioreqd_device *device, unsigned vector)
{
    if (device->function != NULL) {
        device_count(device, DEVICE_INTERRUPTS, 1);
        bridge_msix(device->function, vector);
    }
}

static void msi(struct ioreqd_device *device, unsigned vector)
{
    if (device->function != NULL) {
        device_count(device, DEVICE_INTERRUPTS, 1);
        bridge_msi(device->function, vector);
    }
}

static int msi_enabled(struct ioreqd_device *device)
{
    return device->function != NULL && bridge_msi_enabled(device->function);
}

static int msix_enabled(struct ioreqd_device *device)
{
    return device->function != NULL && bridge_msix_enabled(device->function);
}

static void intx(struct ioreqd_device *device, int level)
{
    if (device->function != NULL) {
        device_count(device, DEVICE_INTERRUPTS, level != 0);
        bridge_intx(device->function, level != 0);
    }
}

/* ---- loops ---- */

static struct ioreqd_loop *queue_loop(struct ioreqd_device *device, unsigned queue)
{
    return device_queue_loop(device, queue);
}

static struct ioreqd_loop *main_loop(struct ioreqd_device *device)
{
    return device->environment->main_loop;
}

/* ---- files ---- */

static uint64_t size_of_file(struct ioreqd_file *file)
{
    return file_size(file);
}

static int is_read_only(struct ioreqd_file *file)
{
    return file_read_only(file);
}

static void submit_to_file(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_file *file,
                           struct ioreqd_file_request *request)
{
    const struct device_observer *observer = device->environment->observer;

    if (observer != NULL && request->operation == IOREQD_FILE_READ && file_descriptor(file) >= 0) {
        unsigned number = 0;

        while (number < device->files && device->file[number] != file) {
            number++;
        }
        observer->file_read(observer->context, device, number, file_descriptor(file), request);
    }
    file_submit(file, loop, request);
}

static void facts_of_file(struct ioreqd_file *file, struct ioreqd_file_facts *facts)
{
    file_tell_facts(file, facts);
}

static int on_resize(struct ioreqd_device *device, struct ioreqd_file *file, void (*changed)(void *argument),
                     void *argument)
{
    return file_follow_size(file, device->environment->main_loop, changed, argument);
}

static void quiesced(struct ioreqd_device *device)
{
    loop_post(device->environment->main_loop, device->when_quiet);
}

/* ---- time ---- */

static uint64_t now(struct ioreqd_device *device)
{
    (void)device;
    return timer_now();
}

static int make_timer(struct ioreqd_device *device, struct ioreqd_loop *loop, void (*fire)(void *argument),
                      void *argument, struct ioreqd_timer **timer)
{
    (void)device;
    *timer = timer_make(loop, fire, argument);
    return *timer == NULL ? -ENOMEM : 0;
}

/* ---- descriptors and streams ---- */

static int make_watch(struct ioreqd_device *device, struct ioreqd_loop *loop, int descriptor,
                      void (*ready)(void *argument, unsigned events), void *argument, struct ioreqd_watch **watch)
{
    (void)device;
    return watch_make(loop, descriptor, ready, argument, watch);
}

static int watch_stream(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_stream *stream,
                        void (*ready)(void *argument, unsigned events), void *argument)
{
    (void)device;
    return stream_attach(loop, stream, ready, argument);
}

static int is_connected(struct ioreqd_stream *stream)
{
    return stream_connected(stream);
}

static int listen_at_sockets(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_sockets *sockets,
                             void (*came)(void *argument, int descriptor), void *argument)
{
    (void)device;
    return sockets_attach(loop, sockets, came, argument);
}

/* ---- networks ---- */

static int watch_network(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_network *network,
                         unsigned pair, void (*ready)(void *argument, unsigned events), void *argument)
{
    return network_attach(device->environment->main_loop, loop, network, pair, ready, argument);
}

/* ---- words to people ---- */

static void log_message(struct ioreqd_device *device, enum ioreqd_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void guest_error(struct ioreqd_device *device, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fail(struct ioreqd_device *device, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void property_error(struct ioreqd_device *device, const char *property, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void log_message(struct ioreqd_device *device, enum ioreqd_log_level level, const char *format, ...)
{
    va_list arguments;

    if (!log_wants((enum log_level)level)) {
        return;
    }
    va_start(arguments, format);
    log_limited(&device->log_limit, (enum log_level)level, device->name, format, arguments);
    va_end(arguments);
}

static void guest_error(struct ioreqd_device *device, const char *format, ...)
{
    va_list arguments;

    atomic_fetch_add_explicit(&device->guest_errors, 1, memory_order_relaxed);
    va_start(arguments, format);
    log_limited(&device->guest_error_limit, LOG_WARNING, device->name, format, arguments);
    va_end(arguments);
}

static void needs_reset(struct ioreqd_device *device, const char *reason)
{
    if (reason != NULL) {
        trouble_begin(device, TROUBLE_NEEDS_RESET, reason);
    } else {
        trouble_end(device, TROUBLE_NEEDS_RESET);
    }
}

static void fail(struct ioreqd_device *device, const char *format, ...)
{
    char reason[TROUBLE_REASON];
    va_list arguments;

    va_start(arguments, format);
    log_limited(&device->log_limit, LOG_ERROR, device->name, format, arguments);
    va_end(arguments);
    va_start(arguments, format);
    vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    atomic_store(&device->failed, true);
    if (device->function != NULL) {
        bridge_fail(device->function);
    }
    trouble_begin(device, TROUBLE_FAILED, reason);
}

static void event(struct ioreqd_device *device, const char *name, const char *json)
{
    event_tell(device->name, name, json);
}

static void property_error(struct ioreqd_device *device, const char *property, const char *format, ...)
{
    va_list arguments;

    device->wrong_property = property;
    va_start(arguments, format);
    vsnprintf(device->reason, sizeof(device->reason), format, arguments);
    va_end(arguments);
}

static const struct ioreqd_host table = {
    .struct_size = sizeof(table),
    .abi = IOREQD_ABI,
    .dma_read = dma_read,
    .dma_write = dma_write,
    .dma_map = dma_map,
    .dma_unmap = dma_unmap,
    .window_open = window_open,
    .window_base = window_base,
    .window_close = window_close,
    .msix = msix,
    .msix_enabled = msix_enabled,
    .intx = intx,
    .queue_loop = queue_loop,
    .main_loop = main_loop,
    .post = loop_post,
    .file_size = size_of_file,
    .file_read_only = is_read_only,
    .file_submit = submit_to_file,
    .quiesced = quiesced,
    .log = log_message,
    .guest_error = guest_error,
    .property_error = property_error,
    .msi = msi,
    .msi_enabled = msi_enabled,
    .now = now,
    .timer_create = make_timer,
    .timer_set = timer_arm,
    .timer_destroy = timer_free,
    .fail = fail,
    .event = event,

    .watch_create = make_watch,
    .watch_set = watch_arm,
    .watch_destroy = watch_free,
    .stream_watch = watch_stream,
    .stream_want = stream_want,
    .stream_read = stream_read,
    .stream_write = stream_write,
    .stream_connected = is_connected,
    .stream_size = stream_size,

    .sockets_listen = listen_at_sockets,
    .sockets_connect = sockets_connect,
    .network_facts = network_facts,
    .network_watch = watch_network,
    .network_want = network_want,
    .network_read = network_read,
    .network_write = network_write,
    .network_set_offloads = network_set_offloads,
    .network_set_queue_pairs = network_set_queue_pairs,
    .network_link = network_link,
    .network_set_steering = network_set_steering,

    .file_facts = facts_of_file,
    .file_on_resize = on_resize,
    .needs_reset = needs_reset,
};

const struct ioreqd_host *host_table(void)
{
    return &table;
}
