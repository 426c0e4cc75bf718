/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bytes of one run of a fuzzer, taken from both ends: what the guest and the outside do comes from the front, what
 * the device finds in memory, files and streams from the back, so that a change of one does not shift the other.
 * Owned by the run; one thread.
 */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

struct fuzz_input {
    const uint8_t *front;
    const uint8_t *back;
    uint64_t noise; /* state of the generator that goes on where the back has ended */
};

static inline size_t fuzz_left(const struct fuzz_input *input)
{
    return (size_t)(input->back - input->front);
}

/* A little-endian number of the next bytes; those that are missing are 0. */
static inline uint64_t fuzz_take(struct fuzz_input *input, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes && fuzz_left(input) != 0; i++) {
        value |= (uint64_t)*input->front++ << (8 * i);
    }
    return value;
}

/* One byte from the back; 0 when there is none. */
static inline uint8_t fuzz_take_back(struct fuzz_input *input)
{
    return fuzz_left(input) != 0 ? *--input->back : 0;
}

static inline uint8_t fuzz_noise(struct fuzz_input *input)
{
    input->noise ^= input->noise << 13;
    input->noise ^= input->noise >> 7;
    input->noise ^= input->noise << 17;
    return (uint8_t)(input->noise >> 24);
}

/* Bytes that were never seen before: the first ones as the back has them, the rest noise. */
static inline void fuzz_fill(struct fuzz_input *input, void *to, size_t length)
{
    uint8_t *bytes = to;

    for (size_t i = 0; i < length; i++) {
        bytes[i] = i < 64 && fuzz_left(input) != 0 ? fuzz_take_back(input) : fuzz_noise(input);
    }
}

#endif
