/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of src/device share: a simulated guest with memory, and waiting with an end. One guest a test, made
 * and closed by the test's main thread.
 */
#ifndef TESTS_DEVICE_BENCH_H
#define TESTS_DEVICE_BENCH_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

#include "device/guest_memory.h"
#include "hypervisor/sim/sim.h"

#define PAGE  HYPERVISOR_PAGE_SIZE
#define CHUNK (UINT64_C(1) << 21) /* what guest_memory.c maps at once */

extern struct hypervisor *sim;
extern struct guest_memory *memory;

/* A guest with so many bytes of memory, most of which are never touched. */
void bench_open(uint64_t bytes);
/* Ends the test if a mapping is left or the simulated hypervisor saw a mistake. */
void bench_close(void);

/* Fills guest memory with a pattern that depends on the address and salt; checks it. */
void bench_fill(uint64_t address, size_t length, unsigned salt);
uint8_t bench_byte(uint64_t address, unsigned salt);

/* Whether done(argument) became true within some seconds. */
bool bench_wait(bool (*done)(void *argument), void *argument);

TCase *memory_tests(void);
TCase *pin_tests(void);
TCase *window_tests(void);
TCase *granted_tests(void);
TCase *memory_race_tests(void);
TCase *loop_tests(void);
TCase *file_ring_tests(void);
TCase *file_tests(void);
TCase *file_request_tests(void);
TCase *file_block_tests(void);
TCase *file_clear_tests(void);
TCase *file_request_plain_tests(void);
TCase *throttle_tests(void);
TCase *nbd_tests(void);
TCase *nbd_journal_tests(void);
TCase *nbd_replay_tests(void);
TCase *nbd_damage_tests(void);
TCase *heartbeat_tests(void);
TCase *timer_tests(void);
TCase *trouble_tests(void);
TCase *watch_tests(void);

#endif
