/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bridge against a hostile guest and an unwilling platform: the input is a list of configuration, memory and port
 * accesses, of functions that come and go or fail, of interrupts, and of claims that fail. There are two host bridges: one
 * with a root port, whose BARs are claimed one by one, and one with ECAM and apertures.
 *
 * After each step: BARs that decode lie where their registers say and nowhere else, apart from each other, and are
 * exactly what the platform has as claimed; a read of each reaches its own device; ids do not change; no message goes
 * out from a function that may not send one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/function.h"
#include "bridge/pci_registers.h"
#include "bridge/port.h"
#include "log.h"

#define FUZZED 6u
#define BEHIND 4u /* the one behind the port */
#define WIDE   5u /* the one below the host bridge with apertures */
#define PORT   0x20u
#define CLAIMS 64u
#define OWNED  4u /* claims of host bridges */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

struct claim {
    enum bridge_space space;
    uint64_t first, last;
};

static const uint8_t *input;
static size_t left;
static struct bridge *bridge;
static struct bridge_host *host;
static struct bridge_host *wide_host;
static struct bridge_bus *secondary;
static struct bridge_function *function[FUZZED];
static struct claim claims[CLAIMS];
static unsigned claim_count;
static unsigned failing; /* so many claims fail from now on */
static bool may_send;
static const struct bar *seen_bar;
static uint64_t seen_offset;

static uint64_t take(unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes && left != 0; i++, left--) {
        value |= (uint64_t)*input++ << (8 * i);
    }
    return value;
}

static void require(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "broken: %s\n", what);
        abort();
    }
}

/* ---- the platform ---- */

static int claim(void *context, enum bridge_space space, uint64_t first, uint64_t last)
{
    (void)context;
    require(first <= last, "a claim has an end before its beginning");
    if (failing != 0) {
        failing--;
        return -EPERM;
    }
    for (unsigned i = 0; i < claim_count; i++) {
        if (claims[i].space == space && first <= claims[i].last && claims[i].first <= last) {
            return -EEXIST;
        }
    }
    require(claim_count < CLAIMS, "more claims than there are BARs");
    claims[claim_count++] = (struct claim){.space = space, .first = first, .last = last};
    return 0;
}

static bool is_claimed(enum bridge_space space, uint64_t first, uint64_t last, bool remove)
{
    for (unsigned i = 0; i < claim_count; i++) {
        if (claims[i].space == space && claims[i].first == first && claims[i].last == last) {
            if (remove) {
                claims[i] = claims[--claim_count];
            }
            return true;
        }
    }
    return false;
}

static int unclaim(void *context, enum bridge_space space, uint64_t first, uint64_t last)
{
    (void)context;
    require(is_claimed(space, first, last, true), "what was not claimed is given up");
    return 0;
}

static int claim_function(void *context, uint16_t number)
{
    (void)context;
    (void)number;
    return 0;
}

static int unclaim_function(void *context, uint16_t number)
{
    (void)context;
    (void)number;
    return 0;
}

static void message(void *context, uint64_t address, uint32_t data)
{
    (void)context;
    (void)address;
    (void)data;
    require(may_send, "a message goes out that must not");
}

static bool message_unmaskable(void *context, uint64_t address, uint32_t data)
{
    (void)context;
    (void)address;
    return (data & 0xff) == 0;
}

static void intx(void *context, unsigned device, unsigned pin, bool level)
{
    static bool line[32][4];

    (void)context;
    require(line[device][pin] != level, "the platform hears of a line that did not change");
    line[device][pin] = level;
}

static const struct bridge_platform platform = {
    .claim = claim,
    .unclaim = unclaim,
    .claim_function = claim_function,
    .unclaim_function = unclaim_function,
    .message = message,
    .message_unmaskable = message_unmaskable,
    .intx = intx,
};

/* ---- the devices: `device` is the place in function[] ---- */

static uint64_t on_read(void *device, unsigned bar, uint64_t offset, unsigned size)
{
    struct bridge_function *const *place = device;
    const struct bar *of = &(*place)->bar[bar];

    require(size >= of->min_access && size <= of->max_access && offset % size == 0 && offset + size <= of->size,
            "an access reaches a device that does not fit its BAR");
    seen_bar = of;
    seen_offset = offset;
    return offset;
}

static void on_write(void *device, unsigned bar, uint64_t offset, unsigned size, uint64_t value)
{
    on_read(device, bar, offset, size);
    require((value & ~bridge_all_ones(size)) == 0, "a value is wider than its access");
}

static void on_bell(void *device, unsigned queue, uint32_t value)
{
    (void)device;
    (void)value;
    require(queue < 4, "a doorbell of no queue");
}

static uint32_t on_config_read(void *device, unsigned index, unsigned offset, unsigned size, uint32_t value)
{
    (void)device;
    require(index < 2 && offset + size <= 20 && offset % size == 0, "an access to a capability lies outside");
    return value;
}

static void on_config_write(void *device, unsigned index, unsigned offset, unsigned size, uint32_t value)
{
    on_config_read(device, index, offset, size, value);
}

static const struct bridge_function_ops ops = {
    .read = on_read,
    .write = on_write,
    .bell = on_bell,
    .config_read = on_config_read,
    .config_write = on_config_write,
};

static const uint8_t body[18] = {1, 2, 3};
static const uint8_t mask[18] = {0, 0, 0xff, 0xff, 0xff, 0xff, 0xf0, 0x0f};
static const struct ioreqd_capability capability[] = {
    {.id = 9, .length = 18, .body = body, .write_mask = mask},
    {.id = 9, .length = 20, .flags = IOREQD_CAPABILITY_TRAP, .body = body, .write_mask = mask},
};
static const struct ioreqd_bell bell[] = {
    {.bar = 2, .size = 2, .count = 4, .stride = 4, .offset = 0x40},
};

static const struct ioreqd_description descriptions[] = {
    {.struct_size = sizeof(descriptions[0]),
     .vendor = 0x1af4,
     .intx = 1,
     .msix = 3,
     .msix_bar = 1,
     .queues = 4,
     .capabilities = 2,
     .capability = capability,
     .bells = 1,
     .bell = bell,
     .bar = {[0] = {.kind = IOREQD_BAR_IO, .min_access = 1, .max_access = 4, .size = 16},
             [2] = {.kind = IOREQD_BAR_MEM64, .min_access = 1, .max_access = 4, .size = 256},
             [4] = {.kind = IOREQD_BAR_MEM64_PREFETCH, .min_access = 4, .max_access = 8, .size = UINT64_C(1) << 34}}},
    {.struct_size = sizeof(descriptions[0]),
     .vendor = 0x1af4,
     .bar = {{.kind = IOREQD_BAR_MEM32, .min_access = 2, .max_access = 2, .size = 4096},
             {.kind = IOREQD_BAR_MEM32, .min_access = 1, .max_access = 8, .size = UINT64_C(1) << 30},
             {.kind = IOREQD_BAR_IO, .min_access = 1, .max_access = 1, .size = 256}}},
};

static const uint8_t extended_mask[8] = {0xff, 0, 0xf0, 0xff};
static const uint8_t extended_clear[8] = {0, 0xff, 0x0f, 0};
static const struct ioreqd_capability extended[] = {
    {.id = 9, .length = 18, .flags = IOREQD_CAPABILITY_TRAP, .body = body, .write_mask = mask},
    {.id = 0x0b,
     .version = 1,
     .length = 10,
     .flags = IOREQD_CAPABILITY_EXTENDED | IOREQD_CAPABILITY_TRAP,
     .body = body,
     .write_mask = extended_mask,
     .clear_mask = extended_clear},
};

static const struct ioreqd_description express = {
    .struct_size = sizeof(express),
    .vendor = 0x1af4,
    .intx = 1,
    .msix = 3,
    .msix_bar = 5,
    .msi = 4,
    .express = 1,
    .power = IOREQD_POWER_RESETS,
    .rom_size = 0x1000,
    .capabilities = 2,
    .capability = extended,
    .bar = {[0] = {.kind = IOREQD_BAR_IO, .min_access = 1, .max_access = 4, .size = 16},
            [1] = {.kind = IOREQD_BAR_MEM32, .min_access = 1, .max_access = 4, .size = 16},
            [2] = {.kind = IOREQD_BAR_MEM64, .min_access = 1, .max_access = 4, .size = 0x1000}},
};

static const struct bridge_host_config wide = {
    .name = "wide",
    .segment = 1,
    .last_bus = 1,
    .ecam = 0xe0000000,
    .io = {.space = BRIDGE_MEMORY, .first = 0xd0000000, .size = 0x10000},
    .memory = {.space = BRIDGE_MEMORY, .first = 0xc0000000, .size = 0x8000000},
    .memory64 = {.space = BRIDGE_MEMORY,
                 .first = UINT64_C(0x8000000000),
                 .bus = UINT64_C(0x4000000000),
                 .size = 0x1000000},
    .lines = BRIDGE_LINES_FOLDED,
    .lines_device = 1,
};

static const uint8_t devfns[FUZZED] = {0x08, 0x09, 0x0f, 0x10, 0x03, 0x1a};

/* Where configuration requests reach the function now, if they do. */
static uint32_t number_of(unsigned i)
{
    uint32_t bus = i == BEHIND ? bridge_config_read(bridge, PORT, PCI_SECONDARY_BUS, 1) << 8 : 0;

    return (i == WIDE ? 0x10000u : 0) | bus | devfns[i];
}

static void come_or_go(unsigned i)
{
    if (function[i] != NULL) {
        bridge_remove_function(function[i]);
        function[i] = NULL;
    } else {
        require(bridge_add_function(i == BEHIND ? secondary : bridge_root_bus(i == WIDE ? wide_host : host), devfns[i],
                                    i >= BEHIND ? &express : &descriptions[i % 2], &ops, &function[i],
                                    &function[i]) == 0,
                "a function cannot be added");
    }
}

/* ---- what always holds ---- */

/* Where the processor has what is at the address of the bus. */
static bool translate(const struct bridge_aperture *aperture, const struct bar *bar, uint64_t address, uint64_t *to)
{
    *to = address - aperture->bus + aperture->first;
    return address >= aperture->bus && address - aperture->bus < aperture->size &&
           bar->size <= aperture->size - (address - aperture->bus);
}

/* The BAR decodes if nothing hinders it: there. */
static bool find_place(const struct bar *bar, uint64_t *at)
{
    const struct bridge_bus *bus = bar->function->bus;
    uint64_t address;

    if (!bar_wanted_address(bar, &address)) {
        return false;
    }
    if (bus->host == wide_host) {
        return bar->io ? translate(&wide.io, bar, address, at)
                       : translate(&wide.memory, bar, address, at) || translate(&wide.memory64, bar, address, at);
    }
    *at = address;
    return !bar_is_unplaced(bar, address) &&
           (bus->port == NULL || port_forwards(bus->port, bar->io, address, address + (bar->size - 1)));
}

static void check_bar(const struct bar *bar, unsigned *mapped)
{
    bool claimed = bar->function->bus->host != wide_host;
    uint64_t address = 0;
    bool wanted = find_place(bar, &address);

    require(!bar->mapped || (wanted && bar->address == address), "a BAR decodes where its register does not say");
    require(bar->mapped || !wanted || bar->refused, "a BAR does not decode though nothing hinders it");
    if (!bar->mapped) {
        return;
    }
    *mapped += claimed;
    require(!claimed || is_claimed(bar->space, bar->address, bar->address + bar->size - 1, false),
            "a BAR is not claimed");
    seen_bar = NULL;
    bridge_read(bridge, bar->space, bar->address + bar->size - bar->min_access, bar->min_access);
    require(bar->function->msix != NULL && bar->index == bar->function->msix_bar
                ? seen_bar == NULL
                : seen_bar == bar && seen_offset == bar->size - bar->min_access,
            "a read reaches another BAR");
}

/* Claims are apart, as the platform refuses others; so are BARs, when there are as many as claims. */
static void check(void)
{
    unsigned mapped = 0;

    for (unsigned i = 0; i < FUZZED; i++) {
        for (unsigned j = 0; j < BARS_AND_ROM && function[i] != NULL; j++) {
            check_bar(&function[i]->bar[j], &mapped);
        }
        if (i != BEHIND) {
            require((bridge_config_read(bridge, number_of(i), 0, 2) == 0x1af4) == (function[i] != NULL),
                    "an id has changed");
        }
    }
    require(mapped + OWNED == claim_count, "more is claimed than decodes");
    if (function[0] != NULL) {
        require((bridge_config_read(bridge, devfns[0], 0x0e, 1) == 0x80) ==
                    (function[1] != NULL || function[2] != NULL),
                "the multi-function bit is wrong");
    }
}

/* A message of MSI-X: enabled, unmasked, a master that is awake, and so is the port above. */
static bool can_send(const struct bridge_function *from)
{
    const struct config_space *config = from == NULL ? NULL : &from->config;

    return from != NULL && from->msix != NULL && !atomic_load(&from->failed) &&
           (config_space_get(config, from->place.msix + PCI_MSIX_CONTROL, 2) & 0xc000) == 0x8000 &&
           (config_space_get(config, PCI_COMMAND, 2) & 4) != 0 &&
           (from->place.power == 0 || (config_space_get(config, from->place.power + 4, 2) & 3) == 0) &&
           (from->bus->port == NULL || ((config_space_get(&from->bus->port->config, PCI_COMMAND, 2) & 4) != 0 &&
                                        function_is_awake(from->bus->port)));
}

static uint64_t take_address(void)
{
    unsigned which = (unsigned)take(1);
    struct bridge_function *of = function[which % FUZZED];

    if ((which & 0x80) != 0 || of == NULL) {
        return take(8);
    }
    return of->bar[which / FUZZED % BARS_AND_ROM].address + take(2) - 0x10;
}

/* Registers that set much off: of the port, or of power and PCI Express of a function; a device that fails. */
static void touch(unsigned i, unsigned size)
{
    static const uint8_t port[] = {4, 0x18, 0x19, 0x1a, 0x1c, 0x20, 0x24, 0x28, 0x2c, 0x3e, 0x44};
    unsigned which = (unsigned)take(1);

    may_send = true;
    if ((which & 1) != 0) {
        bridge_config_write(bridge, PORT, port[which / 2 % sizeof(port)], size, (uint32_t)take(size));
    } else if (function[i] != NULL && (which & 2) != 0) {
        bridge_config_write(bridge, number_of(i), function[i]->place.power + PCI_POWER_CONTROL, 2, which >> 2);
    } else if (function[i] != NULL && (which & 4) != 0) {
        bridge_config_write(bridge, number_of(i), function[i]->place.express + PCI_EXPRESS_DEVICE_CONTROL, 2,
                            which << 8 | which);
    } else if (i == BEHIND && function[i] != NULL && which == 0) {
        bridge_fail(function[i]);
        bridge_config_write(bridge, PORT, PCI_COMMAND, 2, (uint32_t)take(1)); /* the bridge looks again */
    }
    may_send = false;
}

static void step(void)
{
    uint8_t what = (uint8_t)take(1);
    unsigned i = (what >> 4 & 3u) < 2 ? what >> 4 & 3u : 2 + (unsigned)take(1) % (FUZZED - 2);
    unsigned size = 1u << (what >> 6);
    enum bridge_space space = (what & 0x10) != 0 ? BRIDGE_MEMORY : BRIDGE_PORT;
    unsigned reg;

    switch (what & 15u) {
    case 0:
        come_or_go(i);
        break;
    case 1:
        failing = (unsigned)take(1) % 4;
        break;
    case 2:
        may_send = can_send(function[i]);
        if (function[i] != NULL) {
            bridge_msix(function[i], (unsigned)take(1) % 4);
        }
        may_send = false;
        break;
    case 3:
        if (function[i] != NULL) {
            bridge_intx(function[i], take(1) % 2 != 0);
        }
        break;
    case 4:
        bridge_deliver_bell(bridge);
        break;
    case 5:
    case 6:
        bridge_read(bridge, space, take_address(), size);
        break;
    case 7:
    case 8:
        may_send = true; /* a write may unmask */
        bridge_write(bridge, space, take_address(), size, take(size));
        may_send = false;
        break;
    case 9:
    case 10:
        bridge_config_read(bridge, number_of(i), (unsigned)take(1), size > 4 ? 4 : size);
        break;
    case 11: /* a BAR in few places, so that they meet */
        bridge_config_write(bridge, number_of(i), 0x10 + 4 * ((unsigned)take(1) % 6), 4, (uint32_t)take(1) << 26);
        break;
    case 12:
        may_send = true;
        bridge_config_write(bridge, number_of(i), 4, 2, (uint32_t)take(2));
        may_send = false;
        break;
    case 13:
        touch(i, size > 4 ? 4 : size);
        break;
    default:
        reg = (unsigned)take(2) % 0x120;
        may_send = true;
        bridge_config_write(bridge, number_of(i), reg, size > 4 ? 4 : size, (uint32_t)take(4));
        may_send = false;
        break;
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    log_set_level(LOG_ERROR);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bridge_host_config config;

    input = data;
    left = size;
    claim_count = 0;
    failing = 0;
    bridge = bridge_create(&platform, NULL);
    require(bridge != NULL, "no memory");
    bridge_default_host(&config, false, true);
    require(bridge_add_host(bridge, &config, &host) == 0, "the host bridge cannot be added");
    require(bridge_add_port(bridge_root_bus(host), PORT, 1, &secondary) == 0, "the port cannot be added");
    require(bridge_add_host(bridge, &wide, &wide_host) == 0, "the second host bridge cannot be added");
    for (unsigned i = 0; i < FUZZED; i++) {
        function[i] = NULL;
        come_or_go(i);
    }
    while (left != 0) {
        step();
        check();
    }
    failing = 0;
    bridge_destroy(bridge);
    require(claim_count == 0, "the end leaves claims behind");
    return 0;
}
