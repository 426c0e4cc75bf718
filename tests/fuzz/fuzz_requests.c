/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ioreqd against a hostile guest, on x86 or on Arm: the input is a list of what its vCPU puts into its slot, in whatever
 * form, and of what happens to its memory meanwhile. Behind stands the whole stack with a virtio-blk whose driver has set it up.
 *
 * Whatever happens, each request is answered once and in time, the server goes on serving, the device comes to rest,
 * and all that was mapped is given back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/machine.h"
#include "device/host.h"
#include "log.h"
#include "tests/drv/blk.h"
#include "tests/drv/stack.h"

#define RAM       (UINT64_C(4) << 20)
#define DRIVER_AT (UINT64_C(1) << 20)
#define OPS_MAX   200u
#define FRAME     UINT64_C(0x0a000000) /* of an Arm guest: bridge_default_interrupts() */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Of devices/virtio-blk, which is linked to this program. */
const struct ioreqd_model *const *ioreqd_module(const struct ioreqd_host *host);

static const uint8_t *input;
static size_t left;
static struct stack stack;
static struct blk blk;
static struct vcpu vcpu;

static uint64_t take(unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes && left != 0; i++, left--) {
        value |= (uint64_t)*input++ << (8 * i);
    }
    return value;
}

static void require(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "%s %s\n", what, stack.error);
        abort();
    }
}

/* An address that means something, with a few bits of the input; or any. */
static uint64_t take_address(void)
{
    uint8_t choice = (uint8_t)take(1);

    switch (choice % 8) {
    case 0:
        return blk.pci.bar[4].address + take(2) % 0x4100;
    case 1:
        return blk.pci.bar[4].address + take(1) % 64; /* the common configuration */
    case 2:
        return blk.pci.bar[1].address + take(2) % 0x1100;
    case 3:
        if (vcpu.ecam != 0) {
            return vcpu.ecam + (STACK_FUNCTION << 12 | take(1));
        }
        return (uint64_t)STACK_FUNCTION << 32 | take(1);
    case 4:
        return (uint64_t)(vcpu.segment << 16 | STACK_FUNCTION) << 32 | take(1);
    case 5:
        return vcpu.ecam != 0 ? FRAME + (take(2) & 0xfff) : 0xcf8 + take(1) % 8;
    case 6:
        return take(4);
    default:
        return take(8);
    }
}

static void ask(void)
{
    static const uint32_t sizes[] = {1, 2, 4, 8};
    uint8_t how = (uint8_t)take(1);
    uint32_t size = (how & 0x80) != 0 ? (uint32_t)take(4) : sizes[how & 3];
    uint32_t count = (how & 0x40) != 0 ? (uint32_t)take(2) : 1;
    unsigned flags = ((how >> 2) & 7u) | SIM_UNCHECKED;
    uint8_t kind = (uint8_t)take(1);
    uint64_t address = take_address();
    uint64_t data = take((flags & SIM_POINTER) != 0 ? 3 : size <= 8 ? size : 8);
    enum request_kind kinds[] = {REQUEST_PORT, REQUEST_MEMORY, REQUEST_CONFIG, REQUEST_INVALIDATE, REQUEST_OTHER};

    if ((address >> 32 & 0xffff) == STACK_FUNCTION && (how & 0x20) == 0) {
        kind = 2;
    } else if (address >= 0xcf8 && address < 0xd00) {
        kind = 0;
    }
    sim_access(stack.sim, 0, kinds[kind % 5], address, size, count, flags, data);
}

static void poke(void)
{
    uint64_t address = DRIVER_AT + take(2) * ((left & 1) != 0 ? 1 : 16);
    uint8_t *byte;

    if (address < RAM && (byte = sim_memory(stack.sim, address, 1)) != NULL) {
        __atomic_store_n(byte, (uint8_t)take(1), __ATOMIC_RELAXED);
    }
}

static void balloon(void)
{
    uint64_t frame = take(2) % (RAM >> HYPERVISOR_PAGE_SHIFT);
    size_t count = 1 + take(1) % 16;

    sim_punch(stack.sim, frame, count, 0);
    sim_wait(stack.sim, 0);
    if (take(1) % 4 != 0) {
        (void)sim_populate(stack.sim, frame,
                           count < (RAM >> HYPERVISOR_PAGE_SHIFT) - frame ? count
                                                                          : (RAM >> HYPERVISOR_PAGE_SHIFT) - frame);
        sim_access(stack.sim, 0, REQUEST_INVALIDATE, 0, 0, 0, 0, 0);
    }
}

/* A request as a driver makes it, if the ring is still there to write to. */
static void drive(void)
{
    uint8_t how = (uint8_t)take(1);
    unsigned slot = how % BLK_SLOTS;

    if (sim_memory(stack.sim, DRIVER_AT, blk_bytes()) == NULL || !blk.slot[slot].done) {
        return;
    }
    blk_add(&blk, slot, (enum blk_type)take(1), take(2), (uint32_t)take(2), 1 + how / 32u, (how & 16) != 0);
    virtio_queue_notify(&blk.queue, &vcpu);
}

/* Where an Arm guest finds its host bridge, and places what is on it. */
static void look_on_arm(struct pci_space *space)
{
    uint64_t size;

    vcpu.segment = BRIDGE_ARM_SEGMENT;
    bridge_arm_window(BRIDGE_WINDOW_ECAM, 0, &vcpu.ecam, &size);
    bridge_arm_window(BRIDGE_WINDOW_IO, 0, &space->ports, &size);
    bridge_arm_window(BRIDGE_WINDOW_MEMORY, 0, &space->memory, &size);
    bridge_arm_window(BRIDGE_WINDOW_MEMORY64, 0, &space->high, &size);
    space->offset.ports = space->ports;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    log_set_level(LOG_ERROR);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pci_space space = {.ports = 0xc000, .memory = 0xf0000000, .high = UINT64_C(0x800000000)};
    struct stack_options options = {.sim = {.memory = RAM}, .sectors = 64};
    uint8_t how;

    input = data;
    left = size;
    how = (uint8_t)take(1);
    options.sim.spis = (how & 16) != 0 ? 32 : 0;
    options.sim.intx = (how & 17) == 1;
    options.sim.pirq = (how & 2) != 0;
    options.record = getenv("IOREQD_FUZZ_RECORD"); /* see README.md */
    options.model = ioreqd_module(host_table())[0];
    require(stack_open(&stack, &options) && stack_run(&stack), "no stack:");
    vcpu = (struct vcpu){.sim = stack.sim};
    if (options.sim.spis != 0) {
        look_on_arm(&space);
    }
    require(blk_probe(&blk, &vcpu, DRIVER_AT, &space), "no device");
    if ((how & 4) != 0) {
        require(blk_start(&blk, &vcpu, (how & 8) != 0 ? VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX : 0, 32),
                "the device does not start");
        if (options.sim.spis != 0) {
            pci_msix_set(&vcpu, &blk.pci, 1, FRAME + 0x40, 49);
        }
    }
    for (unsigned i = 0; i < OPS_MAX && left != 0; i++) {
        switch (take(1) % 8) {
        case 0:
            poke();
            break;
        case 1:
            balloon();
            break;
        case 2:
        case 3:
            if ((how & 4) != 0) {
                drive();
            }
            break;
        default:
            ask();
            break;
        }
    }
    require(pci_get(&vcpu, STACK_FUNCTION, 0, 4) == 0x10421af4, "the device is gone");
    stack_end(&stack);
    require(stack.rested, "the device does not come to rest");
    require(stack_close(&stack) == 0, "something was left behind, or a request was answered wrongly");
    pthread_mutex_destroy(&blk.lock);
    return 0;
}
