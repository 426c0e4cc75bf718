/* SPDX-License-Identifier: BSD-2-Clause */
/* Steering of packets by a hash, see network_steering.h. */
#include "device/network_steering.h"

/* The 32 bits of the key from a bit on, counted from the highest bit of the first byte. Beyond its end it is 0. */
static uint32_t window(const struct ioreqd_network_steering *wanted, unsigned bit)
{
    uint64_t bytes = 0;

    for (unsigned i = bit / 8; i < bit / 8 + 5; i++) {
        bytes = bytes << 8 | (i < wanted->key_length ? wanted->key[i] : 0);
    }
    return (uint32_t)(bytes >> (8 - bit % 8));
}

static void fill_hash(uint32_t hash[256], const struct ioreqd_network_steering *wanted, unsigned place)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        uint32_t sum = 0;

        for (unsigned bit = 0; bit < 8; bit++) {
            sum ^= (byte & 0x80u >> bit) != 0 ? window(wanted, 8 * place + bit) : 0;
        }
        hash[byte] = sum;
    }
}

void steering_fill(struct steering *steering, const struct ioreqd_network_steering *wanted)
{
    for (unsigned place = 0; place < STEERING_INPUT; place++) {
        fill_hash(steering->hash[place], wanted, place);
    }
    for (unsigned i = 0; i < wanted->entries; i++) {
        steering->table[i] = wanted->table[i];
    }
    steering->unclassified = wanted->unclassified;
    steering->mask = (uint16_t)(wanted->entries - 1);
    steering->hash_types = wanted->hash_types;
}

uint32_t steering_hash(const struct steering *steering, const uint8_t *bytes, size_t length)
{
    uint32_t sum = 0;

    for (size_t place = 0; place < length && place < STEERING_INPUT; place++) {
        sum ^= steering->hash[place][bytes[place]];
    }
    return sum;
}
