/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fuzzing host's loops, time, interrupts and messages, and its table, see fuzz_host.h. One thread: on which loop it
 * is said to be is told by fuzz_begin_call().
 */
#include "tests/fuzz/fuzz_host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void fuzz_begin_call(struct ioreqd_device *device, struct ioreqd_loop *loop)
{
    device->current = loop;
}

void fuzz_end_call(struct ioreqd_device *device)
{
    device->current = NULL;
    fuzz_move_windows(device);
    if (device->answered) {
        device->answered = false;
        if (device->requests != 0) {
            fuzz_violation("quiesced: while %u file requests are in flight", device->requests);
        }
        if (device->pieces != NULL) {
            fuzz_violation("quiesced: while memory is mapped");
        }
    }
}

/* The guest works on while the device does: what is mapped changes. */
void fuzz_entered(struct ioreqd_device *device, const char *name)
{
    if (device->current == NULL) {
        fuzz_violation("%s: not from a callback", name);
    }
    fuzz_change_pieces(device);
}

void fuzz_entered_on(struct ioreqd_device *device, const struct ioreqd_loop *loop, const char *name)
{
    fuzz_entered(device, name);
    if (device->current != loop && device->phase != FUZZ_CREATING && device->phase != FUZZ_DESTROYING) {
        fuzz_violation("%s: not on its loop", name);
    }
}

void fuzz_acts(struct ioreqd_device *device, const char *name)
{
    static const char *const phase[] = {
        [FUZZ_CREATING] = "in create()",
        [FUZZ_QUIET] = "after quiesced()",
        [FUZZ_RESETTING] = "in reset()",
        [FUZZ_DESTROYING] = "in destroy()",
    };

    fuzz_entered(device, name);
    if (device->phase != FUZZ_RUNNING && device->phase != FUZZ_QUIESCING) {
        fuzz_violation("%s: %s", name, phase[device->phase]);
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * Interrupts
 */

static void msix(struct ioreqd_device *device, unsigned vector)
{
    fuzz_acts(device, "msix");
    if (vector >= device->description.msix) {
        fuzz_violation("msix: vector %u of %u", vector, device->description.msix);
    }
}

static int msix_enabled(struct ioreqd_device *device)
{
    fuzz_entered(device, "msix_enabled");
    return device->msix_on;
}

static void msi(struct ioreqd_device *device, unsigned vector)
{
    fuzz_acts(device, "msi");
    if (vector >= device->description.msi) {
        fuzz_violation("msi: vector %u of %u", vector, device->description.msi);
    }
}

static int msi_enabled(struct ioreqd_device *device)
{
    fuzz_entered(device, "msi_enabled");
    return device->msi_on;
}

/* A line that falls is no work. */
static void intx(struct ioreqd_device *device, int level)
{
    if (level != 0 && device->line == 0) {
        fuzz_acts(device, "intx");
    }
    fuzz_entered(device, "intx");
    if (device->description.intx == 0) {
        fuzz_violation("intx: the description has no INTx pin");
    }
    device->line = level;
}

unsigned fuzz_interrupt_mode(const struct ioreqd_device *device)
{
    if (device->msix_on) {
        return IOREQD_INTERRUPT_MSIX;
    }
    if (device->msi_on) {
        return IOREQD_INTERRUPT_MSI;
    }
    return device->description.intx != 0 && !device->intx_off ? IOREQD_INTERRUPT_INTX : IOREQD_INTERRUPT_NONE;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Loops and time
 */

static struct ioreqd_loop *main_loop(struct ioreqd_device *device)
{
    fuzz_entered(device, "main_loop");
    return &device->loop[0];
}

struct ioreqd_loop *fuzz_queue_loop(struct ioreqd_device *device, unsigned queue)
{
    unsigned group = device->description.queue_group;

    return &device->loop[group == 0 ? 1 : 1 + queue / group % device->queue_loops];
}

static struct ioreqd_loop *queue_loop(struct ioreqd_device *device, unsigned queue)
{
    fuzz_entered(device, "queue_loop");
    if (queue >= device->description.queues) {
        fuzz_violation("queue_loop: queue %u of %u", queue, device->description.queues);
    }
    return fuzz_queue_loop(device, queue);
}

static void post(struct ioreqd_loop *loop, struct ioreqd_work *work)
{
    if (work->run == NULL) {
        fuzz_violation("post: work without run()");
    }
    if (atomic_exchange(&work->posted, 1) == 0) {
        work->next = NULL;
        *loop->end = work;
        loop->end = &work->next;
    }
}

bool fuzz_run_one(struct ioreqd_device *device, struct ioreqd_loop *loop)
{
    struct ioreqd_work *work = loop->first;

    if (work == NULL) {
        return false;
    }
    loop->first = work->next;
    if (loop->first == NULL) {
        loop->end = &loop->first;
    }
    atomic_store(&work->posted, 0);
    fuzz_begin_call(device, loop);
    work->run(work->argument);
    fuzz_end_call(device);
    return true;
}

static uint64_t now(struct ioreqd_device *device)
{
    fuzz_entered(device, "now");
    return device->now;
}

static int make_timer(struct ioreqd_device *device, struct ioreqd_loop *loop, void (*fire)(void *argument),
                      void *argument, struct ioreqd_timer **timer)
{
    fuzz_entered(device, "timer_create");
    if (device->current != &device->loop[0] || device->phase == FUZZ_DESTROYING) {
        fuzz_violation("timer_create: not on the main loop");
    }
    if (fuzz_take_back(&device->input) == 0xff) {
        return -ENOMEM;
    }
    *timer = calloc(1, sizeof(**timer));
    **timer = (struct ioreqd_timer){device->timers, device, loop, fire, argument, 0};
    device->timers = *timer;
    return 0;
}

static void timer_set(struct ioreqd_timer *timer, uint64_t deadline)
{
    fuzz_entered_on(timer->device, timer->loop, "timer_set");
    timer->deadline = deadline;
}

static void timer_destroy(struct ioreqd_timer *timer)
{
    struct ioreqd_timer **at = &timer->device->timers;

    fuzz_entered_on(timer->device, timer->loop, "timer_destroy");
    while (*at != timer) {
        at = &(*at)->next;
    }
    *at = timer->next;
    free(timer);
}

static struct ioreqd_timer *next_timer(const struct ioreqd_device *device)
{
    struct ioreqd_timer *next = NULL;

    for (struct ioreqd_timer *timer = device->timers; timer != NULL; timer = timer->next) {
        if (timer->deadline != 0 && (next == NULL || timer->deadline < next->deadline)) {
            next = timer;
        }
    }
    return next;
}

uint64_t fuzz_next_deadline(const struct ioreqd_device *device)
{
    const struct ioreqd_timer *timer = next_timer(device);

    return timer != NULL ? timer->deadline : 0;
}

bool fuzz_fire_one(struct ioreqd_device *device)
{
    struct ioreqd_timer *timer = next_timer(device);

    if (timer == NULL || timer->deadline > device->now) {
        return false;
    }
    timer->deadline = 0;
    fuzz_begin_call(device, timer->loop);
    timer->fire(timer->argument);
    fuzz_end_call(device);
    return true;
}

static void quiesced(struct ioreqd_device *device)
{
    fuzz_entered(device, "quiesced");
    if (device->phase != FUZZ_QUIESCING) {
        fuzz_violation("quiesced: nobody has asked, or it is the second answer");
    }
    device->phase = FUZZ_QUIET;
    device->answered = true;
}

const struct ioreqd_host fuzz_host = {
    .struct_size = sizeof(fuzz_host),
    .abi = IOREQD_ABI,
    .dma_read = fuzz_dma_read,
    .dma_write = fuzz_dma_write,
    .dma_map = fuzz_dma_map,
    .dma_unmap = fuzz_dma_unmap,
    .window_open = fuzz_window_open,
    .window_base = fuzz_window_base,
    .window_close = fuzz_window_close,
    .msix = msix,
    .msix_enabled = msix_enabled,
    .intx = intx,
    .queue_loop = queue_loop,
    .main_loop = main_loop,
    .post = post,
    .file_size = fuzz_file_size,
    .file_read_only = fuzz_file_read_only,
    .file_submit = fuzz_file_submit,
    .quiesced = quiesced,
    .log = fuzz_log,
    .guest_error = fuzz_guest_error,
    .needs_reset = fuzz_needs_reset,
    .property_error = fuzz_property_error,
    .msi = msi,
    .msi_enabled = msi_enabled,
    .now = now,
    .timer_create = make_timer,
    .timer_set = timer_set,
    .timer_destroy = timer_destroy,
    .fail = fuzz_fail,
    .event = fuzz_event,
    .watch_create = fuzz_watch_create,
    .watch_set = fuzz_watch_set,
    .watch_destroy = fuzz_watch_destroy,
    .stream_watch = fuzz_stream_watch,
    .stream_want = fuzz_stream_want,
    .stream_read = fuzz_stream_read,
    .stream_write = fuzz_stream_write,
    .stream_connected = fuzz_stream_connected,
    .stream_size = fuzz_stream_size,
    .sockets_listen = fuzz_sockets_listen,
    .sockets_connect = fuzz_sockets_connect,
    .network_facts = fuzz_network_facts,
    .network_watch = fuzz_network_watch,
    .network_want = fuzz_network_want,
    .network_read = fuzz_network_read,
    .network_write = fuzz_network_write,
    .network_set_offloads = fuzz_network_set_offloads,
    .network_set_queue_pairs = fuzz_network_set_queue_pairs,
    .network_link = fuzz_network_link,
};

void fuzz_host_begin(struct ioreqd_device *device, const uint8_t *data, size_t size)
{
    memset(device, 0, offsetof(struct ioreqd_device, request));
    device->input = (struct fuzz_input){data, data + size, UINT64_C(0x9e3779b97f4a7c15) + size};
    device->now = 1;
    device->queue_loops = 1 + (unsigned)fuzz_take(&device->input, 1) % (FUZZ_LOOPS - 1);
    for (unsigned i = 0; i < FUZZ_LOOPS; i++) {
        device->loop[i].end = &device->loop[i].first;
    }
}

void fuzz_host_end(struct ioreqd_device *device, bool cut)
{
    if (device->timers != NULL || device->watches != NULL || device->windows != NULL) {
        fuzz_violation("destroy: left a %s behind", device->timers != NULL    ? "timer"
                                                    : device->watches != NULL ? "watch"
                                                                              : "window");
    }
    if (device->pieces != NULL && !cut) {
        fuzz_violation("destroy: left memory mapped");
    }
    while (device->pieces != NULL) {
        device->current = &device->loop[0];
        fuzz_dma_unmap(device, &device->pieces->pin, 1);
    }
    while (device->files != NULL) {
        struct ioreqd_file *file = device->files;

        device->files = file->next;
        free(file);
    }
    while (device->streams != NULL) {
        struct ioreqd_stream *stream = device->streams;

        device->streams = stream->next;
        free(stream);
    }
    while (device->sockets != NULL) {
        struct ioreqd_sockets *sockets = device->sockets;

        device->sockets = sockets->next;
        fuzz_sockets_close(sockets);
    }
    while (device->networks != NULL) {
        struct ioreqd_network *network = device->networks;

        device->networks = network->next;
        free(network);
    }
}
