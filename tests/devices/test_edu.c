/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model edu, through the tables of its module, against a host of this file: guest memory is a buffer, time goes on
 * when the test says so. One thread; each case in a process of its own. Register offsets are written out as in
 * QEMU docs/specs/edu.rst.
 */
#include <check.h>
#include <errno.h>
#include <ioreqd/device.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RAM_BYTES   0x8000u
#define BUFFER      UINT64_C(0x40000)
#define MASK        UINT64_C(0x0fffffff)
#define MILLISECOND UINT64_C(1000000)
#define TIMERS      2

enum { START = 1, TO_RAM = 2, INTERRUPT = 4 };
enum { SOURCE = 0x80, DESTINATION = 0x88, COUNT = 0x90, COMMAND = 0x98 };

struct ioreqd_timer {
    void (*fire)(void *argument);
    void *argument;
    uint64_t deadline; /* 0: not set */
    bool made;
};

/* What stands for the device; the model never looks into it. */
static struct host {
    uint8_t ram[RAM_BYTES]; /* from address 0 */
    uint64_t now;
    struct ioreqd_timer timer[TIMERS];
    unsigned timers_wanted; /* timer_create() fails beyond */
    bool no_bus_master;
    bool msi_on;

    unsigned messages;
    int line; /* as the model drives it */
    unsigned guest_errors;
    unsigned property_errors;
    unsigned quiesced;
    unsigned copies; /* tried */
    char text[256];
} world;

static const struct ioreqd_model *model;
static void *edu;
static struct ioreqd_description description;

static int reach(uint64_t address, size_t length)
{
    world.copies++;
    if (world.no_bus_master) {
        return -EIO;
    }
    return address > RAM_BYTES || length > RAM_BYTES - address ? -EFAULT : 0;
}

static int dma_read(struct ioreqd_device *device, uint64_t address, void *to, size_t length)
{
    int error = reach(address, length);

    (void)device;
    if (error == 0) {
        memcpy(to, world.ram + address, length);
    }
    return error;
}

static int dma_write(struct ioreqd_device *device, uint64_t address, const void *from, size_t length)
{
    int error = reach(address, length);

    (void)device;
    if (error == 0) {
        memcpy(world.ram + address, from, length);
    }
    return error;
}

static void intx(struct ioreqd_device *device, int level)
{
    (void)device;
    world.line = level;
}

static void msi(struct ioreqd_device *device, unsigned vector)
{
    (void)device;
    ck_assert_uint_eq(vector, 0);
    ck_assert(world.msi_on);
    world.messages++;
}

static int msi_enabled(struct ioreqd_device *device)
{
    (void)device;
    return world.msi_on;
}

static struct ioreqd_loop *main_loop(struct ioreqd_device *device)
{
    return (struct ioreqd_loop *)device;
}

static uint64_t now(struct ioreqd_device *device)
{
    (void)device;
    return world.now;
}

static int make_timer(struct ioreqd_device *device, struct ioreqd_loop *loop, void (*fire)(void *argument),
                      void *argument, struct ioreqd_timer **timer)
{
    (void)device;
    ck_assert_ptr_eq(loop, &world);
    for (unsigned i = 0; i < world.timers_wanted; i++) {
        if (!world.timer[i].made) {
            world.timer[i] = (struct ioreqd_timer){.fire = fire, .argument = argument, .made = true};
            *timer = &world.timer[i];
            return 0;
        }
    }
    return -ENOMEM;
}

static void timer_set(struct ioreqd_timer *timer, uint64_t deadline)
{
    ck_assert(timer->made);
    timer->deadline = deadline;
}

static void timer_destroy(struct ioreqd_timer *timer)
{
    ck_assert(timer->made);
    timer->made = false;
    timer->deadline = 0;
}

static void quiesced(struct ioreqd_device *device)
{
    (void)device;
    world.quiesced++;
}

static void guest_error(struct ioreqd_device *device, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void guest_error(struct ioreqd_device *device, const char *format, ...)
{
    va_list arguments;

    (void)device;
    va_start(arguments, format);
    vsnprintf(world.text, sizeof(world.text), format, arguments);
    va_end(arguments);
    world.guest_errors++;
}

static void property_error(struct ioreqd_device *device, const char *property, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void property_error(struct ioreqd_device *device, const char *property, const char *format, ...)
{
    va_list arguments;

    (void)device;
    ck_assert_str_eq(property, "dma-mask");
    va_start(arguments, format);
    vsnprintf(world.text, sizeof(world.text), format, arguments);
    va_end(arguments);
    world.property_errors++;
}

static const struct ioreqd_host host = {
    .struct_size = sizeof(host),
    .abi = IOREQD_ABI,
    .dma_read = dma_read,
    .dma_write = dma_write,
    .intx = intx,
    .main_loop = main_loop,
    .quiesced = quiesced,
    .guest_error = guest_error,
    .property_error = property_error,
    .msi = msi,
    .msi_enabled = msi_enabled,
    .now = now,
    .timer_create = make_timer,
    .timer_set = timer_set,
    .timer_destroy = timer_destroy,
};

static struct ioreqd_device *device(void)
{
    return (struct ioreqd_device *)&world;
}

static bool pending(void)
{
    for (unsigned i = 0; i < TIMERS; i++) {
        if (world.timer[i].deadline != 0) {
            return true;
        }
    }
    return false;
}

static void pass(uint64_t nanoseconds)
{
    world.now += nanoseconds;
    for (unsigned i = 0; i < TIMERS; i++) {
        struct ioreqd_timer *timer = &world.timer[i];

        if (timer->deadline != 0 && timer->deadline <= world.now) {
            timer->deadline = 0;
            timer->fire(timer->argument);
        }
    }
}

static uint64_t counter(const char *name)
{
    const struct ioreqd_counter *one = model->counter;

    while (strcmp(one->name, name) != 0) {
        one++;
    }
    return atomic_load((_Atomic uint64_t *)(void *)((char *)edu + one->offset));
}

static void *field(uint16_t tag)
{
    const struct ioreqd_field *one = model->field;

    while (one->tag != tag) {
        one++;
    }
    return (char *)edu + one->offset;
}

static uint8_t *buffer(void)
{
    return field(6);
}

static uint64_t get(uint64_t offset, unsigned size)
{
    return model->read(device(), edu, 0, offset, size);
}

static void put(uint64_t offset, unsigned size, uint64_t value)
{
    model->write(device(), edu, 0, offset, size, value);
}

static int begin(uint64_t mask, unsigned timers)
{
    memset(&world, 0, sizeof(world));
    world.now = 5;
    world.timers_wanted = timers;
    model = ioreqd_module(&host)[0];
    edu = calloc(1, model->state_size);
    ck_assert_ptr_nonnull(edu);
    memcpy((char *)edu + model->property[0].offset, &mask, sizeof(mask));
    description = *model->description;
    return model->create(device(), edu, &description);
}

static void setup(void)
{
    ck_assert_int_eq(begin(MASK, TIMERS), 0);
    model->reset(device(), edu, IOREQD_RESET_COLD);
    for (unsigned i = 0; i < RAM_BYTES; i++) {
        world.ram[i] = (uint8_t)(i * 7 + i / 256);
    }
}

static void teardown(void)
{
    model->destroy(device(), edu);
    for (unsigned i = 0; i < TIMERS; i++) {
        ck_assert(!world.timer[i].made);
    }
    free(edu);
}

/* Sets the registers of a transfer and starts it, without letting time pass. */
static void start(uint64_t source, uint64_t destination, uint64_t length, uint64_t command)
{
    put(SOURCE, 8, source);
    put(DESTINATION, 8, destination);
    put(COUNT, 8, length);
    put(COMMAND, 8, command | START);
}

/* A transfer that must not be made: nothing happens but that the start bit is cleared and the guest is told off. */
static void refused(uint64_t source, uint64_t destination, uint64_t length, uint64_t command)
{
    static uint8_t ram_before[RAM_BYTES];
    static uint8_t buffer_before[4096];
    unsigned errors = world.guest_errors;

    memset(buffer(), 0x5a, 4096);
    memcpy(ram_before, world.ram, sizeof(ram_before));
    memcpy(buffer_before, buffer(), sizeof(buffer_before));
    start(source, destination, length, command | INTERRUPT);
    pass(MILLISECOND);
    ck_assert_uint_eq(get(COMMAND, 8), command | INTERRUPT);
    ck_assert_uint_eq(world.guest_errors, errors + 1);
    ck_assert_mem_eq(world.ram, ram_before, sizeof(ram_before));
    ck_assert_mem_eq(buffer(), buffer_before, sizeof(buffer_before));
    ck_assert_uint_eq(get(SOURCE, 8), source);
    ck_assert_uint_eq(get(DESTINATION, 8), destination);
    ck_assert_uint_eq(get(COUNT, 8), length);
    ck_assert_uint_eq(get(0x24, 4), 0);
    ck_assert_int_eq(world.line, 0);
    ck_assert_uint_eq(counter("bytes-from-guest"), 0);
    ck_assert_uint_eq(counter("bytes-to-guest"), 0);
    ck_assert(!pending());
}

/* ------------------------------------------------------------------------------------------------------------------
 * Tables and registers
 */

START_TEST(tables)
{
    ck_assert_str_eq(model->name, "edu");
    ck_assert_ptr_null(ioreqd_module(&host)[1]);
    ck_assert_uint_eq(description.vendor, 0x1234);
    ck_assert_uint_eq(description.device, 0x11e8);
    ck_assert_uint_eq(description.revision, 0x10);
    ck_assert_uint_eq(description.class_code[0], 0x00);
    ck_assert_uint_eq(description.class_code[1], 0xff);
    ck_assert_uint_eq(description.class_code[2], 0x00);
    ck_assert_uint_eq(description.intx, 1);
    ck_assert_uint_eq(description.msi, 1);
    ck_assert_uint_eq(description.msix, 0);
    ck_assert_uint_eq(description.bar[0].kind, IOREQD_BAR_MEM32);
    ck_assert_uint_eq(description.bar[0].size, 1u << 20);
    ck_assert_uint_eq(description.bar[0].min_access, 4);
    ck_assert_uint_eq(description.bar[0].max_access, 8);
    ck_assert_str_eq(model->property[0].name, "dma-mask");
    ck_assert_str_eq(model->property[0].fallback, "0x0fffffff");
}
END_TEST

START_TEST(older_host)
{
    struct ioreqd_host older = host;

    older.struct_size = offsetof(struct ioreqd_host, msi);
    ck_assert_ptr_null(ioreqd_module(&older));
}
END_TEST

START_TEST(power_on)
{
    for (unsigned offset = 4; offset < 0x200; offset += 4) {
        ck_assert_uint_eq(get(offset, 4), offset == 4 ? 0xffffffff : 0);
    }
    ck_assert_uint_eq(get(0x40000, 8), 0); /* the buffer is not part of the BAR */
    ck_assert_uint_eq(get(0xffff8, 8), 0);
    ck_assert_uint_eq(world.guest_errors, 0);
    ck_assert(!pending());
}
END_TEST

START_TEST(identification)
{
    ck_assert_uint_eq(get(0x00, 4), 0x010000ed);
    put(0x00, 4, 0x12345678);
    ck_assert_uint_eq(get(0x00, 4), 0x010000ed);
}
END_TEST

START_TEST(liveness)
{
    put(0x04, 4, 0x12345678);
    ck_assert_uint_eq(get(0x04, 4), 0xedcba987);
    put(0x04, 4, 0xffffffff);
    ck_assert_uint_eq(get(0x04, 4), 0);
}
END_TEST

START_TEST(status_bits)
{
    put(0x20, 4, 0xffffffff);
    ck_assert_uint_eq(get(0x20, 4), 0x80); /* bit 0 is read-only, the others do not exist */
    put(0x20, 4, 0);
    ck_assert_uint_eq(get(0x20, 4), 0);
}
END_TEST

START_TEST(no_such_registers)
{
    static const unsigned offsets[] = {0x0c, 0x10, 0x1c, 0x24, 0x28, 0x5c, 0x68, 0x7c, 0xa0, 0xa4, 0x40000, 0xffffc};

    for (unsigned i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        put(offsets[i], 4, 0xffffffff);
        ck_assert_uint_eq(get(offsets[i], 4), 0);
    }
    put(0xa0, 8, UINT64_MAX);
    put(0xffff8, 8, UINT64_MAX);
    ck_assert_uint_eq(get(0x24, 4), 0);
    ck_assert_uint_eq(get(0x04, 4), 0xffffffff);
    ck_assert_uint_eq(get(COMMAND, 8), 0);
    ck_assert_int_eq(world.line, 0);
    ck_assert(!pending());
}
END_TEST

START_TEST(wrong_sizes)
{
    unsigned errors = 0;

    for (unsigned offset = 0; offset < 0x80; offset += 8) {
        put(offset, 8, 0x0101010101010101);
        ck_assert_uint_eq(world.guest_errors, ++errors);
        ck_assert(get(offset, 8) == UINT64_MAX);
        ck_assert_uint_eq(world.guest_errors, ++errors);
    }
    for (unsigned size = 1; size <= 2; size++) { /* the host lets none of these through */
        put(0x04, size, 1);
        put(SOURCE, size, 1);
        put(COMMAND, size, START);
        get(SOURCE, size);
        errors += 4;
        ck_assert_uint_eq(world.guest_errors, errors);
    }
    ck_assert_uint_eq(get(0x04, 4), 0xffffffff);
    ck_assert_uint_eq(get(0x08, 4), 0);
    ck_assert_uint_eq(get(0x20, 4), 0);
    ck_assert_uint_eq(get(0x24, 4), 0);
    ck_assert_uint_eq(get(SOURCE, 8), 0);
    ck_assert(!pending());
}
END_TEST

START_TEST(dma_registers)
{
    for (unsigned offset = SOURCE; offset < COMMAND; offset += 8) {
        put(offset, 8, UINT64_C(0x0123456789abcdef) + offset);
        ck_assert(get(offset, 8) == UINT64_C(0x0123456789abcdef) + offset);
        put(offset, 4, 0xffffffff11111111); /* what lies beyond the size does not count */
        ck_assert(get(offset, 8) == UINT64_C(0x0123456711111111));
        put(offset + 4, 4, 0x22222222);
        ck_assert(get(offset, 8) == UINT64_C(0x2222222211111111));
        ck_assert_uint_eq(get(offset, 4), 0x11111111);
        ck_assert_uint_eq(get(offset + 4, 4), 0x22222222);
    }
    put(COMMAND, 8, ~(uint64_t)START);
    ck_assert_uint_eq(get(COMMAND, 8), TO_RAM | INTERRUPT);
    put(COMMAND + 4, 4, 0xffffffff); /* no bit of the upper half starts anything */
    ck_assert_uint_eq(get(COMMAND, 8), TO_RAM | INTERRUPT);
    ck_assert_uint_eq(get(COMMAND + 4, 4), 0);
    ck_assert(!pending());
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------------
 * Interrupts
 */

START_TEST(raise_and_acknowledge)
{
    put(0x60, 4, 0x5);
    ck_assert_uint_eq(get(0x24, 4), 0x5);
    ck_assert_int_eq(world.line, 1);
    put(0x60, 4, 0x80000002);
    ck_assert_uint_eq(get(0x24, 4), 0x80000007);
    ck_assert_uint_eq(get(0x60, 4), 0); /* write-only */
    put(0x64, 4, 0x3);
    ck_assert_uint_eq(get(0x24, 4), 0x80000004);
    ck_assert_int_eq(world.line, 1);
    put(0x64, 4, 0x80000004);
    ck_assert_uint_eq(get(0x24, 4), 0);
    ck_assert_uint_eq(get(0x64, 4), 0);
    ck_assert_int_eq(world.line, 0);
    ck_assert_uint_eq(world.messages, 0);
    ck_assert_uint_eq(counter("interrupts"), 2);
}
END_TEST

START_TEST(raise_nothing)
{
    put(0x60, 4, 0);
    ck_assert_int_eq(world.line, 0);
    put(0x64, 4, 0xffffffff);
    ck_assert_int_eq(world.line, 0);
    ck_assert_uint_eq(counter("interrupts"), 0);
}
END_TEST

START_TEST(messages)
{
    world.msi_on = true;
    put(0x60, 4, 0x5);
    ck_assert_uint_eq(world.messages, 1);
    put(0x60, 4, 0x1); /* no bit gained */
    ck_assert_uint_eq(world.messages, 1);
    put(0x60, 4, 0x3);
    ck_assert_uint_eq(world.messages, 2);
    put(0x64, 4, 0x1);
    ck_assert_uint_eq(world.messages, 2);
    put(0x60, 4, 0x1);
    ck_assert_uint_eq(world.messages, 3);
    put(0x60, 4, 0);
    ck_assert_uint_eq(world.messages, 3);
    ck_assert_uint_eq(get(0x24, 4), 0x7);
    world.msi_on = false;
    put(0x60, 4, 0x8);
    ck_assert_uint_eq(world.messages, 3);
    ck_assert_int_eq(world.line, 1);
    ck_assert_uint_eq(counter("interrupts"), 4);
}
END_TEST

START_TEST(messages_of_work)
{
    world.msi_on = true;
    put(0x20, 4, 0x80);
    put(0x08, 4, 3);
    start(0x100, BUFFER, 8, INTERRUPT);
    ck_assert_uint_eq(world.messages, 0);
    pass(MILLISECOND);
    ck_assert_uint_eq(world.messages, 2);
    ck_assert_uint_eq(get(0x24, 4), 0x101);
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------------
 * Factorial
 */

static uint32_t compute(uint32_t operand)
{
    put(0x08, 4, operand);
    ck_assert_uint_eq(get(0x20, 4) & 1, 1);
    pass(MILLISECOND);
    ck_assert_uint_eq(get(0x20, 4) & 1, 0);
    return (uint32_t)get(0x08, 4);
}

START_TEST(factorials)
{
    static const uint32_t exact[] = {1, 1, 2, 6, 24, 120, 720, 5040, 40320, 362880, 3628800, 39916800, 479001600};

    for (uint32_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++) {
        ck_assert_uint_eq(compute(i), exact[i]);
    }
    ck_assert_uint_eq(counter("factorials"), 13);
    ck_assert_uint_eq(get(0x24, 4), 0); /* nobody asked for an interrupt */
}
END_TEST

START_TEST(factorial_overflows)
{
    ck_assert_uint_eq(compute(13), 1932053504u);
    ck_assert_uint_eq(compute(14), 1278945280u);
    ck_assert_uint_eq(compute(20), 2192834560u);
    ck_assert_uint_eq(compute(33), 0x80000000u);
    ck_assert_uint_eq(compute(34), 0);
    ck_assert_uint_eq(compute(0x80000000u), 0);
    ck_assert_uint_eq(compute(0xffffffffu), 0);
}
END_TEST

START_TEST(factorial_interrupt)
{
    put(0x20, 4, 0x80);
    put(0x08, 4, 5);
    ck_assert_uint_eq(get(0x20, 4), 0x81);
    ck_assert_int_eq(world.line, 0);
    pass(MILLISECOND);
    ck_assert_uint_eq(get(0x20, 4), 0x80);
    ck_assert_uint_eq(get(0x24, 4), 0x1);
    ck_assert_int_eq(world.line, 1);
    ck_assert_uint_eq(get(0x08, 4), 120);
    put(0x64, 4, 0x1);
    ck_assert_int_eq(world.line, 0);
}
END_TEST

START_TEST(factorial_busy)
{
    put(0x08, 4, 4);
    ck_assert_uint_eq(get(0x20, 4), 0x1);
    pass(MILLISECOND / 2);
    ck_assert_uint_eq(get(0x20, 4), 0x1);
    ck_assert_uint_eq(get(0x08, 4), 4);
    ck_assert_uint_eq(world.guest_errors, 0);
    put(0x08, 4, 6);
    ck_assert_uint_eq(world.guest_errors, 1);
    put(0x20, 4, 0); /* does not stop it */
    ck_assert_uint_eq(get(0x20, 4), 0x1);
    put(0x20, 4, 0x80); /* the end of the computation looks at this */
    pass(MILLISECOND / 2);
    ck_assert_uint_eq(get(0x08, 4), 24);
    ck_assert_uint_eq(get(0x20, 4), 0x80);
    ck_assert_uint_eq(get(0x24, 4), 0x1);
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------------
 * Transfers
 */

START_TEST(from_ram)
{
    start(0x123, BUFFER + 5, 100, 0);
    pass(MILLISECOND);
    ck_assert_uint_eq(get(COMMAND, 8), 0);
    ck_assert_mem_eq(buffer() + 5, world.ram + 0x123, 100);
    ck_assert_uint_eq(buffer()[4], 0);
    ck_assert_uint_eq(buffer()[105], 0);
    ck_assert_uint_eq(counter("bytes-from-guest"), 100);
    ck_assert_uint_eq(counter("bytes-to-guest"), 0);
    ck_assert_uint_eq(get(0x24, 4), 0);
    ck_assert_int_eq(world.line, 0);
    ck_assert_uint_eq(world.guest_errors, 0);
}
END_TEST

START_TEST(to_ram)
{
    uint8_t after = world.ram[0x1064];

    for (unsigned i = 0; i < 4096; i++) {
        buffer()[i] = (uint8_t)(i * 3 + i / 256);
    }
    start(BUFFER + 5, 0x1000, 100, TO_RAM);
    pass(MILLISECOND);
    ck_assert_uint_eq(get(COMMAND, 8), TO_RAM);
    ck_assert_mem_eq(world.ram + 0x1000, buffer() + 5, 100);
    ck_assert_uint_eq(world.ram[0x1064], after);
    ck_assert_uint_eq(counter("bytes-to-guest"), 100);
    ck_assert_uint_eq(counter("bytes-from-guest"), 0);
}
END_TEST

START_TEST(whole_buffer)
{
    start(0, BUFFER, 4096, INTERRUPT);
    pass(MILLISECOND);
    ck_assert_mem_eq(buffer(), world.ram, 4096);
    start(BUFFER, 0x4000, 4096, TO_RAM | INTERRUPT);
    pass(MILLISECOND);
    ck_assert_mem_eq(world.ram + 0x4000, world.ram, 4096);
    start(0x10, BUFFER + 4095, 1, 0);
    pass(MILLISECOND);
    ck_assert_uint_eq(buffer()[4095], world.ram[0x10]);
    ck_assert_uint_eq(world.guest_errors, 0);
    ck_assert_uint_eq(counter("bytes-from-guest"), 4097);
    ck_assert_uint_eq(counter("bytes-to-guest"), 4096);
}
END_TEST

START_TEST(in_halves)
{
    put(SOURCE, 4, 0x200);
    put(DESTINATION, 4, BUFFER);
    put(COUNT, 4, 16);
    put(COMMAND, 4, START);
    ck_assert_uint_eq(get(COMMAND, 4), START);
    pass(MILLISECOND);
    ck_assert_mem_eq(buffer(), world.ram + 0x200, 16);
}
END_TEST

START_TEST(transfer_interrupt)
{
    start(0, BUFFER, 1, INTERRUPT);
    ck_assert_int_eq(world.line, 0);
    pass(MILLISECOND);
    ck_assert_uint_eq(get(COMMAND, 8), INTERRUPT);
    ck_assert_uint_eq(get(0x24, 4), 0x100);
    ck_assert_int_eq(world.line, 1);
    put(0x64, 4, 0x100);
    ck_assert_int_eq(world.line, 0);
}
END_TEST

START_TEST(transfer_busy)
{
    start(0x100, BUFFER, 8, 0);
    pass(MILLISECOND - 1);
    ck_assert_uint_eq(get(COMMAND, 8), START);
    ck_assert_uint_eq(world.copies, 0);
    for (unsigned offset = SOURCE; offset <= COMMAND; offset += 8) {
        put(offset, 8, 0);
        put(offset, 4, 0);
        put(offset + 4, 4, 1);
    }
    ck_assert_uint_eq(world.guest_errors, 12);
    ck_assert_uint_eq(get(SOURCE, 8), 0x100);
    ck_assert_uint_eq(get(DESTINATION, 8), BUFFER);
    ck_assert_uint_eq(get(COUNT, 8), 8);
    pass(1);
    ck_assert_uint_eq(get(COMMAND, 8), 0);
    ck_assert_uint_eq(world.copies, 1);
    ck_assert_mem_eq(buffer(), world.ram + 0x100, 8);
}
END_TEST

/* Where the device's side of a transfer must not be, for either direction. */
static const struct range {
    uint64_t address;
    uint64_t length;
} outside[] = {
    {BUFFER - 1, 1},                    /* below */
    {BUFFER - 1, 2},                    /* begins below */
    {BUFFER - 4096, 4096},              /* ends where it begins */
    {0, 16},                            /* far below */
    {0, BUFFER + 1},                    /* from below into it */
    {0, BUFFER + 8192},                 /* around it */
    {BUFFER + 4096, 1},                 /* above */
    {BUFFER + 4095, 2},                 /* ends above */
    {BUFFER + 1, 4096},                 /* a whole buffer, shifted */
    {UINT64_MAX, 1},                    /* far above */
    {BUFFER | UINT64_C(1) << 32, 16},   /* the lower half looks right */
    {BUFFER | UINT64_C(1) << 63, 16},   /* likewise */
    {UINT64_MAX, 2},                    /* the end wraps to 0 */
    {UINT64_MAX, BUFFER + 2},           /* the end wraps into the buffer */
    {BUFFER, UINT64_MAX},               /* the end wraps to below the buffer */
    {BUFFER + 1, UINT64_MAX},           /* the end wraps to the buffer */
    {BUFFER + 16, UINT64_MAX - 15},     /* likewise, a negative length */
    {BUFFER, UINT64_MAX - BUFFER + 1},  /* the end wraps to 0 */
    {BUFFER, UINT64_C(1) << 32},        /* the lower half is 0 */
    {BUFFER, (UINT64_C(1) << 32) + 16}, /* the lower half looks right */
    {BUFFER, (UINT64_C(1) << 63) + 16}, /* likewise */
    {BUFFER, 0},                        /* nothing */
    {BUFFER + 4096, 0},                 /* nothing, at the end */
    {0, 0},                             /* nothing, nowhere */
    {BUFFER, 4097},                     /* too much */
    {BUFFER, 8192},                     /* more */
    {BUFFER, RAM_BYTES},                /* all that memory has */
    {UINT64_MAX, UINT64_MAX},           /* all ones */
};

START_TEST(from_ram_to_outside)
{
    refused(0, outside[_i].address, outside[_i].length, 0);
    ck_assert_ptr_nonnull(strstr(world.text, "not inside the buffer"));
    ck_assert_uint_eq(world.copies, 0);
}
END_TEST

START_TEST(to_ram_from_outside)
{
    refused(outside[_i].address, 0, outside[_i].length, TO_RAM);
    ck_assert_ptr_nonnull(strstr(world.text, "not inside the buffer"));
    ck_assert_uint_eq(world.copies, 0);
}
END_TEST

/* The wrong way round: the direction says which side is the device's. */
START_TEST(wrong_direction)
{
    refused(BUFFER, 0x1000, 16, 0);
    refused(0x1000, BUFFER, 16, TO_RAM);
    ck_assert_uint_eq(world.copies, 0);
}
END_TEST

START_TEST(beyond_mask)
{
    static const struct range beyond[] = {
        {MASK, 2},       {MASK + 1, 1},   {MASK - 4094, 4096},    {UINT64_C(1) << 32, 16},
        {UINT64_MAX, 1}, {UINT64_MAX, 2}, {UINT64_MAX - 15, 4096}};

    for (unsigned i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
        refused(beyond[i].address, BUFFER, beyond[i].length, 0);
        refused(BUFFER, beyond[i].address, beyond[i].length, TO_RAM);
    }
    ck_assert_uint_eq(world.copies, 0);
}
END_TEST

START_TEST(no_memory)
{
    refused(MASK, BUFFER, 1, 0); /* the mask allows these */
    refused(BUFFER, MASK - 4095, 4096, TO_RAM);
    refused(RAM_BYTES - 1, BUFFER, 2, 0);
    refused(BUFFER, RAM_BYTES - 1, 2, TO_RAM);
    ck_assert_uint_eq(world.copies, 4);
    ck_assert_ptr_nonnull(strstr(world.text, "no memory"));
}
END_TEST

START_TEST(no_bus_master)
{
    world.no_bus_master = true;
    refused(0, BUFFER, 16, 0);
    refused(BUFFER, 0, 16, TO_RAM);
    ck_assert_ptr_nonnull(strstr(world.text, "bus mastering"));
}
END_TEST

START_TEST(after_refusal)
{
    start(0, 0, 16, 0);
    pass(MILLISECOND);
    start(0x100, BUFFER, 16, INTERRUPT);
    pass(MILLISECOND);
    ck_assert_mem_eq(buffer(), world.ram + 0x100, 16);
    ck_assert_uint_eq(get(0x24, 4), 0x100);
    ck_assert_uint_eq(world.guest_errors, 1);
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------------
 * Life
 */

static void make_busy(void)
{
    put(0x04, 4, 1);
    put(0x20, 4, 0x80);
    put(0x08, 4, 5);
    start(0x100, BUFFER, 8, INTERRUPT);
}

START_TEST(reset_while_busy)
{
    unsigned char zero[4096] = {0};

    put(0x60, 4, 0x10);
    memset(buffer(), 1, 4096);
    make_busy();
    ck_assert_int_eq(world.line, 1);
    model->reset(device(), edu, IOREQD_RESET_COLD);
    ck_assert(!pending());
    ck_assert_int_eq(world.line, 0);
    pass(10 * MILLISECOND);
    for (unsigned offset = 4; offset < 0xa0; offset += 4) {
        ck_assert_uint_eq(get(offset, 4), offset == 4 ? 0xffffffff : 0);
    }
    ck_assert_mem_eq(buffer(), zero, sizeof(zero));
    ck_assert_uint_eq(world.copies, 0);
    ck_assert_uint_eq(counter("factorials"), 0);
    model->reset(device(), edu, IOREQD_RESET_COLD);
    ck_assert_uint_eq(compute(5), 120);
}
END_TEST

START_TEST(late_timer)
{
    struct ioreqd_timer *timer = world.timer;

    make_busy();
    model->reset(device(), edu, IOREQD_RESET_COLD);
    for (unsigned i = 0; i < TIMERS; i++) {
        timer[i].fire(timer[i].argument); /* was on its way when it was taken back */
    }
    ck_assert_uint_eq(get(0x08, 4), 0);
    ck_assert_uint_eq(get(0x24, 4), 0);
    ck_assert_uint_eq(world.copies, 0);
    ck_assert_uint_eq(world.guest_errors, 0);
}
END_TEST

START_TEST(quiesce_idle)
{
    model->quiesce(device(), edu);
    ck_assert_uint_eq(world.quiesced, 1);
    ck_assert_uint_eq(world.copies, 0);
    ck_assert_uint_eq(counter("factorials"), 0);
}
END_TEST

START_TEST(quiesce_while_busy)
{
    make_busy();
    model->quiesce(device(), edu);
    ck_assert_uint_eq(world.quiesced, 1);
    ck_assert(!pending());
    ck_assert_uint_eq(get(0x08, 4), 120);
    ck_assert_uint_eq(get(0x20, 4), 0x80);
    ck_assert_uint_eq(get(COMMAND, 8), INTERRUPT);
    ck_assert_uint_eq(get(0x24, 4), 0x101);
    ck_assert_int_eq(world.line, 1);
    ck_assert_mem_eq(buffer(), world.ram + 0x100, 8);
    ck_assert_uint_eq(world.copies, 1);
}
END_TEST

START_TEST(quiet)
{
    model->quiesce(device(), edu);
    make_busy();
    ck_assert_uint_eq(get(0x20, 4), 0x81);
    ck_assert(!pending()); /* nothing is started, and the registers tell what is to be done */
    pass(10 * MILLISECOND);
    ck_assert_uint_eq(get(0x20, 4), 0x81);
    ck_assert_uint_eq(get(COMMAND, 8), START | INTERRUPT);
    ck_assert_uint_eq(world.copies, 0);
    model->reset(device(), edu, IOREQD_RESET_COLD);
    ck_assert_uint_eq(compute(4), 24);
}
END_TEST

/* A successor gets the saved fields after its reset, and takes up what is busy in them. */
START_TEST(successor)
{
    void *old = edu;
    void *new;

    make_busy();
    model->destroy(device(), edu);
    new = calloc(1, model->state_size);
    ck_assert_ptr_nonnull(new);
    memcpy((char *)new + model->property[0].offset, (char *)old + model->property[0].offset, sizeof(uint64_t));
    ck_assert_int_eq(model->create(device(), new, &description), 0);
    model->reset(device(), new, IOREQD_RESET_COLD);
    for (const struct ioreqd_field *one = model->field; one->tag != 0; one++) {
        memcpy((char *)new + one->offset, (char *)old + one->offset, (size_t)one->count << (one->kind - 1));
    }
    free(old);
    edu = new;
    ck_assert_uint_eq(get(0x04, 4), 0xfffffffe);
    ck_assert(pending());
    pass(MILLISECOND);
    ck_assert_uint_eq(get(0x08, 4), 120);
    ck_assert_uint_eq(get(0x24, 4), 0x101);
    ck_assert_mem_eq(buffer(), world.ram + 0x100, 8);
}
END_TEST

START_TEST(wrong_masks)
{
    static const uint64_t wrong[] = {0x0ffffffe, 0xf0ffffff, UINT64_MAX - 1, UINT64_C(1) << 63};

    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ck_assert_int_eq(begin(wrong[i], TIMERS), -EINVAL);
        ck_assert_uint_eq(world.property_errors, 1);
        ck_assert(!world.timer[0].made && !world.timer[1].made);
        free(edu);
    }
}
END_TEST

START_TEST(right_masks)
{
    static const uint64_t right[] = {0xfff, 0xffffffff, UINT64_MAX};

    for (unsigned i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        ck_assert_int_eq(begin(right[i], TIMERS), 0);
        model->reset(device(), edu, IOREQD_RESET_COLD);
        start(0, BUFFER, 4096, 0);
        pass(MILLISECOND);
        ck_assert_uint_eq(counter("bytes-from-guest"), 4096);
        start(right[i], BUFFER, 2, 0); /* with all ones the end would wrap */
        pass(MILLISECOND);
        ck_assert_uint_eq(world.guest_errors, 1);
        ck_assert_uint_eq(world.copies, 1);
        teardown();
    }
}
END_TEST

START_TEST(short_of_memory)
{
    for (unsigned timers = 0; timers < TIMERS; timers++) {
        ck_assert_int_eq(begin(MASK, timers), -ENOMEM);
        ck_assert(!world.timer[0].made);
        free(edu);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("edu");
    TCase *cases = tcase_create("device");
    TCase *creation = tcase_create("creation");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, tables);
    tcase_add_test(cases, older_host);
    tcase_add_test(cases, power_on);
    tcase_add_test(cases, identification);
    tcase_add_test(cases, liveness);
    tcase_add_test(cases, status_bits);
    tcase_add_test(cases, no_such_registers);
    tcase_add_test(cases, wrong_sizes);
    tcase_add_test(cases, dma_registers);
    tcase_add_test(cases, raise_and_acknowledge);
    tcase_add_test(cases, raise_nothing);
    tcase_add_test(cases, messages);
    tcase_add_test(cases, messages_of_work);
    tcase_add_test(cases, factorials);
    tcase_add_test(cases, factorial_overflows);
    tcase_add_test(cases, factorial_interrupt);
    tcase_add_test(cases, factorial_busy);
    tcase_add_test(cases, from_ram);
    tcase_add_test(cases, to_ram);
    tcase_add_test(cases, whole_buffer);
    tcase_add_test(cases, in_halves);
    tcase_add_test(cases, transfer_interrupt);
    tcase_add_test(cases, transfer_busy);
    tcase_add_loop_test(cases, from_ram_to_outside, 0, sizeof(outside) / sizeof(outside[0]));
    tcase_add_loop_test(cases, to_ram_from_outside, 0, sizeof(outside) / sizeof(outside[0]));
    tcase_add_test(cases, wrong_direction);
    tcase_add_test(cases, beyond_mask);
    tcase_add_test(cases, no_memory);
    tcase_add_test(cases, no_bus_master);
    tcase_add_test(cases, after_refusal);
    tcase_add_test(cases, reset_while_busy);
    tcase_add_test(cases, late_timer);
    tcase_add_test(cases, quiesce_idle);
    tcase_add_test(cases, quiesce_while_busy);
    tcase_add_test(cases, quiet);
    tcase_add_test(cases, successor);
    suite_add_tcase(suite, cases);
    tcase_add_test(creation, wrong_masks);
    tcase_add_test(creation, right_masks);
    tcase_add_test(creation, short_of_memory);
    suite_add_tcase(suite, creation);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
