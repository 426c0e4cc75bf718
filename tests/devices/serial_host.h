/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of the model serial share beside the host for a model. Registers are written out as in the datasheet
 * of the PC16550D, table I, whose sections the tests name; bits are given as there.
 */
#ifndef TESTS_DEVICES_SERIAL_HOST_H
#define TESTS_DEVICES_SERIAL_HOST_H

#include "tests/devices/model_host.h"

enum { DATA = 0, IER = 1, IIR = 2, FCR = 2, LCR = 3, MCR = 4, LSR = 5, MSR = 6, SCR = 7 };

/* Interrupt identification without FIFOs. */
enum { NONE = 0x01, MODEM = 0x00, EMPTY = 0x02, AVAILABLE = 0x04, LINE = 0x06, TIMEOUT = 0x0c };

#define LINE_BYTES    4096u
#define SERIAL_TIMERS 3

/* The other end of the device's line. */
extern struct ioreqd_stream line;
extern uint8_t line_in[LINE_BYTES], line_out[LINE_BYTES];

/* Makes a new world and creates the device in it; stream may be NULL. */
int begin_serial(struct ioreqd_stream *stream, bool pace, unsigned timers);

/* The fixtures, beside teardown(): a device after its reset, with somebody at the other end of its line. */
void setup_serial(void);
void setup_paced(void);

/* Reads and writes registers. */
uint8_t in(unsigned offset);
void out(unsigned offset, unsigned value);

/* The other end sends: as much of it as the device takes arrives. */
void arrive(const char *bytes);

/* What has come out of the device since it was last asked, as text. */
const char *left(void);

TCase *serial_register_cases(void);
TCase *serial_cause_cases(void);
TCase *serial_interrupt_cases(void);
TCase *serial_line_cases(void);
TCase *serial_pace_cases(void);
TCase *serial_life_cases(void);
TCase *serial_paced_life_cases(void);
TCase *serial_creation_cases(void);
TCase *serial_driver_cases(void);

#endif
