/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio-blk that is a transitional device, and a driver from before virtio 1.0, which knows its I/O BAR alone (virtio
 * 1.4 §4.1.4.10), over every way that leads to the device. Without MSI-X: the driver looks at its ring, and at the ISR.
 */
#include <sched.h>
#include <string.h>

#include "tests/worker/disk.h"

#define MODERN_ID       0x1042u
#define TRANSITIONAL_ID 0x1001u

#define QUEUE      (UINT64_C(1) << 20) /* guest memory: the queue, then header, data and status */
#define HEADER     (UINT64_C(2) << 20)
#define DATA       (HEADER + 4096)
#define STATUS     (HEADER + 512)
#define WAIT_TURNS 10000000u

enum legacy {
    DRIVER_FEATURES = 4,
    ADDRESS = 8,
    SIZE = 12,
    SELECT = 14,
    NOTIFY = 16,
    DEVICE_STATUS = 18,
    ISR = 19,
    CAPACITY = 20
};

static struct pci_function function;
static uint16_t size, added;

static uint32_t in(unsigned offset, unsigned bytes)
{
    return vcpu_in(&vcpu[0], (uint16_t)(function.bar[0].address + offset), bytes);
}

static void out(unsigned offset, unsigned bytes, uint32_t value)
{
    vcpu_out(&vcpu[0], (uint16_t)(function.bar[0].address + offset), bytes, value);
}

static void open_device(int layout)
{
    const struct stack_options options = {
        .layout = (enum stack_layout)layout,
        .sim = {.memory = DISK_MEMORY, .vcpus = 1},
        .sectors = 64,
        .key = "transitional",
        .value = "on",
    };
    struct pci_space space;

    ck_assert_msg(stack_open(&stack, &options) && stack_run(&stack), "%s", stack.error);
    vcpu[0] = stack_vcpu(&stack, 0);
    space = stack_space(&stack);
    ck_assert(virtio_find(&vcpu[0], TRANSITIONAL_ID, &function, &space));
    ck_assert(function.bar[0].io);
    ck_assert_uint_eq(function.bar[0].size, 128);
}

static void close_device(void)
{
    stack_end(&stack);
    ck_assert(stack.rested);
    ck_assert_uint_eq(stack_close(&stack), 0);
}

/* As drivers begin that know nothing of FEATURES_OK. */
static void start(void)
{
    out(DEVICE_STATUS, 1, 0);
    out(DEVICE_STATUS, 1, 1);
    out(DEVICE_STATUS, 1, 3);
    out(DRIVER_FEATURES, 4, (uint32_t)BLK_F_FLUSH);
    out(SELECT, 2, 0);
    size = (uint16_t)in(SIZE, 2);
    ck_assert_uint_eq(size, 256);
    ck_assert_uint_eq(in(ADDRESS, 4), 0);
    memset(sim_memory(stack.sim, QUEUE, 0x8000), 0, 0x8000);
    added = 0;
    out(ADDRESS, 4, (uint32_t)(QUEUE / 4096));
    out(DEVICE_STATUS, 1, 7);
    ck_assert_uint_eq(in(DEVICE_STATUS, 1), 7);
}

/* One request of three descriptors, the first of the table; the status, or -1 when none comes. */
static int request(uint32_t type, uint64_t sector, uint32_t length)
{
    struct descriptor {
        uint64_t address;
        uint32_t length;
        uint16_t flags, next;
    } chain[] = {{HEADER, 16, 1, 1}, {DATA, length, (uint16_t)(type == BLK_IN ? 3 : 1), 2}, {STATUS, 1, 2, 0}};
    uint32_t available = 16u * size, used = (available + 6 + 2u * size + 4095) / 4096 * 4096;
    uint8_t *queue = sim_memory(stack.sim, QUEUE, 0x8000);
    uint8_t *header = sim_memory(stack.sim, HEADER, 4096);
    _Atomic uint16_t *index = (_Atomic uint16_t *)(void *)(queue + used + 2);
    int status = -1;

    memset(header, 0, 513);
    memcpy(header, &type, 4);
    memcpy(header + 8, &sector, 8);
    header[512] = 0xff;
    memcpy(queue, chain, sizeof(chain));
    memset(queue + available + 4 + 2u * (added % size), 0, 2); /* its head */
    added++;
    atomic_store((_Atomic uint16_t *)(void *)(queue + available + 2), added);
    out(NOTIFY, 2, 0);
    for (unsigned i = 0; i < WAIT_TURNS && status < 0; i++) {
        if (atomic_load(index) == added) {
            status = header[512];
        }
        sched_yield();
    }
    return status;
}

START_TEST(a_legacy_driver_uses_the_disk)
{
    uint8_t *data;

    open_device(_i);
    data = sim_memory(stack.sim, DATA, 4096);
    ck_assert_uint_eq(in(CAPACITY, 4), 64);
    for (unsigned life = 0; life < 2; life++) { /* the second one after a reset */
        start();
        for (unsigned i = 0; i < 300; i++) { /* more than the queue has */
            memset(data, (int)(i + life + 1), 4096);
            ck_assert_int_eq(request(BLK_OUT, i % 56, 4096), 0);
            memset(data, 0, 4096);
            ck_assert_int_eq(request(BLK_IN, i % 56, 4096), 0);
            if (data[0] != (uint8_t)(i + life + 1) || memcmp(data, data + 1, 4095) != 0) {
                ck_abort_msg("request %u of life %u has read something else", i, life);
            }
        }
        ck_assert_uint_eq(in(ISR, 1), 1);
        ck_assert_uint_eq(in(ISR, 1), 0);
        ck_assert_int_eq(request(BLK_IN, 64, 512), 1);
    }
    close_device();
}
END_TEST

/* The same device has the modern interface too, by which a modern driver uses it. */
START_TEST(a_modern_driver_uses_the_same_device)
{
    struct virtio virtio;

    open_device(_i);
    ck_assert(virtio_probe(&virtio, &vcpu[0], &function));
    ck_assert(virtio_negotiate(&virtio, &vcpu[0], VIRTIO_F_VERSION_1 | BLK_F_FLUSH));
    ck_assert_uint_eq(virtio.features, VIRTIO_F_VERSION_1 | BLK_F_FLUSH);
    ck_assert_uint_eq(virtio_config(&virtio, &vcpu[0], 0, 4), 64);
    ck_assert_uint_eq(in(DEVICE_STATUS, 1), 0xb);
    close_device();
}
END_TEST

START_TEST(off_by_default)
{
    struct pci_space space;

    disk_open(1, NULL);
    space = stack_space(&stack);
    ck_assert_uint_eq(blk.pci.device, MODERN_ID);
    ck_assert(!virtio_find(&vcpu[0], TRANSITIONAL_ID, &function, &space));
    disk_close();
}
END_TEST

TCase *legacy_tests(void)
{
    TCase *group = tcase_create("legacy");

    tcase_set_timeout(group, 60); /* two threads, which may have a part of one processor */
    tcase_add_loop_test(group, a_legacy_driver_uses_the_disk, 0, STACK_LAYOUTS);
    tcase_add_loop_test(group, a_modern_driver_uses_the_same_device, 0, STACK_LAYOUTS);
    tcase_add_test(group, off_by_default);
    return group;
}
