/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio library and virtio-blk with loops that are threads: a driver that honours notification suppression must
 * never wait for ever, and may reset, change the cache mode or see the disk change its size at any moment. The driver runs
 * on the main loop's thread; each queue's loop has another. Made for -fsanitize=thread, and of use without.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/virtio/driver.h"

#define QUEUES   3
#define SIZE     8
#define BUFFERS  20000u
#define RESETS   300u
#define PATIENCE 10 /* seconds without progress that are a lost notification */

#define WRITEBACK    (CONFIG + 32)
#define F_FLUSH      (UINT64_C(1) << 9)
#define F_CONFIG_WCE (UINT64_C(1) << 11)
#define F_MQ         (UINT64_C(1) << 12)

/* A loop of works, and of file requests that complete some time later on the same loop. */
struct thread_loop {
    pthread_mutex_t lock;
    struct ioreqd_work *first;
    struct ioreqd_work **end;
    struct ioreqd_file_request *file[64];
    unsigned files;
};

static struct thread_loop main_loop = {.lock = PTHREAD_MUTEX_INITIALIZER, .end = &main_loop.first};
static struct thread_loop queue_loop[QUEUES];
static atomic_bool stop;
static struct ioreqd_host host;
static struct driver driver;
static struct fake *fake;
static struct ioreqd_work bell_work[QUEUES];

static struct ioreqd_loop *get_main_loop(struct ioreqd_device *device)
{
    (void)device;
    return (struct ioreqd_loop *)&main_loop;
}

static struct ioreqd_loop *get_queue_loop(struct ioreqd_device *device, unsigned queue)
{
    (void)device;
    return (struct ioreqd_loop *)&queue_loop[queue];
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

/* On the request's loop alone. */
static void file_submit(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_file *file,
                        struct ioreqd_file_request *request)
{
    struct thread_loop *of = (struct thread_loop *)loop;

    (void)device;
    (void)file;
    of->file[of->files++] = request;
}

static void msix(struct ioreqd_device *device, unsigned vector)
{
    (void)device;
    (void)vector;
}

static void *run_queue(void *argument)
{
    struct thread_loop *loop = argument;
    unsigned turn = 0;

    while (!atomic_load(&stop)) {
        bool busy = run_one(loop);

        if (loop->files != 0 && (!busy || ++turn % 3 == 0)) {
            struct ioreqd_file_request *request = loop->file[--loop->files];

            request->result = 0;
            request->done(request);
        } else if (!busy) {
            sched_yield();
        }
    }
    return NULL;
}

static void ring(void *argument)
{
    unsigned queue = (unsigned)((struct thread_loop *)argument - queue_loop);

    driver.model->bell(fake_device(fake), driver.state, queue, queue);
}

static uint16_t *at16(uint64_t address)
{
    return (uint16_t *)(void *)(fake->ram + address);
}

/* Where a slot of a queue has its header, with 512 bytes of data behind it, and its status. */
static uint32_t header_of(unsigned queue, unsigned slot)
{
    return 0x80000 + queue * 0x8000 + slot * 0x1000;
}

static uint32_t status_of(unsigned queue, unsigned slot)
{
    return header_of(queue, slot) + 0x800;
}

static void set_queue(unsigned queue)
{
    const struct {
        uint32_t offset, size, value;
    } writes[] = {{QUEUE_SELECT, 2, queue},
                  {QUEUE_SIZE, 2, SIZE},
                  {QUEUE_DESC, 4, DESC_AREA(queue)},
                  {QUEUE_DRIVER, 4, DRIVER_AREA(queue)},
                  {QUEUE_DEVICE, 4, DEVICE_AREA(queue)},
                  {QUEUE_ENABLE, 2, 1}};

    memset(fake->ram + DESC_AREA(queue), 0, 0x10000);
    for (unsigned slot = 0; slot < SIZE / 2; slot++) {
        memset(fake->ram + header_of(queue, slot), 0, 16);
        fake->ram[header_of(queue, slot)] = slot % 2 == 0 ? 4 : 1; /* a flush, or a write to the first sector */
    }
    for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
        driver_write(&driver, writes[i].offset, writes[i].size, writes[i].value);
    }
}

static uint16_t available[QUEUES]; /* our index */

static void start(uint64_t features)
{
    driver.size = SIZE;
    driver_negotiate(&driver, features);
    for (unsigned queue = 0; queue < QUEUES; queue++) {
        available[queue] = 0;
        set_queue(queue);
    }
    driver_write(&driver, STATUS, 1, 0xf);
}

static void make_available(unsigned queue, bool event_idx)
{
    uint16_t index = available[queue];
    uint16_t slot = index % (SIZE / 2);
    uint16_t head = (uint16_t)(2 * slot);
    bool wanted;

    driver_descriptor(&driver, queue, head, (struct part){header_of(queue, slot), 16 + 512, NEXT},
                      (uint16_t)(head + 1));
    driver_descriptor(&driver, queue, (uint16_t)(head + 1), (struct part){status_of(queue, slot), 1, WRITE}, 0);
    __atomic_store_n(at16(DRIVER_AREA(queue) + 4 + 2u * (index % SIZE)), head, __ATOMIC_RELAXED);
    available[queue] = (uint16_t)(index + 1);
    __atomic_store_n(at16(DRIVER_AREA(queue) + 2), available[queue], __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (event_idx) {
        wanted = __atomic_load_n(at16(DEVICE_AREA(queue) + 4 + 8 * SIZE), __ATOMIC_RELAXED) == index;
    } else {
        wanted = __atomic_load_n(at16(DEVICE_AREA(queue)), __ATOMIC_RELAXED) == 0;
    }
    if (wanted) {
        post(get_queue_loop(NULL, queue), &bell_work[queue]);
    }
}

/* What the main loop does meanwhile. */
static void disturb(unsigned turn)
{
    if (turn % 5 == 0) {
        driver_write(&driver, WRITEBACK, 1, turn / 5 % 2);
    }
    if (turn % 7 == 0) {
        fake->file.size = turn / 7 % 2 == 0 ? 512 : 1024;
        fake->file.resized(fake->file.resized_argument);
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

static uint16_t used(unsigned queue)
{
    return __atomic_load_n(at16(DEVICE_AREA(queue) + 2), __ATOMIC_ACQUIRE);
}

static bool has_room(void)
{
    bool room = true;

    for (unsigned queue = 0; queue < QUEUES; queue++) {
        room &= (uint16_t)(available[queue] - used(queue)) < SIZE / 2;
    }
    return room;
}

/* Buffers are used out of order: a slot is free again only when all before it are. */
static bool all_used(void)
{
    bool all = true;

    for (unsigned queue = 0; queue < QUEUES; queue++) {
        all &= available[queue] == used(queue);
    }
    return all;
}

static bool is_reset(void)
{
    return driver_status(&driver) == 0;
}

static bool run(uint64_t features)
{
    for (unsigned round = 0; round <= RESETS; round++) {
        unsigned buffers = round == RESETS ? BUFFERS : round % 23;

        start(features);
        for (unsigned i = 0; i < buffers; i++) {
            for (unsigned queue = 0; queue < QUEUES; queue++) {
                make_available(queue, (features & F_EVENT_IDX) != 0);
            }
            disturb(i);
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
    pthread_t thread[QUEUES];
    void *state;
    bool good;

    host = fake_host;
    host.main_loop = get_main_loop;
    host.queue_loop = get_queue_loop;
    host.post = post;
    host.file_submit = file_submit;
    host.msix = msix;
    fake = fake_create(512);
    for (unsigned i = 0; i < QUEUES; i++) {
        pthread_mutex_init(&queue_loop[i].lock, NULL);
        queue_loop[i].end = &queue_loop[i].first;
        bell_work[i] = (struct ioreqd_work){.run = ring, .argument = &queue_loop[i]};
    }
    model = ioreqd_module(&host)[0];
    state = calloc(1, model->state_size);
    for (const struct ioreqd_property *one = model->property; one->name != NULL; one++) {
        if (one->kind == IOREQD_PROPERTY_FILE) {
            file = &fake->file;
            memcpy((char *)state + one->offset, &file, sizeof(file));
        } else if (one->kind == IOREQD_PROPERTY_U32) {
            *(uint32_t *)(void *)((char *)state + one->offset) = strcmp(one->name, "queues") == 0 ? QUEUES : 64;
        }
    }
    if (driver_begin(&driver, fake, model, state) != 0) {
        return EXIT_FAILURE;
    }
    for (unsigned i = 0; i < QUEUES; i++) {
        pthread_create(&thread[i], NULL, run_queue, &queue_loop[i]);
    }
    good = run(F_VERSION_1 | F_FLUSH | F_CONFIG_WCE | F_MQ) &&
           run(F_VERSION_1 | F_FLUSH | F_CONFIG_WCE | F_MQ | F_EVENT_IDX);
    atomic_store(&stop, true);
    for (unsigned i = 0; i < QUEUES; i++) {
        pthread_join(thread[i], NULL);
    }
    driver_end(&driver);
    good = good && fake->windows == 0 && fake->pinned == 0;
    free(state);
    fake_destroy(fake);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
