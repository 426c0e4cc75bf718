/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of src/device share, see bench.h. */
#include "tests/device/bench.h"

#include <time.h>

#define WAIT_SECONDS 20

struct hypervisor *sim;
struct guest_memory *memory;

void bench_open(uint64_t bytes)
{
    const struct sim_options options = {.memory = bytes};
    struct hypervisor_error error;

    sim = sim_open(&options);
    ck_assert_ptr_nonnull(sim);
    ck_assert_int_eq(sim->ops->start(sim, &error), 0);
    memory = guest_memory_create(sim);
    ck_assert_ptr_nonnull(memory);
}

void bench_close(void)
{
    guest_memory_destroy(memory);
    ck_assert_uint_eq(sim_mappings(sim).open, 0);
    ck_assert_uint_eq(sim_mappings(sim).mapped, sim_mappings(sim).unmapped);
    ck_assert_uint_eq(sim_violations(sim), 0);
    sim->ops->stop(sim);
    sim->ops->close(sim);
}

uint8_t bench_byte(uint64_t address, unsigned salt)
{
    return (uint8_t)(address * 13 + (address >> 9) * 7 + (address >> 20) + salt);
}

void bench_fill(uint64_t address, size_t length, unsigned salt)
{
    uint8_t *bytes = sim_memory(sim, address, length);

    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < length; i++) {
        bytes[i] = bench_byte(address + i, salt);
    }
}

bool bench_wait(bool (*done)(void *argument), void *argument)
{
    const struct timespec pause = {.tv_nsec = 50000};
    struct timespec now, end;

    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += WAIT_SECONDS;
    while (!done(argument)) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec > end.tv_sec) {
            return false;
        }
        nanosleep(&pause, NULL);
    }
    return true;
}
