/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-console with loops that are threads: people come, go, type and read on the queues' loop, while on the main loop
 * a driver starts and resets, cries for help, and the host asks for rest. Made for -fsanitize=thread, and of use without.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/virtio/driver.h"

#define ROUNDS   150u
#define SIZE     16
#define STREAMS  2
#define QUEUES   6
#define PATIENCE 10 /* seconds */

struct ioreqd_stream {
    void (*ready)(void *argument, unsigned events);
    void *argument;
    unsigned wanted;
    bool connected;
    uint16_t columns;
};

struct thread_loop {
    pthread_mutex_t lock;
    struct ioreqd_work *first;
    struct ioreqd_work **end;
};

static struct thread_loop main_loop = {.lock = PTHREAD_MUTEX_INITIALIZER, .end = &main_loop.first};
static struct thread_loop queue_loop = {.lock = PTHREAD_MUTEX_INITIALIZER, .end = &queue_loop.first};
static atomic_bool stop, quiet;
static atomic_uint moved, violations;
static struct ioreqd_stream stream[STREAMS];
static unsigned seed = 1; /* of the queues' loop */
static struct ioreqd_host host;
static struct driver driver;
static struct fake *fake;
static struct ioreqd_work bell_work[QUEUES];

static unsigned any(unsigned below)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 16) % below;
}

/* ---- the host ---- */

static struct ioreqd_loop *get_main_loop(struct ioreqd_device *device)
{
    (void)device;
    return (struct ioreqd_loop *)&main_loop;
}

static struct ioreqd_loop *get_queue_loop(struct ioreqd_device *device, unsigned queue)
{
    (void)device;
    (void)queue;
    return (struct ioreqd_loop *)&queue_loop;
}

static void post(struct ioreqd_loop *to, struct ioreqd_work *work)
{
    struct thread_loop *loop = (struct thread_loop *)to;

    if (atomic_exchange(&work->posted, 1) == 0) {
        pthread_mutex_lock(&loop->lock);
        work->next = NULL;
        *loop->end = work;
        loop->end = &work->next;
        pthread_mutex_unlock(&loop->lock);
    }
}

static bool run_one(struct thread_loop *loop)
{
    struct ioreqd_work *work;

    pthread_mutex_lock(&loop->lock);
    work = loop->first;
    if (work != NULL) {
        loop->first = work->next;
        if (loop->first == NULL) {
            loop->end = &loop->first;
        }
    }
    pthread_mutex_unlock(&loop->lock);
    if (work == NULL) {
        return false;
    }
    atomic_store(&work->posted, 0);
    work->run(work->argument);
    return true;
}

static void msix(struct ioreqd_device *device, unsigned vector)
{
    (void)device;
    (void)vector;
}

static uint64_t now(struct ioreqd_device *device)
{
    (void)device;
    return 1;
}

static int make_timer(struct ioreqd_device *device, struct ioreqd_loop *loop, void (*fire)(void *argument),
                      void *argument, struct ioreqd_timer **timer)
{
    (void)device;
    (void)loop;
    (void)fire;
    *timer = argument;
    return 0;
}

static void timer_set(struct ioreqd_timer *timer, uint64_t deadline)
{
    (void)timer;
    (void)deadline;
}

static void timer_destroy(struct ioreqd_timer *timer)
{
    (void)timer;
}

static int stream_watch(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_stream *one,
                        void (*ready)(void *argument, unsigned events), void *argument)
{
    (void)device;
    (void)loop;
    one->ready = ready;
    one->argument = argument;
    return 0;
}

static void stream_want(struct ioreqd_stream *one, unsigned events)
{
    one->wanted = events;
}

static void use_stream(void)
{
    if (atomic_load(&quiet)) {
        violations++;
    }
}

static size_t stream_read(struct ioreqd_stream *one, void *to, size_t length)
{
    size_t count = one->connected ? any(20) : 0;

    use_stream();
    count = count < length ? count : length;
    memset(to, 'i', count);
    moved += (unsigned)count;
    return count;
}

static size_t stream_write(struct ioreqd_stream *one, const void *from, size_t length)
{
    size_t count = one->connected ? any(40) : length;

    (void)from;
    use_stream();
    count = count < length ? count : length;
    moved += (unsigned)count;
    return count;
}

static int stream_connected(struct ioreqd_stream *one)
{
    return one->connected;
}

static int stream_size(struct ioreqd_stream *one, uint16_t *columns, uint16_t *rows)
{
    *columns = one->columns;
    *rows = 25;
    return 0;
}

/* ---- people, on the queues' loop ---- */

static void stir(struct ioreqd_stream *one)
{
    unsigned events = one->wanted & (IOREQD_READABLE | IOREQD_WRITABLE);

    switch (any(8)) {
    case 0:
        one->connected = !one->connected;
        events |= IOREQD_CONNECTED;
        break;
    case 1:
        one->columns = (uint16_t)(80 + any(3));
        events |= one->wanted & IOREQD_RESIZED;
        break;
    default:
        break;
    }
    if (events != 0) {
        one->ready(one->argument, events);
    }
}

static void *run_queues(void *argument)
{
    (void)argument;
    while (!atomic_load(&stop)) {
        if (!run_one(&queue_loop)) {
            stir(&stream[any(STREAMS)]);
        }
    }
    return NULL;
}

/* ---- the driver, on the main loop ---- */

static void ring(void *argument)
{
    driver.model->bell(fake_device(fake), driver.state, (unsigned)((struct ioreqd_work *)argument - bell_work), 0);
}

static void say(unsigned place, unsigned port, unsigned event)
{
    struct part part = {0x8000 + 8 * place, 8, 0};
    const uint8_t byte[8] = {(uint8_t)port, 0, 0, 0, (uint8_t)event, 0, 1, 0};

    memcpy(fake->ram + part.address, byte, sizeof(byte));
    driver_add(&driver, 3, &part, 1);
}

/* All buffers are there before the device runs: later the rings are the device's alone. */
static void start(unsigned round)
{
    driver_negotiate(&driver, F_VERSION_1 | (round % 4 != 0 ? 3 : 1));
    driver_write(&driver, CONFIG_VECTOR, 2, 0);
    for (uint16_t i = 0; i < QUEUES; i++) {
        driver_set_queue(&driver, i, SIZE);
    }
    for (unsigned i = 0; i < SIZE; i++) {
        driver_add(&driver, 2, &(struct part){0x9000 + 128 * i, 128, WRITE}, 1);
        for (unsigned queue = 0; queue < QUEUES; queue += 4) {
            driver_add(&driver, queue, &(struct part){0xa000 + 64 * i, 64, WRITE}, 1);
            driver_add(&driver, queue + 1, &(struct part){0xc0000, 100 * i + 1, 0}, 1);
        }
    }
    say(0, 0, 0);
    say(1, 0, 3);
    say(2, 1, 3);
    say(3, 0, 6);
    say(4, 1, 6);
    driver_write(&driver, STATUS, 1, 0xf);
}

static bool wait_for(bool (*condition)(void))
{
    time_t since = time(NULL);

    while (!condition()) {
        run_one(&main_loop);
        if (time(NULL) - since > PATIENCE) {
            return false;
        }
    }
    return true;
}

static bool is_reset(void)
{
    return driver_status(&driver) == 0;
}

static unsigned quiesced_before;

static bool is_quiet(void)
{
    return fake->quiesced != quiesced_before;
}

static bool rest(void)
{
    struct ioreqd_device *device = fake_device(fake);

    quiesced_before = fake->quiesced;
    driver.model->quiesce(device, driver.state);
    if (!wait_for(is_quiet)) {
        return false;
    }
    atomic_store(&quiet, true);
    for (unsigned i = 0; i < 50; i++) {
        run_one(&main_loop);
    }
    atomic_store(&quiet, false);
    driver.model->resume(device, driver.state);
    return true;
}

static bool run(void)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        start(round);
        for (unsigned i = 0; i < round % 50; i++) {
            run_one(&main_loop);
            driver_write(&driver, CONFIG + 8, 4, 'e');
            (void)driver_read(&driver, CONFIG, 2);
            post((struct ioreqd_loop *)&queue_loop, &bell_work[i % QUEUES]);
            if (i % 20 == 13 && !rest()) {
                fprintf(stderr, "round %u: no rest\n", round);
                return false;
            }
        }
        driver_write(&driver, STATUS, 1, 0);
        if (!wait_for(is_reset)) {
            fprintf(stderr, "round %u: no end of reset\n", round);
            return false;
        }
    }
    return true;
}

static void give(const struct ioreqd_model *model, void *state, const char *property, struct ioreqd_stream *one)
{
    const struct ioreqd_property *at = model->property;

    while (strcmp(at->name, property) != 0) {
        at++;
    }
    memcpy((char *)state + at->offset, &one, sizeof(one));
}

int main(void)
{
    const struct ioreqd_model *model;
    pthread_t thread;
    void *state;
    bool good;

    host = fake_host;
    host.main_loop = get_main_loop;
    host.queue_loop = get_queue_loop;
    host.post = post;
    host.msix = msix;
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
    fake = fake_create(0);
    for (unsigned i = 0; i < QUEUES; i++) {
        bell_work[i] = (struct ioreqd_work){.run = ring, .argument = &bell_work[i]};
    }
    model = ioreqd_module(&host)[0];
    state = calloc(1, model->state_size);
    give(model, state, "stream", &stream[0]);
    give(model, state, "port1", &stream[1]);
    if (driver_begin(&driver, fake, model, state) != 0) {
        return EXIT_FAILURE;
    }
    pthread_create(&thread, NULL, run_queues, NULL);
    good = run();
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    driver_end(&driver);
    if (violations != 0 || moved == 0) {
        fprintf(stderr, "%u uses of streams while quiet; %u bytes moved\n", violations, moved);
        good = false;
    }
    good = good && fake->windows == 0 && fake->pinned == 0;
    free(state);
    fake_destroy(fake);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
