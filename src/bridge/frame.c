/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The message frame, see frame.h. Drivers only read from it how many SPIs it has, and from which on; what they then give
 * functions as the address of their messages is its register SETSPI. So a function's message never leaves ioreqd: it is
 * recognised by its address. A driver may write to the register itself, and that raises the SPI as well.
 */
#include "bridge/frame.h"

#include <errno.h>

#include "bridge/bus.h"
#include "bridge/function.h"

/* SBSA 2.2, table 15. */
#define MSI_TYPER         0x008u /* bits 25-16: the first SPI, bits 9-0: how many */
#define MSI_SETSPI        0x040u
#define MSI_IIDR          0xfccu
#define TYPER_FIRST_SHIFT 16

/* No implementer's (bits 11-0), product 0x49: a driver must find none here whose errata it knows. */
#define IIDR UINT32_C(0x04900000)

int bridge_add_frame(struct bridge *bridge, const struct bridge_interrupts *interrupts)
{
    const struct address_range range = {.first = interrupts->frame,
                                        .last = interrupts->frame + (BRIDGE_FRAME_SIZE - 1)};
    int rc;

    if (bridge_check_interrupts(interrupts) != NULL || interrupts->messages.count == 0 ||
        bridge->frame.spis.count != 0 || bridge->platform->spi == NULL) {
        return -EINVAL;
    }
    rc = address_map_reserve(&bridge->map[BRIDGE_MEMORY]);
    if (rc == 0) {
        rc = address_map_insert(&bridge->map[BRIDGE_MEMORY], &range);
    }
    if (rc != 0) {
        return rc;
    }
    rc = bridge->platform->claim(bridge->context, BRIDGE_MEMORY, range.first, range.last);
    if (rc != 0) {
        address_map_remove(&bridge->map[BRIDGE_MEMORY], NULL);
        return rc;
    }
    bridge->frame = (struct frame){.address = interrupts->frame, .spis = interrupts->messages};
    return 0;
}

void frame_remove(struct bridge *bridge)
{
    if (bridge->frame.spis.count != 0) {
        bridge->platform->unclaim(bridge->context, BRIDGE_MEMORY, bridge->frame.address,
                                  bridge->frame.address + (BRIDGE_FRAME_SIZE - 1));
    }
}

/* An SPI of a frame is edge-triggered: it pends once for each rise. */
static void set_spi(struct bridge *bridge, uint64_t spi)
{
    const struct bridge_spis *spis = &bridge->frame.spis;

    if (spi < spis->first || spi - spis->first >= spis->count) {
        atomic_fetch_add_explicit(&bridge->counters.messages, 1, memory_order_relaxed);
        return;
    }
    bridge->platform->spi(bridge->context, (unsigned)spi, true);
    bridge->platform->spi(bridge->context, (unsigned)spi, false);
}

void bridge_message(struct bridge *bridge, uint64_t address, uint32_t data)
{
    if (bridge->frame.spis.count == 0 || address != bridge->frame.address + MSI_SETSPI) {
        atomic_fetch_add_explicit(&bridge->counters.messages, 1, memory_order_relaxed);
        return;
    }
    set_spi(bridge, data);
}

/* Registers have 32 bits; what is between them reads as 0. */
uint64_t frame_read(struct bridge *bridge, uint64_t offset, unsigned size)
{
    const struct bridge_spis *spis = &bridge->frame.spis;

    if (size != 4 || offset % 4 != 0) {
        bridge_count_misfit(bridge);
        return bridge_all_ones(size);
    }
    switch (offset) {
    case MSI_TYPER:
        return (uint32_t)spis->first << TYPER_FIRST_SHIFT | spis->count;
    case MSI_IIDR:
        return IIDR;
    default:
        return 0;
    }
}

/* SETSPI takes 16 bits too, as functions with MSI alone write. */
void frame_write(struct bridge *bridge, uint64_t offset, unsigned size, uint64_t value)
{
    if ((size != 2 && size != 4) || offset % size != 0) {
        bridge_count_misfit(bridge);
    } else if (offset == MSI_SETSPI) {
        set_spi(bridge, value);
    }
}
