/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest finds: a host bridge or not, the device with its structures, BARs where it wants them, and a worker that
 * refuses to start when it cannot have its place.
 */
#include <errno.h>
#include <string.h>

#include "tests/worker/disk.h"

static struct pci_function found[PCI_FUNCTIONS];

static void open_bare(const struct stack_options *options)
{
    ck_assert_msg(stack_open(&stack, options) && stack_run(&stack), "%s", stack.error);
    vcpu[0] = (struct vcpu){.sim = stack.sim};
}

START_TEST(a_guest_without_a_host_bridge_gets_one)
{
    const struct stack_options options = {0};

    open_bare(&options);
    ck_assert_uint_eq(pci_enumerate(&vcpu[0], found, PCI_FUNCTIONS), 2);
    ck_assert_uint_eq(found[0].number, 0);
    ck_assert_uint_eq(found[0].class_code, 0x060000);
    ck_assert_uint_eq(found[1].number, STACK_FUNCTION);
    ck_assert_uint_eq(found[1].vendor, 0x1af4);
    ck_assert_uint_eq(found[1].device, 0x1042);
    ck_assert_uint_eq(found[1].class_code, 0x010000);
    ck_assert_uint_eq(found[1].vectors, 2);
    ck_assert_uint_eq(found[1].bar[4].size, 0x4000);
    ck_assert(found[1].bar[4].wide && !found[1].bar[4].io);
    ck_assert_uint_eq(found[1].bar[1].size, 0x1000);
    ck_assert_uint_eq(pci_get(&vcpu[0], STACK_FUNCTION, 0x3d, 1), 0); /* lines lead nowhere: no pin */
    ck_assert_uint_eq(stack_close(&stack), 0);
}
END_TEST

/* Beside another device model: its host bridge, its address port, our function alone. Here lines do lead somewhere. */
START_TEST(beside_another_host_bridge)
{
    const struct stack_options options = {.sim = {.host_bridge = true, .intx = true}};

    open_bare(&options);
    ck_assert_uint_eq(pci_enumerate(&vcpu[0], found, PCI_FUNCTIONS), 1);
    ck_assert_uint_eq(found[0].number, STACK_FUNCTION);
    ck_assert_uint_eq(vcpu_in(&vcpu[0], 0xcf8, 4), 0xffffffff);
    ck_assert_uint_eq(pci_get(&vcpu[0], STACK_FUNCTION, 0x3d, 1), 1);
    ck_assert_uint_eq(stack_close(&stack), 0);
}
END_TEST

/* Without MSI-X the queue's interrupt is the line; reading ISR lets it fall (virtio 1.4 §4.1.4.5). */
START_TEST(interrupts_by_the_line)
{
    const struct sim_options with_lines = {.intx = true};
    struct sim_interrupt interrupt = {0};
    unsigned slot;

    disk_open(1, &with_lines);
    disk_start(DISK_FEATURES, 0);
    pci_msix_enable(&vcpu[0], &blk.pci, false);
    slot = blk_take_slot(&blk);
    memset(blk_data(&blk, slot), 0, BLK_SECTOR);
    ck_assert(virtio_queue_listen(&blk.queue));
    ck_assert(blk_add(&blk, slot, BLK_IN, 0, BLK_SECTOR, 1, false));
    blk_kick(&blk, &vcpu[0]);
    ck_assert(sim_interrupt_wait(stack.sim, 10000, &interrupt));
    ck_assert(!interrupt.is_message && interrupt.level);
    ck_assert_uint_eq(interrupt.device, STACK_FUNCTION >> 3);
    ck_assert(sim_intx_level(stack.sim, STACK_FUNCTION >> 3, 0));
    ck_assert_uint_eq(pci_get(&vcpu[0], STACK_FUNCTION, 6, 2) & 8, 8);
    ck_assert_uint_eq(vcpu_load(&vcpu[0], blk.pci.bar[blk.virtio.isr.bar].address + blk.virtio.isr.offset, 1), 1);
    ck_assert(!sim_intx_level(stack.sim, STACK_FUNCTION >> 3, 0));
    ck_assert_int_eq(blk_wait(&blk, &vcpu[0], slot), 0);
    blk_free_slot(&blk, slot);
    disk_close();
}
END_TEST

/* What a driver may place at low addresses, above 4 GiB, and move. */
START_TEST(bars_go_where_the_guest_wants)
{
    const struct stack_options options = {0};
    struct pci_space low = {.ports = 0xc000, .memory = 0xe0000000};
    struct virtio virtio;

    open_bare(&options);
    ck_assert_uint_eq(pci_enumerate(&vcpu[0], found, PCI_FUNCTIONS), 2);
    pci_place(&vcpu[0], &found[1], &low);
    ck_assert(virtio_probe(&virtio, &vcpu[0], &found[1]));
    ck_assert_uint_eq(virtio_get(&virtio, &vcpu[0], VIRTIO_NUM_QUEUES, 2), 1);
    for (unsigned i = 0; i < 8; i++) {
        uint64_t old = found[1].bar[4].address;

        pci_move(&vcpu[0], &found[1], 4, (UINT64_C(0x100000000) << i) + i * UINT64_C(0x4000));
        ck_assert_uint_eq(virtio_get(&virtio, &vcpu[0], VIRTIO_NUM_QUEUES, 2), 1);
        ck_assert_uint_eq(vcpu_load(&vcpu[0], old + VIRTIO_NUM_QUEUES, 2), 0xffff);
    }
    ck_assert_uint_eq(stack_close(&stack), 0);
}
END_TEST

static void expect_refusal(enum sim_fault fault, unsigned skip, int error, const char *text)
{
    const struct stack_options options = {0};
    bool opened;

    opened = stack_open(&stack, &options);
    ck_assert_msg(opened, "%s", stack.error);
    sim_fail(stack.sim, fault, skip, error);
    ck_assert(!stack_serve(&stack));
    ck_assert_msg(strstr(stack.error, text) != NULL, "%s", stack.error);
    ck_assert_uint_eq(stack_close(&stack), 0);
}

START_TEST(refused_claims_are_told)
{
    expect_refusal(SIM_FAULT_CLAIM, 0, EEXIST, "cannot place the host bridge pci: File exists");
    expect_refusal(SIM_FAULT_CLAIM, 1, EPERM, "cannot place the host bridge pci: Operation not permitted");
    expect_refusal(SIM_FAULT_CLAIM, 2, EBUSY, "cannot place device disk0 at 01.0 of pci: Device or resource busy");
}
END_TEST

START_TEST(a_bus_that_is_not_there)
{
    const struct stack_options options = {.bus = "elsewhere"};

    ck_assert(stack_open(&stack, &options));
    ck_assert(!stack_serve(&stack));
    ck_assert_ptr_nonnull(strstr(stack.error, "cannot place device disk0 at 01.0 of elsewhere: No such device"));
    ck_assert_uint_eq(stack_close(&stack), 0);
}
END_TEST

/* Properties that the model refuses, with the property's name. */
START_TEST(wrong_properties_are_told)
{
    const struct stack_options odd = {.key = "queue-size", .value = "5"};
    struct stack_options empty = {.sectors = 0};

    ck_assert(!stack_open(&stack, &odd));
    ck_assert_str_eq(stack.error, "queue-size: 5 is no power of 2: use one from 4 to 32768");
    device_destroy(stack.device);
    ck_assert_uint_eq(stack_close(&stack), 0);
    empty.sim.milliseconds = 1;
    ck_assert(stack_open(&stack, &empty));
    ck_assert_uint_eq(stack_close(&stack), 0); /* never served: all is given back all the same */
}
END_TEST

TCase *enumeration_tests(void)
{
    TCase *group = tcase_create("enumeration");

    tcase_set_timeout(group, 60);
    tcase_add_test(group, a_guest_without_a_host_bridge_gets_one);
    tcase_add_test(group, beside_another_host_bridge);
    tcase_add_test(group, interrupts_by_the_line);
    tcase_add_test(group, bars_go_where_the_guest_wants);
    tcase_add_test(group, refused_claims_are_told);
    tcase_add_test(group, a_bus_that_is_not_there);
    tcase_add_test(group, wrong_properties_are_told);
    return group;
}
