/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a request costs: no allocation, and few system calls. Each measurement prints a line. What cannot be measured here is
 * said, and then the program ends as one that was skipped (77).
 */
#define _GNU_SOURCE
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/worker/cost.h"

#define SKIPPED  77
#define REQUESTS 10000u

/*
 * The most that a request may cost on the average. One at a time has nobody to share with: the main loop makes 5 calls to take
 * the doorbell and pass it on, the queue's 4 to see it, send the request out and tell of its end, and 2 more to be woken by a
 * request that takes its time. How many of those are done together is the disk's affair, so its bound is that of one.
 */
static const struct {
    struct cost_disk disk;
    double calls;
} disks[] = {
    {{"writeback", false, 32, REQUESTS}, 0.5}, {{"writeback", true, 32, REQUESTS}, 0.5},
    {{"writeback", false, 1, REQUESTS}, 10},   {{"writeback", true, 1, REQUESTS}, 10},
    {{"none", false, 32, REQUESTS}, 12},       {{"none", true, 32, REQUESTS}, 12},
    {{"none", false, 1, REQUESTS}, 12},        {{"none", true, 1, REQUESTS}, 12},
};

#define DISKS  (sizeof(disks) / sizeof(disks[0]))
#define CACHED 4 /* of them, the first */

static const struct {
    struct cost_network network;
    double calls;
} networks[] = {
    {{false, 32, REQUESTS}, 0.5},
    {{true, 32, REQUESTS}, 0.5},
    {{false, 1, REQUESTS}, 4},
    {{true, 1, REQUESTS}, 4},
};

#define NETWORKS (sizeof(networks) / sizeof(networks[0]))

static const struct {
    long number;
    const char *name;
} names[] = {
#ifdef SYS_epoll_wait
    {SYS_epoll_wait, "epoll_wait"},
#endif
    {SYS_epoll_pwait, "epoll_pwait"},
    {SYS_epoll_ctl, "epoll_ctl"},
    {SYS_io_uring_enter, "io_uring_enter"},
    {SYS_read, "read"},
    {SYS_readv, "readv"},
    {SYS_write, "write"},
    {SYS_writev, "writev"},
    {SYS_recvfrom, "recv"},
    {SYS_recvmsg, "recvmsg"},
    {SYS_sendto, "send"},
    {SYS_sendmsg, "sendmsg"},
    {SYS_futex, "futex"},
    {SYS_newfstatat, "newfstatat"},
    {SYS_timerfd_settime, "timerfd_settime"},
};

static const char *name_of(unsigned number)
{
    static char text[24];

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].number == number) {
            return names[i].name;
        }
    }
    snprintf(text, sizeof(text), "call %u", number);
    return text;
}

static double each(const struct cost *cost, uint64_t count)
{
    return (double)count / cost->requests;
}

/* The line, and what it has to be. */
static void judge(struct cost *cost, const char *name, double most)
{
    double calls = each(cost, cost->all_calls + cost->hypercalls);

    printf("%s: %.3f system calls (hypervisor %.3f", name, calls, each(cost, cost->hypercalls));
    for (unsigned i = 0; i < COST_CALLS; i++) {
        if (cost->calls[i] != 0) {
            printf(", %s %.3f", name_of(i), each(cost, cost->calls[i]));
        }
    }
    printf("), %.4f allocations\n", each(cost, cost->allocations));
    fflush(stdout);
    ck_assert_uint_eq(cost->allocations, 0);
    ck_assert_uint_eq(cost->frees, 0);
    ck_assert(calls > 0); /* nothing counted is nothing measured */
    ck_assert_msg(calls <= most, "%s: %.3f system calls a request are more than %.3f", name, calls, most);
    cost_free(cost);
}

START_TEST(disk)
{
    const struct cost_disk *what = &disks[_i].disk;
    struct cost *cost;
    const char *wrong = cost_measure(&cost, cost_disk, what);
    char name[64];

    ck_assert_msg(wrong == NULL, "%s", wrong);
    snprintf(name, sizeof(name), "disk %s, cache=%s, depth %u", what->write ? "write" : "read", what->cache,
             what->depth);
    judge(cost, name, disks[_i].calls);
}
END_TEST

START_TEST(network)
{
    const struct cost_network *what = &networks[_i].network;
    struct cost *cost;
    const char *wrong = cost_measure(&cost, cost_network, what);
    char name[64];

    ck_assert_msg(wrong == NULL, "%s", wrong);
    snprintf(name, sizeof(name), "network %s, depth %u", what->receive ? "receive" : "send", what->depth);
    judge(cost, name, networks[_i].calls);
}
END_TEST

/* A guest that allocates once and makes one system call is seen to: by a thread, as ioreqd's are. */
static void *wasteful(void *argument)
{
    const _Atomic int *turn = argument;
    void *volatile memory;

    while (atomic_load(turn) == 0) {
        usleep(1000);
    }
    memory = malloc(16);
    free(memory);
    for (unsigned i = 0; i < 100; i++) {
        (void)getppid();
    }
    atomic_store((_Atomic int *)argument, 2);
    while (atomic_load(turn) == 2) {
        usleep(1000);
    }
    return NULL;
}

static const char *waste(const void *what)
{
    static _Atomic int turn;
    pthread_t thread;

    (void)what;
    if (pthread_create(&thread, NULL, wasteful, &turn) != 0) {
        return "no thread";
    }
    cost_begin(1);
    atomic_store(&turn, 1);
    while (atomic_load(&turn) == 1) {
        usleep(1000);
    }
    cost_end();
    atomic_store(&turn, 3);
    pthread_join(thread, NULL);
    return NULL;
}

START_TEST(waste_is_seen)
{
    struct cost *cost;
    const char *wrong = cost_measure(&cost, waste, NULL);

    ck_assert_msg(wrong == NULL, "%s", wrong);
    ck_assert_uint_eq(cost->allocations, 1);
    ck_assert_uint_eq(cost->frees, 1);
    ck_assert_uint_eq(cost->calls[SYS_getppid], 100);
    cost_free(cost);
}
END_TEST

/* ---- what can be measured here ---- */

static const char *cannot_measure(void)
{
    if (COST_SANITIZED) {
        return "a sanitizer allocates, and makes system calls";
    }
    if (getenv("EMULATOR") != NULL && getenv("EMULATOR")[0] != '\0') {
        return "system calls of programs in an emulator are the emulator's";
    }
    return cost_cannot_trace();
}

static bool has_uring(void)
{
#ifdef HAVE_LIBURING
    struct io_uring_params params;
    int descriptor;

    memset(&params, 0, sizeof(params));
    descriptor = (int)syscall(SYS_io_uring_setup, 1, &params);
    if (descriptor >= 0) {
        close(descriptor);
    }
    return descriptor >= 0;
#else
    return false;
#endif
}

/* Where the images are made. */
static bool has_direct(void)
{
    char path[] = "/tmp/test-cost-XXXXXX";
    int descriptor = mkostemp(path, O_DIRECT | O_CLOEXEC);

    if (descriptor >= 0) {
        close(descriptor);
    }
    unlink(path);
    return descriptor >= 0;
}

static void tell_skipped(bool *skipped, const char *what, const char *why)
{
    printf("SKIP: %s: %s\n", what, why);
    *skipped = true;
}

int main(void)
{
    const char *why = cannot_measure();
    bool skipped = false;
    SRunner *runner;
    Suite *suite;
    TCase *group;
    int failed;

    if (why != NULL) {
        tell_skipped(&skipped, "all", why);
        return SKIPPED;
    }
    suite = suite_create("cost");
    group = tcase_create("cost");
    tcase_set_timeout(group, 120);
    tcase_add_test(group, waste_is_seen);
    if (!has_uring()) {
        tell_skipped(&skipped, "disks", "there is no io_uring, or it is forbidden");
    } else {
        tcase_add_loop_test(group, disk, 0, CACHED);
        if (has_direct()) {
            tcase_add_loop_test(group, disk, CACHED, DISKS);
        } else {
            tell_skipped(&skipped, "disks with cache=none", "the file system of /tmp has no O_DIRECT");
        }
    }
    tcase_add_loop_test(group, network, 0, NETWORKS);
    fflush(stdout); /* not once more by each test's process */
    suite_add_tcase(suite, group);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0 ? EXIT_FAILURE : skipped ? SKIPPED : EXIT_SUCCESS;
}
