/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the tests of the model serial, each case in a process of its own. */
#include "tests/devices/serial_host.h"

int main(void)
{
    TCase *(*const cases[])(void) = {serial_register_cases,   serial_cause_cases,    serial_interrupt_cases,
                                     serial_line_cases,       serial_pace_cases,     serial_life_cases,
                                     serial_paced_life_cases, serial_creation_cases, serial_driver_cases};

    return run_cases("serial", cases, sizeof(cases) / sizeof(cases[0]));
}
