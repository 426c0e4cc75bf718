/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * edu: the educational device, for lessons in writing drivers. Registers and behaviour are those of
 * QEMU docs/specs/edu.rst; what that leaves open is told where it was decided.
 *
 * All of it runs on the main loop of the device. A factorial or a transfer takes a while, as with the real thing: a
 * timer ends it, until then the guest sees the busy bit, and its writes to the registers in use are refused. So the
 * registers are what the work will be done from, and nothing but them need be saved.
 */
#include <errno.h>
#include <ioreqd/device.h>
#include <stdbool.h>
#include <string.h>

#define BAR_BYTES 0x100000u

/* The buffer, as transfers see it (QEMU docs/specs/edu.rst, DMA controller). The BAR does not show it. */
#define BUFFER_ADDRESS UINT64_C(0x40000)
#define BUFFER_BYTES   4096u

#define IDENTIFICATION 0x010000edu /* version 1.0 */
#define DURATION       UINT64_C(1000000)

/* Registers (QEMU docs/specs/edu.rst, MMIO area spec). */
enum offset {
    OFFSET_IDENTIFICATION = 0x00,
    OFFSET_LIVENESS = 0x04,
    OFFSET_FACTORIAL = 0x08,
    OFFSET_STATUS = 0x20,
    OFFSET_INTERRUPT_STATUS = 0x24,
    OFFSET_INTERRUPT_RAISE = 0x60,
    OFFSET_INTERRUPT_ACKNOWLEDGE = 0x64,
    OFFSET_DMA = 0x80 /* from here on registers are 64 bits wide, and accesses of 8 bytes are allowed */
};

/* The registers from OFFSET_DMA on, 8 bytes each. */
enum dma { DMA_SOURCE = 0, DMA_DESTINATION = 1, DMA_COUNT = 2, DMA_COMMAND = 3, DMA_REGISTERS = 4 };

#define STATUS_COMPUTING 0x01u
#define STATUS_INTERRUPT 0x80u

#define COMMAND_START     UINT64_C(1)
#define COMMAND_TO_RAM    UINT64_C(2)
#define COMMAND_INTERRUPT UINT64_C(4)
#define COMMAND_BITS      (COMMAND_START | COMMAND_TO_RAM | COMMAND_INTERRUPT)

#define INTERRUPT_FACTORIAL 0x001u
#define INTERRUPT_DMA       0x100u

/* What ends a piece of work. Not saved: the busy bit tells a successor that there is work to end. */
struct alarm {
    struct ioreqd_timer *timer;
    bool set;
};

struct edu {
    struct ioreqd_device *device;
    uint64_t property_dma_mask;

    uint32_t liveness; /* as written */
    uint32_t factorial;
    uint32_t status;
    uint32_t interrupts;
    uint64_t dma[DMA_REGISTERS];
    uint8_t buffer[BUFFER_BYTES];

    struct alarm factorial_alarm;
    struct alarm dma_alarm;
    bool quiet; /* nothing is started */

    _Atomic uint64_t factorials;
    _Atomic uint64_t bytes_from_guest;
    _Atomic uint64_t bytes_to_guest;
    _Atomic uint64_t interrupts_raised;
};

static const struct ioreqd_host *host;

static void count(_Atomic uint64_t *counter, uint64_t more)
{
    atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Interrupts
 */

/* The line follows the interrupt status; the host keeps it low while the guest uses MSI. */
static void drive_line(struct edu *edu)
{
    host->intx(edu->device, edu->interrupts != 0);
}

/* A message tells of a change, so there is none for bits that are not yet acknowledged. */
static void raise_interrupt(struct edu *edu, uint32_t bits)
{
    uint32_t gained = bits & ~edu->interrupts;

    if (gained == 0) {
        return;
    }
    edu->interrupts |= gained;
    count(&edu->interrupts_raised, 1);
    drive_line(edu);
    if (host->msi_enabled(edu->device)) {
        host->msi(edu->device, 0);
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * Work that takes a while
 */

static void set_alarm(struct edu *edu, struct alarm *alarm)
{
    if (!edu->quiet && !alarm->set) {
        alarm->set = true;
        host->timer_set(alarm->timer, host->now(edu->device) + DURATION);
    }
}

static void clear_alarm(struct alarm *alarm)
{
    alarm->set = false;
    host->timer_set(alarm->timer, 0);
}

static bool computing(const struct edu *edu)
{
    return (edu->status & STATUS_COMPUTING) != 0;
}

static bool transferring(const struct edu *edu)
{
    return (edu->dma[DMA_COMMAND] & COMMAND_START) != 0;
}

/*
 * Sets the alarms of work that has none: what the registers of a predecessor brought along. Asked at each access, as
 * a guest that waits for the work looks at the busy bit.
 */
static void take_up(struct edu *edu)
{
    if (computing(edu)) {
        set_alarm(edu, &edu->factorial_alarm);
    }
    if (transferring(edu)) {
        set_alarm(edu, &edu->dma_alarm);
    }
}

/* Modulo 2^32. The product is 0 from 34 on, so that no operand of the guest's keeps the loop busy. */
static uint32_t factorial_of(uint32_t operand)
{
    uint32_t product = 1;

    for (uint32_t i = 2; i <= operand && product != 0; i++) {
        product *= i;
    }
    return product;
}

static void finish_factorial(struct edu *edu)
{
    edu->factorial = factorial_of(edu->factorial);
    edu->status &= ~STATUS_COMPUTING;
    count(&edu->factorials, 1);
    if ((edu->status & STATUS_INTERRUPT) != 0) {
        raise_interrupt(edu, INTERRUPT_FACTORIAL);
    }
}

/* Whether length bytes at address lie inside the size bytes at base. No sum of what the guest gave: none overflows. */
static bool inside(uint64_t address, uint64_t length, uint64_t base, uint64_t size)
{
    return address >= base && length <= size && address - base <= size - length;
}

/* Whether the device can drive the addresses of length bytes at address; length is not 0. */
static bool reachable(const struct edu *edu, uint64_t address, uint64_t length)
{
    uint64_t last = edu->property_dma_mask;

    return address <= last && length - 1 <= last - address;
}

/* One transfer, wholly or not at all. It is checked and made with the same copies of the registers. */
static bool transfer(struct edu *edu, bool to_ram)
{
    uint64_t source = edu->dma[DMA_SOURCE];
    uint64_t destination = edu->dma[DMA_DESTINATION];
    uint64_t length = edu->dma[DMA_COUNT];
    uint64_t ours = to_ram ? source : destination;
    uint64_t ram = to_ram ? destination : source;
    uint8_t *bytes;
    int error;

    if (length == 0 || !inside(ours, length, BUFFER_ADDRESS, BUFFER_BYTES)) {
        host->guest_error(edu->device, "transfer of %#llx bytes at %#llx, which are not inside the buffer",
                          (unsigned long long)length, (unsigned long long)ours);
        return false;
    }
    if (!reachable(edu, ram, length)) {
        host->guest_error(edu->device, "transfer of %#llx bytes at %#llx of memory, beyond the DMA mask %#llx",
                          (unsigned long long)length, (unsigned long long)ram,
                          (unsigned long long)edu->property_dma_mask);
        return false;
    }
    bytes = edu->buffer + (ours - BUFFER_ADDRESS);
    if (to_ram) {
        error = host->dma_write(edu->device, ram, bytes, (size_t)length);
    } else {
        error = host->dma_read(edu->device, ram, bytes, (size_t)length);
    }
    if (error != 0) {
        host->guest_error(edu->device, "transfer of %#llx bytes at %#llx of memory: %s", (unsigned long long)length,
                          (unsigned long long)ram, error == -EIO ? "bus mastering is off" : "no memory is there");
        return false;
    }
    count(to_ram ? &edu->bytes_to_guest : &edu->bytes_from_guest, length);
    return true;
}

/*
 * The documentation knows no error: a transfer that could not be made leaves no trace but the cleared start bit, as
 * an interrupt would tell the driver that its data are there.
 */
static void finish_transfer(struct edu *edu)
{
    uint64_t command = edu->dma[DMA_COMMAND];
    bool made = transfer(edu, (command & COMMAND_TO_RAM) != 0);

    edu->dma[DMA_COMMAND] = command & ~COMMAND_START;
    if (made && (command & COMMAND_INTERRUPT) != 0) {
        raise_interrupt(edu, INTERRUPT_DMA);
    }
}

static void factorial_due(void *argument)
{
    struct edu *edu = argument;

    if (edu->factorial_alarm.set) {
        edu->factorial_alarm.set = false;
        finish_factorial(edu);
    }
}

static void transfer_due(void *argument)
{
    struct edu *edu = argument;

    if (edu->dma_alarm.set) {
        edu->dma_alarm.set = false;
        finish_transfer(edu);
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * Registers
 */

/* "Only size == 4 accesses are allowed for addresses < 0x80. size == 4 or size == 8 for the rest." */
static bool allowed(struct edu *edu, uint64_t offset, unsigned size)
{
    if (size == 4 || (size == 8 && offset >= OFFSET_DMA)) {
        return true;
    }
    host->guest_error(edu->device, "access of %u bytes to the register at %#llx", size, (unsigned long long)offset);
    return false;
}

/* The documentation does not say what 4 bytes of a 64-bit register are: they are that half of it. */
static uint64_t read_dma(const struct edu *edu, uint64_t offset, unsigned size)
{
    uint64_t index = (offset - OFFSET_DMA) / 8;

    if (index >= DMA_REGISTERS) {
        return 0;
    }
    if (size == 8) {
        return edu->dma[index];
    }
    return (uint32_t)(edu->dma[index] >> (offset % 8 * 8));
}

static void write_dma(struct edu *edu, uint64_t offset, unsigned size, uint64_t value)
{
    uint64_t index = (offset - OFFSET_DMA) / 8;

    if (index >= DMA_REGISTERS) {
        return;
    }
    if (transferring(edu)) {
        host->guest_error(edu->device, "write to the DMA register at %#llx during a transfer",
                          (unsigned long long)offset);
        return;
    }
    if (size == 4) {
        unsigned shift = (unsigned)(offset % 8 * 8);

        value = (edu->dma[index] & ~(UINT64_C(0xffffffff) << shift)) | (uint64_t)(uint32_t)value << shift;
    }
    edu->dma[index] = index == DMA_COMMAND ? value & COMMAND_BITS : value;
    if (transferring(edu)) {
        set_alarm(edu, &edu->dma_alarm);
    }
}

static uint64_t edu_read(struct ioreqd_device *device, void *state, unsigned bar, uint64_t offset, unsigned size)
{
    struct edu *edu = state;

    (void)device;
    (void)bar;
    take_up(edu);
    if (!allowed(edu, offset, size)) {
        return UINT64_MAX; /* as PCI has it for a read that nobody answers */
    }
    if (offset >= OFFSET_DMA) {
        return read_dma(edu, offset, size);
    }
    switch (offset) {
    case OFFSET_IDENTIFICATION:
        return IDENTIFICATION;
    case OFFSET_LIVENESS:
        return (uint32_t)~edu->liveness;
    case OFFSET_FACTORIAL:
        return edu->factorial;
    case OFFSET_STATUS:
        return edu->status;
    case OFFSET_INTERRUPT_STATUS:
        return edu->interrupts;
    default:
        return 0;
    }
}

static void write_factorial(struct edu *edu, uint32_t operand)
{
    if (computing(edu)) {
        host->guest_error(edu->device, "write to the factorial register during a computation");
        return;
    }
    edu->factorial = operand;
    edu->status |= STATUS_COMPUTING;
    set_alarm(edu, &edu->factorial_alarm);
}

static void edu_write(struct ioreqd_device *device, void *state, unsigned bar, uint64_t offset, unsigned size,
                      uint64_t value)
{
    struct edu *edu = state;
    uint32_t word = (uint32_t)value;

    (void)device;
    (void)bar;
    take_up(edu);
    if (!allowed(edu, offset, size)) {
        return;
    }
    if (offset >= OFFSET_DMA) {
        write_dma(edu, offset, size, value);
        return;
    }
    switch (offset) {
    case OFFSET_LIVENESS:
        edu->liveness = word;
        break;
    case OFFSET_FACTORIAL:
        write_factorial(edu, word);
        break;
    case OFFSET_STATUS:
        edu->status = (edu->status & STATUS_COMPUTING) | (word & STATUS_INTERRUPT);
        break;
    case OFFSET_INTERRUPT_RAISE:
        raise_interrupt(edu, word);
        break;
    case OFFSET_INTERRUPT_ACKNOWLEDGE:
        edu->interrupts &= ~word;
        drive_line(edu);
        break;
    default: /* none, or read-only */
        break;
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * The device
 */

static void destroy_alarm(struct alarm *alarm)
{
    if (alarm->timer != NULL) {
        host->timer_destroy(alarm->timer);
        alarm->timer = NULL;
    }
}

static void destroy(struct ioreqd_device *device, void *state)
{
    struct edu *edu = state;

    (void)device;
    destroy_alarm(&edu->factorial_alarm);
    destroy_alarm(&edu->dma_alarm);
}

static int create(struct ioreqd_device *device, void *state, struct ioreqd_description *description)
{
    struct edu *edu = state;
    struct ioreqd_loop *loop = host->main_loop(device);
    uint64_t mask = edu->property_dma_mask;
    int error;

    (void)description;
    edu->device = device;
    if ((mask & (mask + 1)) != 0) {
        host->property_error(device, "dma-mask", "%#llx has a hole: set the lowest bits only, as in 0x0fffffff",
                             (unsigned long long)mask);
        return -EINVAL;
    }
    error = host->timer_create(device, loop, factorial_due, edu, &edu->factorial_alarm.timer);
    if (error != 0) {
        return error;
    }
    error = host->timer_create(device, loop, transfer_due, edu, &edu->dma_alarm.timer);
    if (error != 0) {
        destroy(device, edu);
    }
    return error;
}

static void reset(struct ioreqd_device *device, void *state, enum ioreqd_reset_kind kind)
{
    struct edu *edu = state;

    (void)device;
    (void)kind;
    clear_alarm(&edu->factorial_alarm);
    clear_alarm(&edu->dma_alarm);
    edu->liveness = 0;
    edu->factorial = 0;
    edu->status = 0;
    edu->interrupts = 0;
    memset(edu->dma, 0, sizeof(edu->dma));
    memset(edu->buffer, 0, sizeof(edu->buffer));
    edu->quiet = false;
    drive_line(edu);
}

/* Work in hand is short: it is done at once, so that a successor finds idle registers. */
static void quiesce(struct ioreqd_device *device, void *state)
{
    struct edu *edu = state;

    edu->quiet = true;
    clear_alarm(&edu->factorial_alarm);
    clear_alarm(&edu->dma_alarm);
    if (computing(edu)) {
        finish_factorial(edu);
    }
    if (transferring(edu)) {
        finish_transfer(edu);
    }
    host->quiesced(device);
}

static void resume(struct ioreqd_device *device, void *state)
{
    struct edu *edu = state;

    (void)device;
    edu->quiet = false;
}

/* ------------------------------------------------------------------------------------------------------------------
 * What it says of itself
 */

/* QEMU docs/specs/edu.rst, PCI specs. */
static const struct ioreqd_description description = {
    .struct_size = sizeof(description),
    .vendor = 0x1234,
    .device = 0x11e8,
    .subsystem_vendor = 0x1234,
    .subsystem = 0x11e8,
    .revision = 0x10,
    .class_code = {0x00, 0xff, 0x00},
    .intx = 1,
    .bar = {{.kind = IOREQD_BAR_MEM32, .min_access = 4, .max_access = 8, .size = BAR_BYTES}},
    .msi = 1,
};

static const struct ioreqd_property properties[] = {
    {.name = "dma-mask",
     .fallback = "0x0fffffff",
     .help = "the highest address that the device can transfer to or from: a power of 2, less 1",
     .kind = IOREQD_PROPERTY_U64,
     .offset = offsetof(struct edu, property_dma_mask),
     .minimum = BUFFER_BYTES - 1,
     .maximum = UINT64_MAX},
    {.name = NULL},
};

#define FIELD(number, width, member, elements)                                                                         \
    {                                                                                                                  \
        .tag = (number), .kind = (width), .since = 1, .offset = offsetof(struct edu, member), .count = (elements)      \
    }

static const struct ioreqd_field fields[] = {
    FIELD(1, IOREQD_FIELD_U32, liveness, 1),
    FIELD(2, IOREQD_FIELD_U32, factorial, 1),
    FIELD(3, IOREQD_FIELD_U32, status, 1),
    FIELD(4, IOREQD_FIELD_U32, interrupts, 1),
    FIELD(5, IOREQD_FIELD_U64, dma, DMA_REGISTERS),
    FIELD(6, IOREQD_FIELD_U8, buffer, BUFFER_BYTES),
    {.tag = 0},
};

static const struct ioreqd_counter counters[] = {
    {.name = "factorials", .unit = "computations", .offset = offsetof(struct edu, factorials)},
    {.name = "bytes-from-guest", .unit = "bytes", .offset = offsetof(struct edu, bytes_from_guest)},
    {.name = "bytes-to-guest", .unit = "bytes", .offset = offsetof(struct edu, bytes_to_guest)},
    {.name = "raised", .unit = "interrupts", .offset = offsetof(struct edu, interrupts_raised)},
    {.name = NULL},
};

static const struct ioreqd_model model = {
    .struct_size = sizeof(model),
    .abi = IOREQD_ABI,
    .name = "edu",
    .summary = "educational device for lessons in writing drivers",
    .state_size = sizeof(struct edu),
    .state_version = 1,
    .description = &description,
    .property = properties,
    .field = fields,
    .counter = counters,
    .create = create,
    .destroy = destroy,
    .read = edu_read,
    .write = edu_write,
    .reset = reset,
    .quiesce = quiesce,
    .resume = resume,
};

const struct ioreqd_model *const *ioreqd_module(const struct ioreqd_host *given)
{
    static const struct ioreqd_model *const models[] = {&model, NULL};

    if (!IOREQD_HAS(given, timer_destroy)) {
        return NULL; /* older than MSI and timers */
    }
    host = given;
    return models;
}
