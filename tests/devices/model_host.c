/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host for the tests of a model, and the guest's accesses: see model_host.h. The model is reached through the
 * tables of its module only.
 */
#include "tests/devices/model_host.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct host world;
const struct ioreqd_model *model;
void *state;
struct ioreqd_description description;

static int reach(uint64_t address, size_t length)
{
    world.copies++;
    if (world.no_bus_master) {
        return -EIO;
    }
    return address > RAM_BYTES || length > RAM_BYTES - address ? -EFAULT : 0;
}

static int dma_read(struct ioreqd_device *device, uint64_t address, void *to, size_t length)
{
    int error = reach(address, length);

    (void)device;
    if (error == 0) {
        memcpy(to, world.ram + address, length);
    }
    return error;
}

static int dma_write(struct ioreqd_device *device, uint64_t address, const void *from, size_t length)
{
    int error = reach(address, length);

    (void)device;
    if (error == 0) {
        memcpy(world.ram + address, from, length);
    }
    return error;
}

static void intx(struct ioreqd_device *device, int level)
{
    (void)device;
    world.levels++;
    world.line = level;
}

/* As ck_assert(), which notes each place that it passes in a file, for what is called often. */
static void must(bool holds)
{
    if (!holds) {
        ck_abort_msg("the model broke a rule of the interface");
    }
}

static void msi(struct ioreqd_device *device, unsigned vector)
{
    (void)device;
    must(vector == 0 && world.msi_on);
    world.messages++;
}

static int msi_enabled(struct ioreqd_device *device)
{
    (void)device;
    return world.msi_on;
}

static struct ioreqd_loop *main_loop(struct ioreqd_device *device)
{
    return (struct ioreqd_loop *)device;
}

static uint64_t now(struct ioreqd_device *device)
{
    (void)device;
    return world.now;
}

static int make_timer(struct ioreqd_device *device, struct ioreqd_loop *loop, void (*fire)(void *argument),
                      void *argument, struct ioreqd_timer **timer)
{
    (void)device;
    ck_assert_ptr_eq(loop, &world);
    for (unsigned i = 0; i < world.timers_wanted; i++) {
        if (!world.timer[i].made) {
            world.timer[i] = (struct ioreqd_timer){.fire = fire, .argument = argument, .made = true};
            *timer = &world.timer[i];
            return 0;
        }
    }
    return -ENOMEM;
}

static void timer_set(struct ioreqd_timer *timer, uint64_t deadline)
{
    must(timer->made);
    timer->deadline = deadline;
}

static void timer_destroy(struct ioreqd_timer *timer)
{
    ck_assert(timer->made);
    timer->made = false;
    timer->deadline = 0;
}

static void quiesced(struct ioreqd_device *device)
{
    (void)device;
    world.quiesced++;
}

static void guest_error(struct ioreqd_device *device, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void guest_error(struct ioreqd_device *device, const char *format, ...)
{
    va_list arguments;

    (void)device;
    va_start(arguments, format);
    vsnprintf(world.text, sizeof(world.text), format, arguments);
    va_end(arguments);
    world.guest_errors++;
}

static void needs_reset(struct ioreqd_device *device, const char *reason)
{
    (void)device;
    (void)reason; /* guest_error() told of it */
}

static void property_error(struct ioreqd_device *device, const char *property, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void property_error(struct ioreqd_device *device, const char *property, const char *format, ...)
{
    va_list arguments;

    (void)device;
    snprintf(world.property, sizeof(world.property), "%s", property);
    va_start(arguments, format);
    vsnprintf(world.text, sizeof(world.text), format, arguments);
    va_end(arguments);
    world.property_errors++;
}

/* ---- streams ---- */

static int stream_watch(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_stream *stream,
                        void (*ready)(void *argument, unsigned events), void *argument)
{
    (void)device;
    ck_assert_ptr_eq(loop, &world);
    ck_assert_ptr_null(stream->ready);
    stream->ready = ready;
    stream->argument = argument;
    return world.no_stream ? -ENOMEM : 0;
}

static void stream_want(struct ioreqd_stream *stream, unsigned events)
{
    stream->wanted = events;
}

static size_t stream_read(struct ioreqd_stream *stream, void *to, size_t length)
{
    size_t left = stream->in_length - stream->in_read;

    length = length < left ? length : left;
    if (length > 0) {
        memcpy(to, stream->in + stream->in_read, length);
        stream->in_read += length;
    }
    return length;
}

static size_t stream_write(struct ioreqd_stream *stream, const void *from, size_t length)
{
    size_t room = stream->room - stream->out_length;

    if (!stream->connected) {
        return length;
    }
    stream->writes++;
    length = length < room ? length : room;
    if (length > 0) {
        memcpy(stream->out + stream->out_length, from, length);
        stream->out_length += length;
    }
    return length;
}

static int stream_connected(struct ioreqd_stream *stream)
{
    return stream->connected;
}

bool stream_turn(struct ioreqd_stream *stream)
{
    unsigned events = (stream->in_read < stream->in_length ? IOREQD_READABLE : 0) |
                      (!stream->connected || stream->out_length < stream->room ? IOREQD_WRITABLE : 0);

    events &= stream->wanted;
    if (events != 0) {
        stream->ready(stream->argument, events);
    }
    return events != 0;
}

void stream_connect(struct ioreqd_stream *stream, bool connected)
{
    stream->connected = connected;
    stream->ready(stream->argument, IOREQD_CONNECTED);
}

const struct ioreqd_host host = {
    .struct_size = sizeof(host),
    .abi = IOREQD_ABI,
    .dma_read = dma_read,
    .dma_write = dma_write,
    .intx = intx,
    .main_loop = main_loop,
    .quiesced = quiesced,
    .guest_error = guest_error,
    .needs_reset = needs_reset,
    .property_error = property_error,
    .msi = msi,
    .msi_enabled = msi_enabled,
    .now = now,
    .timer_create = make_timer,
    .timer_set = timer_set,
    .timer_destroy = timer_destroy,
    .stream_watch = stream_watch,
    .stream_want = stream_want,
    .stream_read = stream_read,
    .stream_write = stream_write,
    .stream_connected = stream_connected,
};

struct ioreqd_device *device(void)
{
    return (struct ioreqd_device *)&world;
}

bool pending(void)
{
    for (unsigned i = 0; i < TIMERS; i++) {
        if (world.timer[i].deadline != 0) {
            return true;
        }
    }
    return false;
}

void pass(uint64_t nanoseconds)
{
    world.now += nanoseconds;
    for (unsigned i = 0; i < TIMERS; i++) {
        struct ioreqd_timer *timer = &world.timer[i];

        if (timer->deadline != 0 && timer->deadline <= world.now) {
            timer->deadline = 0;
            timer->fire(timer->argument);
        }
    }
}

uint64_t counter(const char *name)
{
    const struct ioreqd_counter *one = model->counter;

    while (strcmp(one->name, name) != 0) {
        one++;
    }
    return atomic_load((_Atomic uint64_t *)(void *)((char *)state + one->offset));
}

void *field(uint16_t tag)
{
    const struct ioreqd_field *one = model->field;

    while (one->tag != tag) {
        one++;
    }
    return (char *)state + one->offset;
}

void *property(const char *name)
{
    const struct ioreqd_property *one = model->property;

    while (strcmp(one->name, name) != 0) {
        one++;
    }
    return (char *)state + one->offset;
}

uint64_t get(uint64_t offset, unsigned size)
{
    return model->read(device(), state, 0, offset, size);
}

void put(uint64_t offset, unsigned size, uint64_t value)
{
    model->write(device(), state, 0, offset, size, value);
}

void prepare(unsigned timers)
{
    memset(&world, 0, sizeof(world));
    world.now = 5;
    world.timers_wanted = timers;
    model = ioreqd_module(&host)[0];
    state = calloc(1, model->state_size);
    ck_assert_ptr_nonnull(state);
    description = *model->description;
}

void teardown(void)
{
    model->destroy(device(), state);
    for (unsigned i = 0; i < TIMERS; i++) {
        ck_assert(!world.timer[i].made);
    }
    free(state);
}

static void copy_property(const struct ioreqd_property *one, void *to, const void *from)
{
    static const size_t size[] = {
        [IOREQD_PROPERTY_BOOL] = sizeof(uint8_t), [IOREQD_PROPERTY_U32] = sizeof(uint32_t),
        [IOREQD_PROPERTY_U64] = sizeof(uint64_t), [IOREQD_PROPERTY_SIZE] = sizeof(uint64_t),
        [IOREQD_PROPERTY_FILE] = sizeof(void *),  [IOREQD_PROPERTY_STREAM] = sizeof(struct ioreqd_stream *),
    };
    size_t length = one->kind == IOREQD_PROPERTY_STRING ? one->maximum + 1 : size[one->kind];

    memcpy((char *)to + one->offset, (const char *)from + one->offset, length);
}

void hand_over(void)
{
    void *old = state;

    model->destroy(device(), old);
    state = calloc(1, model->state_size);
    ck_assert_ptr_nonnull(state);
    for (const struct ioreqd_property *one = model->property; one->name != NULL; one++) {
        copy_property(one, state, old);
        if (one->kind == IOREQD_PROPERTY_STREAM && *(struct ioreqd_stream **)property(one->name) != NULL) {
            (*(struct ioreqd_stream **)property(one->name))->ready = NULL; /* opened anew */
        }
    }
    ck_assert_int_eq(model->create(device(), state, &description), 0);
    model->reset(device(), state, IOREQD_RESET_COLD);
    for (const struct ioreqd_field *one = model->field; one->tag != 0; one++) {
        memcpy((char *)state + one->offset, (char *)old + one->offset, (size_t)one->count << (one->kind - 1));
    }
    free(old);
}

int run_cases(const char *name, TCase *(*const cases[])(void), unsigned count)
{
    Suite *suite = suite_create(name);
    SRunner *runner;
    int failed;

    for (unsigned i = 0; i < count; i++) {
        suite_add_tcase(suite, cases[i]());
    }
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
