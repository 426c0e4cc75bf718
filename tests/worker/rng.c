/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio-rng with a limit on the whole stack: the real module, clock and timers, and a driver that asks for a little at a time, as
 * Linux's does. The test's thread is the vCPU.
 */
#include <time.h>

#include "tests/drv/virtio.h"
#include "tests/worker/disk.h"

#define SIZE   8
#define MEMORY 0x100000u
#define BUFFER (MEMORY + 0x10000u)
#define PIECE  64u
#define RATE   40000u
#define BYTES  60032u /* half as many again as may come at once */

static struct pci_function function;
static struct virtio virtio;
static struct virtio_queue queue;

static void open_rng(void)
{
    struct stack_options options = {
        .sim = {.memory = DISK_MEMORY, .vcpus = 1}, .module = "virtio-rng", .key = "rate", .value = "40000"};
    struct pci_space space;

    ck_assert_msg(stack_open(&stack, &options) && stack_run(&stack), "%s", stack.error);
    vcpu[0] = stack_vcpu(&stack, 0);
    space = stack_space(&stack);
    ck_assert(virtio_find(&vcpu[0], 0x1044, &function, &space));
    ck_assert(virtio_probe(&virtio, &vcpu[0], &function));
    pci_msix_set(&vcpu[0], &function, 0, 0xfee00000, 0x41);
    pci_msix_enable(&vcpu[0], &function, true);
    ck_assert(virtio_reset(&virtio, &vcpu[0]) && virtio_negotiate(&virtio, &vcpu[0], UINT64_MAX));
    ck_assert(virtio_queue_open(&queue, &virtio, &vcpu[0], 0, SIZE, MEMORY, 0));
    virtio_driver_ok(&virtio, &vcpu[0]);
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* One buffer, from asking to having; how many bytes it got, or 0 after far too long. */
static uint32_t ask(void)
{
    const struct virtio_segment segment = {BUFFER, PIECE, true};
    uint32_t written = 0;

    virtio_queue_listen(&queue); /* as Linux does when it takes a buffer */
    ck_assert_int_ge(virtio_queue_add(&queue, &segment, 1, 0), 0);
    if (virtio_queue_needs_kick(&queue)) {
        virtio_queue_notify(&queue, &vcpu[0]);
    }
    for (double end = seconds() + 5; seconds() < end;) {
        struct sim_interrupt interrupt;

        if (virtio_queue_take(&queue, &written) >= 0) {
            return written;
        }
        if (!sim_interrupt_wait(stack.sim, 5000, &interrupt)) {
            break;
        }
    }
    return 0;
}

START_TEST(the_limit_holds)
{
    uint32_t bytes = 0;
    double began, took;

    open_rng();
    began = seconds();
    while (bytes < BYTES) {
        uint32_t written = ask();

        ck_assert_uint_ne(written, 0);
        bytes += written;
    }
    took = seconds() - began;
    ck_assert(took > 0.9 * (BYTES - RATE) / RATE);
    ck_assert_uint_eq(stack_close(&stack), 0);
}
END_TEST

TCase *rng_tests(void)
{
    TCase *group = tcase_create("rng");

    tcase_set_timeout(group, 60);
    tcase_add_test(group, the_limit_holds);
    return group;
}
