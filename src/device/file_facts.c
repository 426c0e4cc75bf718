/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a local file or block device can do, found out when it is opened and without changing a byte of it.
 */
#define _GNU_SOURCE
#include "device/file_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define SECTOR 512u

int file_measure(const struct ioreqd_file *file, uint64_t *size)
{
    struct stat status;

    if (file->block_device) {
        return ioctl(file->fd, BLKGETSIZE64, size) == 0 ? 0 : -errno;
    }
    if (fstat(file->fd, &status) != 0) {
        return -errno;
    }
    *size = (uint64_t)status.st_size;
    return 0;
}

/* Room beyond the end is where a hole harms nobody; whether the file system can make one is told there too. */
static bool can_punch(const struct ioreqd_file *file)
{
    const off_t block = file->facts.physical_block != 0 ? (off_t)file->facts.physical_block : SECTOR;
    off_t end = ((off_t)atomic_load(&file->size) + block - 1) / block * block;

    return fallocate(file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, end, block) == 0;
}

static void regular_facts(struct ioreqd_file *file)
{
    struct ioreqd_file_facts *facts = &file->facts;
    struct stat status;

    facts->logical_block = SECTOR;
    if (fstat(file->fd, &status) == 0 && status.st_blksize >= (blksize_t)SECTOR && status.st_blksize <= INT32_MAX) {
        facts->physical_block = (uint32_t)status.st_blksize;
        facts->minimum_io = (uint32_t)status.st_blksize;
    }
    if (file->read_only) {
        return;
    }
    facts->abilities |= IOREQD_FILE_CAN_WRITE_ZEROES; /* if need be by writing zeroes */
    if (can_punch(file)) {
        facts->abilities |= IOREQD_FILE_CAN_DISCARD | IOREQD_FILE_CAN_UNMAP;
        facts->discard_granularity = facts->physical_block;
    }
}

/* A number from the block device's queue in sysfs; 0 if it is not there. A partition's queue is its disk's. */
static uint64_t queue_limit(dev_t device, const char *name)
{
    static const char *const place[] = {"", "/.."};
    uint64_t value = 0;

    for (unsigned i = 0; i < sizeof(place) / sizeof(place[0]); i++) {
        char path[128];
        FILE *file;

        snprintf(path, sizeof(path), "/sys/dev/block/%u:%u%s/queue/%s", major(device), minor(device), place[i], name);
        file = fopen(path, "re");
        if (file != NULL) {
            if (fscanf(file, "%" SCNu64, &value) != 1) {
                value = 0;
            }
            fclose(file);
            return value;
        }
    }
    return 0;
}

/* Of a range beyond the end: what cannot be done at all is refused for that before the range is looked at. */
static bool can_erase(const struct ioreqd_file *file)
{
    uint64_t range[2] = {atomic_load(&file->size), SECTOR};

    return ioctl(file->fd, BLKSECDISCARD, range) != 0 && errno == EINVAL;
}

static uint32_t at_most_u32(uint64_t value)
{
    return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static void block_facts(struct ioreqd_file *file)
{
    struct ioreqd_file_facts *facts = &file->facts;
    unsigned physical = 0, minimum = 0, optimal = 0;
    int logical = 0;
    struct stat status;

    facts->logical_block = ioctl(file->fd, BLKSSZGET, &logical) == 0 && logical > 0 ? (uint32_t)logical : SECTOR;
    facts->physical_block = ioctl(file->fd, BLKPBSZGET, &physical) == 0 ? physical : 0;
    facts->minimum_io = ioctl(file->fd, BLKIOMIN, &minimum) == 0 ? minimum : 0;
    facts->optimal_io = ioctl(file->fd, BLKIOOPT, &optimal) == 0 ? optimal : 0;
    if (file->read_only || fstat(file->fd, &status) != 0) {
        return;
    }
    facts->abilities |= IOREQD_FILE_CAN_WRITE_ZEROES;
    facts->maximum_zeroes = queue_limit(status.st_rdev, "write_zeroes_max_bytes");
    facts->maximum_discard = queue_limit(status.st_rdev, "discard_max_bytes");
    if (facts->maximum_discard != 0) {
        facts->abilities |= IOREQD_FILE_CAN_DISCARD;
        facts->discard_granularity = at_most_u32(queue_limit(status.st_rdev, "discard_granularity"));
        /* Without an offload the kernel writes the zeroes itself, which unmaps nothing. */
        if (facts->maximum_zeroes != 0) {
            facts->abilities |= IOREQD_FILE_CAN_UNMAP;
        }
        if (can_erase(file)) {
            facts->abilities |= IOREQD_FILE_CAN_ERASE;
        }
    }
}

void file_find_facts(struct ioreqd_file *file)
{
    file->facts = (struct ioreqd_file_facts){.struct_size = sizeof(file->facts)};
    if (file->block_device) {
        block_facts(file);
    } else {
        regular_facts(file);
    }
}

void file_tell_facts(const struct ioreqd_file *file, struct ioreqd_file_facts *facts)
{
    uint32_t size = facts->struct_size;
    uint32_t known = size < sizeof(file->facts) ? size : (uint32_t)sizeof(file->facts);

    memset(facts, 0, size); /* what a newer model asks for is not known */
    memcpy(facts, &file->facts, known);
    facts->struct_size = size;
}
