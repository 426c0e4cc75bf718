/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The x86 instructions that reach an emulated device, one function for each, so that a test and not the compiler
 * chooses size, direction and alignment. For programs that run in a guest, as root, on one thread.
 */
#ifndef TESTS_GUEST_INSTRUCTIONS_H
#define TESTS_GUEST_INSTRUCTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* An instruction with the direction flag set or clear; clear afterwards, as the ABI wants it. */
#define DIRECTED(down, instruction, ...)                                                                               \
    do {                                                                                                               \
        if (down) {                                                                                                    \
            __asm__ volatile("std\n\t" instruction "\n\tcld" : __VA_ARGS__ : "memory", "cc");                          \
        } else {                                                                                                       \
            __asm__ volatile("cld\n\t" instruction:__VA_ARGS__ : "memory", "cc");                                      \
        }                                                                                                              \
    } while (0)

static inline uint64_t all_ones(unsigned size)
{
    return UINT64_MAX >> (64 - 8 * size);
}

static inline uint64_t load(const volatile void *place, unsigned size)
{
    uint8_t byte;
    uint16_t word;
    uint32_t dword;
    uint64_t qword;

    switch (size) {
    case 1:
        __asm__ volatile("movb %1, %0" : "=q"(byte) : "m"(*(const volatile uint8_t *)place));
        return byte;
    case 2:
        __asm__ volatile("movw %1, %0" : "=r"(word) : "m"(*(const volatile uint16_t *)place));
        return word;
    case 4:
        __asm__ volatile("movl %1, %0" : "=r"(dword) : "m"(*(const volatile uint32_t *)place));
        return dword;
    default:
        __asm__ volatile("movq %1, %0" : "=r"(qword) : "m"(*(const volatile uint64_t *)place));
        return qword;
    }
}

static inline void store(volatile void *place, unsigned size, uint64_t value)
{
    switch (size) {
    case 1:
        __asm__ volatile("movb %1, %0" : "=m"(*(volatile uint8_t *)place) : "q"((uint8_t)value));
        break;
    case 2:
        __asm__ volatile("movw %1, %0" : "=m"(*(volatile uint16_t *)place) : "r"((uint16_t)value));
        break;
    case 4:
        __asm__ volatile("movl %1, %0" : "=m"(*(volatile uint32_t *)place) : "r"((uint32_t)value));
        break;
    default:
        __asm__ volatile("movq %1, %0" : "=m"(*(volatile uint64_t *)place) : "r"(value));
        break;
    }
}

static inline uint32_t port_in(uint16_t port, unsigned size)
{
    uint8_t byte;
    uint16_t word;
    uint32_t dword;

    switch (size) {
    case 1:
        __asm__ volatile("inb %w1, %b0" : "=a"(byte) : "d"(port));
        return byte;
    case 2:
        __asm__ volatile("inw %w1, %w0" : "=a"(word) : "d"(port));
        return word;
    default:
        __asm__ volatile("inl %w1, %0" : "=a"(dword) : "d"(port));
        return dword;
    }
}

static inline void port_out(uint16_t port, unsigned size, uint32_t value)
{
    switch (size) {
    case 1:
        __asm__ volatile("outb %b0, %w1" : : "a"((uint8_t)value), "d"(port));
        break;
    case 2:
        __asm__ volatile("outw %w0, %w1" : : "a"((uint16_t)value), "d"(port));
        break;
    default:
        __asm__ volatile("outl %0, %w1" : : "a"(value), "d"(port));
        break;
    }
}

/*
 * The string instructions. Places are those of the lowest byte in either direction; downwards, the element at the
 * highest address is moved first.
 */
static inline unsigned long first_element(unsigned long count, unsigned size, bool down)
{
    return down ? (count - 1) * size : 0;
}

static inline void rep_movs(volatile void *to, const volatile void *from, unsigned long count, unsigned size, bool down)
{
    volatile uint8_t *rdi = (volatile uint8_t *)to + first_element(count, size, down);
    const volatile uint8_t *rsi = (const volatile uint8_t *)from + first_element(count, size, down);

    switch (size) {
    case 1:
        DIRECTED(down, "rep movsb", "+D"(rdi), "+S"(rsi), "+c"(count) :);
        break;
    case 2:
        DIRECTED(down, "rep movsw", "+D"(rdi), "+S"(rsi), "+c"(count) :);
        break;
    case 4:
        DIRECTED(down, "rep movsl", "+D"(rdi), "+S"(rsi), "+c"(count) :);
        break;
    default:
        DIRECTED(down, "rep movsq", "+D"(rdi), "+S"(rsi), "+c"(count) :);
        break;
    }
}

static inline void rep_stos(volatile void *to, uint64_t value, unsigned long count, unsigned size, bool down)
{
    volatile uint8_t *rdi = (volatile uint8_t *)to + first_element(count, size, down);

    switch (size) {
    case 1:
        DIRECTED(down, "rep stosb", "+D"(rdi), "+c"(count) : "a"(value));
        break;
    case 2:
        DIRECTED(down, "rep stosw", "+D"(rdi), "+c"(count) : "a"(value));
        break;
    case 4:
        DIRECTED(down, "rep stosl", "+D"(rdi), "+c"(count) : "a"(value));
        break;
    default:
        DIRECTED(down, "rep stosq", "+D"(rdi), "+c"(count) : "a"(value));
        break;
    }
}

static inline void rep_ins(uint16_t port, void *to, unsigned long count, unsigned size, bool down)
{
    uint8_t *rdi = (uint8_t *)to + first_element(count, size, down);

    switch (size) {
    case 1:
        DIRECTED(down, "rep insb", "+D"(rdi), "+c"(count) : "d"(port));
        break;
    case 2:
        DIRECTED(down, "rep insw", "+D"(rdi), "+c"(count) : "d"(port));
        break;
    default:
        DIRECTED(down, "rep insl", "+D"(rdi), "+c"(count) : "d"(port));
        break;
    }
}

static inline void rep_outs(uint16_t port, const void *from, unsigned long count, unsigned size, bool down)
{
    const uint8_t *rsi = (const uint8_t *)from + first_element(count, size, down);

    switch (size) {
    case 1:
        DIRECTED(down, "rep outsb", "+S"(rsi), "+c"(count) : "d"(port));
        break;
    case 2:
        DIRECTED(down, "rep outsw", "+S"(rsi), "+c"(count) : "d"(port));
        break;
    default:
        DIRECTED(down, "rep outsl", "+S"(rsi), "+c"(count) : "d"(port));
        break;
    }
}

#endif
