/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of virtio-blk share: the model through the tables of its module, with its properties as users leave
 * them, and requests of a driver. A test calls blk_prepare(), changes properties and facts of the file, blk_create(),
 * driver_start(), and blk_end() at its end; or has all that from blk_cases_of().
 */
#ifndef TESTS_VIRTIO_BLK_H
#define TESTS_VIRTIO_BLK_H

#include "tests/virtio/suites.h"

#define BLK_SECTORS 64u
#define BLK_SIZE    64 /* descriptors of a queue, as started by blk_start() */

/* Guest memory of requests. */
#define HEADER  0x8000u
#define LIST    0x9000u /* ranges */
#define DATA    0x80000u
#define STATUS_ 0xf000u

/* Request types, and status bytes. */
enum { IN = 0, OUT = 1, FLUSH = 4, FLUSH_OUT = 5, GET_ID = 8, DISCARD = 11, ZEROES = 13, ERASE = 14 };
enum { OK = 0, IOERR = 1, UNSUPP = 2, UNTOUCHED = 0x55 };

#define F_BARRIER    (UINT64_C(1) << 0)
#define F_SEG_MAX    (UINT64_C(1) << 2)
#define F_RO         (UINT64_C(1) << 5)
#define F_BLK_SIZE   (UINT64_C(1) << 6)
#define F_SCSI       (UINT64_C(1) << 7)
#define F_FLUSH      (UINT64_C(1) << 9)
#define F_TOPOLOGY   (UINT64_C(1) << 10)
#define F_CONFIG_WCE (UINT64_C(1) << 11)
#define F_MQ         (UINT64_C(1) << 12)
#define F_DISCARD    (UINT64_C(1) << 13)
#define F_ZEROES     (UINT64_C(1) << 14)
#define F_LIFETIME   (UINT64_C(1) << 15)
#define F_ERASE      (UINT64_C(1) << 16)
#define F_ZONED      (UINT64_C(1) << 17)

/* Offsets of the device configuration (virtio 1.4 §5.2.4). */
enum {
    CAPACITY = CONFIG + 0,
    SEG_MAX = CONFIG + 12,
    BLOCK = CONFIG + 20,
    PHYSICAL_EXP = CONFIG + 24,
    ALIGNMENT_OFFSET = CONFIG + 25,
    MINIMUM_IO = CONFIG + 26,
    OPTIMAL_IO = CONFIG + 28,
    WRITEBACK = CONFIG + 32,
    UNUSED_0 = CONFIG + 33,
    QUEUES = CONFIG + 34,
    DISCARD_SECTORS = CONFIG + 36,
    DISCARD_SEG = CONFIG + 40,
    DISCARD_ALIGNMENT = CONFIG + 44,
    ZEROES_SECTORS = CONFIG + 48,
    ZEROES_SEG = CONFIG + 52,
    MAY_UNMAP = CONFIG + 56,
    UNUSED_1 = CONFIG + 57,
    ERASE_SECTORS = CONFIG + 60,
    ERASE_SEG = CONFIG + 64,
    ERASE_ALIGNMENT = CONFIG + 68,
    ZONED = CONFIG + 72
};

extern const struct ioreqd_model *blk_model;
extern void *blk_state;

/* The value of a property in the state, and of a counter. */
void *blk_property(const char *name);
uint64_t blk_counter(const char *name);

/* A file of so many bytes, a different byte in each place near each other, and a state with the serial S-0123. */
void blk_prepare(uint64_t bytes);
/* What create() returns. */
int blk_create(void);
/* The device started with one queue, its offer accepted but for the features without. */
void blk_start(uint64_t without);
/* Ends it, and looks whether anything was left. */
void blk_end(void);

/* The same as fixtures: a disk of BLK_SECTORS that can do everything, started. */
void blk_setup(void);

/* Writes a request's header, and spoils its status. */
void blk_header(uint32_t type, uint64_t sector);
/* Header, one data buffer and status in three descriptors: made available and rung for, on queue 0. */
void blk_submit(uint32_t type, uint64_t sector, uint32_t length);
/* The same, run to its end. Returns the used length. */
uint32_t blk_request(uint32_t type, uint64_t sector, uint32_t length);
/* The used length of the next request that has ended; there has to be one. */
uint32_t blk_used(void);
uint8_t blk_status(void);

/* A range of the list at LIST. */
void blk_range(unsigned index, uint64_t sector, uint32_t sectors, uint32_t flags);

TCase *blk_config_cases(void);
TCase *blk_cache_cases(void);
TCase *blk_ranges_cases(void);
TCase *blk_resize_cases(void);
TCase *blk_queues_cases(void);
TCase *blk_legacy_cases(void);

#endif
