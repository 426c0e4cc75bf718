/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio device whose loops are threads, for tests: the driver runs on the main loop's thread, which is the test's, and
 * the queues' loops have one each. Drivers look at rings with the orders that the specification asks for, so that
 * -fsanitize=thread finds those that the device lacks. Owned by the test; one device at a time.
 */
#ifndef TESTS_VIRTIO_THREADS_H
#define TESTS_VIRTIO_THREADS_H

#include "tests/virtio/driver.h"

#define THREADS_LOOPS  3 /* of queues, at most */
#define THREADS_QUEUES 6
#define THREADS_SIZE   8 /* entries of a ring that threads_make_available() knows */

struct threads_test {
    struct ioreqd_host *host; /* threads_make_host() was there */
    unsigned loops;           /* of queues */
    unsigned queues_of_loop;  /* from queue 0 on; the last loop has all that are left */
    unsigned patience;        /* seconds without progress that are a lost notification */
    uint64_t file_size;
    bool driver_errs; /* the device may complain of it */
    /* Sets a property of the device at its place, or leaves it zero. */
    void (*set)(const struct ioreqd_property *property, void *place);
    /* What a loop does besides works and files, in each of its turns; busy: there was a work to do. NULL: nothing. */
    void (*turn)(unsigned loop, bool busy);
    /* The driver: whether all went well. */
    bool (*run)(void);
};

extern struct driver threads_driver;
extern struct fake *threads_fake;
extern uint16_t threads_available[THREADS_QUEUES]; /* the driver's index of each split ring */

/* Gives a host the loops, works and files of threads, and messages that nobody hears. */
void threads_make_host(struct ioreqd_host *host);

/* Makes the device and its threads, runs the test, and ends them. Whether all went well, and nothing is left behind. */
bool threads_run(const struct threads_test *test);

/* Which of the queues' loops it is, for what is on each of them. */
unsigned threads_loop(struct ioreqd_loop *loop);

/* ---- for the driver, on the main loop's thread ---- */

/* Runs a work of the main loop; false: there was none. */
bool threads_turn(void);
/* Runs the main loop until the condition holds; false when it does not in time. */
bool threads_wait(bool (*condition)(void));
bool threads_is_reset(void);

/* Has the queue's loop hear its bell. */
void threads_ring(unsigned queue);
uint16_t *threads_at16(uint64_t address);
/* Split rings: the device's index, and a chain for it, with a ring if it wants one. */
uint16_t threads_used(unsigned queue);
void threads_make_available(unsigned queue, uint16_t head, bool event_idx);

#endif
