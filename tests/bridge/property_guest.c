/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest of the property test: its host bridges, devices, and what it does to them at random. See property.h. */
#include "tests/bridge/property.h"

#include <string.h>

#include "tests/bridge/board.h"

static struct bridge_host *hosts[2];
static struct bridge_bus *secondary;
struct bridge_function *property_function[REF_FUNCTIONS];
struct news property_news[REF_FUNCTIONS];
uint64_t property_random;
uint64_t property_seed;
unsigned long property_step;

#define BAR(k, n, most)                                                                                                \
    {                                                                                                                  \
        .kind = IOREQD_BAR_##k, .min_access = 1, .max_access = (most), .size = (n)                                     \
    }
#define COMMON(id) .struct_size = sizeof(struct ioreqd_description), .vendor = 0x1af4, .device = (id)

static const struct ioreqd_description descriptions[REF_FUNCTIONS] = {
    {COMMON(0), .intx = 1, .msix = REF_VECTORS, .msix_bar = 4, .power = IOREQD_POWER_KEEPS,
     .bar = {BAR(IO, 16, 4), BAR(MEM32, 0x1000, 4), BAR(MEM64, 0x1000, 8)}},
    {COMMON(1), .intx = 1, .msi = 4, .power = IOREQD_POWER_RESETS, .rom_size = 0x800,
     .bar = {BAR(MEM32, 16, 4), BAR(MEM64_PREFETCH, 0x100000, 8), [3] = BAR(IO, 256, 4)}},
    {0}, /* the port */
    {COMMON(3), .intx = 1, .msix = REF_VECTORS, .msix_bar = 5, .msi = 4, .express = 1, .rom_size = 0x10000,
     .bar = {BAR(MEM64_PREFETCH, 0x200000, 8), [2] = BAR(MEM32, 0x1000, 4), BAR(IO, 4, 4)}},
    {COMMON(4), .express = 1, .power = IOREQD_POWER_RESETS, .msi = 4,
     .bar = {BAR(IO, 64, 4), [1] = BAR(MEM32, 0x100000, 4), BAR(MEM64, 16, 8)}},
    {COMMON(5), .intx = 1, .express = 1, .msix = REF_VECTORS, .msix_bar = 0, .rom_size = 0x1000,
     .bar = {[1] = BAR(MEM32, 16, 4), BAR(IO, 16, 4), BAR(MEM64, 0x1000000000, 8), [5] = BAR(MEM32, 0x1000, 4)}},
    {COMMON(6), .intx = 1, .msi = 4,
     .bar = {BAR(MEM64_PREFETCH, 0x1000, 8), [2] = BAR(MEM64, 0x100000, 4), [4] = BAR(IO, 16, 4), BAR(MEM32, 16, 4)}},
};
const uint8_t property_devfn[REF_FUNCTIONS] = {0x08, 0x09, 0x10, 0x00, 0x01, 0x00, 0x28};

static uint64_t draw(void)
{
    property_random ^= property_random << 13;
    property_random ^= property_random >> 7;
    property_random ^= property_random << 17;
    return property_random * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

unsigned property_below(unsigned n)
{
    return (unsigned)(draw() % n);
}

void property_require(bool holds, const char *what, uint64_t where)
{
    if (holds) { /* what check is told of goes through a system call */
        return;
    }
    ck_abort_msg("seed 0x%llx, step %lu: %s (0x%llx)", (unsigned long long)property_seed, property_step, what,
                 (unsigned long long)where);
}

/* ---- devices ---- */

uint64_t property_value(unsigned index, unsigned bar, uint64_t offset, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++) {
        value |= (uint64_t)(uint8_t)(index * 0x35 + bar * 0x1d + (offset + i) * 3 + (offset >> 9)) << (8 * i);
    }
    return value;
}

static uint64_t on_read(void *device, unsigned bar, uint64_t offset, unsigned size)
{
    return property_value((unsigned)((struct news *)device - property_news), bar, offset, size);
}

static void on_write(void *device, unsigned bar, uint64_t offset, unsigned size, uint64_t value)
{
    (void)device, (void)bar, (void)offset, (void)size, (void)value;
}

static void on_reset(void *device, enum ioreqd_reset_kind kind)
{
    ((struct news *)device)->resets[kind]++;
}

static void on_interrupt_mode(void *device, enum ioreqd_interrupt_mode mode)
{
    property_require((int)mode != ((struct news *)device)->mode, "an interrupt mode is told twice", mode);
    ((struct news *)device)->mode = (int)mode;
}

static void on_bus_master(void *device, bool on)
{
    property_require(on != ((struct news *)device)->master, "bus mastering is told twice", on);
    ((struct news *)device)->master = on;
}

static const struct bridge_function_ops ops = {
    .read = on_read,
    .write = on_write,
    .reset = on_reset,
    .interrupt_mode = on_interrupt_mode,
    .bus_master = on_bus_master,
};

static void come(unsigned i)
{
    struct bridge_bus *bus = ref[i].port != NULL ? secondary : bridge_root_bus(hosts[i >= WIDE_HOST]);

    ref_build(&ref[i]);
    property_news[i] = (struct news){.mode = ref[i].mode};
    property_require(bridge_add_function(bus, property_devfn[i], &descriptions[i], &ops, &property_news[i],
                                         &property_function[i]) == 0,
                     "no function", i);
}

void property_set_up(void)
{
    struct bridge_host_config plain;

    board_open_empty();
    bridge_default_host(&plain, false, true);
    plain.last_bus = 5;
    hosts[0] = host = board_add_host(&plain);
    secondary = board_add_port(property_devfn[PORT_INDEX], 5);
    hosts[1] = board_add_host(&board_wide_host);
    for (unsigned i = 0; i < REF_FUNCTIONS; i++) {
        ref[i] = (struct ref_function){.host = bridge_host_config(hosts[i >= WIDE_HOST]), .devfn = property_devfn[i]};
        ref[i].port = i == 3 || i == 4 ? &ref[PORT_INDEX] : NULL;
        ref[i].description = i == PORT_INDEX ? NULL : &descriptions[i];
        if (i == PORT_INDEX) {
            ref_build(&ref[i]);
        } else {
            come(i);
        }
    }
}

/* ---- what the guest does ---- */

unsigned property_number(unsigned i)
{
    unsigned bus = ref[i].port != NULL ? ref[PORT_INDEX].value[0x19] : ref[i].host->first_bus;

    return (unsigned)ref[i].host->segment << 16 | bus << 8 | ref[i].devfn;
}

static bool decodes(const struct ref_function *f, unsigned bar, const struct ref_place *place)
{
    const struct bar *of = &property_function[f - ref]->bar[bar];

    return of->mapped && of->address == place->first && of->space == place->space;
}

/* All that follows from the registers, after each write: who came first to a place counts. */
void property_settle(void)
{
    ref_settle();
    property_require(ref_place_all(decodes), "a BAR decodes where it must not, or does not where it must", 0);
}

static void write_config(unsigned number, unsigned reg, unsigned size, uint32_t value)
{
    if (number >> 16 != 0 && property_below(2) != 0) {
        bridge_write(bridge, BRIDGE_MEMORY, BOARD_ECAM + ((uint64_t)(number & 0x3ff) << 12) + reg, size, value);
    } else {
        bridge_config_write(bridge, number, reg, size, value);
    }
    ref_config_write(number, reg, size, value);
    property_settle();
}

/* Addresses are few, so that BARs meet each other, windows and the edges of apertures. */
uint32_t property_address(void)
{
    static const uint32_t address[] = {0,          0x1000,     0xc000,     0xc010,     0xffe0,
                                       0x100000,   0x101000,   0x3fff000,  0x4000000,  0xfe000000,
                                       0xfe001000, 0xfe100000, 0xfe200000, 0xffffffff, 0xc0001000,
                                       0xe0001000, 0x7fff0,    0xfee00000, 0x40,       0x4040};

    return address[property_below(20)] + (property_below(4) == 0 ? property_below(8) * 16 : 0);
}

static void write_port(void)
{
    static const uint8_t windows[] = {0x1c, 0x20, 0x22, 0x24, 0x26};
    unsigned number = property_number(PORT_INDEX);

    switch (property_below(6)) {
    case 0:
        write_config(number, 0x18, 4, property_below(7) << 8 | property_below(8) << 16);
        break;
    case 1:
        write_config(number, 0x3e, 2, property_below(4) == 0 ? 0x40 : 0);
        break;
    case 2:
        write_config(number, windows[property_below(5)], 2, (uint32_t)draw());
        break;
    case 3: /* wide open */
        write_config(number, 0x1c, 2, 0xf000);
        write_config(number, 0x20, 4, 0xfff00000);
        write_config(number, 0x3e, 2, 0);
        write_config(number, 0x18, 4, 0x010100);
        write_config(number, 0x04, 2, 7);
        break;
    case 4:
        write_config(number, 0x24, 4, 0xfff00000);
        write_config(number, 0x28 + 4 * property_below(2), 4, property_below(2) * 0x40);
        break;
    default:
        write_config(number, 4, 2, property_below(8));
        break;
    }
}

static void write_capability(unsigned i)
{
    const struct ref_function *f = &ref[i];
    unsigned number = property_number(i);

    if (f->msix != 0 && property_below(3) == 0) {
        write_config(number, f->msix + 2, 2, property_below(4) << 14);
    } else if (f->msi != 0 && property_below(2) == 0) {
        write_config(number, f->msi + 4 * property_below(5), 4, property_below(2) == 0 ? (uint32_t)draw() : 0x00510000);
    } else if (f->power != 0 && property_below(2) == 0) {
        write_config(number, f->power + 4, 1u << property_below(3), property_below(3) == 0 ? property_below(4) : 0);
    } else if (f->express != 0) {
        write_config(number, f->express + 8, 2, (uint32_t)draw() & (property_below(8) == 0 ? 0xffff : 0x7fff));
    }
}

static void write_table(unsigned i)
{
    const struct ioreqd_description *d = &descriptions[i];
    uint64_t offset = 4 * property_below(4 * REF_VECTORS);
    uint32_t value = offset % 16 == 12 ? property_below(2) : (uint32_t)draw();

    if (d->msix != 0 && ref[i].decodes[d->msix_bar] && ref_awake(&ref[i])) {
        bridge_write(bridge, BRIDGE_MEMORY, ref[i].place[d->msix_bar].first + offset, 4, value);
        ref_msix_write(&ref[i], offset, value);
    }
}

/* A failed function's BARs are in the way until its ports are touched, or anything that makes the bridge look. */
static void break_down(unsigned i)
{
    if (ref[i].port != NULL && ref[i].present) {
        bridge_fail(property_function[i]);
        ref[i].failed = true;
        write_config(property_number(PORT_INDEX), 4, 2, (uint32_t)ref_value(&ref[PORT_INDEX], 4, 2));
    }
}

static void come_or_go(unsigned i)
{
    if (i == PORT_INDEX) {
        return;
    }
    if (!ref[i].present) {
        come(i);
        return;
    }
    bridge_remove_function(property_function[i]);
    ref[i].present = false;
    memset(ref[i].decodes, 0, sizeof(ref[i].decodes));
}

static void event(unsigned i)
{
    unsigned vector = property_below(5);

    if (!ref[i].present || i == PORT_INDEX) {
        return;
    }
    if (property_below(3) == 0) {
        ref[i].raised = vector % 2 != 0 && descriptions[i].intx != 0;
        bridge_intx(property_function[i], vector % 2 != 0);
    } else if (property_below(2) == 0) {
        ref_msix(&ref[i], vector);
        bridge_msix(property_function[i], vector);
    } else {
        ref_msi(&ref[i], vector);
        bridge_msi(property_function[i], vector);
    }
}

void property_act(void)
{
    unsigned i = property_below(REF_FUNCTIONS), what = property_below(64), size;
    unsigned number = property_number(i);

    if (what < 12) {
        write_config(number, 0x10 + 4 * property_below(6), 4,
                     property_below(8) == 0 ? (uint32_t)draw() & 0x7f : property_address());
    } else if (what < 20) {
        write_config(number, 4, 2, (uint32_t)draw() | (property_below(4) != 0 ? 7 : 0));
    } else if (what < 24) {
        write_config(number, 0x30, 4, i == PORT_INDEX ? 0 : property_address() | property_below(2));
    } else if (what < 32) {
        write_port();
    } else if (what < 42) {
        write_capability(i);
    } else if (what < 48) {
        write_table(i);
    } else if (what < 58) {
        event(i);
    } else if (what < 62) {
        size = 1u << property_below(3);
        write_config(number, property_below(0x110 / size) * size, size,
                     (uint32_t)draw() & (property_below(2) == 0 ? 0x7fff7fff : 0));
    } else if (property_below(4) == 0) {
        come_or_go(i);
    } else if (property_below(4) == 0) {
        break_down(i);
    }
}
