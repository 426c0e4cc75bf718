/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of virtio-console and virtio-rng share, see console_bench.h. */
#include "tests/virtio/console_bench.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUT_BYTES 0x200000u

struct bench bench;
uint64_t bench_formats;

/* As ck_assert(), which notes each place that it passes in a file, for what is called often. */
static void must(bool holds, const char *what)
{
    if (!holds) {
        ck_abort_msg("%s", what);
    }
}

/* ---- the host ---- */

static struct ioreqd_loop *queue_loop(struct ioreqd_device *device, unsigned queue)
{
    (void)queue;
    return &((struct fake *)device)->queue[0];
}

static void msix(struct ioreqd_device *device, unsigned vector)
{
    (void)device;
    must(vector < 32, "no such vector");
    bench.messages[vector]++;
}

static void say(struct ioreqd_device *device, enum ioreqd_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(struct ioreqd_device *device, enum ioreqd_log_level level, const char *format, ...)
{
    va_list arguments;

    (void)device;
    if (level <= IOREQD_LOG_INFO) {
        va_start(arguments, format);
        vsnprintf(bench.line, sizeof(bench.line), format, arguments);
        va_end(arguments);
        bench.lines++;
    }
}

static uint64_t now(struct ioreqd_device *device)
{
    (void)device;
    return bench.now;
}

static int make_timer(struct ioreqd_device *device, struct ioreqd_loop *loop, void (*fire)(void *argument),
                      void *argument, struct ioreqd_timer **timer)
{
    must(loop == queue_loop(device, 0), "a timer of another loop");
    for (unsigned i = 0; !bench.no_timer && i < BENCH_TIMERS; i++) {
        if (!bench.timer[i].made) {
            bench.timer[i] = (struct ioreqd_timer){.fire = fire, .argument = argument, .made = true};
            *timer = &bench.timer[i];
            return 0;
        }
    }
    return -ENOMEM;
}

static void timer_set(struct ioreqd_timer *timer, uint64_t deadline)
{
    must(timer->made, "a timer that is none");
    timer->deadline = deadline;
}

static void timer_destroy(struct ioreqd_timer *timer)
{
    must(timer->made, "a timer that is none");
    timer->made = false;
    timer->deadline = 0;
}

static int stream_watch(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_stream *stream,
                        void (*ready)(void *argument, unsigned events), void *argument)
{
    must(loop == queue_loop(device, 0) && stream->ready == NULL, "a stream of another loop, or watched twice");
    stream->ready = ready;
    stream->argument = argument;
    return 0;
}

static void stream_want(struct ioreqd_stream *stream, unsigned events)
{
    stream->wanted = events;
}

static size_t stream_read(struct ioreqd_stream *stream, void *to, size_t length)
{
    size_t left = stream->in_length - stream->in_read;

    must(!bench.quiet, "a stream is read from while the device is quiet");
    length = length < left ? length : left;
    memcpy(to, stream->in + stream->in_read, length);
    stream->in_read += length;
    return length;
}

static size_t stream_write(struct ioreqd_stream *stream, const void *from, size_t length)
{
    size_t room = stream->room - stream->out_length;

    must(!bench.quiet, "a stream is written to while the device is quiet");
    if (!stream->connected) {
        return length;
    }
    length = length < room ? length : room;
    memcpy(stream->out + stream->out_length, from, length);
    stream->out_length += length;
    return length;
}

static int stream_connected(struct ioreqd_stream *stream)
{
    return stream->connected;
}

static int stream_size(struct ioreqd_stream *stream, uint16_t *columns, uint16_t *rows)
{
    *columns = stream->columns;
    *rows = stream->rows;
    return stream->terminal ? 0 : -ENOTTY;
}

struct ioreqd_host *bench_host(void)
{
    static struct ioreqd_host host;

    host = fake_host;
    host.queue_loop = queue_loop;
    host.msix = msix;
    host.log = say;
    host.now = now;
    host.timer_create = make_timer;
    host.timer_set = timer_set;
    host.timer_destroy = timer_destroy;
    host.stream_watch = stream_watch;
    host.stream_want = stream_want;
    host.stream_read = stream_read;
    host.stream_write = stream_write;
    host.stream_connected = stream_connected;
    host.stream_size = stream_size;
    return &host;
}

/* ---- the device ---- */

void bench_open(const struct ioreqd_model *model)
{
    bench = (struct bench){.fake = fake_create(0), .model = model, .now = 1000, .next = BUFFERS};
    bench.state = calloc(1, model->state_size);
    ck_assert_ptr_nonnull(bench.state);
    for (unsigned i = 0; i < BENCH_PORTS; i++) {
        bench.stream[i].out = malloc(OUT_BYTES);
        bench.stream[i].room = OUT_BYTES;
        bench.stream[i].connected = true;
        ck_assert_ptr_nonnull(bench.stream[i].out);
    }
}

int bench_create(void)
{
    if ((bench_formats & F_IN_ORDER) != 0) {
        *(uint8_t *)bench_property("in-order") = 1;
    }
    return driver_begin(&bench.driver, bench.fake, bench.model, bench.state);
}

void bench_close(void)
{
    driver_end(&bench.driver);
    ck_assert_uint_eq(bench.fake->windows, 0);
    ck_assert_uint_eq(bench.fake->pinned, 0);
    for (unsigned i = 0; i < BENCH_TIMERS; i++) {
        must(!bench.timer[i].made, "a timer is left");
    }
    for (unsigned i = 0; i < BENCH_PORTS; i++) {
        free(bench.stream[i].out);
    }
    free(bench.state);
    fake_destroy(bench.fake);
}

void *bench_property(const char *name)
{
    const struct ioreqd_property *one = bench.model->property;

    while (strcmp(one->name, name) != 0) {
        one++;
    }
    return (char *)bench.state + one->offset;
}

void bench_give_stream(const char *property, unsigned stream)
{
    memcpy(bench_property(property), &(struct ioreqd_stream *){&bench.stream[stream]}, sizeof(struct ioreqd_stream *));
}

uint64_t bench_counter(const char *name)
{
    const struct ioreqd_counter *one = bench.model->counter;

    while (strcmp(one->name, name) != 0) {
        one++;
    }
    return atomic_load((_Atomic uint64_t *)(void *)((char *)bench.state + one->offset));
}

/* ---- the world ---- */

void bench_pass(uint64_t nanoseconds)
{
    bench.now += nanoseconds;
    for (unsigned i = 0; i < BENCH_TIMERS; i++) {
        struct ioreqd_timer *timer = &bench.timer[i];

        if (timer->deadline != 0 && timer->deadline <= bench.now) {
            timer->deadline = 0;
            timer->fire(timer->argument);
        }
    }
    fake_pump(bench.fake);
}

static bool turn(struct ioreqd_stream *stream)
{
    unsigned events = (stream->in_read < stream->in_length ? IOREQD_READABLE : 0) |
                      (!stream->connected || stream->out_length < stream->room ? IOREQD_WRITABLE : 0);

    events &= stream->wanted;
    if (events != 0 && stream->ready != NULL) {
        stream->ready(stream->argument, events);
        fake_pump(bench.fake);
    }
    return events != 0;
}

void bench_run(void)
{
    bool again = true;

    fake_pump(bench.fake);
    for (unsigned turns = 0; again; turns++) {
        must(turns < 1000, "a stream keeps the loop busy");
        again = false;
        for (unsigned i = 0; i < BENCH_PORTS; i++) {
            again |= turn(&bench.stream[i]);
        }
    }
}

void bench_connect(unsigned stream, bool connected)
{
    struct ioreqd_stream *one = &bench.stream[stream];

    one->connected = connected;
    if (!connected) {
        one->in_read = one->in_length;
    }
    one->ready(one->argument, IOREQD_CONNECTED | (one->wanted & IOREQD_WRITABLE));
    bench_run();
}

void bench_send(unsigned stream, const void *bytes, size_t length)
{
    struct ioreqd_stream *one = &bench.stream[stream];

    must(one->in_length + length <= sizeof(one->in), "too much is sent");
    memcpy(one->in + one->in_length, bytes, length);
    one->in_length += length;
    bench_run();
}

void bench_expect(unsigned stream, const char *text)
{
    struct ioreqd_stream *one = &bench.stream[stream];
    char got[256];

    bench_run();
    must(one->out_length < sizeof(got), "more came than was expected");
    memcpy(got, one->out, one->out_length);
    got[one->out_length] = 0;
    ck_assert_str_eq(got, text);
    one->out_length = 0;
}

/* ---- the driver ---- */

void bench_start(uint64_t features)
{
    uint16_t queues = (uint16_t)driver_read(&bench.driver, NUM_QUEUES, 2);

    features |= bench_formats;
    bench.features = features;
    driver_start(&bench.driver, F_VERSION_1 | features, queues, QUEUE_BUFFERS);
    bench_run();
}

static uint32_t place(uint32_t length)
{
    uint32_t address = bench.next;

    if (address + length > FAKE_RAM) {
        address = BUFFERS;
    }
    bench.next = address + length;
    return address;
}

uint32_t bench_give(unsigned queue, uint32_t length)
{
    struct part part = {place(length), length, WRITE};

    memset(bench.fake->ram + part.address, 0xee, length);
    bench.place[queue][driver_add(&bench.driver, queue, &part, 1)] = part.address;
    driver_kick(&bench.driver, queue);
    bench_run();
    return (uint32_t)part.address;
}

uint32_t bench_say(unsigned queue, const void *bytes, uint32_t length)
{
    struct part part = {place(length), length, 0};

    memcpy(bench.fake->ram + part.address, bytes, length);
    bench.place[queue][driver_add(&bench.driver, queue, &part, 1)] = part.address;
    driver_kick(&bench.driver, queue);
    bench_run();
    return (uint32_t)part.address;
}

int bench_got(unsigned queue, void *bytes)
{
    uint32_t id, length;

    if (!driver_used(&bench.driver, queue, &id, &length)) {
        return -1;
    }
    must(id < DRIVER_MAX_SIZE, "no such buffer");
    memcpy(bytes, bench.fake->ram + bench.place[queue][id], length);
    return (int)length;
}

bool bench_done(unsigned queue)
{
    uint32_t id, length;

    if (!driver_used(&bench.driver, queue, &id, &length)) {
        return false;
    }
    must(length == 0, "bytes were written to a buffer of a transmit queue");
    return true;
}

/* ---- rest ---- */

void bench_rest(void)
{
    unsigned before = bench.fake->quiesced;

    bench.model->quiesce(fake_device(bench.fake), bench.state);
    fake_pump(bench.fake);
    ck_assert_uint_eq(bench.fake->quiesced, before + 1);
    bench.quiet = true;
    bench_run();
}

void bench_go_on(void)
{
    bench.quiet = false;
    bench.model->resume(fake_device(bench.fake), bench.state);
    bench_run();
}

static size_t bytes_of(const struct ioreqd_property *one)
{
    switch (one->kind) {
    case IOREQD_PROPERTY_BOOL:
        return 1;
    case IOREQD_PROPERTY_STRING:
        return one->maximum + 1;
    default:
        return 8;
    }
}

/* Rings are the guest's; only what the tables tell of goes over. The queues are enabled as the fields say. */
void bench_hand_over(void)
{
    void *old = bench.state;
    struct driver before = bench.driver;

    bench_rest();
    driver_end(&bench.driver);
    bench.quiet = false;
    bench.state = calloc(1, bench.model->state_size);
    for (const struct ioreqd_property *one = bench.model->property; one->name != NULL; one++) {
        memcpy((char *)bench.state + one->offset, (char *)old + one->offset, bytes_of(one));
    }
    for (unsigned i = 0; i < BENCH_PORTS; i++) {
        bench.stream[i].ready = NULL;
        bench.stream[i].wanted = 0;
    }
    ck_assert_int_eq(bench_create(), 0);
    bench.driver = before;
    bench.driver.state = bench.state;
    /* The library restores its registers in no other way yet than a driver that begins anew in the same rings. */
    driver_negotiate(&bench.driver, F_VERSION_1 | bench.features);
    for (uint16_t i = 0; i < driver_read(&bench.driver, NUM_QUEUES, 2); i++) {
        driver_select(&bench.driver, i);
        driver_write(&bench.driver, QUEUE_SIZE, 2, QUEUE_BUFFERS);
        driver_write(&bench.driver, QUEUE_DESC, 4, DESC_AREA(i));
        driver_write(&bench.driver, QUEUE_DRIVER, 4, DRIVER_AREA(i));
        driver_write(&bench.driver, QUEUE_DEVICE, 4, DEVICE_AREA(i));
        driver_write(&bench.driver, QUEUE_ENABLE, 2, 1);
    }
    for (const struct ioreqd_field *one = bench.model->field; one->tag != 0; one++) {
        if (one->tag < 0x8000 || one->tag >= 0x8017) {
            memcpy((char *)bench.state + one->offset, (char *)old + one->offset, (size_t)one->count << (one->kind - 1));
        }
    }
    driver_write(&bench.driver, STATUS, 1, 0xf);
    free(old);
    bench_run();
}

/* ---- control messages ---- */

void control_say(uint32_t port, unsigned event, unsigned value)
{
    const uint8_t bytes[8] = {(uint8_t)port,  (uint8_t)(port >> 8),  (uint8_t)(port >> 16), (uint8_t)(port >> 24),
                              (uint8_t)event, (uint8_t)(event >> 8), (uint8_t)value,        (uint8_t)(value >> 8)};

    bench_say(3, bytes, sizeof(bytes));
    must(bench_done(3), "a control message was not taken");
}

void control_give(unsigned count)
{
    while (count-- > 0) {
        bench_give(2, 128);
    }
}

const char *control_hear(void)
{
    static const char *const name[] = {"?", "add", "remove", "?", "console", "resize", "open", "name"};
    static char text[160];
    uint8_t byte[128];
    int length = bench_got(2, byte);
    unsigned event;

    if (length < 0) {
        return "";
    }
    must(length >= 8 && byte[1] == 0 && byte[2] == 0 && byte[3] == 0 && byte[5] == 0 && byte[4] < 8, "an odd message");
    event = byte[4];
    snprintf(text, sizeof(text), "%u %s %u", byte[0], name[event], byte[6] | byte[7] << 8);
    if (event == RESIZE) {
        must(length == 12, "a message of a wrong length");
        snprintf(text, sizeof(text), "%u resize %ux%u", byte[0], byte[8] | byte[9] << 8, byte[10] | byte[11] << 8);
    } else if (event == PORT_NAME) {
        snprintf(text, sizeof(text), "%u name %.*s", byte[0], length - 8, (const char *)byte + 8);
    } else {
        must(length == 8, "a message of a wrong length");
    }
    return text;
}
