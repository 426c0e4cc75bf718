/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of the simulated hypervisor's requests, claims and event channels: that it selects what Xen would
 * select. One test runs vCPUs in threads of their own.
 */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "hypervisor/sim/sim.h"

#define BAR      UINT64_C(0xf0000000)
#define FUNCTION 0x0008u

static struct hypervisor *sim;
static const struct hypervisor_ops *ops;
static struct hypervisor_error why;

static void open_with(const struct sim_options *options)
{
    sim = sim_open(options);
    ck_assert_ptr_nonnull(sim);
    ops = sim->ops;
    ck_assert_int_eq(ops->start(sim, &why), 0);
}

static void open_one(void)
{
    const struct sim_options options = {.vcpus = 4, .milliseconds = 200};

    open_with(&options);
}

static void close_one(void)
{
    ops->stop(sim);
    ops->close(sim);
}

/* Makes the server look, take and answer, with one thread; the answer is data plus the vCPU. */
static unsigned serve(uint64_t data)
{
    unsigned vcpu[HYPERVISOR_MAX_VCPUS];
    unsigned count = ops->events(sim, vcpu, HYPERVISOR_MAX_VCPUS);
    unsigned served = 0;

    for (unsigned i = 0; i < count; i++) {
        struct request request;

        if (ops->take(sim, vcpu[i], &request)) {
            ops->answer(sim, vcpu[i], data + vcpu[i]);
            served++;
        }
    }
    ops->rearm(sim);
    return served;
}

static bool readable(void)
{
    struct pollfd poll_fd = {.fd = ops->event_fd(sim), .events = POLLIN};

    return poll(&poll_fd, 1, 0) == 1;
}

static bool reaches_server(enum request_kind kind, uint64_t address, uint32_t size, uint32_t count, unsigned flags)
{
    bool placed = sim_request(sim, 0, kind, address, size, count, flags, 0);
    uint64_t data = 0;

    serve(0);
    ck_assert(sim_result(sim, 0, &data));
    return placed;
}

START_TEST(read_travels)
{
    struct request request;
    unsigned vcpu[4];
    uint64_t data = 0;

    ck_assert_int_eq(ops->claim(sim, CLAIM_MEMORY, BAR, BAR + 0xfff), 0);
    serve(0); /* the ring of start() */
    ck_assert(!readable());
    ck_assert(sim_request(sim, 2, REQUEST_MEMORY, BAR + 4, 2, 1, SIM_READ, 77));
    ck_assert(!sim_result(sim, 2, &data));
    ck_assert(readable());
    ck_assert_uint_eq(ops->events(sim, vcpu, 4), 1);
    ck_assert_uint_eq(vcpu[0], 2);
    ck_assert(ops->take(sim, 2, &request));
    ck_assert_int_eq(request.kind, REQUEST_MEMORY);
    ck_assert(!request.write && !request.down && !request.data_is_pointer);
    ck_assert_uint_eq(request.address, BAR + 4);
    ck_assert_uint_eq(request.size, 2);
    ck_assert_uint_eq(request.count, 1);
    ck_assert(!sim_result(sim, 2, &data));
    ops->answer(sim, 2, 0x12345678);
    ck_assert(sim_result(sim, 2, &data));
    ck_assert_uint_eq(data, 0x5678);
    ck_assert_uint_eq(atomic_load(&sim_slot(sim, 2)->state_and_flags) & SLOT_STATE_MASK, SLOT_NONE);
    ck_assert_uint_eq(sim_violations(sim), 0);
}
END_TEST

START_TEST(write_travels)
{
    struct request request;
    unsigned vcpu[4];
    uint64_t data = 1;

    ck_assert_int_eq(ops->claim(sim, CLAIM_PORT, 0xc000, 0xc0ff), 0);
    ck_assert(sim_request(sim, 1, REQUEST_PORT, 0xc010, 1, 1, SIM_WRITE, 0x1ff));
    ck_assert_uint_eq(ops->events(sim, vcpu, 4), 4);
    ck_assert(!ops->take(sim, 0, &request));
    ck_assert(ops->take(sim, 1, &request));
    ck_assert(request.write);
    ck_assert_uint_eq(request.data, 0xff);
    ops->answer(sim, 1, 99);
    ck_assert(sim_result(sim, 1, &data));
    ck_assert_uint_eq(data, 0);
    ck_assert_uint_eq(sim_violations(sim), 0);
}
END_TEST

START_TEST(a_vcpu_has_one_request)
{
    ck_assert_int_eq(ops->claim(sim, CLAIM_PORT, 0xc000, 0xc0ff), 0);
    ck_assert(sim_request(sim, 1, REQUEST_PORT, 0xc010, 1, 1, SIM_READ, 0));
    ck_assert(!sim_request(sim, 1, REQUEST_PORT, 0xc010, 1, 1, SIM_READ, 0));
    ck_assert(!sim_request(sim, 4, REQUEST_PORT, 0xc010, 1, 1, SIM_READ, 0));
    ck_assert_uint_eq(serve(0), 1);
}
END_TEST

START_TEST(unclaimed_reads_all_ones)
{
    unsigned char *memory = sim_memory(sim, 0x2000, 64);
    uint64_t data = 0;

    serve(0);
    ck_assert(!sim_request(sim, 0, REQUEST_MEMORY, BAR, 4, 1, SIM_READ, 0));
    ck_assert(sim_result(sim, 0, &data));
    ck_assert_uint_eq(data, 0xffffffff);
    ck_assert(!sim_request(sim, 0, REQUEST_CONFIG, (uint64_t)FUNCTION << 32, 2, 1, SIM_READ, 0));
    ck_assert(sim_result(sim, 0, &data));
    ck_assert_uint_eq(data, 0xffff);
    ck_assert(!sim_request(sim, 0, REQUEST_PORT, 0xc000, 1, 1, SIM_WRITE, 3));
    ck_assert(sim_result(sim, 0, &data));
    ck_assert_uint_eq(data, 0);
    ck_assert(!readable());

    /* A rep ins of four words, downwards from 0x2010. */
    ck_assert(!sim_request(sim, 0, REQUEST_PORT, 0xc000, 2, 4, SIM_READ | SIM_DOWN | SIM_POINTER, 0x2010));
    for (unsigned i = 0; i < 64; i++) {
        ck_assert_uint_eq(memory[i], i >= 0x0a && i < 0x12 ? 0xff : 0);
    }
    ck_assert_uint_eq(sim_violations(sim), 0);
}
END_TEST

START_TEST(whole_span_must_be_claimed)
{
    const uint64_t data_address = 0x1000;

    ck_assert_int_eq(ops->claim(sim, CLAIM_MEMORY, BAR, BAR + 0xff), 0);
    ck_assert(reaches_server(REQUEST_MEMORY, BAR + 0xfc, 4, 1, SIM_READ));
    ck_assert(!reaches_server(REQUEST_MEMORY, BAR + 0xfd, 4, 1, SIM_READ));
    ck_assert(!reaches_server(REQUEST_MEMORY, BAR - 1, 4, 1, SIM_READ));
    ck_assert(reaches_server(REQUEST_MEMORY, BAR, 4, 64, SIM_WRITE));
    ck_assert(!reaches_server(REQUEST_MEMORY, BAR, 4, 65, SIM_WRITE));
    ck_assert(reaches_server(REQUEST_MEMORY, BAR + 0xfc, 4, 64, SIM_WRITE | SIM_DOWN));
    ck_assert(!reaches_server(REQUEST_MEMORY, BAR + 0xfc, 4, 65, SIM_WRITE | SIM_DOWN));
    ck_assert(!reaches_server(REQUEST_MEMORY, UINT64_MAX - 2, 4, 1, SIM_READ));
    ck_assert(!reaches_server(REQUEST_MEMORY, 2, 4, 2, SIM_READ | SIM_DOWN));
    ck_assert(!reaches_server(REQUEST_MEMORY, BAR, 4, UINT32_MAX, SIM_READ));
    ck_assert(!reaches_server(REQUEST_MEMORY, BAR, 4, 0, SIM_READ));

    /* Adjacent claims are one range. */
    ck_assert_int_eq(ops->claim(sim, CLAIM_MEMORY, BAR + 0x100, BAR + 0x1ff), 0);
    ck_assert(reaches_server(REQUEST_MEMORY, BAR + 0xfd, 4, 1, SIM_READ));
    ck_assert_int_eq(ops->unclaim(sim, CLAIM_MEMORY, BAR + 0x100, BAR + 0x1ff), 0);
    ck_assert(!reaches_server(REQUEST_MEMORY, BAR + 0xfd, 4, 1, SIM_READ));

    /* A port stays put, however many elements there are. */
    ck_assert_int_eq(ops->claim(sim, CLAIM_PORT, 0xc000, 0xc003), 0);
    ck_assert(reaches_server(REQUEST_PORT, 0xc000, 4, 1000, SIM_READ));
    ck_assert(!reaches_server(REQUEST_PORT, 0xc001, 4, 1, SIM_READ));

    ck_assert_int_eq(ops->claim_function(sim, FUNCTION), 0);
    ck_assert(reaches_server(REQUEST_CONFIG, (uint64_t)FUNCTION << 32 | 0xfe, 4, 1, SIM_READ));
    ck_assert(!reaches_server(REQUEST_CONFIG, (uint64_t)(FUNCTION + 1) << 32, 4, 1, SIM_READ));

    /* Late requests, and those that Xen never makes. */
    ck_assert(sim_request(sim, 0, REQUEST_MEMORY, 5, 3, 0, SIM_UNCHECKED | SIM_POINTER, data_address));
    ck_assert_uint_eq(serve(0), 1);
}
END_TEST

START_TEST(invalidate_always_comes)
{
    struct request request;
    uint64_t data = 1;

    ck_assert(sim_request(sim, 3, REQUEST_INVALIDATE, 1, 2, 3, SIM_READ, 4));
    ck_assert(ops->take(sim, 3, &request));
    ck_assert_int_eq(request.kind, REQUEST_INVALIDATE);
    ck_assert(request.write);
    ck_assert_uint_eq(request.size, 4);
    ck_assert_uint_eq(request.count, 0);
    ck_assert_uint_eq(request.data, UINT64_MAX);
    ops->answer(sim, 3, 0);
    ck_assert(sim_result(sim, 3, &data));
    ops->stop(sim);
    ck_assert(!sim_request(sim, 3, REQUEST_INVALIDATE, 0, 0, 0, 0, 0));
}
END_TEST

START_TEST(claims_are_a_rangeset)
{
    ck_assert_int_eq(ops->claim(sim, CLAIM_MEMORY, 0x1000, 0x1fff), 0);
    ck_assert_int_eq(ops->claim(sim, CLAIM_MEMORY, 0x3000, 0x3fff), 0);
    ck_assert_int_eq(ops->claim(sim, CLAIM_MEMORY, 0x1fff, 0x2000), -EEXIST);
    ck_assert_int_eq(ops->claim(sim, CLAIM_MEMORY, 0x0, 0x1000), -EEXIST);
    ck_assert_int_eq(ops->claim(sim, CLAIM_MEMORY, 0x0, 0xffff), -EEXIST);
    ck_assert_int_eq(ops->claim(sim, CLAIM_MEMORY, 0x1800, 0x1800), -EEXIST);
    ck_assert_int_eq(ops->claim(sim, CLAIM_MEMORY, 2, 1), -EINVAL);
    ck_assert_int_eq(ops->claim(sim, CLAIM_PORT, 0x1000, 0x1fff), 0);
    ck_assert_int_eq(ops->unclaim(sim, CLAIM_MEMORY, 0x1000, 0x2000), -ENOENT);
    ck_assert_int_eq(ops->unclaim(sim, CLAIM_MEMORY, 0x5000, 0x5fff), -ENOENT);

    /* The middle of one claim may go, and comes back. */
    ck_assert_int_eq(ops->unclaim(sim, CLAIM_MEMORY, 0x1400, 0x17ff), 0);
    ck_assert_int_eq(ops->unclaim(sim, CLAIM_MEMORY, 0x1000, 0x1fff), -ENOENT);
    ck_assert(reaches_server(REQUEST_MEMORY, 0x13ff, 1, 1, SIM_READ));
    ck_assert(!reaches_server(REQUEST_MEMORY, 0x1400, 1, 1, SIM_READ));
    ck_assert(!reaches_server(REQUEST_MEMORY, 0x17ff, 1, 1, SIM_READ));
    ck_assert(reaches_server(REQUEST_MEMORY, 0x1800, 1, 1, SIM_READ));
    ck_assert_int_eq(ops->claim(sim, CLAIM_MEMORY, 0x1400, 0x17ff), 0);
    ck_assert_int_eq(ops->claim(sim, CLAIM_MEMORY, 0x2000, 0x2fff), 0);
    ck_assert_int_eq(ops->unclaim(sim, CLAIM_MEMORY, 0x1000, 0x3fff), 0);
    ck_assert_int_eq(ops->unclaim(sim, CLAIM_MEMORY, 0x1000, 0x1000), -ENOENT);

    /* The ends of the address space. */
    ck_assert_int_eq(ops->claim(sim, CLAIM_MEMORY, 0, UINT64_MAX), 0);
    ck_assert_int_eq(ops->unclaim(sim, CLAIM_MEMORY, 0, 0), 0);
    ck_assert_int_eq(ops->unclaim(sim, CLAIM_MEMORY, UINT64_MAX, UINT64_MAX), 0);
    ck_assert_int_eq(ops->claim(sim, CLAIM_MEMORY, UINT64_MAX, UINT64_MAX), 0);
    ck_assert_int_eq(ops->claim(sim, CLAIM_MEMORY, 0, 0), 0);

    ck_assert_int_eq(ops->claim_function(sim, FUNCTION), 0);
    ck_assert_int_eq(ops->claim_function(sim, FUNCTION), -EEXIST);
}
END_TEST

START_TEST(claims_are_limited)
{
    for (unsigned i = 0; i < 256; i++) {
        ck_assert_int_eq(ops->claim(sim, CLAIM_PORT, 4 * i + 2, 4 * i + 3), 0);
    }
    ck_assert_int_eq(ops->claim(sim, CLAIM_PORT, 0x8000, 0x8003), -ENOSPC);
    ck_assert_int_eq(ops->claim(sim, CLAIM_PORT, 1, 1), -ENOSPC);
    ck_assert_int_eq(ops->claim(sim, CLAIM_MEMORY, 0x8000, 0x8003), 0);

    /* To go on after a range, and to close a gap, needs no place. */
    ck_assert_int_eq(ops->claim(sim, CLAIM_PORT, 4, 4), 0);
    ck_assert_int_eq(ops->claim(sim, CLAIM_PORT, 5, 5), 0);
    ck_assert_int_eq(ops->claim(sim, CLAIM_PORT, 0x8000, 0x8003), 0);
    ck_assert_int_eq(ops->unclaim(sim, CLAIM_PORT, 4, 5), -ENOSPC);
    ck_assert_int_eq(ops->unclaim(sim, CLAIM_PORT, 2, 7), 0);
}
END_TEST

START_TEST(stop_answers_and_forgets)
{
    struct request request;
    uint64_t data = 0;

    ck_assert_int_eq(ops->start(sim, &why), -1);
    ck_assert_str_ne(why.text, "");
    ck_assert_int_eq(ops->claim(sim, CLAIM_MEMORY, BAR, BAR + 0xfff), 0);
    ck_assert(sim_request(sim, 0, REQUEST_MEMORY, BAR, 4, 1, SIM_READ, 0));
    ck_assert(sim_request(sim, 1, REQUEST_MEMORY, BAR, 8, 1, SIM_READ, 0));
    ck_assert(ops->take(sim, 1, &request));
    ops->stop(sim);
    ck_assert(sim_result(sim, 0, &data));
    ck_assert_uint_eq(data, UINT32_MAX);
    ck_assert(sim_result(sim, 1, &data));
    ck_assert_uint_eq(data, UINT64_MAX);
    ck_assert(!sim_request(sim, 0, REQUEST_MEMORY, BAR, 4, 1, SIM_READ, 0));
    ck_assert_int_eq(ops->claim(sim, CLAIM_MEMORY, BAR, BAR + 0xfff), -ENOENT);
    ops->stop(sim); /* without a start */
    ck_assert_int_eq(ops->start(sim, &why), 0);
    ck_assert(!reaches_server(REQUEST_MEMORY, BAR, 4, 1, SIM_READ));
    ck_assert_int_eq(ops->claim(sim, CLAIM_MEMORY, BAR, BAR + 0xfff), 0);
    ck_assert(reaches_server(REQUEST_MEMORY, BAR, 4, 1, SIM_READ));
    ck_assert_uint_eq(sim_violations(sim), 0);
}
END_TEST

START_TEST(events_ring_again_after_rearm)
{
    unsigned vcpu[4];
    struct request request;
    uint64_t data;

    ck_assert_int_eq(ops->claim(sim, CLAIM_MEMORY, BAR, BAR + 0xfff), 0);
    ck_assert(readable()); /* start() rings all: they may have been waiting for a predecessor */
    ck_assert_uint_eq(ops->events(sim, vcpu, 3), 3);
    ck_assert(readable());
    ops->rearm(sim);
    ck_assert_uint_eq(ops->events(sim, vcpu, 3), 1);
    ck_assert_uint_eq(vcpu[0], 3);
    ck_assert(!readable());

    /* While vCPU 3 is not rearmed its ring is kept; the others' rings come. */
    ck_assert(sim_request(sim, 3, REQUEST_MEMORY, BAR, 4, 1, SIM_READ, 0));
    ck_assert(!readable());
    ck_assert_uint_eq(ops->events(sim, vcpu, 3), 0);
    ops->rearm(sim);
    ck_assert(readable());
    ck_assert_uint_eq(ops->events(sim, vcpu, 3), 1);
    ck_assert(ops->take(sim, 3, &request));
    ops->answer(sim, 3, 1);
    ck_assert(sim_result(sim, 3, &data));
    ops->rearm(sim);
    ck_assert(!readable());
    ck_assert_uint_eq(ops->events(sim, vcpu, 3), 0);
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------------
 * vCPUs in threads
 */

#define THREADS  4
#define ACCESSES 2000

struct vcpu_thread {
    pthread_t thread;
    unsigned vcpu;
    unsigned wrong;
};

static _Atomic unsigned running;

static void *run_vcpu(void *argument)
{
    struct vcpu_thread *self = argument;

    for (unsigned i = 0; i < ACCESSES; i++) {
        uint64_t got = sim_access(sim, self->vcpu, REQUEST_MEMORY, BAR + 4 * (i % 64), 4, 1, SIM_READ, 0);

        self->wrong += got != (BAR & UINT32_MAX) + 4 * (i % 64) + self->vcpu;
    }
    atomic_fetch_sub(&running, 1);
    return NULL;
}

START_TEST(vcpus_in_threads)
{
    const struct sim_options options = {.vcpus = THREADS};
    struct vcpu_thread thread[THREADS];
    unsigned vcpu[2]; /* smaller than the number of vCPUs, on purpose */

    open_with(&options);
    ck_assert_int_eq(ops->claim(sim, CLAIM_MEMORY, BAR, BAR + 0xff), 0);
    atomic_store(&running, THREADS);
    for (unsigned i = 0; i < THREADS; i++) {
        thread[i] = (struct vcpu_thread){.vcpu = i};
        ck_assert_int_eq(pthread_create(&thread[i].thread, NULL, run_vcpu, &thread[i]), 0);
    }
    while (atomic_load(&running) > 0) {
        struct pollfd poll_fd = {.fd = ops->event_fd(sim), .events = POLLIN};
        unsigned count;

        if (poll(&poll_fd, 1, 10) == 0) {
            continue;
        }
        count = ops->events(sim, vcpu, 2);
        for (unsigned i = 0; i < count; i++) {
            struct request request;

            if (ops->take(sim, vcpu[i], &request)) {
                ops->answer(sim, vcpu[i], request.address + vcpu[i]);
            }
        }
        ops->rearm(sim);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(thread[i].thread, NULL), 0);
        ck_assert_uint_eq(thread[i].wrong, 0);
    }
    ck_assert_uint_eq(sim_violations(sim), 0);
    close_one();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim");
    TCase *requests = tcase_create("requests");
    TCase *threads = tcase_create("threads");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(requests, open_one, close_one);
    tcase_add_test(requests, read_travels);
    tcase_add_test(requests, write_travels);
    tcase_add_test(requests, a_vcpu_has_one_request);
    tcase_add_test(requests, unclaimed_reads_all_ones);
    tcase_add_test(requests, whole_span_must_be_claimed);
    tcase_add_test(requests, invalidate_always_comes);
    tcase_add_test(requests, claims_are_a_rangeset);
    tcase_add_test(requests, claims_are_limited);
    tcase_add_test(requests, stop_answers_and_forgets);
    tcase_add_test(requests, events_ring_again_after_rearm);
    suite_add_tcase(suite, requests);

    tcase_set_timeout(threads, 60);
    tcase_add_test(threads, vcpus_in_threads);
    suite_add_tcase(suite, threads);

    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
