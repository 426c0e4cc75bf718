/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a worker ends: with requests of vCPUs open, with transfers in flight, and with a device that does not rest.
 */
#include <errno.h>
#include <string.h>

#include "tests/worker/disk.h"

/* Writes in flight when the end comes are carried out or not, but wholly: the disk is not looked at afterwards. */
START_TEST(end_with_transfers_in_flight)
{
    for (unsigned round = 0; round < 20; round++) {
        disk_open(1, NULL);
        disk_start(DISK_FEATURES, 0);
        for (unsigned i = 0; i < BLK_SLOTS; i++) {
            ck_assert(blk_add(&blk, i, BLK_OUT, i * 64, 64 * BLK_SECTOR, 4, round % 2 == 0));
        }
        virtio_queue_notify(&blk.queue, &vcpu[0]);
        stack_end(&stack);
        ck_assert(stack.rested);
        ck_assert_uint_eq(stack_close(&stack), 0);
    }
}
END_TEST

/* The end may come while a request lies in a slot: it is answered, by us or by the end of the server. */
START_TEST(end_with_an_open_request)
{
    for (unsigned round = 0; round < 20; round++) {
        uint64_t data = 0;

        disk_open(2, NULL);
        disk_start(DISK_FEATURES, 0);
        stack_ask_end(&stack);
        sim_request(stack.sim, 0, REQUEST_MEMORY, blk.pci.bar[4].address + VIRTIO_NUM_QUEUES, 2, 1, SIM_READ, 0);
        sim_request(stack.sim, 1, REQUEST_CONFIG, (uint64_t)STACK_FUNCTION << 32, 4, 1, SIM_READ, 0);
        data = sim_wait(stack.sim, 0);
        ck_assert_msg(data == 1 || data == 0xffff, "0x%llx", (unsigned long long)data);
        data = sim_wait(stack.sim, 1);
        ck_assert_msg(data == 0x10421af4 || data == 0xffffffff, "0x%llx", (unsigned long long)data);
        stack_end(&stack);
        /* Nobody serves any more: what comes now reads as all ones at once. */
        ck_assert_uint_eq(pci_get(&vcpu[0], STACK_FUNCTION, 0, 4), 0xffffffff);
        ck_assert_uint_eq(stack_close(&stack), 0);
    }
}
END_TEST

/* A request that was placed before the loop ran is not forgotten. */
START_TEST(requests_before_the_first_turn)
{
    const struct stack_options options = {0};

    ck_assert(stack_open(&stack, &options) && stack_serve(&stack));
    ck_assert(sim_request(stack.sim, 0, REQUEST_CONFIG, (uint64_t)STACK_FUNCTION << 32, 4, 1, SIM_READ, 0));
    stack_start_thread(&stack);
    ck_assert_uint_eq(sim_wait(stack.sim, 0), 0x10421af4);
    ck_assert_uint_eq(stack_close(&stack), 0);
}
END_TEST

/* vCPUs that go on asking while the worker ends. */
static void *ask(void *argument)
{
    const struct vcpu *asking = argument;

    for (unsigned i = 0; i < 300; i++) {
        pci_get(asking, STACK_FUNCTION, 0, 4);
        vcpu_load(asking, blk.pci.bar[4].address, 4);
        sim_access(asking->sim, asking->index, REQUEST_INVALIDATE, 0, 0, 0, 0, 0);
    }
    return NULL;
}

START_TEST(end_while_vcpus_ask)
{
    pthread_t thread[3];

    disk_open(4, NULL);
    disk_start(DISK_FEATURES, 0);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(pthread_create(&thread[i], NULL, ask, &vcpu[i]), 0);
    }
    pci_get(&vcpu[3], STACK_FUNCTION, 0, 4); /* some time */
    stack_end(&stack);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
    }
    ck_assert(stack.rested);
    ck_assert_uint_eq(stack_close(&stack), 0);
}
END_TEST

/* A worker without devices, and one that was never started. */
static void end_worker(void *argument)
{
    worker_end(argument, false);
}

START_TEST(end_without_devices)
{
    struct ioreqd_work end = {.run = end_worker};
    const struct sim_options options = {.host_bridge = true};
    struct hypervisor_error error;
    struct worker *worker = worker_create();

    ck_assert_ptr_nonnull(worker);
    worker_destroy(worker);
    worker_destroy(NULL);
    worker = worker_create();
    ck_assert_int_eq(worker_start(worker, sim_open(&options), &error), 0);
    ck_assert_int_eq(worker_serve(worker, &error), 0);
    end.argument = worker;
    loop_post(worker_loop(worker), &end);
    ck_assert(worker_run(worker));
    worker_destroy(worker);
}
END_TEST

START_TEST(a_server_that_cannot_start)
{
    struct hypervisor *sim = sim_open(NULL);
    struct worker *worker = worker_create();
    struct hypervisor_error error;

    sim_fail(sim, SIM_FAULT_START, 0, ENOSPC);
    ck_assert_int_eq(worker_start(worker, sim, &error), -1);
    ck_assert_int_eq(error.failure, HYPERVISOR_REFUSED);
    ck_assert_ptr_nonnull(strstr(error.text, "No space left"));
    worker_destroy(worker);
}
END_TEST

TCase *end_tests(void)
{
    TCase *group = tcase_create("end");

    tcase_set_timeout(group, 120);
    tcase_add_test(group, end_with_transfers_in_flight);
    tcase_add_test(group, end_with_an_open_request);
    tcase_add_test(group, requests_before_the_first_turn);
    tcase_add_test(group, end_while_vcpus_ask);
    tcase_add_test(group, end_without_devices);
    tcase_add_test(group, a_server_that_cannot_start);
    return group;
}
