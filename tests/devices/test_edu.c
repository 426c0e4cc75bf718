/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the tests of the model edu, each case in a process of its own. */
#include "tests/devices/edu_host.h"

int main(void)
{
    TCase *(*const cases[])(void) = {registers_cases, dma_cases, life_cases, creation_cases};

    return run_cases("edu", cases, sizeof(cases) / sizeof(cases[0]));
}
