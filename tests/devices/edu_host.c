/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of the model edu share, see edu_host.h. */
#include "tests/devices/edu_host.h"

#include <string.h>

uint8_t *buffer(void)
{
    return field(6);
}

int begin(uint64_t mask, unsigned timers)
{
    prepare(timers);
    memcpy(property("dma-mask"), &mask, sizeof(mask));
    return model->create(device(), state, &description);
}

void setup(void)
{
    ck_assert_int_eq(begin(MASK, EDU_TIMERS), 0);
    model->reset(device(), state, IOREQD_RESET_COLD);
    for (unsigned i = 0; i < RAM_BYTES; i++) {
        world.ram[i] = (uint8_t)(i * 7 + i / 256);
    }
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
