/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From requests to accesses: repeated and string instructions, operands in memory, and what Xen never sends
 * (xen/include/public/hvm/ioreq.h; Intel SDM: INS, OUTS, MOVS). The bridge's own board stands behind dispatch.
 */
#include <string.h>

#include "tests/bridge/board.h"
#include "tests/worker/disk.h"
#include "worker/dispatch.h"

#define MEMORY UINT64_C(0xfe000000)
#define PORT   UINT64_C(0xc000)
#define RAM    UINT64_C(0x10000)

static struct probe probe;
static struct hypervisor *sim;
static struct dispatch dispatch;

static const struct ioreqd_description both = {
    .struct_size = sizeof(both),
    .vendor = 0x1af4,
    .bar = {[0] = {.kind = IOREQD_BAR_MEM32, .min_access = 1, .max_access = 8, .size = 0x10000},
            [1] = {.kind = IOREQD_BAR_IO, .min_access = 1, .max_access = 4, .size = 16}},
};

static void open_dispatch(void)
{
    const struct sim_options options = {.memory = RAM};

    board_open();
    sim = sim_open(&options);
    ck_assert_ptr_nonnull(sim);
    dispatch = (struct dispatch){.bridge = bridge, .memory = guest_memory_create(sim)};
    ck_assert_ptr_nonnull(dispatch.memory);
    board_add(PLACE, &both, &probe);
    config_put(PLACE, BAR_REG(0), 4, MEMORY);
    config_put(PLACE, BAR_REG(1), 4, PORT);
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
}

static void close_dispatch(void)
{
    board_close();
    guest_memory_destroy(dispatch.memory);
    ck_assert_uint_eq(sim_mappings(sim).open, 0);
    sim->ops->close(sim);
}

static uint64_t ask(enum request_kind kind, unsigned flags, uint64_t address, uint32_t size, uint32_t count,
                    uint64_t data)
{
    const struct request request = {
        .kind = kind,
        .write = (flags & SIM_WRITE) != 0,
        .down = (flags & SIM_DOWN) != 0,
        .data_is_pointer = (flags & SIM_POINTER) != 0,
        .size = size,
        .count = count,
        .address = address,
        .data = data,
    };

    return dispatch_request(&dispatch, &request);
}

static uint64_t memory_at(uint64_t address, unsigned size)
{
    uint64_t value = 0;

    memcpy(&value, sim_memory(sim, address, size), size);
    return value;
}

START_TEST(plain_accesses)
{
    for (unsigned size = 1; size <= 8; size *= 2) {
        probe.accesses = 0;
        ck_assert_uint_eq(ask(REQUEST_MEMORY, SIM_READ, MEMORY + 8, size, 1, 0), probe_value(0, 8, size));
        ask(REQUEST_MEMORY, SIM_WRITE, MEMORY + 16, size, 1, UINT64_C(0x8877665544332211));
        probe_saw(&probe, 1, ACCESS_WRITE, 0, 16, size, UINT64_C(0x8877665544332211) & bridge_all_ones(size));
    }
    ck_assert_uint_eq(ask(REQUEST_PORT, SIM_READ, PORT + 4, 4, 1, 0), probe_value(1, 4, 4));
    ck_assert_uint_eq(ask(REQUEST_CONFIG, SIM_READ, (uint64_t)PLACE << 32, 4, 1, 0), 0x00001af4);
    ask(REQUEST_CONFIG, SIM_WRITE, (uint64_t)PLACE << 32 | 0x0c, 1, 1, 0x7f);
    ck_assert_uint_eq(ask(REQUEST_CONFIG, SIM_READ, (uint64_t)PLACE << 32 | 0x0c, 4, 1, 0), 0x7f);
    ck_assert_uint_eq(dispatch.counters.memory, 8);
    ck_assert_uint_eq(dispatch.counters.port, 1);
    ck_assert_uint_eq(dispatch.counters.config, 3);
    ck_assert_uint_eq(dispatch.counters.malformed, 0);
}
END_TEST

/* INS: the port stays, memory steps, down with the direction flag set. */
START_TEST(string_in)
{
    for (unsigned size = 1; size <= 4; size *= 2) {
        memset(sim_memory(sim, 0, 0x1000), 0, 0x1000);
        ask(REQUEST_PORT, SIM_READ | SIM_POINTER, PORT, size, 5, 0x101);
        ask(REQUEST_PORT, SIM_READ | SIM_POINTER | SIM_DOWN, PORT + 4, size, 3, 0x800);
        for (unsigned i = 0; i < 5; i++) {
            ck_assert_uint_eq(memory_at(0x101 + i * size, size), probe_value(1, 0, size));
        }
        for (unsigned i = 0; i < 3; i++) {
            ck_assert_uint_eq(memory_at(0x800 - i * size, size), probe_value(1, 4, size));
        }
        ck_assert_uint_eq(memory_at(0x100, 1), 0);
        ck_assert_uint_eq(memory_at(0x101 + 5 * size, 1), 0);
        ck_assert_uint_eq(memory_at(0x800 - 3 * size, 1), 0);
        ck_assert_uint_eq(memory_at(0x800 + size, 1), 0);
    }
}
END_TEST

/* OUTS. */
START_TEST(string_out)
{
    for (unsigned i = 0; i < 16; i++) {
        *(uint8_t *)sim_memory(sim, 0xffc + i, 1) = (uint8_t)(0xa0 + i); /* over the end of a page */
    }
    ask(REQUEST_PORT, SIM_WRITE | SIM_POINTER, PORT + 8, 2, 3, 0xffd);
    ask(REQUEST_PORT, SIM_WRITE | SIM_POINTER | SIM_DOWN, PORT + 8, 4, 2, 0x1004);
    probe_saw(&probe, 0, ACCESS_WRITE, 1, 8, 2, 0xa2a1);
    probe_saw(&probe, 1, ACCESS_WRITE, 1, 8, 2, 0xa4a3);
    probe_saw(&probe, 2, ACCESS_WRITE, 1, 8, 2, 0xa6a5);
    probe_saw(&probe, 3, ACCESS_WRITE, 1, 8, 4, 0xabaaa9a8);
    probe_saw(&probe, 4, ACCESS_WRITE, 1, 8, 4, 0xa7a6a5a4);
    ck_assert_uint_eq(probe.accesses, 5);
}
END_TEST

/* MOVS from and to a device: both sides step. */
START_TEST(string_move)
{
    ask(REQUEST_MEMORY, SIM_READ | SIM_POINTER, MEMORY + 0x20, 8, 4, 0x2000);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(memory_at(0x2000 + 8 * i, 8), probe_value(0, 0x20 + 8 * i, 8));
    }
    ask(REQUEST_MEMORY, SIM_READ | SIM_POINTER | SIM_DOWN, MEMORY + 0x106, 2, 4, 0x3006);
    ck_assert_uint_eq(memory_at(0x3000, 8), probe_value(0, 0x100, 8));
    probe.accesses = 0;
    ask(REQUEST_MEMORY, SIM_WRITE | SIM_POINTER | SIM_DOWN, MEMORY + 0x208, 4, 3, 0x2008);
    for (unsigned i = 0; i < 3; i++) {
        probe_saw(&probe, i, ACCESS_WRITE, 0, 0x208 - 4 * i, 4, memory_at(0x2008 - 4 * i, 4));
    }
}
END_TEST

/* STOS to a device: one value, many places. LODS from it: the last value stays. */
START_TEST(repeats_without_memory)
{
    ask(REQUEST_MEMORY, SIM_WRITE, MEMORY + 0x40, 4, 3, UINT64_C(0xffffffff12345678));
    ask(REQUEST_MEMORY, SIM_WRITE | SIM_DOWN, MEMORY + 0x61, 1, 2, 0x5a);
    probe_saw(&probe, 0, ACCESS_WRITE, 0, 0x40, 4, 0x12345678);
    probe_saw(&probe, 1, ACCESS_WRITE, 0, 0x44, 4, 0x12345678);
    probe_saw(&probe, 2, ACCESS_WRITE, 0, 0x48, 4, 0x12345678);
    probe_saw(&probe, 3, ACCESS_WRITE, 0, 0x61, 1, 0x5a);
    probe_saw(&probe, 4, ACCESS_WRITE, 0, 0x60, 1, 0x5a);
    ck_assert_uint_eq(ask(REQUEST_MEMORY, SIM_READ, MEMORY + 0x10, 2, 4, 0), probe_value(0, 0x16, 2));
    ck_assert_uint_eq(ask(REQUEST_PORT, SIM_READ, PORT, 1, 9, 0), probe_byte(1, 0));
}
END_TEST

/* Elements whose memory is missing: nothing is written for them; the others go on, and it is counted. */
START_TEST(operands_in_holes)
{
    sim_punch(sim, 1, 1, -1);
    memset(sim_memory(sim, 0xff8, 8), 0x11, 8);
    memset(sim_memory(sim, 0x2000, 8), 0x22, 8);
    ask(REQUEST_MEMORY, SIM_WRITE | SIM_POINTER, MEMORY, 8, 3, 0xff8 - 8);
    ck_assert_uint_eq(probe.accesses, 2);
    ck_assert_uint_eq(dispatch.counters.no_memory, 1);
    ask(REQUEST_MEMORY, SIM_WRITE | SIM_POINTER, MEMORY, 4, 1, 0xffe); /* half of it is there */
    ck_assert_uint_eq(probe.accesses, 2);
    ask(REQUEST_MEMORY, SIM_READ | SIM_POINTER | SIM_DOWN, MEMORY + 8, 8, 2, 0x2000 - 4);
    ck_assert_uint_eq(memory_at(0x2000, 4), 0x22222222);
    ck_assert_uint_eq(dispatch.counters.no_memory, 4);
    ask(REQUEST_PORT, SIM_READ | SIM_POINTER, PORT, 4, 4, RAM - 8);
    ck_assert_uint_eq(dispatch.counters.no_memory, 6);
    ck_assert_uint_eq(memory_at(RAM - 4, 4), probe_value(1, 0, 4));
    ask(REQUEST_PORT, SIM_WRITE | SIM_POINTER | SIM_DOWN, PORT, 4, 2, 0); /* below 0 */
    ck_assert_uint_eq(dispatch.counters.no_memory, 7);
}
END_TEST

/* Sizes and counts that Xen never sends, and its INVALIDATE's count of 0. */
START_TEST(odd_sizes_and_counts)
{
    static const uint32_t sizes[] = {0, 3, 5, 6, 7, 9, 16, 0x80000000, UINT32_MAX};

    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        ck_assert_uint_eq(ask(REQUEST_MEMORY, SIM_READ, MEMORY, sizes[i], 1, 0), UINT64_MAX);
        ask(REQUEST_PORT, SIM_WRITE | SIM_POINTER, PORT, sizes[i], 1, 0);
        ask(REQUEST_CONFIG, SIM_WRITE, (uint64_t)PLACE << 32, sizes[i], 1, 0);
    }
    ck_assert_uint_eq(dispatch.counters.malformed, 3 * sizeof(sizes) / sizeof(sizes[0]));
    ask(REQUEST_MEMORY, SIM_WRITE, MEMORY, 4, 4097, 0);
    ask(REQUEST_MEMORY, SIM_WRITE, MEMORY, 4, UINT32_MAX, 0);
    ck_assert_uint_eq(dispatch.counters.malformed, 2 + 3 * sizeof(sizes) / sizeof(sizes[0]));
    ck_assert_uint_eq(probe.accesses, 0);
    ck_assert_uint_eq(ask(REQUEST_MEMORY, SIM_READ, MEMORY, 4, 0, 0), 0xffffffff);
    ask(REQUEST_MEMORY, SIM_WRITE | SIM_POINTER, MEMORY, 4, 0, 0);
    ck_assert_uint_eq(probe.accesses, 0);
    ask(REQUEST_MEMORY, SIM_READ | SIM_POINTER, MEMORY, 1, 4096, 0);
    ck_assert_uint_eq(memory_at(4088, 8), probe_value(0, 4088, 8));
    ck_assert_uint_eq(dispatch.counters.no_memory, 0);
}
END_TEST

START_TEST(odd_configuration_requests)
{
    const uint64_t place = (uint64_t)PLACE << 32;

    ck_assert_uint_eq(ask(REQUEST_CONFIG, SIM_READ, place, 8, 1, 0), UINT64_MAX);
    ask(REQUEST_CONFIG, SIM_WRITE, place | 0x0c, 8, 1, 0xff);
    ck_assert_uint_eq(ask(REQUEST_CONFIG, SIM_READ, place | 0x0c, 1, 1, 0), 0);
    ck_assert_uint_eq(ask(REQUEST_CONFIG, SIM_READ, place | UINT64_C(1) << 48, 4, 1, 0), UINT32_MAX); /* a segment */
    ask(REQUEST_CONFIG, SIM_WRITE, place | UINT64_C(1) << 63 | 0x0c, 1, 1, 0xff);
    ck_assert_uint_eq(ask(REQUEST_CONFIG, SIM_READ, place | 0x0c, 1, 1, 0), 0);
    ck_assert_uint_eq(ask(REQUEST_CONFIG, SIM_READ, place | 0x100, 4, 1, 0), 0xffffffff);
    ck_assert_uint_eq(ask(REQUEST_CONFIG, SIM_READ, place | 0xffffffff, 1, 1, 0), 0xff);
    ck_assert_uint_eq(ask(REQUEST_CONFIG, SIM_READ, place | UINT64_C(0x100) << 32, 2, 1, 0), 0xffff); /* bus 1 */
    /* A string from the data port: the register stays. */
    ask(REQUEST_CONFIG, SIM_READ | SIM_POINTER, place, 2, 3, 0x100);
    ck_assert_uint_eq(memory_at(0x100, 8), UINT64_C(0x00001af41af41af4));
}
END_TEST

START_TEST(other_kinds)
{
    ck_assert_uint_eq(ask(REQUEST_OTHER, SIM_WRITE, MEMORY, 4, 1, 1), UINT64_MAX);
    ck_assert_uint_eq(ask((enum request_kind)77, SIM_WRITE, MEMORY, 4, 1, 1), UINT64_MAX);
    ck_assert_uint_eq(dispatch.counters.other, 2);
    ask(REQUEST_PORT, SIM_READ | SIM_POINTER, PORT, 1, 1, 0);
    ck_assert_uint_eq(sim_mappings(sim).mapped, 1);
    ask(REQUEST_INVALIDATE, SIM_WRITE, 0, 4, 0, UINT64_MAX);
    ck_assert_uint_eq(dispatch.counters.invalidate, 1);
    ask(REQUEST_PORT, SIM_READ | SIM_POINTER, PORT, 1, 1, 0);
    ck_assert_uint_eq(sim_mappings(sim).mapped, 2);
    ck_assert_uint_eq(probe.accesses, 2);
}
END_TEST

/* Whatever is in a slot, the worker answers it once, and goes on serving. Several vCPUs do it at a time. */
static void *ask_nonsense(void *argument)
{
    const struct vcpu *asking = argument;
    uint32_t seed = asking->index + 1;
    static const uint32_t sizes[] = {1, 2, 4, 8, 0, 3, 16, UINT32_MAX};
    static const uint32_t counts[] = {1, 1, 0, 2, 7, 100, 4096, 5000};

    for (unsigned i = 0; i < 2000; i++) {
        const uint64_t places[] = {
            blk.pci.bar[4].address, blk.pci.bar[1].address, (uint64_t)STACK_FUNCTION << 32, 0xcf8, RAM,
            UINT64_MAX - 64};
        uint64_t address = places[disk_random(&seed) % 6] + disk_random(&seed) % 0x40;
        enum request_kind kind = (enum request_kind)(disk_random(&seed) % (REQUEST_OTHER + 1));
        uint64_t data = disk_random(&seed) % (DISK_MEMORY + 0x10000);

        sim_access(asking->sim, asking->index, kind, address, sizes[disk_random(&seed) % 8],
                   counts[disk_random(&seed) % 8], disk_random(&seed) % 8 | SIM_UNCHECKED, data);
    }
    return NULL;
}

START_TEST(nonsense_is_answered_once)
{
    pthread_t thread[3];

    disk_open(3, NULL);
    disk_start(DISK_FEATURES, 0);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(pthread_create(&thread[i], NULL, ask_nonsense, &vcpu[i]), 0);
    }
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
    }
    ck_assert_uint_eq(pci_get(&vcpu[0], STACK_FUNCTION, 0, 4), 0x10421af4);
    ck_assert_uint_eq(stack_close(&stack), 0);
}
END_TEST

TCase *request_tests(void)
{
    TCase *group = tcase_create("requests");

    tcase_add_checked_fixture(group, open_dispatch, close_dispatch);
    tcase_set_timeout(group, 60);
    tcase_add_test(group, plain_accesses);
    tcase_add_test(group, string_in);
    tcase_add_test(group, string_out);
    tcase_add_test(group, string_move);
    tcase_add_test(group, repeats_without_memory);
    tcase_add_test(group, operands_in_holes);
    tcase_add_test(group, odd_sizes_and_counts);
    tcase_add_test(group, odd_configuration_requests);
    tcase_add_test(group, other_kinds);
    tcase_add_test(group, nonsense_is_answered_once);
    return group;
}
