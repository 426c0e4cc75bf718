/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration space with its masks, see config_space.h. Configuration registers are little-endian on every
 * architecture (PCI 3.0 §6.1), hence bytes.
 */
#include "bridge/config_space.h"

#include <string.h>

static void put(uint8_t *bytes, unsigned size, uint32_t value)
{
    for (unsigned i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
}

uint32_t config_space_get(const struct config_space *space, unsigned reg, unsigned size)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < size; i++) {
        value |= (uint32_t)space->value[reg + i] << (8 * i);
    }
    return value;
}

void config_space_set(struct config_space *space, unsigned reg, unsigned size, uint32_t value)
{
    put(&space->value[reg], size, value);
}

void config_space_set_writable(struct config_space *space, unsigned reg, unsigned size, uint32_t mask)
{
    put(&space->writable[reg], size, mask);
}

void config_space_set_clearable(struct config_space *space, unsigned reg, unsigned size, uint32_t mask)
{
    put(&space->clearable[reg], size, mask);
}

void config_space_write(struct config_space *space, unsigned reg, unsigned size, uint32_t value)
{
    for (unsigned i = 0; i < size; i++) {
        uint8_t *byte = &space->value[reg + i];
        uint8_t writable = space->writable[reg + i];
        uint8_t written = (uint8_t)(value >> (8 * i));

        *byte = (uint8_t)((*byte & ~writable) | (written & writable));
        *byte = (uint8_t)(*byte & ~(written & space->clearable[reg + i]));
    }
}

void config_space_keep_initial(struct config_space *space)
{
    memcpy(space->initial, space->value, sizeof(space->initial));
}

void config_space_reset(struct config_space *space)
{
    memcpy(space->value, space->initial, sizeof(space->value));
}
