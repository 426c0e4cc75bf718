/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resource descriptors, see resource.h. The narrowest that can say it is used, since older guests know only those. An
 * offset between bus and processor takes the widest: guests add it as an unsigned number of 64 bits, and only there a
 * negative one wraps to what is meant.
 */
#include "bridge/describe/resource.h"

#define IO_PORT          0x47 /* small descriptors: tag with the length in its low bits */
#define END_TAG          0x79
#define MEMORY32_FIXED   0x86
#define ADDRESS_DWORD    0x87
#define ADDRESS_WORD     0x88
#define ADDRESS_QWORD    0x8a
#define DECODE_16        0x01
#define READ_WRITE       0x01
#define CACHEABLE        0x02 /* _MEM, bits 2:1 */
#define ENTIRE_RANGE     0x03 /* _RNG */
#define TYPE_TRANSLATION 0x10 /* _TTP of I/O: memory for the processor */
#define CONSUMER         0x01
#define FIXED            0x0c /* _MIF and _MAF: the range lies where it lies */

enum space { SPACE_MEMORY, SPACE_IO, SPACE_BUS };

struct range {
    enum space space;
    uint8_t flags;    /* of the space */
    uint8_t consumer; /* CONSUMER, or 0: a producer */
    uint64_t bus;
    uint64_t size;
    uint64_t offset; /* to the processor's address */
};

static void put(struct aml *aml, unsigned width, uint64_t value)
{
    if (width == 2) {
        aml_u16(aml, (uint16_t)value);
    } else if (width == 4) {
        aml_u32(aml, (uint32_t)value);
    } else {
        aml_u64(aml, value);
    }
}

/* 6.4.3.5: an address space descriptor whose numbers have width bytes. */
static void put_range(struct aml *aml, unsigned width, const struct range *range)
{
    static const uint8_t tag[] = {[2] = ADDRESS_WORD, [4] = ADDRESS_DWORD, [8] = ADDRESS_QWORD};

    aml_u8(aml, tag[width]);
    aml_u16(aml, (uint16_t)(3 + 5 * width));
    aml_u8(aml, (uint8_t)range->space);
    aml_u8(aml, FIXED | range->consumer);
    aml_u8(aml, range->flags);
    put(aml, width, 0); /* _GRA: 0 with a fixed range */
    put(aml, width, range->bus);
    put(aml, width, range->bus + (range->size - 1));
    put(aml, width, range->offset);
    put(aml, width, range->size);
}

void resource_open(struct aml *aml)
{
    aml_open_buffer(aml);
}

void resource_close(struct aml *aml)
{
    uint8_t sum = END_TAG;

    /* 6.4.2.9: all bytes of the template add up to 0. */
    if (!aml->failed && aml->depth != 0) {
        for (size_t i = aml->open[aml->depth - 1].start; i < aml->size; i++) {
            sum = (uint8_t)(sum + aml->data[i]);
        }
    }
    aml_u8(aml, END_TAG);
    aml_u8(aml, (uint8_t)-sum);
    aml_close(aml);
}

void resource_buses(struct aml *aml, uint8_t first, uint8_t last)
{
    struct range range = {.space = SPACE_BUS, .bus = first, .size = (uint64_t)last - first + 1};

    put_range(aml, 2, &range);
}

void resource_ports(struct aml *aml, uint16_t first, uint8_t count)
{
    aml_u8(aml, IO_PORT);
    aml_u8(aml, DECODE_16);
    aml_u16(aml, first);
    aml_u16(aml, first);
    aml_u8(aml, 1);
    aml_u8(aml, count);
}

void resource_memory(struct aml *aml, uint64_t first, uint64_t size)
{
    if (first + (size - 1) <= UINT32_MAX) {
        aml_u8(aml, MEMORY32_FIXED);
        aml_u16(aml, 9);
        aml_u8(aml, READ_WRITE);
        aml_u32(aml, (uint32_t)first);
        aml_u32(aml, (uint32_t)size);
    } else {
        struct range range = {
            .space = SPACE_MEMORY, .flags = READ_WRITE, .consumer = CONSUMER, .bus = first, .size = size};

        put_range(aml, 8, &range);
    }
}

void resource_io_aperture(struct aml *aml, const struct bridge_aperture *aperture)
{
    struct range range = {.space = SPACE_IO,
                          .flags = ENTIRE_RANGE,
                          .bus = aperture->bus,
                          .size = aperture->size,
                          .offset = aperture->first - aperture->bus};

    if (aperture->size == 0) {
        return;
    }
    if (aperture->space == BRIDGE_MEMORY) {
        range.flags |= TYPE_TRANSLATION;
        put_range(aml, 8, &range);
    } else if (range.offset != 0 || range.size > UINT16_MAX) {
        /* All 64 KiB are more than a word's length can say. */
        put_range(aml, range.offset != 0 ? 8 : 4, &range);
    } else {
        put_range(aml, 2, &range);
    }
}

/*
 * Memory beyond 4 GiB is called cacheable and not prefetchable, which guests take for a promise that only prefetchable
 * BARs lie there (Linux: pci_bus_alloc_from_region()): 64-bit BARs of both kinds have their place in it.
 */
void resource_memory_aperture(struct aml *aml, const struct bridge_aperture *aperture)
{
    struct range range = {.space = SPACE_MEMORY,
                          .flags = READ_WRITE,
                          .bus = aperture->bus,
                          .size = aperture->size,
                          .offset = aperture->first - aperture->bus};

    if (aperture->size == 0) {
        return;
    }
    if (range.offset == 0 && range.bus + (range.size - 1) <= UINT32_MAX) {
        put_range(aml, 4, &range);
    } else {
        if (range.bus + (range.size - 1) > UINT32_MAX) {
            range.flags |= CACHEABLE;
        }
        put_range(aml, 8, &range);
    }
}
