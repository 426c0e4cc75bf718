/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a request costs on the whole stack: allocations, and system calls. A guest and ioreqd run in a child process, of which
 * the guest is the main thread; the test traces the others, which are ioreqd's.
 *
 * The simulated hypervisor stands for Xen. What its functions do inside is not counted: each call that Xen's side of
 * hypervisor.h makes with one system call counts as one, whatever the simulation makes of it.
 */
#ifndef TESTS_WORKER_COST_H
#define TESTS_WORKER_COST_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/drv/stack.h"

#define COST_CALLS   1024u /* numbers of system calls that are told apart; those above are in the last */
#define COST_THREADS 16u

/* A sanitizer has a malloc() of its own, which must stay. */
#ifdef __has_feature
#define COST_SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COST_SANITIZED 1
#else
#define COST_SANITIZED 0
#endif

/* Shared by the test and its child. */
struct cost {
    /* By the child. */
    unsigned requests;
    uint64_t allocations; /* malloc() and all that is like it, by every thread of the child */
    uint64_t frees;
    _Atomic uint64_t hypercalls;
    _Atomic int counting;
    _Atomic int thread[COST_THREADS]; /* that have called the hypervisor; 0: none */
    _Atomic int inside[COST_THREADS]; /* one of its calls */
    /* By the test. */
    uint64_t calls[COST_CALLS];
    uint64_t all_calls;
};

/*
 * Runs a guest in a child and counts from its cost_begin() to its cost_end(). The guest returns NULL, or what went wrong;
 * then, and when the child cannot be traced, that is returned and nothing is measured.
 */
const char *cost_measure(struct cost **cost, const char *(*guest)(const void *what), const void *what);
void cost_free(struct cost *cost);
/* Why the threads of a child cannot be traced here, or NULL. */
const char *cost_cannot_trace(void);

/* The guest's, from its main thread: after stack_open(), the hypervisor's calls are counted. */
void cost_watch(struct stack *stack);
/* The stack is warm; the next `requests` are what is measured. */
void cost_begin(unsigned requests);
void cost_end(void);

/* Since the process began, by all of its threads. */
uint64_t cost_allocations(void);
uint64_t cost_frees(void);

/* ---- the guests ---- */

struct cost_disk {
    const char *cache; /* the disk's property */
    bool write;
    unsigned depth; /* requests under way */
    unsigned requests;
};

/* 4 KiB each. what: a struct cost_disk. */
const char *cost_disk(const void *what);

struct cost_network {
    bool receive;
    unsigned depth;
    unsigned requests;
};

/* Packets of 1000 bytes through a socket. what: a struct cost_network. */
const char *cost_network(const void *what);

#endif
