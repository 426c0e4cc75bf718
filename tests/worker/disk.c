/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests with a virtio-blk share, see disk.h. */
#include "tests/worker/disk.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH_MAX   8u
#define SECTORS_MAX 24u /* of one request */

struct stack stack;
struct blk blk;
struct vcpu vcpu[4];
uint8_t disk_model[DISK_SECTORS * BLK_SECTOR];

uint32_t disk_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

void disk_open(unsigned vcpus, const struct sim_options *more)
{
    struct stack_options options = {.sectors = DISK_SECTORS, .key = "in-order", .value = "on"}; /* offered */
    struct pci_space space;

    if (more != NULL) {
        options.sim = *more;
    }
    options.sim.memory = DISK_MEMORY;
    options.sim.vcpus = vcpus;
    ck_assert_msg(stack_open(&stack, &options) && stack_run(&stack), "%s", stack.error);
    for (unsigned i = 0; i < vcpus; i++) {
        vcpu[i] = stack_vcpu(&stack, i);
    }
    space = stack_space(&stack);
    ck_assert(blk_probe(&blk, &vcpu[0], DRIVER_AT, &space));
    ck_assert_uint_eq(blk_sectors(&blk, &vcpu[0]), DISK_SECTORS);
}

void disk_start(uint64_t features, uint16_t queue_size)
{
    ck_assert(blk_start(&blk, &vcpu[0], features, queue_size));
    ck_assert_uint_eq(blk.virtio.features, features | VIRTIO_F_VERSION_1);
}

void disk_close(void)
{
    uint8_t *image = malloc(sizeof(disk_model));
    int fd;

    stack_end(&stack);
    ck_assert(stack.rested);
    fd = open(stack.image, O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(read(fd, image, sizeof(disk_model)), sizeof(disk_model));
    close(fd);
    ck_assert_int_eq(memcmp(image, disk_model, sizeof(disk_model)), 0);
    free(image);
    ck_assert_uint_eq(stack_close(&stack), 0);
}

/* A request of a batch: in a stripe of the disk of its own, so that the order within a batch does not matter. */
struct planned {
    unsigned slot;
    enum blk_type type;
    uint64_t sector;
    uint32_t length;
};

static bool add(struct disk_load *load, struct planned *planned, unsigned index)
{
    unsigned part = DISK_SECTORS / load->parts;
    unsigned stripe = part / BATCH_MAX;
    uint64_t first = (uint64_t)load->part * part + index * stripe;
    uint32_t sectors = 1 + disk_random(&load->seed) % SECTORS_MAX;
    uint32_t choice = disk_random(&load->seed) % 16;
    uint8_t *data;

    planned->slot = blk_take_slot(&blk);
    planned->type = choice == 0 ? BLK_FLUSH : choice < 8 ? BLK_OUT : BLK_IN;
    planned->sector = planned->type == BLK_FLUSH ? 0 : first + disk_random(&load->seed) % (stripe - sectors);
    planned->length = planned->type == BLK_FLUSH ? 0 : sectors * BLK_SECTOR;
    data = blk_data(&blk, planned->slot);
    if (planned->type == BLK_OUT) {
        for (uint32_t i = 0; i < planned->length; i++) {
            data[i] = (uint8_t)(load->seed + i * 7);
        }
        memcpy(disk_model + planned->sector * BLK_SECTOR, data, planned->length);
    } else {
        memset(data, 0xa5, planned->length);
    }
    return blk_add(&blk, planned->slot, planned->type, planned->sector, planned->length,
                   1 + disk_random(&load->seed) % BLK_SEGMENTS, load->indirect);
}

static const char *check(struct disk_load *load, const struct planned *planned)
{
    const struct blk_slot *slot = &blk.slot[planned->slot];
    int waited = load->by_interrupt ? blk_wait_interrupt(&blk, load->vcpu, planned->slot)
                                    : blk_wait(&blk, load->vcpu, planned->slot);

    if (waited != 0) {
        return blk.broken ? "the device gave back what it did not have" : "a request did not end";
    }
    if (slot->status != 0) {
        return "a request failed";
    }
    /* §2.7.8.2: the used length is what was written into the device-writable part. */
    if (slot->written != 1 + (planned->type == BLK_IN ? planned->length : 0)) {
        return "the used length is wrong";
    }
    if (planned->type == BLK_IN &&
        memcmp(blk_data(&blk, planned->slot), disk_model + planned->sector * BLK_SECTOR, planned->length) != 0) {
        return "data were read that were not written";
    }
    return NULL;
}

void disk_run(struct disk_load *load)
{
    struct planned planned[BATCH_MAX];

    for (unsigned made = 0; made < load->requests && load->wrong == NULL;) {
        unsigned batch = 1 + disk_random(&load->seed) % BATCH_MAX;
        unsigned count;

        for (count = 0; count < batch && load->wrong == NULL; count++) {
            if (!add(load, &planned[count], count)) {
                load->wrong = "the ring is full"; /* it has room for two vCPUs' batches */
            } else if (disk_random(&load->seed) % 4 == 0) {
                blk_kick(&blk, load->vcpu);
            }
        }
        blk_kick(&blk, load->vcpu);
        for (unsigned i = 0; i < count && load->wrong == NULL; i++) {
            load->wrong = check(load, &planned[i]);
            blk_free_slot(&blk, planned[i].slot);
        }
        made += count;
        if (load->between != NULL) {
            load->between(load);
        }
    }
}

void *disk_thread(void *load)
{
    disk_run(load);
    return NULL;
}
