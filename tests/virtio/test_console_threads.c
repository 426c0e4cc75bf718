/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-console with loops that are threads: people come, go, type and read on the queues' loop, while on the main loop
 * a driver starts and resets, cries for help, and the host asks for rest. Made for -fsanitize=thread, and of use without.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/virtio/threads.h"

#define ROUNDS  150u
#define SIZE    16
#define STREAMS 2
#define QUEUES  THREADS_QUEUES

struct ioreqd_stream {
    void (*ready)(void *argument, unsigned events);
    void *argument;
    unsigned wanted;
    bool connected;
    uint16_t columns;
};

static atomic_bool quiet;
static atomic_uint moved, violations;
static struct ioreqd_stream stream[STREAMS];
static unsigned seed = 1; /* of the queues' loop */

static unsigned any(unsigned below)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 16) % below;
}

/* ---- the host ---- */

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

static void turn(unsigned loop, bool busy)
{
    (void)loop;
    if (!busy) {
        stir(&stream[any(STREAMS)]);
    }
}

/* ---- the driver, on the main loop ---- */

static void say(unsigned place, unsigned port, unsigned event)
{
    struct part part = {0x8000 + 8 * place, 8, 0};
    const uint8_t byte[8] = {(uint8_t)port, 0, 0, 0, (uint8_t)event, 0, 1, 0};

    memcpy(threads_fake->ram + part.address, byte, sizeof(byte));
    driver_add(&threads_driver, 3, &part, 1);
}

/* All buffers are there before the device runs: later the rings are the device's alone. */
static void start(unsigned round)
{
    driver_negotiate(&threads_driver, F_VERSION_1 | (round % 4 != 0 ? 3 : 1));
    driver_write(&threads_driver, CONFIG_VECTOR, 2, 0);
    for (uint16_t i = 0; i < QUEUES; i++) {
        driver_set_queue(&threads_driver, i, SIZE);
    }
    for (unsigned i = 0; i < SIZE; i++) {
        driver_add(&threads_driver, 2, &(struct part){0x9000 + 128 * i, 128, WRITE}, 1);
        for (unsigned queue = 0; queue < QUEUES; queue += 4) {
            driver_add(&threads_driver, queue, &(struct part){0xa000 + 64 * i, 64, WRITE}, 1);
            driver_add(&threads_driver, queue + 1, &(struct part){0xc0000, 100 * i + 1, 0}, 1);
        }
    }
    say(0, 0, 0);
    say(1, 0, 3);
    say(2, 1, 3);
    say(3, 0, 6);
    say(4, 1, 6);
    driver_write(&threads_driver, STATUS, 1, 0xf);
}

static unsigned quiesced_before;

static bool is_quiet(void)
{
    return threads_fake->quiesced != quiesced_before;
}

static bool rest(void)
{
    struct ioreqd_device *device = fake_device(threads_fake);

    quiesced_before = threads_fake->quiesced;
    threads_driver.model->quiesce(device, threads_driver.state);
    if (!threads_wait(is_quiet)) {
        return false;
    }
    atomic_store(&quiet, true);
    for (unsigned i = 0; i < 50; i++) {
        threads_turn();
    }
    atomic_store(&quiet, false);
    threads_driver.model->resume(device, threads_driver.state);
    return true;
}

static bool run(void)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        start(round);
        for (unsigned i = 0; i < round % 50; i++) {
            threads_turn();
            driver_write(&threads_driver, CONFIG + 8, 4, 'e');
            (void)driver_read(&threads_driver, CONFIG, 2);
            threads_ring(i % QUEUES);
            if (i % 20 == 13 && !rest()) {
                fprintf(stderr, "round %u: no rest\n", round);
                return false;
            }
        }
        driver_write(&threads_driver, STATUS, 1, 0);
        if (!threads_wait(threads_is_reset)) {
            fprintf(stderr, "round %u: no end of reset\n", round);
            return false;
        }
    }
    return true;
}

static void set(const struct ioreqd_property *property, void *place)
{
    struct ioreqd_stream *first = &stream[0], *second = &stream[1];

    if (strcmp(property->name, "stream") == 0) {
        memcpy(place, &first, sizeof(first));
    } else if (strcmp(property->name, "port1") == 0) {
        memcpy(place, &second, sizeof(second));
    }
}

int main(void)
{
    struct ioreqd_host host = fake_host;
    const struct threads_test test = {.host = &host,
                                      .loops = 1,
                                      .queues_of_loop = QUEUES,
                                      .patience = 10,
                                      .driver_errs = true,
                                      .set = set,
                                      .turn = turn,
                                      .run = run};
    bool good;

    threads_make_host(&host);
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
    good = threads_run(&test);
    if (violations != 0 || moved == 0) {
        fprintf(stderr, "%u uses of streams while quiet; %u bytes moved\n", violations, moved);
        good = false;
    }
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
