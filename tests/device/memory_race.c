/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queue threads at work on guest memory while the main thread invalidates and sweeps, with more chunks in one set than
 * it has places. Each thread has bytes of its own in every chunk and always finds what it wrote last.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "tests/device/bench.h"

#define THREADS    3u
#define CHUNKS     6u
#define SET_STRIDE (1024 * CHUNK)
#define TURNS      20000u
#define LENGTH     64u

static atomic_uint running;
static atomic_uint wrong;

struct worker {
    unsigned index;
    uint32_t seed;
    uint8_t last[CHUNKS];
};

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static bool is_all(const uint8_t *bytes, uint8_t value)
{
    for (unsigned i = 0; i < LENGTH; i++) {
        if (bytes[i] != value) {
            return false;
        }
    }
    return true;
}

/* As a transfer does: pins, uses the memory some time later, and gives it back. */
static bool use_pin(uint64_t address, uint8_t before, uint8_t after)
{
    struct iovec iov;
    uint64_t pin;
    bool right;

    if (guest_memory_pin(memory, address, LENGTH, &iov, &pin, 1) != 1) {
        return false;
    }
    right = is_all(iov.iov_base, before);
    memset(iov.iov_base, after, LENGTH);
    guest_memory_unpin(memory, &pin, 1);
    return right;
}

static bool use_copy(uint64_t address, uint8_t before, uint8_t after)
{
    uint8_t bytes[LENGTH];

    if (guest_memory_read(memory, address, bytes, LENGTH) != 0 || !is_all(bytes, before)) {
        return false;
    }
    memset(bytes, after, LENGTH);
    return guest_memory_write(memory, address, bytes, LENGTH) == 0;
}

static bool use_window(uint64_t address, uint8_t before, uint8_t after)
{
    struct guest_window *window;
    uint8_t *base;
    bool right = true;

    if (guest_window_open(memory, address, LENGTH, &window) != 0) {
        return false;
    }
    for (unsigned i = 0; i < 4; i++) {
        base = (uint8_t *)(uintptr_t)guest_window_base(window);
        right = right && base != NULL && is_all(base, i == 0 ? before : after);
        if (base != NULL) {
            memset(base, after, LENGTH);
        }
    }
    guest_window_close(window);
    return right;
}

static void *work(void *argument)
{
    struct worker *worker = argument;

    for (unsigned turn = 0; turn < TURNS; turn++) {
        unsigned chunk = next_random(&worker->seed) % CHUNKS;
        uint64_t address = chunk * SET_STRIDE + worker->index * PAGE;
        uint8_t before = worker->last[chunk];
        uint8_t after = (uint8_t)(before + 1);
        bool right;

        switch (next_random(&worker->seed) % 8) {
        case 0:
            right = use_window(address, before, after);
            break;
        case 1:
        case 2:
        case 3:
            right = use_pin(address, before, after);
            break;
        default:
            right = use_copy(address, before, after);
            break;
        }
        worker->last[chunk] = after;
        if (!right) {
            atomic_fetch_add(&wrong, 1);
        }
    }
    atomic_fetch_sub(&running, 1);
    return NULL;
}

static void open_large(void)
{
    bench_open((CHUNKS - 1) * SET_STRIDE + CHUNK);
}

/* _i: without invalidations, the chunks only compete for places; with them, they grow stale as well. */
START_TEST(threads_find_what_they_wrote)
{
    struct worker worker[THREADS];
    pthread_t thread[THREADS];

    atomic_store(&running, THREADS);
    for (unsigned i = 0; i < THREADS; i++) {
        worker[i] = (struct worker){.index = i, .seed = i + 1};
        ck_assert_int_eq(pthread_create(&thread[i], NULL, work, &worker[i]), 0);
    }
    while (atomic_load(&running) != 0) {
        uint8_t byte;

        if (_i != 0) {
            guest_memory_invalidate(memory);
            guest_memory_sweep(memory);
        }
        ck_assert_int_eq(guest_memory_read(memory, CHUNK - 1, &byte, 1), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
    }
    ck_assert_uint_eq(atomic_load(&wrong), 0);
    guest_memory_invalidate(memory);
    while (guest_memory_sweep(memory)) {
    }
    ck_assert_uint_eq(sim_mappings(sim).open, 0); /* no pin was left behind */
}
END_TEST

TCase *memory_race_tests(void)
{
    TCase *group = tcase_create("guest memory from many threads");

    tcase_add_checked_fixture(group, open_large, bench_close);
    tcase_set_timeout(group, 120);
    tcase_add_loop_test(group, threads_find_what_they_wrote, 0, 2);
    return group;
}
