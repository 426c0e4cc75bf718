/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest with a virtio-blk that keeps so many requests of 4 KiB under way, as Linux does: indirect tables, EVENT_IDX, a
 * new request for each that is done, and sleep until an interrupt when nothing is. One thread.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/drv/virtio.h"
#include "tests/worker/cost.h"

#define MEMORY    (UINT64_C(8) << 20)
#define RING      UINT64_C(0x100000)
#define SLOTS     UINT64_C(0x200000)
#define SLOT      UINT64_C(8192) /* header, status, indirect table; then data */
#define STATUS    16u
#define TABLE     64u
#define DATA      4096u
#define DEPTH_MAX 64u
#define BLOCK     4096u
#define BLOCKS    1024u /* of the disk */
#define SECTORS   (BLOCK / 512)
#define DEVICE    0x1042
#define PATIENCE  20000              /* ms */
#define F_FLUSH   (UINT64_C(1) << 9) /* without it each write is flushed */

enum { IN = 0, OUT = 1 };

static struct stack stack;
static struct vcpu vcpu;
static struct pci_function function;
static struct virtio virtio;
static struct virtio_queue queue;
static unsigned slot_of[VIRTIO_QUEUE_MAX]; /* by head */
static unsigned idle[DEPTH_MAX];           /* slots */
static unsigned idle_count;
static uint32_t seed = 1;

static const char *open_disk(const struct cost_disk *disk)
{
    struct stack_options options = {
        .sim = {.memory = MEMORY, .vcpus = 1}, .sectors = BLOCKS * SECTORS, .key = "cache", .value = disk->cache};
    struct pci_space space;

    if (!stack_open(&stack, &options)) {
        return stack.error;
    }
    cost_watch(&stack);
    if (!stack_run(&stack)) {
        return stack.error;
    }
    vcpu = stack_vcpu(&stack, 0);
    space = stack_space(&stack);
    if (!virtio_find(&vcpu, DEVICE, &function, &space) || !virtio_probe(&virtio, &vcpu, &function) ||
        !virtio_reset(&virtio, &vcpu) ||
        !virtio_negotiate(&virtio, &vcpu, VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | F_FLUSH)) {
        return "there is no virtio-blk";
    }
    pci_msix_set(&vcpu, &function, 0, 0xfee00000, 0x41);
    pci_msix_enable(&vcpu, &function, true);
    if (!virtio_queue_open(&queue, &virtio, &vcpu, 0, 0, RING, 0)) {
        return "the queue cannot be had";
    }
    virtio_driver_ok(&virtio, &vcpu);
    for (idle_count = 0; idle_count < disk->depth; idle_count++) {
        idle[idle_count] = idle_count;
    }
    return NULL;
}

static uint8_t *view(unsigned slot)
{
    return sim_memory(stack.sim, SLOTS + slot * SLOT, SLOT);
}

/* Each block begins with its number: with what its last writer was given, too, as it is always that. */
static bool add(unsigned slot, uint32_t type, uint64_t block)
{
    const uint64_t at = SLOTS + slot * SLOT;
    const struct virtio_segment segment[] = {{.address = at, .length = STATUS},
                                             {.address = at + DATA, .length = BLOCK, .device_writes = type == IN},
                                             {.address = at + STATUS, .length = 1, .device_writes = true}};
    const uint64_t sector = block * SECTORS, number = type == OUT ? block : ~block;
    uint8_t *to = view(slot);
    int head;

    memset(to, 0, STATUS);
    memcpy(to, &type, sizeof(type));
    memcpy(to + 8, &sector, sizeof(sector));
    to[STATUS] = 0xff;
    memcpy(to + DATA, &number, sizeof(number));
    head = virtio_queue_add(&queue, segment, 3, at + TABLE);
    if (head >= 0) {
        slot_of[head] = slot;
    }
    return head >= 0;
}

static bool is_good(unsigned slot)
{
    const uint8_t *from = view(slot);
    uint64_t sector, number;

    memcpy(&sector, from + 8, sizeof(sector));
    memcpy(&number, from + DATA, sizeof(number));
    return from[STATUS] == 0 && number == sector / SECTORS;
}

static const char *run(uint32_t type, unsigned requests, bool in_order)
{
    struct sim_interrupt interrupt;
    unsigned made = 0, done = 0;

    while (done < requests) {
        unsigned before = done;
        uint32_t written;
        int head;

        while (made < requests && idle_count > 0) {
            seed = seed * 1664525 + 1013904223;
            if (!add(idle[--idle_count], type, in_order ? made % BLOCKS : (seed >> 8) % BLOCKS)) {
                return "the ring is full";
            }
            made++;
        }
        if (virtio_queue_needs_kick(&queue)) {
            virtio_queue_notify(&queue, &vcpu);
        }
        while ((head = virtio_queue_take(&queue, &written)) >= 0) {
            if (!is_good(slot_of[head])) {
                return "a request failed, or read what was not written";
            }
            idle[idle_count++] = slot_of[head];
            done++;
        }
        if (done == before && virtio_queue_listen(&queue) && !sim_interrupt_wait(stack.sim, PATIENCE, &interrupt)) {
            return "no interrupt came";
        }
    }
    return NULL;
}

const char *cost_disk(const void *what)
{
    const struct cost_disk *disk = what;
    const uint32_t type = disk->write ? OUT : IN;
    const char *wrong = open_disk(disk);

    wrong = wrong != NULL ? wrong : run(OUT, BLOCKS, true);
    wrong = wrong != NULL ? wrong : run(type, disk->requests / 10, false);
    if (wrong == NULL) {
        cost_begin(disk->requests);
        wrong = run(type, disk->requests, false);
        cost_end();
    }
    stack_end(&stack);
    if (stack_close(&stack) != 0 && wrong == NULL) {
        wrong = "something is left behind";
    }
    return wrong;
}
