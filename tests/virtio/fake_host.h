/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host for one device in a test: guest memory is a buffer, loops run when the test pumps them, file requests wait
 * until the test completes them, and all that the device tells is counted. One thread; owned by the test.
 */
#ifndef TESTS_VIRTIO_FAKE_HOST_H
#define TESTS_VIRTIO_FAKE_HOST_H

#include <ioreqd/device.h>
#include <stdbool.h>

#define FAKE_RAM      (1u << 20) /* bytes of guest memory, from address 0 */
#define FAKE_VECTORS  8
#define FAKE_QUEUES   4
#define FAKE_REQUESTS 2048

enum { FAKE_DISCARDED = 0xd1, FAKE_ERASED = 0xe5 };

struct ioreqd_loop {
    struct ioreqd_work *first;
    struct ioreqd_work **end;
};

struct ioreqd_file {
    uint8_t *data;
    uint64_t size;
    bool read_only;
    struct ioreqd_file_facts facts; /* nothing is known, and nothing it can do, unless a test says so */
    void (*resized)(void *argument);
    void *resized_argument;
};

/* The fake itself stands for the device: struct ioreqd_device is never looked into. */
struct fake {
    uint8_t *ram;
    struct ioreqd_file file;
    struct ioreqd_loop main;
    struct ioreqd_loop queue[FAKE_QUEUES];

    struct ioreqd_file_request *request[FAKE_REQUESTS]; /* submitted and not completed, oldest first */
    unsigned requests;

    uint64_t hole, hole_length; /* addresses without RAM */
    uint64_t piece;             /* dma_map() cuts at multiples of this */
    bool no_bus_master;
    bool msix_on;

    /* What was seen. */
    unsigned msix[FAKE_VECTORS];
    int intx;
    atomic_uint guest_errors;
    unsigned property_errors;
    char text[256];        /* of the last error */
    char needs_reset[256]; /* why, as the host was told; empty: it does not */
    unsigned told_of_resets;
    unsigned quiesced;
    atomic_uint accesses; /* to guest memory: copies, maps and looks at windows */
    atomic_uint windows;  /* open */
    atomic_uint pinned;   /* pieces mapped and not unmapped */
};

extern const struct ioreqd_host fake_host;

struct fake *fake_create(uint64_t file_size);
void fake_destroy(struct fake *fake);

static inline struct ioreqd_device *fake_device(struct fake *fake)
{
    return (struct ioreqd_device *)fake;
}

/* Runs what was posted, and what that posts, until all loops are idle. */
void fake_pump(struct fake *fake);

/*
 * Carries out the index-th waiting file request on the file, and completes it; with an error it only completes it. What is
 * discarded reads as FAKE_DISCARDED then, what is erased as FAKE_ERASED. Behind the end of a file that has shrunk since the
 * request was submitted there is -EIO.
 */
void fake_complete(struct fake *fake, unsigned index, int error);

/* Gives the file another size, and tells the device. What is new reads as zero. */
void fake_resize(struct fake *fake, uint64_t size);

/* Completes all, with what they lead to. */
void fake_complete_all(struct fake *fake);

#endif
