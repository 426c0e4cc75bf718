/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio library with loops that are threads: a driver that honours notification suppression must never wait for
 * ever, and may reset at any moment. The driver runs on the main loop's thread; the queue's loop has another. Made for
 * -fsanitize=thread, and of use without.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/virtio/driver.h"

#define SIZE     8
#define BUFFERS  10000u
#define RESETS   300u
#define PATIENCE 10 /* seconds without progress that are a lost notification */

/* A loop of works, and of file requests that complete some time later on the same loop. */
struct thread_loop {
    pthread_mutex_t lock;
    struct ioreqd_work *first;
    struct ioreqd_work **end;
    struct ioreqd_file_request *file[64];
    unsigned files;
};

static struct thread_loop main_loop = {.lock = PTHREAD_MUTEX_INITIALIZER, .end = &main_loop.first};
static struct thread_loop queue_loop = {.lock = PTHREAD_MUTEX_INITIALIZER, .end = &queue_loop.first};
static atomic_bool stop;
static struct ioreqd_host host;
static struct driver driver;
static struct fake *fake;
static struct ioreqd_work bell_work;

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

/* On the queue's loop alone. */
static void file_submit(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_file *file,
                        struct ioreqd_file_request *request)
{
    (void)device;
    (void)loop;
    (void)file;
    queue_loop.file[queue_loop.files++] = request;
}

static void msix(struct ioreqd_device *device, unsigned vector)
{
    (void)device;
    (void)vector;
}

static void *run_queue(void *argument)
{
    unsigned turn = 0;

    (void)argument;
    while (!atomic_load(&stop)) {
        bool busy = run_one(&queue_loop);

        if (queue_loop.files != 0 && (!busy || ++turn % 3 == 0)) {
            struct ioreqd_file_request *request = queue_loop.file[--queue_loop.files];

            request->result = 0;
            request->done(request);
        } else if (!busy) {
            sched_yield(); /* a busy machine may have one processor left for both */
        }
    }
    return NULL;
}

static void ring(void *argument)
{
    (void)argument;
    driver.model->bell(fake_device(fake), driver.state, 0, 0);
}

static uint16_t *at16(uint64_t address)
{
    return (uint16_t *)(void *)(fake->ram + address);
}

static void set_queue(uint64_t features)
{
    static const struct {
        uint32_t offset, size, value;
    } writes[] = {{QUEUE_SELECT, 2, 0},
                  {QUEUE_SIZE, 2, SIZE},
                  {QUEUE_DESC, 4, DESC_AREA(0)},
                  {QUEUE_DRIVER, 4, DRIVER_AREA(0)},
                  {QUEUE_DEVICE, 4, DEVICE_AREA(0)},
                  {QUEUE_ENABLE, 2, 1},
                  {STATUS, 1, 0xf}};

    memset(fake->ram + DESC_AREA(0), 0, 0x10000);
    for (uint16_t i = 0; i < SIZE; i++) { /* each a flush: header and status */
        fake->ram[0x8000 + 16 * i] = 4;
    }
    driver.size = SIZE;
    driver_negotiate(&driver, features);
    for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
        driver_write(&driver, writes[i].offset, writes[i].size, writes[i].value);
    }
}

static uint16_t available; /* our index */
static bool packed;
static uint16_t buffers_used; /* packed: how many came back, and where the next one will */
static uint16_t next_used;
static bool used_wrap;
static uint32_t ids_used; /* a bit for each id that came back and was not given out again */

/* Chains of two descriptors: a lap of the ring has SIZE / 2 of them. */
static bool lap_of(uint16_t index)
{
    return index / (SIZE / 2) % 2 == 0;
}

/* Whether the device wants to hear of the descriptors of the buffer that was just made available (§2.8.10). */
static bool packed_is_wanted(void)
{
    uint16_t flags = __atomic_load_n(at16(DEVICE_AREA(0) + 2), __ATOMIC_ACQUIRE);
    uint16_t place = __atomic_load_n(at16(DEVICE_AREA(0)), __ATOMIC_RELAXED);
    uint16_t index = (uint16_t)(available - 1);
    uint16_t head = (uint16_t)(2 * (index % (SIZE / 2)));
    uint16_t mine = (uint16_t)(head | (lap_of(index) ? 0x8000 : 0));

    return flags == 0 || (flags == 2 && (place == mine || place == mine + 1));
}

/* Ids, as the library checks them, must not be in flight: the lowest that came back. */
static uint16_t take_id(void)
{
    uint16_t id = (uint16_t)__builtin_ctz(ids_used);

    ids_used &= ~(1u << id);
    return id;
}

static void put_packed(uint16_t slot)
{
    uint16_t head = (uint16_t)(2 * slot);
    uint16_t lap = lap_of(available) ? AVAILABLE : USED;
    uint16_t id = take_id();
    struct part part = {0x9000 + head, 1, (uint16_t)(WRITE | lap)};

    driver_packed(&driver, 0, (uint16_t)(head + 1), part, id);
    /* The first descriptor's flags last: the device looks at nothing else (§2.8.17). */
    uint8_t *to = fake->ram + DESC_AREA(0) + 16 * head;
    uint64_t address = 0x8000;
    uint32_t length = 16;

    memcpy(to, &address, 8);
    memcpy(to + 8, &length, 4);
    memcpy(to + 12, &id, 2);
    __atomic_store_n(at16(DESC_AREA(0) + 16u * head + 14), (uint16_t)(NEXT | lap), __ATOMIC_RELEASE);
}

/* Sees what the device has used: each used descriptor stands for the chains up to that of its id. */
static void see_packed(void)
{
    for (;;) {
        uint16_t flags = __atomic_load_n(at16(DESC_AREA(0) + 16u * next_used + 14), __ATOMIC_ACQUIRE);
        uint16_t id;

        if (((flags & AVAILABLE) != 0) != used_wrap || ((flags & USED) != 0) != used_wrap) {
            return;
        }
        id = *at16(DESC_AREA(0) + 16u * next_used + 12);
        ids_used |= 1u << (id % 32);
        buffers_used++;
        next_used = (uint16_t)((next_used + 2) % SIZE);
        used_wrap ^= next_used == 0;
    }
}

static uint16_t used_index(void)
{
    if (packed) {
        see_packed();
        return buffers_used;
    }
    return __atomic_load_n(at16(DEVICE_AREA(0) + 2), __ATOMIC_ACQUIRE);
}

static void make_available(bool event_idx)
{
    uint16_t slot = available % (SIZE / 2);
    uint16_t head = (uint16_t)(2 * slot);
    bool wanted;

    if (packed) {
        put_packed(slot);
        available++;
    } else {
        driver_descriptor(&driver, 0, head, (struct part){0x8000, 16, NEXT}, (uint16_t)(head + 1));
        driver_descriptor(&driver, 0, (uint16_t)(head + 1), (struct part){0x9000 + head, 1, WRITE}, 0);
        __atomic_store_n(at16(DRIVER_AREA(0) + 4 + 2u * (available % SIZE)), head, __ATOMIC_RELAXED);
        available++;
        __atomic_store_n(at16(DRIVER_AREA(0) + 2), available, __ATOMIC_RELEASE);
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (packed) {
        wanted = packed_is_wanted();
    } else if (event_idx) {
        wanted = __atomic_load_n(at16(DEVICE_AREA(0) + 4 + 8 * SIZE), __ATOMIC_RELAXED) == (uint16_t)(available - 1);
    } else {
        wanted = __atomic_load_n(at16(DEVICE_AREA(0)), __ATOMIC_RELAXED) == 0;
    }
    if (wanted) {
        post(get_queue_loop(NULL, 0), &bell_work);
    }
}

/* Runs the main loop until the condition holds; false when it does not in time. */
static bool wait_for(bool (*condition)(void))
{
    time_t since = time(NULL);

    while (!condition()) {
        if (!run_one(&main_loop)) {
            sched_yield();
        }
        if (time(NULL) - since > PATIENCE) {
            return false;
        }
    }
    return true;
}

static bool has_room(void)
{
    return (uint16_t)(available - used_index()) < SIZE / 2;
}

static bool is_reset(void)
{
    return driver_status(&driver) == 0;
}

/* Buffers are used out of order: a slot is free again only when all before it are. */
static bool all_used(void)
{
    return available == used_index();
}

static bool run(uint64_t features)
{
    packed = (features & F_PACKED) != 0;
    for (unsigned round = 0; round <= RESETS; round++) {
        unsigned buffers = round == RESETS ? BUFFERS : round % 23;

        available = 0;
        buffers_used = 0;
        next_used = 0;
        used_wrap = true;
        ids_used = (1u << SIZE) - 1;
        set_queue(features);
        for (unsigned i = 0; i < buffers; i++) {
            make_available((features & F_EVENT_IDX) != 0);
            if (!wait_for(i % 4 == 3 ? all_used : has_room)) {
                fprintf(stderr, "round %u: lost a notification at %u\n", round, i);
                return false;
            }
        }
        driver_write(&driver, STATUS, 1, 0);
        if (!wait_for(is_reset)) {
            fprintf(stderr, "round %u: no end of reset\n", round);
            return false;
        }
    }
    return fake->guest_errors == 0;
}

int main(void)
{
    const struct ioreqd_model *model;
    struct ioreqd_file *file;
    pthread_t thread;
    void *state;
    bool good;

    host = fake_host;
    host.main_loop = get_main_loop;
    host.queue_loop = get_queue_loop;
    host.post = post;
    host.file_submit = file_submit;
    host.msix = msix;
    fake = fake_create(512);
    bell_work = (struct ioreqd_work){.run = ring};
    model = ioreqd_module(&host)[0];
    state = calloc(1, model->state_size);
    for (const struct ioreqd_property *one = model->property; one->name != NULL; one++) {
        if (one->kind == IOREQD_PROPERTY_FILE) {
            file = &fake->file;
            memcpy((char *)state + one->offset, &file, sizeof(file));
        } else if (one->kind == IOREQD_PROPERTY_U32) {
            *(uint32_t *)(void *)((char *)state + one->offset) = 64;
        }
    }
    if (driver_begin(&driver, fake, model, state) != 0) {
        return EXIT_FAILURE;
    }
    pthread_create(&thread, NULL, run_queue, NULL);
    good = run(F_VERSION_1) && run(F_VERSION_1 | F_EVENT_IDX) && run(F_VERSION_1 | F_PACKED) &&
           run(F_VERSION_1 | F_PACKED | F_EVENT_IDX);
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    driver_end(&driver);
    good = good && fake->windows == 0 && fake->pinned == 0;
    free(state);
    fake_destroy(fake);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
