/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Storms, see storm.h. Two vCPUs, each a thread, keep the queues full; a third, the test's, does what a driver may do at
 * any time, and what none should. A queue's lock is held by whoever touches its ring or buffers: so after a reset has
 * been confirmed, only the device could still write there.
 *
 * IOREQD_STORM_STEPS and IOREQD_STORM_SEED make another storm.
 */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/worker/storm_private.h"

#define MEMORY  (UINT64_C(8) << 20)
#define STEPS   300u
#define SECONDS 15 /* the storm ends then, however many steps it has made: emulators are slow */

/* How often each is made. */

/* How often each is made. */
static const enum storm_step choice[] = {RESET,        RESET,      FUNCTION_RESET, QUEUE_RESETS, QUEUE_RESETS,
                                         QUEUE_RESETS, MASTER_OFF, MASTER_OFF,     INVALIDATE,   PUNCH,
                                         RUBBISH,      DRAIN,      DRAIN,          DRAIN};

static const char *const step_names[STORM_STEP_KINDS] = {
    "resets", "function resets", "queue resets", "bus master off", "invalidations", "holes", "rubbish", "drained"};

struct storm storm;

uint32_t storm_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

time_t storm_now(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec;
}

bool storm_give_up(const char *what)
{
    snprintf(storm.wrong, sizeof(storm.wrong), "%s", what);
    return false;
}

static bool open_device(void)
{
    struct stack_options options = {
        .sim = {.memory = MEMORY, .vcpus = STORM_THREADS + 1}, .module = storm.kind->module, .key = storm.kind->key};
    struct pci_space space;
    char value[96];

    snprintf(value, sizeof(value), "%s%s", storm.kind->value != NULL ? storm.kind->value : "",
             storm.kind->peer != NULL && storm.kind->value != NULL ? storm.place : "");
    options.value = value;
    if (!stack_open(&storm.stack, &options) || !stack_run(&storm.stack)) {
        return storm_give_up(storm.stack.error);
    }
    for (unsigned i = 0; i <= STORM_THREADS; i++) {
        storm.vcpu[i] = stack_vcpu(&storm.stack, i);
    }
    space = stack_space(&storm.stack);
    return (virtio_find(&storm.vcpu[0], storm.kind->device, &storm.function, &space) &&
            virtio_probe(&storm.virtio, &storm.vcpu[0], &storm.function)) ||
           storm_give_up("there is no such device");
}

static unsigned setting(const char *name, unsigned otherwise)
{
    const char *value = getenv(name);

    return value != NULL ? (unsigned)strtoul(value, NULL, 0) : otherwise;
}

static void *be_the_peer(void *unused)
{
    (void)unused;
    storm.kind->peer(storm.place, &storm.peer_over);
    return NULL;
}

static uint64_t counter(const char *name)
{
    const struct ioreqd_counter *at = module_models(storm.stack.module)[0]->counter;

    while (at->name != NULL && strcmp(at->name, name) != 0) {
        at++;
    }
    ck_assert_msg(at->name != NULL, "there is no counter %s", name);
    return atomic_load((_Atomic uint64_t *)(void *)((uint8_t *)device_state(storm.stack.device) + at->offset));
}

static bool has_grown(const char *name, uint64_t before)
{
    const time_t end = storm_now() + STORM_PATIENCE;

    while (counter(name) <= before) {
        if (storm_now() > end) {
            snprintf(storm.wrong, sizeof(storm.wrong), "counter %s has not grown", name);
            return false;
        }
        sched_yield();
    }
    return true;
}

/* After all of it: a reset, and no more, makes a device that works. */
static bool prove(uint32_t *seed)
{
    uint64_t before[3] = {0};
    const char *what;

    if (!storm_reset(seed)) {
        return false;
    }
    for (unsigned i = 0; i < 3 && storm.kind->counters[i] != NULL; i++) {
        before[i] = counter(storm.kind->counters[i]);
    }
    what = storm.kind->prove();
    if (what != NULL) {
        return storm_give_up(what);
    }
    for (unsigned i = 0; i < 3 && storm.kind->counters[i] != NULL; i++) {
        if (!has_grown(storm.kind->counters[i], before[i])) {
            return false;
        }
    }
    return true;
}

static bool make_steps(uint32_t *seed, unsigned *made)
{
    const unsigned steps = setting("IOREQD_STORM_STEPS", STEPS);
    const time_t end = storm_now() + SECONDS * (time_t)(1 + steps / (STEPS + 1));
    unsigned done = 0;

    for (; done < steps && storm_now() < end; done++) {
        enum storm_step step = choice[storm_random(seed) % (sizeof(choice) / sizeof(choice[0]))];

        if (!storm_make_step(step, seed)) {
            break;
        }
        made[step]++;
        usleep(storm_random(seed) % 2000);
    }
    return storm.wrong[0] == '\0';
}

static void run_storm(const struct storm_kind *of)
{
    uint32_t seed = setting("IOREQD_STORM_SEED", 1);
    pthread_t thread[STORM_THREADS], peer;
    unsigned made[STORM_STEP_KINDS] = {0};
    bool good;

    storm.kind = of;
    snprintf(storm.place, sizeof(storm.place), "/tmp/ioreqd-storm-%d", (int)getpid());
    if (storm.kind->peer != NULL) {
        ck_assert_int_eq(pthread_create(&peer, NULL, be_the_peer, NULL), 0);
    }
    for (unsigned i = 0; i < 10000 && storm.kind->peer_listens && access(storm.place, F_OK) != 0; i++) {
        usleep(1000);
    }
    ck_assert_msg(open_device(), "%s", storm.wrong);
    for (unsigned i = 0; i < STORM_QUEUES; i++) {
        pthread_mutex_init(&storm.queues[i].lock, NULL);
    }
    ck_assert_msg(storm_reset(&seed), "%s", storm.wrong);
    for (unsigned i = 0; i < STORM_THREADS; i++) {
        ck_assert_int_eq(pthread_create(&thread[i], NULL, storm_keep_full, &storm.vcpu[i + 1]), 0);
    }
    good = make_steps(&seed, made);
    atomic_store(&storm.over, true);
    for (unsigned i = 0; i < STORM_THREADS; i++) {
        pthread_join(thread[i], NULL);
    }
    good = good && prove(&seed);
    atomic_store(&storm.peer_over, true);
    if (storm.kind->peer != NULL) {
        pthread_join(peer, NULL);
    }
    printf("%s: %u requests, %u answers", storm.kind->module, atomic_load(&storm.requests),
           atomic_load(&storm.answers));
    for (unsigned i = 0; i < STORM_STEP_KINDS; i++) {
        printf(", %u %s", made[i], step_names[i]);
    }
    printf("\n");
    fflush(stdout);
    ck_assert_msg(good, "%s: %s", storm.kind->module, storm.wrong);
    ck_assert_uint_gt(atomic_load(&storm.answers), 0);
    stack_end(&storm.stack);
    ck_assert(storm.stack.rested);
    ck_assert_uint_eq(stack_close(&storm.stack), 0);
    unlink(storm.place);
}

START_TEST(storm_over)
{
    static const struct storm_kind *const all[] = {&storm_disk, &storm_network, &storm_console, &storm_vsock,
                                                   &storm_rng};

    run_storm(all[_i]);
}
END_TEST

int main(void)
{
    TCase *group = tcase_create("storm");
    Suite *suite = suite_create("storm");
    SRunner *runner;
    int failed;

    tcase_set_timeout(group, 300);
    tcase_add_loop_test(group, storm_over, 0, 5);
    suite_add_tcase(suite, group);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
