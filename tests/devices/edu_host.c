/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host for the tests of the model edu, and the guest's accesses: see edu_host.h. The model is reached through the
 * tables of its module only.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/devices/edu_host.h"

struct host world;
const struct ioreqd_model *model;
void *edu;
struct ioreqd_description description;

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

const struct ioreqd_host host = {
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

struct ioreqd_device *device(void)
{
    return (struct ioreqd_device *)&world;
}

bool pending(void)
{
    for (unsigned i = 0; i < TIMERS; i++) {
        if (world.timer[i].deadline != 0) {
            return true;
        }
    }
    return false;
}

void pass(uint64_t nanoseconds)
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

uint64_t counter(const char *name)
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

uint8_t *buffer(void)
{
    return field(6);
}

uint64_t get(uint64_t offset, unsigned size)
{
    return model->read(device(), edu, 0, offset, size);
}

void put(uint64_t offset, unsigned size, uint64_t value)
{
    model->write(device(), edu, 0, offset, size, value);
}

int begin(uint64_t mask, unsigned timers)
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

void setup(void)
{
    ck_assert_int_eq(begin(MASK, TIMERS), 0);
    model->reset(device(), edu, IOREQD_RESET_COLD);
    for (unsigned i = 0; i < RAM_BYTES; i++) {
        world.ram[i] = (uint8_t)(i * 7 + i / 256);
    }
}

void teardown(void)
{
    model->destroy(device(), edu);
    for (unsigned i = 0; i < TIMERS; i++) {
        ck_assert(!world.timer[i].made);
    }
    free(edu);
}

void start(uint64_t source, uint64_t destination, uint64_t length, uint64_t command)
{
    put(SOURCE, 8, source);
    put(DESTINATION, 8, destination);
    put(COUNT, 8, length);
    put(COMMAND, 8, command | START);
}

uint32_t compute(uint32_t operand)
{
    put(0x08, 4, operand);
    ck_assert_uint_eq(get(0x20, 4) & 1, 1);
    pass(MILLISECOND);
    ck_assert_uint_eq(get(0x20, 4) & 1, 0);
    return (uint32_t)get(0x08, 4);
}
