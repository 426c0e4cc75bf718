/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of the model edu share beside the host for a model. Register offsets are written out as in QEMU
 * docs/specs/edu.rst.
 */
#ifndef TESTS_DEVICES_EDU_HOST_H
#define TESTS_DEVICES_EDU_HOST_H

#include "tests/devices/model_host.h"

#define BUFFER     UINT64_C(0x40000)
#define MASK       UINT64_C(0x0fffffff)
#define EDU_TIMERS 2

enum { START = 1, TO_RAM = 2, INTERRUPT = 4 };
enum { SOURCE = 0x80, DESTINATION = 0x88, COUNT = 0x90, COMMAND = 0x98 };

/* Makes a new world and creates the device in it, with such a mask and a host that has so many timers. */
int begin(uint64_t mask, unsigned timers);

/* The fixture, beside teardown(): a device after its reset, and guest memory with a pattern. */
void setup(void);

/* The buffer of transfers. */
uint8_t *buffer(void);

/* Sets the registers of a transfer and starts it, without letting time pass. */
void start(uint64_t source, uint64_t destination, uint64_t length, uint64_t command);

/* The factorial as the device computes it. */
uint32_t compute(uint32_t operand);

TCase *registers_cases(void);
TCase *dma_cases(void);
TCase *life_cases(void);
TCase *creation_cases(void);

#endif
