/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loops that are threads, see threads.h. A loop's works are under its lock, the rest of it is its thread's.
 */
#include "tests/virtio/threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FILES 64

struct thread_loop {
    pthread_mutex_t lock;
    struct ioreqd_work *first;
    struct ioreqd_work **end;
    struct ioreqd_file_request *file[FILES]; /* complete some time later, on the same loop */
    unsigned files;
    pthread_t thread;
};

struct driver threads_driver;
struct fake *threads_fake;
uint16_t threads_available[THREADS_QUEUES];

static struct thread_loop main_loop, queue_loop[THREADS_LOOPS];
static struct ioreqd_work bell_work[THREADS_QUEUES];
static const struct threads_test *current;
static atomic_bool stop;

/* ---- loops ---- */

static void open_loop(struct thread_loop *loop)
{
    *loop = (struct thread_loop){.end = &loop->first};
    pthread_mutex_init(&loop->lock, NULL);
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

static void *run_queues(void *argument)
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
            sched_yield(); /* there may be more threads than processors */
        }
        if (current->turn != NULL) {
            current->turn(threads_loop((struct ioreqd_loop *)loop), busy);
        }
    }
    return NULL;
}

/* ---- the host ---- */

static struct ioreqd_loop *get_main_loop(struct ioreqd_device *device)
{
    (void)device;
    return (struct ioreqd_loop *)&main_loop;
}

static struct ioreqd_loop *get_queue_loop(struct ioreqd_device *device, unsigned queue)
{
    unsigned loop = queue / current->queues_of_loop;

    (void)device;
    return (struct ioreqd_loop *)&queue_loop[loop < current->loops ? loop : current->loops - 1];
}

unsigned threads_loop(struct ioreqd_loop *loop)
{
    return (unsigned)((struct thread_loop *)loop - queue_loop);
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

void threads_make_host(struct ioreqd_host *host)
{
    host->main_loop = get_main_loop;
    host->queue_loop = get_queue_loop;
    host->post = post;
    host->file_submit = file_submit;
    host->msix = msix;
}

/* ---- the driver ---- */

bool threads_turn(void)
{
    return run_one(&main_loop);
}

bool threads_wait(bool (*condition)(void))
{
    time_t since = time(NULL);

    while (!condition()) {
        if (!run_one(&main_loop)) {
            sched_yield();
        }
        if (time(NULL) - since > current->patience) {
            return false;
        }
    }
    return true;
}

bool threads_is_reset(void)
{
    return driver_status(&threads_driver) == 0;
}

static void hear_bell(void *argument)
{
    unsigned queue = (unsigned)((struct ioreqd_work *)argument - bell_work);

    threads_driver.model->bell(fake_device(threads_fake), threads_driver.state, queue, queue);
}

void threads_ring(unsigned queue)
{
    post(get_queue_loop(NULL, queue), &bell_work[queue]);
}

uint16_t *threads_at16(uint64_t address)
{
    return (uint16_t *)(void *)(threads_fake->ram + address);
}

uint16_t threads_used(unsigned queue)
{
    return __atomic_load_n(threads_at16(DEVICE_AREA(queue) + 2), __ATOMIC_ACQUIRE);
}

/* (§2.7.13) */
void threads_make_available(unsigned queue, uint16_t head, bool event_idx)
{
    uint16_t index = threads_available[queue]++;
    bool wanted;

    __atomic_store_n(threads_at16(DRIVER_AREA(queue) + 4 + 2u * (index % THREADS_SIZE)), head, __ATOMIC_RELAXED);
    __atomic_store_n(threads_at16(DRIVER_AREA(queue) + 2), threads_available[queue], __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (event_idx) {
        wanted = __atomic_load_n(threads_at16(DEVICE_AREA(queue) + 4 + 8 * THREADS_SIZE), __ATOMIC_RELAXED) == index;
    } else {
        wanted = __atomic_load_n(threads_at16(DEVICE_AREA(queue)), __ATOMIC_RELAXED) == 0;
    }
    if (wanted) {
        threads_ring(queue);
    }
}

/* ---- beginning and end ---- */

static void *make_state(const struct ioreqd_model *model)
{
    char *state = calloc(1, model->state_size);

    for (const struct ioreqd_property *one = model->property; state != NULL && one->name != NULL; one++) {
        current->set(one, state + one->offset);
    }
    return state;
}

static bool run_with_threads(void)
{
    bool good;

    for (unsigned i = 0; i < current->loops; i++) {
        if (pthread_create(&queue_loop[i].thread, NULL, run_queues, &queue_loop[i]) != 0) {
            abort();
        }
    }
    good = current->run();
    atomic_store(&stop, true);
    for (unsigned i = 0; i < current->loops; i++) {
        pthread_join(queue_loop[i].thread, NULL);
    }
    return good;
}

bool threads_run(const struct threads_test *test)
{
    const struct ioreqd_model *model = ioreqd_module(test->host)[0];
    bool good = false;
    void *state;

    current = test;
    open_loop(&main_loop);
    for (unsigned i = 0; i < test->loops; i++) {
        open_loop(&queue_loop[i]);
    }
    for (unsigned i = 0; i < THREADS_QUEUES; i++) {
        bell_work[i] = (struct ioreqd_work){.run = hear_bell, .argument = &bell_work[i]};
    }
    threads_fake = fake_create(test->file_size);
    state = make_state(model);
    if (driver_begin(&threads_driver, threads_fake, model, state) == 0) {
        good = run_with_threads();
        driver_end(&threads_driver);
    }
    if (threads_fake->windows != 0 || threads_fake->pinned != 0 ||
        (threads_fake->guest_errors != 0 && !test->driver_errs)) {
        fprintf(stderr, "%u windows, %u pieces, %u errors (%s)\n", threads_fake->windows, threads_fake->pinned,
                threads_fake->guest_errors, threads_fake->text);
        good = false;
    }
    free(state);
    fake_destroy(threads_fake);
    return good;
}
