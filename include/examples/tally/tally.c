/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tally: the device of doc/device-in-100-lines.md. The guest adds numbers; when their sum reaches a limit it interrupts.
 *
 * Registers, 4 bytes each, in BAR 0:
 *
 *   0x00  SUM     read, write  what is written is added; it stays at 0xffffffff rather than overflow
 *   0x04  LIMIT   read, write  the limit; 0: none
 *   0x08  STATUS  read, write  bit 0 REACHED: the sum has reached the limit; writing 1 clears it, and the sum
 */
#include <ioreqd/device.h>

enum { SUM, LIMIT, STATUS, REGISTERS }; /* offsets in units of 4 bytes */

#define STATUS_REACHED 0x1u

/* One device. The host allocates it, zeroed, and has put the property into it before create(). */
struct tally {
    uint32_t property_limit;
    uint32_t reg[REGISTERS];
};

static const struct ioreqd_host *host;

/* After each change of a register: has the sum reached the limit just now? */
static void look(struct ioreqd_device *device, struct tally *tally)
{
    if (tally->reg[STATUS] == 0 && tally->reg[LIMIT] != 0 && tally->reg[SUM] >= tally->reg[LIMIT]) {
        tally->reg[STATUS] = STATUS_REACHED;
        host->msix(device, 0); /* dropped while the guest has MSI-X off */
    }
    host->intx(device, tally->reg[STATUS] != 0); /* of no effect while it has MSI-X on */
}

/* The host has checked that the access is inside the BAR, aligned, and of 4 bytes, as the description says. */
static uint64_t read(struct ioreqd_device *device, void *state, unsigned bar, uint64_t offset, unsigned size)
{
    const struct tally *tally = state;

    (void)device, (void)bar, (void)size;
    return offset / 4 < REGISTERS ? tally->reg[offset / 4] : 0;
}

static void write(struct ioreqd_device *device, void *state, unsigned bar, uint64_t offset, unsigned size,
                  uint64_t value)
{
    struct tally *tally = state;
    uint32_t number = (uint32_t)value;

    (void)bar, (void)size;
    if (offset / 4 == SUM) {
        tally->reg[SUM] = number <= UINT32_MAX - tally->reg[SUM] ? tally->reg[SUM] + number : UINT32_MAX;
    } else if (offset / 4 == LIMIT) {
        tally->reg[LIMIT] = number;
    } else if (offset / 4 == STATUS && (number & STATUS_REACHED) != 0) {
        tally->reg[STATUS] = 0;
        tally->reg[SUM] = 0;
    } else if (offset / 4 >= REGISTERS) {
        host->guest_error(device, "%#x is written at %#x, where no register is", number, (unsigned)offset);
    }
    look(device, tally);
}

/* Power on, and whenever the guest resets the device or its bus. */
static void reset(struct ioreqd_device *device, void *state, enum ioreqd_reset_kind kind)
{
    struct tally *tally = state;

    (void)kind;
    tally->reg[SUM] = 0;
    tally->reg[LIMIT] = tally->property_limit;
    tally->reg[STATUS] = 0;
    host->intx(device, 0);
}

static int create(struct ioreqd_device *device, void *state, struct ioreqd_description *description)
{
    (void)device, (void)state, (void)description; /* the tables say it all */
    return 0;
}

static const struct ioreqd_description description = {
    .struct_size = sizeof(description),
    .vendor = 0x1234, /* nobody's: choose one that is yours */
    .device = 0x0d0b,
    .class_code = {0xff, 0x00, 0x00}, /* of no class */
    .intx = 1,
    .msix = 1,
    .msix_bar = 1,
    .bar = {{.kind = IOREQD_BAR_MEM32, .min_access = 4, .max_access = 4, .size = 4096}},
};

static const struct ioreqd_property properties[] = {
    {.name = "limit",
     .fallback = "100",
     .help = "the sum that it interrupts at, unless the guest chooses another; 0: none",
     .kind = IOREQD_PROPERTY_U32,
     .offset = offsetof(struct tally, property_limit),
     .maximum = UINT32_MAX},
    {.name = NULL},
};

/* What a successor needs to go on. Tags are for ever. */
static const struct ioreqd_field fields[] = {
    {.tag = 1, .kind = IOREQD_FIELD_U32, .since = 1, .offset = offsetof(struct tally, reg), .count = REGISTERS},
    {.tag = 0},
};

static const struct ioreqd_model model = {
    .struct_size = sizeof(model),
    .abi = IOREQD_ABI,
    .name = "tally",
    .summary = "example of a device model: it adds numbers, and interrupts at a limit",
    .state_size = sizeof(struct tally),
    .state_version = 1,
    .description = &description,
    .property = properties,
    .field = fields,
    .create = create,
    .read = read,
    .write = write,
    .reset = reset,
};

/* The one symbol of the module. */
const struct ioreqd_model *const *ioreqd_module(const struct ioreqd_host *given)
{
    static const struct ioreqd_model *const models[] = {&model, NULL};

    host = given;
    return models;
}
