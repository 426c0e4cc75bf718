/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traces a child's threads but its first, and counts their system calls, see cost.h. The test is one thread here; the
 * child is forked before it has any other.
 *
 * Each system call stops its thread twice, which makes the calls slow: requests gather a little more than they would. The
 * guest is not slowed down.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/worker/cost.h"

#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL)

/* Of <linux/ptrace.h>, which does not go with <sys/ptrace.h> everywhere. */
#define GET_SYSCALL_INFO 0x420e
#define SYSCALL_ENTRY    1
#define EVENT_STOP       128

struct call_info {
    uint8_t op;
    uint8_t padding[3];
    uint32_t architecture;
    uint64_t instruction, stack;
    uint64_t number;
    uint64_t argument[6];
};

/* ---- in the child ---- */

static struct cost *shared; /* with the test */
static int to_test = -1, from_test = -1;
static const struct hypervisor_ops *real;
static struct hypervisor_ops counted;
static _Thread_local unsigned place; /* of the thread in the table, plus one */

/* Says that what the thread does now is the simulation's. */
static void enter(void)
{
    if (place == 0) {
        int none = 0;

        do {
            none = 0;
            place++;
        } while (place < COST_THREADS && !atomic_compare_exchange_strong(&shared->thread[place - 1], &none, gettid()));
    }
    atomic_fetch_add(&shared->hypercalls, (uint64_t)atomic_load(&shared->counting));
    atomic_store(&shared->inside[place - 1], 1);
}

static void leave(void)
{
    atomic_store(&shared->inside[place - 1], 0);
}

static unsigned events(struct hypervisor *hypervisor, unsigned *vcpu, unsigned most)
{
    unsigned got;

    enter();
    got = real->events(hypervisor, vcpu, most);
    leave();
    return got;
}

static void answer(struct hypervisor *hypervisor, unsigned vcpu, uint64_t data)
{
    enter();
    real->answer(hypervisor, vcpu, data);
    leave();
}

static void rearm(struct hypervisor *hypervisor)
{
    enter();
    real->rearm(hypervisor);
    leave();
}

static int message(struct hypervisor *hypervisor, uint64_t address, uint32_t data)
{
    int rc;

    enter();
    rc = real->message(hypervisor, address, data);
    leave();
    return rc;
}

void cost_watch(struct stack *stack)
{
    real = stack->sim->ops;
    counted = *real;
    counted.events = events;
    counted.answer = answer;
    counted.rearm = rearm;
    counted.message = message;
    stack->sim->ops = &counted;
}

void cost_begin(unsigned requests)
{
    char go = 0;

    if (write(to_test, "r", 1) != 1 || read(from_test, &go, 1) != 1) {
        _exit(EXIT_FAILURE);
    }
    shared->requests = requests;
    shared->allocations = cost_allocations();
    shared->frees = cost_frees();
    atomic_store(&shared->counting, 1);
}

void cost_end(void)
{
    atomic_store(&shared->counting, 0);
    shared->allocations = cost_allocations() - shared->allocations;
    shared->frees = cost_frees() - shared->frees;
}

/* ---- in the test ---- */

static bool is_inside(const struct cost *cost, pid_t thread)
{
    for (unsigned i = 0; i < COST_THREADS && atomic_load(&cost->thread[i]) != 0; i++) {
        if (atomic_load(&cost->thread[i]) == thread) {
            return atomic_load(&cost->inside[i]) != 0;
        }
    }
    return false;
}

static void count_call(struct cost *cost, pid_t thread)
{
    struct call_info info;
    unsigned number;

    if (ptrace(GET_SYSCALL_INFO, thread, (void *)sizeof(info), &info) <= 0 || info.op != SYSCALL_ENTRY ||
        atomic_load(&cost->counting) == 0 || is_inside(cost, thread)) {
        return;
    }
    number = info.number < COST_CALLS ? (unsigned)info.number : COST_CALLS - 1;
    cost->calls[number]++;
    cost->all_calls++;
}

/* Lets a thread that has stopped go on to its next system call. */
static void go_on(struct cost *cost, pid_t thread, int status)
{
    int signal = WSTOPSIG(status);

    if (signal == (SIGTRAP | 0x80)) {
        count_call(cost, thread);
        signal = 0;
    } else if (status >> 16 != 0) {
        signal = 0;
    }
    (void)ptrace(PTRACE_SYSCALL, thread, NULL, (void *)(intptr_t)signal);
}

/* The kernel's threads of io_uring are listed among the child's. They make no system calls. */
static bool is_kernels(pid_t child, const char *thread)
{
    char path[64], name[5] = "";
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/task/%.16s/comm", (int)child, thread);
    file = fopen(path, "r");
    if (file == NULL) {
        return true; /* it has ended */
    }
    if (fgets(name, sizeof(name), file) == NULL) {
        name[0] = '\0';
    }
    fclose(file);
    return strcmp(name, "iou-") == 0;
}

/* Stops each of the child's threads but the first and lets it go on, traced. How many, or -1. */
static int seize(struct cost *cost, pid_t child)
{
    char path[32];
    const struct dirent *entry;
    int count = 0, status;
    DIR *folder;

    snprintf(path, sizeof(path), "/proc/%d/task", (int)child);
    folder = opendir(path);
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        pid_t thread = atoi(entry->d_name);

        if (thread <= 0 || thread == child || is_kernels(child, entry->d_name)) {
            continue;
        }
        if (ptrace(PTRACE_SEIZE, thread, NULL, (void *)(intptr_t)OPTIONS) != 0 ||
            ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) != 0 || waitpid(thread, &status, __WALL) != thread ||
            !WIFSTOPPED(status)) {
            count = -1;
            break;
        }
        go_on(cost, thread, status);
        count++;
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return count;
}

/* Until the child ends: its status. */
static int follow(struct cost *cost, pid_t child)
{
    int status;

    for (;;) {
        pid_t thread = waitpid(-1, &status, __WALL);

        if (thread < 0 && errno != EINTR) {
            return -1;
        }
        if (thread > 0 && WIFSTOPPED(status)) {
            go_on(cost, thread, status);
        } else if (thread == child) {
            return status;
        }
    }
}

static void be_the_child(struct cost *cost, int to, int from, const char *(*guest)(const void *what), const void *what)
{
    const char *wrong;

    shared = cost;
    to_test = to;
    from_test = from;
    wrong = guest(what);
    if (wrong != NULL) {
        fprintf(stderr, "the guest: %s\n", wrong);
    }
    _exit(wrong == NULL ? EXIT_SUCCESS : EXIT_FAILURE);
}

const char *cost_measure(struct cost **measured, const char *(*guest)(const void *what), const void *what)
{
    struct cost *cost = mmap(NULL, sizeof(*cost), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const char *wrong = NULL;
    int up[2], down[2], status;
    char ready;
    pid_t child;

    *measured = NULL;
    if (cost == MAP_FAILED || pipe(up) != 0 || pipe(down) != 0) {
        return "out of memory or descriptors";
    }
    child = fork();
    if (child == 0) {
        close(up[0]);
        close(down[1]);
        be_the_child(cost, up[1], down[0], guest, what);
    }
    close(up[1]);
    close(down[0]);
    if (child < 0 || read(up[0], &ready, 1) != 1) {
        wrong = "the guest has not begun";
    } else if (seize(cost, child) <= 0) {
        wrong = "its threads cannot be traced";
    }
    if (wrong == NULL && write(down[1], "g", 1) != 1) {
        wrong = "the guest has gone";
    }
    close(down[1]); /* a guest that waits ends */
    close(up[0]);
    status = child < 0 ? -1 : follow(cost, child);
    if (wrong == NULL && status != 0) {
        wrong = "the guest has failed";
    }
    *measured = cost;
    return wrong;
}

void cost_free(struct cost *cost)
{
    munmap(cost, sizeof(*cost));
}

const char *cost_cannot_trace(void)
{
    static char text[96];
    int down[2], rc;
    struct call_info info;
    bool good = false;
    char byte;
    pid_t child;

    if (pipe(down) != 0) {
        return "out of descriptors";
    }
    child = fork();
    if (child == 0) {
        close(down[1]);
        _exit(read(down[0], &byte, 1) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    close(down[0]);
    if (child > 0 && ptrace(PTRACE_SEIZE, child, NULL, (void *)(intptr_t)OPTIONS) == 0 &&
        ptrace(PTRACE_INTERRUPT, child, NULL, NULL) == 0 && waitpid(child, &rc, __WALL) == child && WIFSTOPPED(rc)) {
        good = ptrace(GET_SYSCALL_INFO, child, (void *)sizeof(info), &info) > 0;
    }
    snprintf(text, sizeof(text), "threads of a child cannot be traced (%s)", strerror(errno));
    (void)ptrace(PTRACE_DETACH, child, NULL, NULL);
    close(down[1]);
    waitpid(child, &rc, __WALL);
    return good ? NULL : text;
}
