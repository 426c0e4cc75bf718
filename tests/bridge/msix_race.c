/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No interrupt is lost while a guest masks and unmasks (PCI 3.0 §6.8.3.4, §6.8.3.5). In each of many short rounds, queue
 * threads count an event and raise its vector while the guest lifts a mask; each message notes how many events of its
 * vector had happened. At the end of a round, when nothing is masked, the last event of every vector has been told.
 */
#include <sched.h>
#include <stdatomic.h>

#include "tests/bridge/board.h"

#define TABLE   UINT64_C(0xfe000000)
#define VECTORS 4u
#define THREADS 2u
#define ROUNDS  10000u
#define RAISES  20000u
#define CONTROL (0x40u + PCI_MSIX_CONTROL)

static struct probe probe;
static struct bridge_function *function;
static atomic_uint events[VECTORS];
static atomic_uint told[VECTORS];
static atomic_uint running;
static atomic_uint begun;    /* rounds */
static atomic_uint finished; /* threads of the present round */

static const struct ioreqd_description vectors = {
    .struct_size = sizeof(vectors),
    .vendor = 0x1af4,
    .intx = 1,
    .msix = VECTORS,
    .msix_bar = 0,
};

static void on_message(uint64_t address, uint32_t data)
{
    (void)address;
    unsigned now = atomic_load(&events[data % VECTORS]);
    unsigned before = atomic_load(&told[data % VECTORS]);

    while (before < now && !atomic_compare_exchange_weak(&told[data % VECTORS], &before, now)) {
    }
}

/* A moment of a length that changes, so that the rounds try every order of what happens in them. */
static void dawdle(unsigned turns)
{
    for (unsigned i = 0; i < turns; i++) {
        atomic_signal_fence(memory_order_seq_cst);
    }
}

static void *raise_vectors(void *argument)
{
    unsigned first = (unsigned)(uintptr_t)argument;

    for (unsigned round = 1; round <= ROUNDS; round++) {
        while (atomic_load(&begun) < round) {
            sched_yield();
        }
        dawdle(round * 7 % 64);
        for (unsigned i = 0; i < VECTORS; i += THREADS) {
            atomic_fetch_add(&events[first + i], 1);
            bridge_msix(function, first + i);
        }
        atomic_fetch_add(&finished, 1);
    }
    return NULL;
}

static void *toggle_line(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < RAISES; i++) {
        bridge_intx(function, i % 2 == 0);
    }
    bridge_intx(function, true);
    atomic_fetch_sub(&running, 1);
    return NULL;
}

static void open_race(void)
{
    board_open();
    board.on_message = on_message;
    function = board_add(PLACE, &vectors, &probe);
    config_put(PLACE, BAR_REG(0), 4, TABLE);
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER);
    for (unsigned i = 0; i < VECTORS; i++) {
        bridge_write(bridge, BRIDGE_MEMORY, TABLE + 16 * i, 4, 0xfee00000);
        bridge_write(bridge, BRIDGE_MEMORY, TABLE + 16 * i + 8, 4, i);
        bridge_write(bridge, BRIDGE_MEMORY, TABLE + 16 * i + 12, 4, 0);
    }
    config_put(PLACE, CONTROL, 2, PCI_MSIX_ENABLE);
}

static void mask_vectors(bool masked)
{
    for (unsigned i = 0; i < VECTORS; i++) {
        bridge_write(bridge, BRIDGE_MEMORY, TABLE + 16 * i + 12, 4, masked ? 1 : 0);
    }
}

static void mask_function(bool masked)
{
    config_put(PLACE, CONTROL, 2, masked ? PCI_MSIX_ENABLE | PCI_MSIX_FUNCTION_MASK : PCI_MSIX_ENABLE);
}

static void stop_master(bool masked)
{
    config_put(PLACE, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | (masked ? 0 : PCI_COMMAND_BUS_MASTER));
}

static void do_all(bool masked)
{
    mask_vectors(masked);
    mask_function(masked);
    stop_master(masked);
    (void)bridge_read(bridge, BRIDGE_MEMORY, TABLE + 0x800, 8);
}

static void (*const ways[])(bool masked) = {mask_vectors, mask_function, stop_master, do_all};

START_TEST(no_interrupt_is_lost)
{
    pthread_t thread[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&thread[i], NULL, raise_vectors, (void *)(uintptr_t)i), 0);
    }
    for (unsigned round = 1; round <= ROUNDS; round++) {
        ways[_i](true);
        atomic_store(&finished, 0);
        atomic_store(&begun, round);
        dawdle(round * 13 % 256);
        ways[_i](false);
        ways[_i](true);
        ways[_i](false);
        while (atomic_load(&finished) < THREADS) {
            sched_yield();
        }
        for (unsigned i = 0; i < VECTORS; i++) {
            ck_assert_uint_eq(atomic_load(&events[i]), round);
            ck_assert_uint_eq(atomic_load(&told[i]), round);
        }
    }
    for (unsigned i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
    }
}
END_TEST

/* §6.8.3.3: the line follows what the device wants and what the guest allows, whoever comes last. */
START_TEST(the_line_settles)
{
    pthread_t thread;

    atomic_store(&running, 1);
    ck_assert_int_eq(pthread_create(&thread, NULL, toggle_line, NULL), 0);
    for (unsigned turn = 0; atomic_load(&running) != 0; turn++) {
        config_put(PLACE, PCI_COMMAND, 2, turn % 2 == 0 ? PCI_COMMAND_INTX_DISABLE : 0);
        config_put(PLACE, CONTROL, 2, turn % 3 == 0 ? PCI_MSIX_ENABLE : 0);
        (void)config_get(PLACE, PCI_STATUS, 2);
        sched_yield();
    }
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    config_put(PLACE, PCI_COMMAND, 2, 0);
    config_put(PLACE, CONTROL, 2, 0);
    ck_assert(board.level[PLACE >> 3][0]);
    bridge_intx(function, false);
    ck_assert(!board.level[PLACE >> 3][0]);
}
END_TEST

TCase *msix_race_tests(void)
{
    TCase *group = tcase_create("MSI-X races");

    tcase_add_checked_fixture(group, open_race, board_close);
    tcase_set_timeout(group, 60);
    tcase_add_loop_test(group, no_interrupt_is_lost, 0, (int)(sizeof(ways) / sizeof(ways[0])));
    tcase_add_test(group, the_line_settles);
    return group;
}
