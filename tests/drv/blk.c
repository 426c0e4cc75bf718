/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtio-blk driver, see blk.h. */
#include "tests/drv/blk.h"

#include <string.h>
#include <time.h>

#define SLOT_STATUS  16u
#define SLOT_TABLE   1024u
#define SLOT_DATA    4096u
#define SLOT_BYTES   (SLOT_DATA + BLK_DATA_MAX)
#define DEVICE_BLK   0x1042
#define WAIT_SECONDS 20
#define MESSAGE      UINT64_C(0xfee00000)

uint64_t blk_bytes(void)
{
    return virtio_queue_bytes(VIRTIO_QUEUE_MAX) + BLK_SLOTS * (uint64_t)SLOT_BYTES;
}

static void clear_slots(struct blk *blk)
{
    for (unsigned i = 0; i < BLK_SLOTS; i++) {
        blk->slot[i].head = -1;
        blk->slot[i].done = true;
    }
}

bool blk_probe(struct blk *blk, const struct vcpu *vcpu, uint64_t memory, struct pci_space *space)
{
    memset(blk, 0, sizeof(*blk));
    pthread_mutex_init(&blk->lock, NULL);
    blk->memory = memory;
    for (unsigned i = 0; i < BLK_SLOTS; i++) {
        blk->slot[i].memory = memory + virtio_queue_bytes(VIRTIO_QUEUE_MAX) + i * (uint64_t)SLOT_BYTES;
        blk->slot[i].view = sim_memory(vcpu->sim, blk->slot[i].memory, SLOT_BYTES);
        if (blk->slot[i].view == NULL) {
            return false;
        }
    }
    clear_slots(blk);
    return virtio_find(vcpu, DEVICE_BLK, &blk->pci, space) && virtio_probe(&blk->virtio, vcpu, &blk->pci);
}

bool blk_start(struct blk *blk, const struct vcpu *vcpu, uint64_t features, uint16_t size)
{
    bool good;

    pthread_mutex_lock(&blk->lock);
    clear_slots(blk);
    good = virtio_reset(&blk->virtio, vcpu) && virtio_negotiate(&blk->virtio, vcpu, features);
    if (good) {
        pci_msix_set(vcpu, &blk->pci, 0, MESSAGE, BLK_VECTOR - 1);
        pci_msix_set(vcpu, &blk->pci, 1, MESSAGE, BLK_VECTOR);
        pci_msix_enable(vcpu, &blk->pci, true);
        virtio_put(&blk->virtio, vcpu, VIRTIO_CONFIG_VECTOR, 2, 0);
        good = virtio_queue_open(&blk->queue, &blk->virtio, vcpu, 0, size, blk->memory, 1);
        virtio_driver_ok(&blk->virtio, vcpu);
    }
    pthread_mutex_unlock(&blk->lock);
    return good;
}

uint64_t blk_sectors(struct blk *blk, const struct vcpu *vcpu)
{
    return virtio_config(&blk->virtio, vcpu, 0, 4) | virtio_config(&blk->virtio, vcpu, 4, 4) << 32;
}

unsigned blk_take_slot(struct blk *blk)
{
    unsigned slot = 0;

    pthread_mutex_lock(&blk->lock);
    while (slot < BLK_SLOTS - 1 && blk->slot[slot].taken) {
        slot++;
    }
    blk->slot[slot].taken = true;
    pthread_mutex_unlock(&blk->lock);
    return slot;
}

void blk_free_slot(struct blk *blk, unsigned slot)
{
    pthread_mutex_lock(&blk->lock);
    blk->slot[slot].taken = false;
    pthread_mutex_unlock(&blk->lock);
}

uint8_t *blk_data(struct blk *blk, unsigned slot)
{
    return blk->slot[slot].view + SLOT_DATA;
}

static void write_header(struct blk_slot *slot, enum blk_type type, uint64_t sector)
{
    uint32_t word = type;

    memset(slot->view, 0, SLOT_STATUS);
    memcpy(slot->view, &word, sizeof(word));
    memcpy(slot->view + 8, &sector, sizeof(sector));
    slot->view[SLOT_STATUS] = 0xff;
}

bool blk_add(struct blk *blk, unsigned index, enum blk_type type, uint64_t sector, uint32_t length, unsigned count,
             bool indirect)
{
    struct blk_slot *slot = &blk->slot[index];
    struct virtio_segment segment[BLK_SEGMENTS + 2];
    unsigned segments = 0;
    uint32_t at = 0;

    write_header(slot, type, sector);
    segment[segments++] = (struct virtio_segment){.address = slot->memory, .length = 16};
    /* Pieces of any size, cut at any byte (§2.7.4.2): the first ones get an odd share each. */
    count = count == 0 ? 1 : count > BLK_SEGMENTS ? BLK_SEGMENTS : count;
    for (unsigned i = 0; i < count && at < length; i++) {
        uint32_t share = i + 1 == count ? length - at : (length - at) / (count - i);

        share = i + 1 != count && share > 3 ? share - (i & 3) : share;
        if (share != 0) {
            segment[segments++] = (struct virtio_segment){
                .address = slot->memory + SLOT_DATA + at, .length = share, .device_writes = type != BLK_OUT};
        }
        at += share;
    }
    segment[segments++] =
        (struct virtio_segment){.address = slot->memory + SLOT_STATUS, .length = 1, .device_writes = true};

    pthread_mutex_lock(&blk->lock);
    slot->done = false;
    slot->length = length;
    slot->head = virtio_queue_add(&blk->queue, segment, segments, indirect ? slot->memory + SLOT_TABLE : 0);
    bool added = slot->head >= 0;
    slot->done = !added;
    pthread_mutex_unlock(&blk->lock);
    return added;
}

void blk_kick(struct blk *blk, const struct vcpu *vcpu)
{
    bool wanted;

    pthread_mutex_lock(&blk->lock);
    wanted = virtio_queue_needs_kick(&blk->queue);
    pthread_mutex_unlock(&blk->lock);
    if (wanted) {
        virtio_queue_notify(&blk->queue, vcpu);
    }
}

/* Takes what the device gave back. With the lock held. */
static void reap(struct blk *blk)
{
    uint32_t written;
    int head;

    while ((head = virtio_queue_take(&blk->queue, &written)) >= 0) {
        unsigned i = 0;

        while (i < BLK_SLOTS && (blk->slot[i].done || blk->slot[i].head != head)) {
            i++;
        }
        if (i == BLK_SLOTS) {
            blk->broken = true;
            return;
        }
        blk->slot[i].done = true;
        blk->slot[i].head = -1;
        blk->slot[i].written = written;
        blk->slot[i].status = blk->slot[i].view[SLOT_STATUS];
    }
    blk->broken = blk->broken || head != -1;
}

static bool is_late(const struct timespec *end)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > end->tv_sec;
}

int blk_wait(struct blk *blk, const struct vcpu *vcpu, unsigned slot)
{
    struct sim_interrupt interrupt;
    struct timespec end;
    bool done = false, broken;

    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += WAIT_SECONDS;
    while (!done) {
        pthread_mutex_lock(&blk->lock);
        reap(blk);
        done = blk->slot[slot].done;
        broken = blk->broken;
        if (!done) {
            virtio_queue_listen(&blk->queue);
        }
        pthread_mutex_unlock(&blk->lock);
        if (broken || (!done && is_late(&end))) {
            return -1;
        }
        if (!done) {
            sim_interrupt_wait(vcpu->sim, 1, &interrupt); /* perhaps another vCPU takes it: hence the short time */
        }
    }
    return 0;
}

int blk_wait_interrupt(struct blk *blk, const struct vcpu *vcpu, unsigned slot)
{
    struct sim_interrupt interrupt;
    bool empty, done, broken;

    for (;;) {
        pthread_mutex_lock(&blk->lock);
        do { /* what came before the device saw our wish has no interrupt (§2.7.14) */
            reap(blk);
            empty = virtio_queue_listen(&blk->queue);
        } while (!empty && !blk->broken);
        done = blk->slot[slot].done;
        broken = blk->broken;
        pthread_mutex_unlock(&blk->lock);
        if (done || broken) {
            return broken ? -1 : 0;
        }
        do {
            if (!sim_interrupt_wait(vcpu->sim, WAIT_SECONDS * 1000, &interrupt)) {
                return -1;
            }
        } while (!interrupt.is_message || interrupt.data != BLK_VECTOR);
    }
}

int blk_do(struct blk *blk, const struct vcpu *vcpu, enum blk_type type, uint64_t sector, void *data, uint32_t length)
{
    unsigned slot = blk_take_slot(blk);
    int status = -1;

    if (type == BLK_OUT) {
        memcpy(blk_data(blk, slot), data, length);
    }
    if (blk_add(blk, slot, type, sector, length, 1, false)) {
        blk_kick(blk, vcpu);
        if (blk_wait(blk, vcpu, slot) == 0) {
            status = blk->slot[slot].status;
        }
    }
    if (type != BLK_OUT && length != 0) {
        memcpy(data, blk_data(blk, slot), length);
    }
    blk_free_slot(blk, slot);
    return status;
}
