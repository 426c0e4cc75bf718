/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Event loops: work that is posted runs, in order, once for what was posted before it ran, and never stays lying.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include <event2/event.h>

#include "device/loop.h"
#include "tests/device/bench.h"

#define THREADS 4u
#define POSTS   25000u

static struct ioreqd_loop *loop;

/* A piece of work that notes how far its source was when it ran. */
struct job {
    struct ioreqd_work work;
    atomic_uint made; /* by the source, before each post */
    atomic_uint seen; /* made, when the work ran last */
    atomic_uint runs;
};

static struct job jobs[THREADS];
static struct job shared;

static void run_job(void *argument)
{
    struct job *job = argument;

    atomic_fetch_add(&job->runs, 1);
    atomic_store(&job->seen, atomic_load(&job->made));
}

static void make_job(struct job *job)
{
    memset(job, 0, sizeof(*job));
    job->work.run = run_job;
    job->work.argument = job;
}

static void open_loop(void)
{
    loop = loop_create();
    ck_assert_ptr_nonnull(loop);
    for (unsigned i = 0; i < THREADS; i++) {
        make_job(&jobs[i]);
    }
    make_job(&shared);
}

static void close_loop(void)
{
    loop_destroy(loop);
}

static bool is_seen(void *argument)
{
    struct job *job = argument;

    return atomic_load(&job->seen) == atomic_load(&job->made);
}

static void post(struct job *job)
{
    atomic_fetch_add(&job->made, 1);
    loop_post(loop, &job->work);
}

/* The last post of each thread is seen, though the loop falls asleep and wakes all the time. */
static void *post_many(void *argument)
{
    struct job *job = argument;

    for (unsigned i = 0; i < POSTS; i++) {
        post(job);
        if (i % 7 == 0) {
            post(&shared);
        }
        if (i % 100 == 0 && !bench_wait(is_seen, job)) { /* let it sleep */
            return job;
        }
    }
    return NULL;
}

START_TEST(no_post_is_lost)
{
    pthread_t thread[THREADS];

    ck_assert_int_eq(loop_start(loop, "test"), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&thread[i], NULL, post_many, &jobs[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        void *stuck;

        ck_assert_int_eq(pthread_join(thread[i], &stuck), 0);
        ck_assert_msg(stuck == NULL, "a post of thread %u was lost", i);
    }
    ck_assert(bench_wait(is_seen, &shared));
    for (unsigned i = 0; i < THREADS; i++) {
        ck_assert(bench_wait(is_seen, &jobs[i]));
        ck_assert_uint_eq(atomic_load(&jobs[i].made), POSTS);
        ck_assert_uint_le(atomic_load(&jobs[i].runs), POSTS);
    }
}
END_TEST

/* Ping-pong between two loops: every post meets a loop that is just falling asleep. */
static struct ioreqd_loop *other;
static struct ioreqd_work ping, pong;
static atomic_uint rallies;

static void run_ping(void *argument)
{
    (void)argument;
    loop_post(other, &pong);
}

static void run_pong(void *argument)
{
    (void)argument;
    if (atomic_fetch_add(&rallies, 1) + 1 < POSTS) {
        loop_post(loop, &ping);
    }
}

static bool is_over(void *argument)
{
    (void)argument;
    return atomic_load(&rallies) == POSTS;
}

START_TEST(loops_wake_each_other)
{
    ping.run = run_ping;
    pong.run = run_pong;
    other = loop_create();
    ck_assert_int_eq(loop_start(loop, "ping"), 0);
    ck_assert_int_eq(loop_start(other, "pong"), 0);
    loop_post(loop, &ping);
    ck_assert(bench_wait(is_over, NULL));
    loop_stop(loop);
    loop_destroy(other);
}
END_TEST

static struct job *order[8];
static unsigned ordered;

static void note_order(void *argument)
{
    order[ordered++] = argument;
}

static void break_loop(void *argument)
{
    loop_break(argument);
}

START_TEST(oldest_first_and_once)
{
    struct ioreqd_work end = {.run = break_loop, .argument = loop};

    for (unsigned i = 0; i < THREADS; i++) {
        jobs[i].work.run = note_order;
        loop_post(loop, &jobs[i].work);
    }
    loop_post(loop, &jobs[0].work);
    loop_post(loop, &jobs[2].work);
    loop_post(loop, &end);
    ck_assert_uint_eq(ordered, 0); /* nothing runs before the loop does */
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_uint_eq(ordered, THREADS);
    for (unsigned i = 0; i < THREADS; i++) {
        ck_assert_ptr_eq(order[i], &jobs[i]);
    }
    loop_post(loop, &jobs[1].work);
    loop_post(loop, &end);
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_uint_eq(ordered, THREADS + 1);
}
END_TEST

/* What a piece of work posts, itself included, runs in the same turn. */
static void post_again(void *argument)
{
    struct job *job = argument;

    if (atomic_fetch_add(&job->runs, 1) < 9) {
        loop_post(loop, &job->work);
        post(&jobs[1]);
    }
}

START_TEST(work_may_post)
{
    jobs[0].work.run = post_again;
    loop_post(loop, &jobs[0].work);
    loop_end_turn(loop);
    ck_assert_uint_eq(atomic_load(&jobs[0].runs), 10);
    ck_assert_uint_eq(atomic_load(&jobs[1].made), 9);
    ck_assert_uint_eq(atomic_load(&jobs[1].seen), 9);
}
END_TEST

/* The memory of a piece of work may end with its run. */
static void run_and_forget(void *argument)
{
    struct ioreqd_work *work = argument;

    memset(work, 0xee, sizeof(*work));
}

START_TEST(work_may_end_with_its_run)
{
    struct ioreqd_work work[3] = {{0}};

    for (unsigned i = 0; i < 3; i++) {
        work[i].run = run_and_forget;
        work[i].argument = &work[i];
        loop_post(loop, &work[i]);
    }
    loop_end_turn(loop);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(atomic_load(&work[i].posted), 0xeeeeeeee);
    }
}
END_TEST

static sigset_t mask_of_loop;
static pthread_t thread_of_loop;

static void note_thread(void *argument)
{
    pthread_sigmask(SIG_SETMASK, NULL, &mask_of_loop);
    thread_of_loop = pthread_self();
    run_job(argument);
}

/* Signals are the main thread's. */
START_TEST(a_loops_thread_takes_no_signals)
{
    sigset_t mask;

    ck_assert_int_eq(loop_start(loop, "a name of 15 ch"), 0);
    jobs[0].work.run = note_thread;
    post(&jobs[0]);
    ck_assert(bench_wait(is_seen, &jobs[0]));
    ck_assert(sigismember(&mask_of_loop, SIGTERM) && sigismember(&mask_of_loop, SIGHUP));
    ck_assert(!pthread_equal(thread_of_loop, pthread_self()));
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    ck_assert(!sigismember(&mask, SIGTERM));
}
END_TEST

START_TEST(a_stopped_loop_runs_nothing)
{
    loop_stop(loop); /* was not started: nothing to do */
    ck_assert_int_eq(loop_start(loop, "test"), 0);
    post(&jobs[0]);
    ck_assert(bench_wait(is_seen, &jobs[0]));
    loop_stop(loop);
    post(&jobs[0]);
    ck_assert_uint_eq(atomic_load(&jobs[0].runs), 1);
    loop_stop(loop);
    loop_destroy(NULL);
}
END_TEST

/* A piece of work that posts itself for ever does not keep the loop from being stopped. */
static void post_for_ever(void *argument)
{
    struct job *job = argument;

    run_job(job);
    loop_post(loop, &job->work);
}

START_TEST(a_busy_loop_can_be_stopped)
{
    jobs[0].work.run = post_for_ever;
    ck_assert_int_eq(loop_start(loop, "test"), 0);
    post(&jobs[0]);
    ck_assert(bench_wait(is_seen, &jobs[0]));
    loop_stop(loop);
}
END_TEST

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    run_job(&jobs[3]);
    loop_break(argument);
}

START_TEST(events_of_the_caller)
{
    const struct timeval soon = {.tv_usec = 1000};
    struct event *timer = evtimer_new(loop_event_base(loop), on_timer, loop);

    ck_assert_int_eq(event_add(timer, &soon), 0);
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_uint_eq(atomic_load(&jobs[3].runs), 1);
    event_free(timer);
}
END_TEST

/* Work without end keeps no event waiting. */
START_TEST(work_leaves_room_for_events)
{
    const struct timeval soon = {.tv_usec = 1000};
    struct event *timer = evtimer_new(loop_event_base(loop), on_timer, loop);

    jobs[0].work.run = post_for_ever;
    loop_post(loop, &jobs[0].work);
    ck_assert_int_eq(event_add(timer, &soon), 0);
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_uint_eq(atomic_load(&jobs[3].runs), 1);
    ck_assert_uint_gt(atomic_load(&jobs[0].runs), 1);
    event_free(timer);
}
END_TEST

TCase *loop_tests(void)
{
    TCase *group = tcase_create("loops");

    tcase_add_checked_fixture(group, open_loop, close_loop);
    tcase_set_timeout(group, 60);
    tcase_add_test(group, no_post_is_lost);
    tcase_add_test(group, loops_wake_each_other);
    tcase_add_test(group, oldest_first_and_once);
    tcase_add_test(group, work_may_post);
    tcase_add_test(group, work_may_end_with_its_run);
    tcase_add_test(group, a_loops_thread_takes_no_signals);
    tcase_add_test(group, a_stopped_loop_runs_nothing);
    tcase_add_test(group, a_busy_loop_can_be_stopped);
    tcase_add_test(group, events_of_the_caller);
    tcase_add_test(group, work_leaves_room_for_events);
    return group;
}
