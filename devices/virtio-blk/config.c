/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device configuration of virtio-blk (virtio 1.4 §5.2.4, §5.2.5): what the properties and the file make of it, the
 * cache mode, which the driver may choose, and the capacity, which follows the file. Main loop.
 */
#include "disk.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Greatest number of data descriptors: twice as many pieces still fit one preadv(). */
#define MAX_SEGMENTS 510u

/*
 * Greatest length of a range to discard, to zero or to erase: resets wait for requests that are under way, and a file may
 * have to write every byte.
 */
#define MAX_RANGE_BYTES (UINT64_C(1) << 30)

#define MAX_LOGICAL_BLOCK  4096u /* greater ones are more than most drivers take */
#define MAX_PHYSICAL_BLOCK (UINT64_C(1) << 20)

/* Bits of the device status (virtio 1.4 §2.1). */
enum status_bit { STATUS_BIT_DRIVER_OK = 0x04, STATUS_BIT_FEATURES_OK = 0x08 };

static void put(struct disk *disk, enum config offset, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++) {
        disk->config[offset + i] = (uint8_t)(value >> (8 * i));
    }
}

static bool is_power_of_2(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

static uint64_t bit(enum feature feature)
{
    return UINT64_C(1) << feature;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Capacity
 */

/* Whole logical blocks: what is behind them could be reached by no driver that uses these. */
static uint64_t measure(const struct disk *disk)
{
    return disk->host->file_size(disk->file) / disk->block * (disk->block / SECTOR);
}

static void set_capacity(struct disk *disk, uint64_t sectors)
{
    atomic_store_explicit(&disk->sectors, sectors, memory_order_relaxed);
    put(disk, CONFIG_CAPACITY, 8, sectors);
}

static void resized(void *argument)
{
    struct disk *disk = argument;
    uint64_t before = atomic_load_explicit(&disk->sectors, memory_order_relaxed);
    uint64_t sectors = measure(disk);

    if (sectors == before) {
        return;
    }
    set_capacity(disk, sectors);
    disk->host->log(disk->device, IOREQD_LOG_DEBUG, "the disk %s from %" PRIu64 " to %" PRIu64 " bytes",
                    sectors > before ? "grew" : "shrank", before * SECTOR, sectors * SECTOR);
    ioreqd_virtio_config_changed(&disk->virtio);
}

void disk_config_watch_size(struct disk *disk)
{
    const struct ioreqd_host *host = disk->host;
    int error;

    if (!IOREQD_HAS(host, file_on_resize) || host->file_on_resize == NULL) {
        return;
    }
    error = host->file_on_resize(disk->device, disk->file, resized, disk);
    if (error != 0) {
        host->log(disk->device, IOREQD_LOG_WARNING, "the guest will not hear of it when the file is resized: %s",
                  strerror(-error));
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * Cache mode
 */

static void set_writeback(struct disk *disk, bool on)
{
    __atomic_store_n(&disk->config[CONFIG_WRITEBACK], on ? 1 : 0, __ATOMIC_RELAXED);
}

/*
 * Each driver begins with the mode that the property tells. One that cannot flush knows no volatile cache: its writes
 * must be stable (§5.2.5.2, §5.2.6.2). One that can, but not choose the mode, finds the property's. Legacy drivers may
 * have chosen before they say what they know; what they chose stays if they know CONFIG_WCE (§5.2.5.3).
 */
void disk_config_reset(struct ioreqd_device *device, void *state)
{
    struct disk *disk = state;

    (void)device;
    set_writeback(disk, disk->property_write_cache != 0);
}

int disk_config_negotiate(struct ioreqd_device *device, void *state)
{
    struct disk *disk = state;
    bool chooses = ioreqd_virtio_negotiated(&disk->virtio, F_CONFIG_WCE);
    bool flushes = ioreqd_virtio_negotiated(&disk->virtio, F_FLUSH);

    (void)device;
    if (!chooses || (!flushes && !ioreqd_virtio_is_legacy(&disk->virtio))) {
        set_writeback(disk, disk->property_write_cache != 0 && flushes);
    }
    return 0;
}

/* Legacy drivers may write the mode before the features are settled; then it is for those to choose that know it. */
void disk_config_write(struct ioreqd_device *device, void *state, uint32_t offset, unsigned size, uint32_t value)
{
    struct disk *disk = state;
    uint8_t settled = STATUS_BIT_FEATURES_OK | STATUS_BIT_DRIVER_OK;

    (void)device;
    if (offset != CONFIG_WRITEBACK || size != 1 || value > 1 ||
        ((disk->virtio.registers.status & settled) != 0 && !ioreqd_virtio_negotiated(&disk->virtio, F_CONFIG_WCE))) {
        return;
    }
    set_writeback(disk, value != 0);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Blocks
 */

static int check_logical_block(struct disk *disk)
{
    uint64_t block = disk->property_logical_block;

    if (block != 0 && (!is_power_of_2(block) || block < SECTOR || block > MAX_LOGICAL_BLOCK)) {
        disk->host->property_error(disk->device, "logical-block",
                                   "%" PRIu64 " bytes are no block of a disk: use 512, 1024, 2048 or 4096", block);
        return -EINVAL;
    }
    return 0;
}

/*
 * An image is not refused because the disk below it has larger blocks than the image was made for: the host copes with
 * what is not aligned.
 */
static uint32_t choose_logical_block(const struct disk *disk, const struct ioreqd_file_facts *facts)
{
    uint32_t block = facts->logical_block < MAX_LOGICAL_BLOCK ? facts->logical_block : MAX_LOGICAL_BLOCK;

    if (disk->property_logical_block != 0) {
        return (uint32_t)disk->property_logical_block;
    }
    return is_power_of_2(block) && block > SECTOR && disk->host->file_size(disk->file) % block == 0 ? block : SECTOR;
}

static int check_size(struct disk *disk)
{
    uint64_t size = disk->host->file_size(disk->file);

    if (size == 0) {
        disk->host->property_error(disk->device, "file",
                                   "the file is empty: give it the size of the disk, as with "
                                   "\"truncate -s 10G FILE\"");
        return -EINVAL;
    }
    if (size % disk->block != 0) {
        disk->host->property_error(disk->device, "file",
                                   "the size of %" PRIu64 " bytes is no multiple of %" PRIu32
                                   ": extend it with \"truncate -s %%%" PRIu32 " FILE\"",
                                   size, disk->block, disk->block);
        return -EINVAL;
    }
    return 0;
}

static int check_multiple(struct disk *disk, const char *property, uint64_t value)
{
    if (value % disk->block != 0) {
        disk->host->property_error(disk->device, property,
                                   "%" PRIu64 " is no multiple of the logical block of %" PRIu32 " bytes", value,
                                   disk->block);
        return -EINVAL;
    }
    return 0;
}

/* What a file says is taken where it has a meaning for these blocks. */
static uint64_t fact(const struct disk *disk, uint32_t value)
{
    return value % disk->block == 0 ? value : 0;
}

/* Suggestions in logical blocks; 0 where there is none. */
static int set_topology(struct disk *disk, const struct ioreqd_file_facts *facts)
{
    uint64_t physical = disk->property_physical_block;
    uint64_t minimum = disk->property_minimum_io;
    uint64_t optimal = disk->property_optimal_io;
    unsigned exponent = 0;

    if (physical != 0 && (!is_power_of_2(physical) || physical < disk->block || physical > MAX_PHYSICAL_BLOCK)) {
        disk->host->property_error(disk->device, "physical-block",
                                   "%" PRIu64 " is no power of 2 from the logical block of %" PRIu32
                                   " bytes to %" PRIu64,
                                   physical, disk->block, MAX_PHYSICAL_BLOCK);
        return -EINVAL;
    }
    if (check_multiple(disk, "minimum-io", minimum) != 0 || check_multiple(disk, "optimal-io", optimal) != 0) {
        return -EINVAL;
    }
    if (physical == 0 && is_power_of_2(facts->physical_block) && facts->physical_block <= MAX_PHYSICAL_BLOCK) {
        physical = facts->physical_block;
    }
    minimum = (minimum != 0 ? minimum : fact(disk, facts->minimum_io)) / disk->block;
    optimal = (optimal != 0 ? optimal : fact(disk, facts->optimal_io)) / disk->block;
    while (disk->block << exponent < physical) {
        exponent++;
    }
    put(disk, CONFIG_PHYSICAL_BLOCK_EXP, 1, exponent);
    put(disk, CONFIG_MIN_IO_SIZE, 2, minimum <= UINT16_MAX ? minimum : 0);
    put(disk, CONFIG_OPT_IO_SIZE, 4, optimal);
    return 0;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Discard, write zeroes, secure erase
 */

/* Sectors of one range: a multiple of the alignment, unless the file takes less than that. */
static uint32_t most_sectors(uint64_t bytes, uint32_t alignment)
{
    uint64_t most = bytes == 0 || bytes > MAX_RANGE_BYTES ? MAX_RANGE_BYTES : bytes;

    return (uint32_t)((most > alignment ? most - most % alignment : most) / SECTOR);
}

static uint64_t offer_ranges(struct disk *disk, const struct ioreqd_file_facts *facts)
{
    uint32_t granularity = (uint32_t)fact(disk, facts->discard_granularity);
    uint32_t alignment = granularity != 0 ? granularity : disk->block;
    bool discard = disk->property_discard != 0;
    uint64_t features = 0;

    if (disk->read_only) {
        return 0;
    }
    if (discard && (facts->abilities & IOREQD_FILE_CAN_DISCARD) != 0) {
        disk->most[RANGED_DISCARD] = most_sectors(facts->maximum_discard, alignment);
        features |= disk->most[RANGED_DISCARD] != 0 ? bit(F_DISCARD) : 0;
    }
    if ((facts->abilities & IOREQD_FILE_CAN_WRITE_ZEROES) != 0) {
        disk->most[RANGED_ZEROES] = most_sectors(facts->maximum_zeroes, disk->block);
        features |= disk->most[RANGED_ZEROES] != 0 ? bit(F_WRITE_ZEROES) : 0;
        disk->may_unmap = discard && (facts->abilities & IOREQD_FILE_CAN_UNMAP) != 0;
    }
    if ((facts->abilities & IOREQD_FILE_CAN_ERASE) != 0) {
        disk->most[RANGED_ERASE] = most_sectors(facts->maximum_erase, alignment);
        features |= disk->most[RANGED_ERASE] != 0 ? bit(F_SECURE_ERASE) : 0;
    }
    if ((features & bit(F_DISCARD)) != 0) {
        put(disk, CONFIG_MAX_DISCARD_SECTORS, 4, disk->most[RANGED_DISCARD]);
        put(disk, CONFIG_MAX_DISCARD_SEG, 4, MAX_RANGES);
        put(disk, CONFIG_DISCARD_SECTOR_ALIGNMENT, 4, alignment / SECTOR);
    }
    if ((features & bit(F_WRITE_ZEROES)) != 0) {
        put(disk, CONFIG_MAX_WRITE_ZEROES_SECTORS, 4, disk->most[RANGED_ZEROES]);
        put(disk, CONFIG_MAX_WRITE_ZEROES_SEG, 4, MAX_RANGES);
        put(disk, CONFIG_WRITE_ZEROES_MAY_UNMAP, 1, disk->may_unmap);
    }
    if ((features & bit(F_SECURE_ERASE)) != 0) {
        put(disk, CONFIG_MAX_SECURE_ERASE_SECTORS, 4, disk->most[RANGED_ERASE]);
        put(disk, CONFIG_MAX_SECURE_ERASE_SEG, 4, MAX_RANGES);
        put(disk, CONFIG_SECURE_ERASE_SECTOR_ALIGNMENT, 4, alignment / SECTOR);
    }
    return features;
}

uint64_t disk_config_create(struct disk *disk)
{
    const struct ioreqd_host *host = disk->host;
    struct ioreqd_file_facts facts = {.struct_size = sizeof(facts)};
    uint64_t features = bit(F_SEG_MAX) | bit(F_BLK_SIZE) | bit(F_FLUSH) | bit(F_TOPOLOGY) | bit(F_CONFIG_WCE);
    uint32_t segments = disk->property_queue_size - 2; /* without indirect descriptors header and status take two */

    if (IOREQD_HAS(host, file_facts) && host->file_facts != NULL) {
        host->file_facts(disk->file, &facts);
    }
    if (check_logical_block(disk) != 0) {
        return 0;
    }
    disk->block = choose_logical_block(disk, &facts);
    if (check_size(disk) != 0 || set_topology(disk, &facts) != 0) {
        return 0;
    }
    set_capacity(disk, measure(disk));
    put(disk, CONFIG_SEG_MAX, 4, segments < MAX_SEGMENTS ? segments : MAX_SEGMENTS);
    put(disk, CONFIG_BLK_SIZE, 4, disk->block);
    put(disk, CONFIG_NUM_QUEUES, 2, disk->property_queues);
    features |= offer_ranges(disk, &facts);
    features |= disk->read_only ? bit(F_RO) : 0;
    features |= disk->property_queues > 1 ? bit(F_MQ) : 0;
    return features;
}
