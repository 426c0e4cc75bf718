/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watchdog: an example of a device model. A timer that the guest starts, and feeds before it runs out; when it does, the
 * device interrupts. Made to be copied: it has a BAR, MSI-X and INTx, a property, saved fields, counters and a timer,
 * and nothing else. All of it runs on the device's main loop, so that there is nothing to lock.
 *
 * Registers, 4 bytes each, in BAR 0:
 *
 *   0x00  IDENTIFICATION  read only    0x474f4457
 *   0x04  PERIOD          read, write  milliseconds; 0 is taken as 1; used when the timer is started or fed
 *   0x08  CONTROL         read, write  bit 0 RUN: the timer runs, falls when it has run out; bit 1 INTERRUPT: then tell
 *   0x0c  FEED            write only   any value: begin anew, if the timer runs
 *   0x10  STATUS          read, write  bit 0 EXPIRED: it has run out; writing 1 clears it
 *   0x14  LEFT            read only    milliseconds until it runs out, rounded up; 0: it does not run
 */
#include <errno.h>
#include <ioreqd/device.h>
#include <stdbool.h>

#define IDENTIFICATION 0x474f4457u
#define MILLISECOND    UINT64_C(1000000)

enum offset {
    OFFSET_IDENTIFICATION = 0x00,
    OFFSET_PERIOD = 0x04,
    OFFSET_CONTROL = 0x08,
    OFFSET_FEED = 0x0c,
    OFFSET_STATUS = 0x10,
    OFFSET_LEFT = 0x14
};

#define CONTROL_RUN       0x1u
#define CONTROL_INTERRUPT 0x2u
#define CONTROL_BITS      (CONTROL_RUN | CONTROL_INTERRUPT)
#define STATUS_EXPIRED    0x1u

/* One device. The host allocates it, zeroed, and has put the properties into it before create(). */
struct watchdog {
    struct ioreqd_device *device;
    struct ioreqd_timer *timer;
    uint64_t deadline; /* of the timer; 0: not set */

    uint32_t property_period;

    /* What a successor needs: the saved fields. left is brought up to date in quiesce(), when time stops for us. */
    uint32_t period;
    uint32_t control;
    uint32_t status;
    uint64_t left;

    _Atomic uint64_t feeds;
    _Atomic uint64_t expirations;
};

/* The host's functions: the one thing that all devices of a module share. Set once, before any device is made. */
static const struct ioreqd_host *host;

static void count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* A level for INTx. The host keeps the line low while the guest uses messages. */
static void drive_line(struct watchdog *watchdog)
{
    host->intx(watchdog->device,
               (watchdog->status & STATUS_EXPIRED) != 0 && (watchdog->control & CONTROL_INTERRUPT) != 0);
}

static void set_timer(struct watchdog *watchdog, uint64_t nanoseconds)
{
    watchdog->deadline = host->now(watchdog->device) + nanoseconds;
    host->timer_set(watchdog->timer, watchdog->deadline);
}

static void stop_timer(struct watchdog *watchdog)
{
    watchdog->deadline = 0;
    host->timer_set(watchdog->timer, 0);
}

static void begin_period(struct watchdog *watchdog)
{
    set_timer(watchdog, (watchdog->period != 0 ? watchdog->period : 1) * MILLISECOND);
}

/* Nanoseconds until the timer runs out; at least 1 while it is set, as it has not fired yet. */
static uint64_t time_left(const struct watchdog *watchdog)
{
    uint64_t now;

    if (watchdog->deadline == 0) {
        return 0;
    }
    now = host->now(watchdog->device);
    return watchdog->deadline > now ? watchdog->deadline - now : 1;
}

/* The timer has run out. */
static void expire(void *argument)
{
    struct watchdog *watchdog = argument;

    watchdog->deadline = 0;
    watchdog->control &= ~CONTROL_RUN;
    watchdog->status |= STATUS_EXPIRED;
    count(&watchdog->expirations);
    host->log(watchdog->device, IOREQD_LOG_WARNING, "the guest has not fed its watchdog for %u ms", watchdog->period);
    if ((watchdog->control & CONTROL_INTERRUPT) != 0) {
        drive_line(watchdog);
        host->msix(watchdog->device, 0); /* dropped while MSI-X is off */
    }
}

/* The host has checked that the access lies inside the BAR and, as the description says, that it is of 4 bytes. */
static uint64_t read_register(struct ioreqd_device *device, void *state, unsigned bar, uint64_t offset, unsigned size)
{
    const struct watchdog *watchdog = state;

    (void)device;
    (void)bar;
    (void)size;
    switch (offset) {
    case OFFSET_IDENTIFICATION:
        return IDENTIFICATION;
    case OFFSET_PERIOD:
        return watchdog->period;
    case OFFSET_CONTROL:
        return watchdog->control;
    case OFFSET_STATUS:
        return watchdog->status;
    case OFFSET_LEFT:
        return (time_left(watchdog) + MILLISECOND - 1) / MILLISECOND;
    default: /* write only, or no register */
        return 0;
    }
}

static void write_control(struct watchdog *watchdog, uint32_t value)
{
    bool ran = (watchdog->control & CONTROL_RUN) != 0;

    if ((value & ~CONTROL_BITS) != 0) {
        host->guest_error(watchdog->device, "CONTROL has no bits %#x", value & ~CONTROL_BITS);
    }
    watchdog->control = value & CONTROL_BITS;
    if ((value & CONTROL_RUN) == 0) {
        stop_timer(watchdog);
    } else if (!ran) {
        begin_period(watchdog);
    }
    drive_line(watchdog);
}

static void write_register(struct ioreqd_device *device, void *state, unsigned bar, uint64_t offset, unsigned size,
                           uint64_t value)
{
    struct watchdog *watchdog = state;

    (void)device;
    (void)bar;
    (void)size;
    switch (offset) {
    case OFFSET_PERIOD:
        watchdog->period = (uint32_t)value;
        break;
    case OFFSET_CONTROL:
        write_control(watchdog, (uint32_t)value);
        break;
    case OFFSET_FEED:
        if ((watchdog->control & CONTROL_RUN) != 0) {
            count(&watchdog->feeds);
            begin_period(watchdog);
        }
        break;
    case OFFSET_STATUS:
        watchdog->status &= ~((uint32_t)value & STATUS_EXPIRED);
        drive_line(watchdog);
        break;
    default: /* read only, or no register */
        break;
    }
}

static int create(struct ioreqd_device *device, void *state, struct ioreqd_description *description)
{
    struct watchdog *watchdog = state;

    (void)description; /* the one of the table fits all */
    watchdog->device = device;
    return host->timer_create(device, host->main_loop(device), expire, watchdog, &watchdog->timer);
}

static void destroy(struct ioreqd_device *device, void *state)
{
    struct watchdog *watchdog = state;

    (void)device;
    host->timer_destroy(watchdog->timer);
}

/* Power on, and whenever the guest resets the device or its bus. */
static void reset(struct ioreqd_device *device, void *state, enum ioreqd_reset_kind kind)
{
    struct watchdog *watchdog = state;

    (void)device;
    (void)kind;
    stop_timer(watchdog);
    watchdog->period = watchdog->property_period;
    watchdog->control = 0;
    watchdog->status = 0;
    watchdog->left = 0;
    drive_line(watchdog);
}

/* From here to resume() nothing changes. There is never anything to wait for, so that the answer comes at once. */
static void quiesce(struct ioreqd_device *device, void *state)
{
    struct watchdog *watchdog = state;

    watchdog->left = time_left(watchdog);
    stop_timer(watchdog);
    host->quiesced(device);
}

/* After a reset, or not: then the guest's period goes on where it stood. */
static void resume(struct ioreqd_device *device, void *state)
{
    struct watchdog *watchdog = state;

    (void)device;
    if ((watchdog->control & CONTROL_RUN) != 0) {
        set_timer(watchdog, watchdog->left);
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * What it says of itself
 */

static const struct ioreqd_description description = {
    .struct_size = sizeof(description),
    .vendor = 0x1234, /* nobody's: choose one that is yours */
    .device = 0x0d09,
    .subsystem_vendor = 0x1234,
    .subsystem = 0x0d09,
    .revision = 1,
    .class_code = {0x08, 0x80, 0x00}, /* base system peripheral, other */
    .intx = 1,
    .msix = 1,
    .msix_bar = 1,
    .bar = {{.kind = IOREQD_BAR_MEM32, .min_access = 4, .max_access = 4, .size = 4096}},
};

static const struct ioreqd_property properties[] = {
    {.name = "period",
     .fallback = "10000",
     .help = "milliseconds until it runs out, unless the guest chooses others",
     .kind = IOREQD_PROPERTY_U32,
     .offset = offsetof(struct watchdog, property_period),
     .minimum = 1,
     .maximum = UINT32_MAX},
    {.name = NULL},
};

/* Tags are for ever; kinds are those of the members. */
static const struct ioreqd_field fields[] = {
    {.tag = 1, .kind = IOREQD_FIELD_U32, .since = 1, .offset = offsetof(struct watchdog, period), .count = 1},
    {.tag = 2, .kind = IOREQD_FIELD_U32, .since = 1, .offset = offsetof(struct watchdog, control), .count = 1},
    {.tag = 3, .kind = IOREQD_FIELD_U32, .since = 1, .offset = offsetof(struct watchdog, status), .count = 1},
    {.tag = 4, .kind = IOREQD_FIELD_U64, .since = 1, .offset = offsetof(struct watchdog, left), .count = 1},
    {.tag = 0},
};

static const struct ioreqd_counter counters[] = {
    {.name = "feeds", .unit = "writes", .offset = offsetof(struct watchdog, feeds)},
    {.name = "expirations", .unit = "times", .offset = offsetof(struct watchdog, expirations)},
    {.name = NULL},
};

static const struct ioreqd_model model = {
    .struct_size = sizeof(model),
    .abi = IOREQD_ABI,
    .name = "watchdog",
    .summary = "example of a device model: a timer that the guest has to feed",
    .state_size = sizeof(struct watchdog),
    .state_version = 1,
    .description = &description,
    .property = properties,
    .field = fields,
    .counter = counters,
    .create = create,
    .destroy = destroy,
    .read = read_register,
    .write = write_register,
    .reset = reset,
    .quiesce = quiesce,
    .resume = resume,
};

/* The one symbol of the module. */
const struct ioreqd_model *const *ioreqd_module(const struct ioreqd_host *given)
{
    static const struct ioreqd_model *const models[] = {&model, NULL};

    if (!IOREQD_HAS(given, timer_destroy)) {
        return NULL; /* a host that has no timers yet */
    }
    host = given;
    return models;
}
