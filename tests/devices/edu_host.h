/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of the model edu share: a host for one device, in which guest memory is a buffer and time goes on when
 * the test says so, and access to the device as its guest has it. One thread; each case in a process of its own.
 * Register offsets are written out as in QEMU docs/specs/edu.rst.
 */
#ifndef TESTS_DEVICES_EDU_HOST_H
#define TESTS_DEVICES_EDU_HOST_H

#include <check.h>
#include <ioreqd/device.h>
#include <stdbool.h>

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
struct host {
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
};

extern struct host world;
extern const struct ioreqd_host host;

/* The model, the state of its one device, and what that presents; begin() sets them. */
extern const struct ioreqd_model *model;
extern void *edu;
extern struct ioreqd_description description;

struct ioreqd_device *device(void);

/* Makes a new world and creates the device in it, with such a mask and a host that has so many timers. */
int begin(uint64_t mask, unsigned timers);

/* The fixture: a device after its reset, and guest memory with a pattern; all timers destroyed at the end. */
void setup(void);
void teardown(void);

/* Whether a timer is set; lets time pass, and fires what is due. */
bool pending(void);
void pass(uint64_t nanoseconds);

/* A counter of the device by its name, and the buffer of transfers. */
uint64_t counter(const char *name);
uint8_t *buffer(void);

/* Reads and writes registers. */
uint64_t get(uint64_t offset, unsigned size);
void put(uint64_t offset, unsigned size, uint64_t value);

/* Sets the registers of a transfer and starts it, without letting time pass. */
void start(uint64_t source, uint64_t destination, uint64_t length, uint64_t command);

/* The factorial as the device computes it. */
uint32_t compute(uint32_t operand);

TCase *registers_cases(void);
TCase *dma_cases(void);
TCase *life_cases(void);
TCase *creation_cases(void);

#endif
