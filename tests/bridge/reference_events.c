/* SPDX-License-Identifier: BSD-2-Clause */
/* What leaves the functions of the reference, and where their BARs lie. See reference.h. */
#include <stddef.h>

#include "tests/bridge/reference.h"

/* ---- interrupts and bus mastering ---- */

bool ref_awake(const struct ref_function *f)
{
    return !f->failed && (f->power == 0 || (f->value[f->power + 4] & 3) == 0);
}

static bool is_master(const struct ref_function *f)
{
    return ref_awake(f) && (f->value[4] & 4) != 0 && (f->port == NULL || is_master(f->port));
}

static unsigned msix_control(const struct ref_function *f)
{
    return f->msix == 0 ? 0 : (unsigned)ref_value(f, f->msix + 2, 2);
}

static bool msi_enabled(const struct ref_function *f)
{
    return f->msi != 0 && (f->value[f->msi + 2] & 1) != 0;
}

static void send(uint64_t address, uint32_t data)
{
    if (ref_messages < REF_MESSAGES) {
        ref_message[ref_messages++] = (struct ref_message){address, data};
    }
}

static unsigned granted(const struct ref_function *f)
{
    unsigned bits = f->value[f->msi + 2] >> 4 & 7;

    return bits >= 2 ? 4 : 1u << bits;
}

void ref_msix(struct ref_function *f, unsigned vector)
{
    if (!f->failed && vector < REF_VECTORS && (msix_control(f) & 0x8000) != 0) {
        f->vector[vector].pending = true;
    }
}

void ref_msi(struct ref_function *f, unsigned vector)
{
    if (!f->failed && msi_enabled(f)) {
        f->msi_pending |= 1u << (vector < granted(f) ? vector : granted(f) - 1);
    }
}

static void settle_one(struct ref_function *f)
{
    bool master = is_master(f);
    unsigned control = msix_control(f);

    for (unsigned i = 0; i < REF_VECTORS; i++) {
        struct ref_vector *vector = &f->vector[i];

        if ((control & 0x8000) == 0) {
            vector->pending = false;
        }
        if (vector->pending && !vector->masked && master && (control & 0x4000) == 0) {
            send(vector->address, vector->data);
            vector->pending = false;
        }
    }
    if (!msi_enabled(f)) {
        f->msi_pending = 0;
    }
    for (unsigned i = 0; i < 4; i++) {
        if ((f->msi_pending >> i & 1) != 0 && master && (f->value[f->msi + 16] >> i & 1) == 0) {
            uint32_t data = (uint32_t)ref_value(f, f->msi + 12, 2) & ~(granted(f) - 1);

            send(ref_value(f, f->msi + 4, 8), data | (i < granted(f) ? i : granted(f) - 1));
            f->msi_pending &= ~(1u << i);
        }
    }
    f->master = master;
    f->mode = (control & 0x8000) != 0                                                   ? IOREQD_INTERRUPT_MSIX
              : msi_enabled(f)                                                          ? IOREQD_INTERRUPT_MSI
              : f->value[0x3d] != 0 && f->description != NULL && (f->value[5] & 4) == 0 ? IOREQD_INTERRUPT_INTX
                                                                                        : IOREQD_INTERRUPT_NONE;
}

void ref_settle(void)
{
    for (unsigned i = 0; i < REF_FUNCTIONS; i++) {
        if (ref[i].present) {
            settle_one(&ref[i]);
        }
    }
}

/* PCI-to-PCI Bridge 1.2 §9.1; the pin is always INTA. */
bool ref_level(unsigned device, unsigned pin)
{
    for (unsigned i = 0; i < REF_FUNCTIONS; i++) {
        const struct ref_function *f = &ref[i];
        unsigned at = f->devfn >> 3, turned = 0;

        if (!f->present || !f->raised || !ref_awake(f) || f->mode != IOREQD_INTERRUPT_INTX) {
            continue;
        }
        if (f->port != NULL) {
            turned += at;
            at = f->port->devfn >> 3;
        }
        if (f->host->lines == BRIDGE_LINES_FOLDED) {
            turned += at;
            at = f->host->lines_device;
        }
        if (at == device && turned % 4 == pin) {
            return true;
        }
    }
    return false;
}

/* ---- the table of MSI-X ---- */

uint32_t ref_msix_read(const struct ref_function *f, uint64_t offset)
{
    const struct ref_vector *vector = &f->vector[offset / 16 % REF_VECTORS];
    uint32_t bits = 0;

    for (unsigned i = 0; offset == 0x800 && i < REF_VECTORS; i++) {
        bits |= (uint32_t)f->vector[i].pending << i;
    }
    if (offset >= 16 * REF_VECTORS) {
        return bits;
    }
    return offset % 16 == 0   ? (uint32_t)vector->address
           : offset % 16 == 4 ? (uint32_t)(vector->address >> 32)
           : offset % 16 == 8 ? vector->data
                              : vector->masked;
}

void ref_msix_write(struct ref_function *f, uint64_t offset, uint32_t value)
{
    struct ref_vector *vector = &f->vector[offset / 16 % REF_VECTORS];

    if (offset >= 16 * REF_VECTORS) {
        return;
    }
    switch (offset % 16) {
    case 0:
        vector->address = (vector->address >> 32 << 32) | (value & 0xfffffffc);
        break;
    case 4:
        vector->address = (uint32_t)vector->address | (uint64_t)value << 32;
        break;
    case 8:
        vector->data = value;
        break;
    default:
        vector->masked = (value & 1) != 0;
        break;
    }
}

/* ---- where BARs lie ---- */

uint64_t ref_bar_size(const struct ref_function *f, unsigned bar)
{
    const struct ioreqd_description *d = f->description;

    if (d == NULL) {
        return 0;
    }
    if (bar == IOREQD_ROM) {
        return d->rom_size;
    }
    return d->msix != 0 && bar == d->msix_bar ? 0x1000 : d->bar[bar].size;
}

bool ref_bar_is_io(const struct ref_function *f, unsigned bar)
{
    return bar != IOREQD_ROM && f->description->bar[bar].kind == IOREQD_BAR_IO;
}

static bool inside(uint64_t first, uint64_t last, uint64_t base, uint64_t limit)
{
    return first >= base && last <= limit;
}

/* PCI-to-PCI Bridge 1.2 §3.2.5.6, §3.2.5.8, §3.2.5.9. */
static bool forwards(const struct ref_function *port, bool io, uint64_t first, uint64_t last)
{
    uint64_t wide_base = (ref_value(port, 0x24, 2) & 0xfff0) << 16 | ref_value(port, 0x28, 4) << 32;
    uint64_t wide_limit = (ref_value(port, 0x26, 2) & 0xfff0) << 16 | ref_value(port, 0x2c, 4) << 32 | 0xfffff;

    if (!ref_awake(port) || (port->value[4] & (io ? 1 : 2)) == 0) {
        return false;
    }
    if (io) {
        return inside(first, last, (uint64_t)port->value[0x1c] >> 4 << 12,
                      (uint64_t)port->value[0x1d] >> 4 << 12 | 0xfff);
    }
    return inside(first, last, wide_base, wide_limit) ||
           inside(first, last, ref_value(port, 0x20, 2) << 16, (ref_value(port, 0x22, 2) & 0xfff0) << 16 | 0xfffff);
}

static bool in_aperture(const struct bridge_aperture *aperture, uint64_t first, uint64_t last, struct ref_place *place)
{
    if (aperture->size == 0 || !inside(first, last, aperture->bus, aperture->bus + aperture->size - 1)) {
        return false;
    }
    *place = (struct ref_place){aperture->space, first - aperture->bus + aperture->first,
                                last - aperture->bus + aperture->first, false};
    return true;
}

bool ref_wants(const struct ref_function *f, unsigned bar, struct ref_place *place)
{
    uint64_t size = ref_bar_size(f, bar), first, last;
    bool io = size != 0 && ref_bar_is_io(f, bar);
    bool wide = bar < 6 && size != 0 && f->description->bar[bar].kind >= IOREQD_BAR_MEM64;

    if (!f->present || size == 0 || !ref_awake(f) || (f->value[4] & (io ? 1 : 2)) == 0 ||
        (bar == IOREQD_ROM && (f->value[0x30] & 1) == 0)) {
        return false;
    }
    first = ref_value(f, bar == IOREQD_ROM ? 0x30 : 0x10 + 4 * bar, wide ? 8 : 4) / size * size;
    last = first + (size - 1);
    if (f->port != NULL && !forwards(f->port, io, first, last)) {
        return false;
    }
    if ((io ? f->host->io.size : f->host->memory.size) != 0) {
        return io ? in_aperture(&f->host->io, first, last, place)
                  : in_aperture(&f->host->memory, first, last, place) ||
                        in_aperture(&f->host->memory64, first, last, place);
    }
    *place = (struct ref_place){io ? BRIDGE_PORT : BRIDGE_MEMORY, first, last, true};
    return first != 0 && last != UINT32_MAX && first >> 32 != UINT32_MAX;
}

static bool meet(const struct ref_place *a, const struct ref_place *b)
{
    return a->space == b->space && a->first <= b->last && b->first <= a->last;
}

/* Another BAR decodes there, or, if it is to be claimed, a host bridge owns it. */
static bool is_taken(const struct ref_function *f, unsigned bar, const struct ref_place *place)
{
    for (unsigned i = 0; i < REF_FUNCTIONS; i++) {
        const struct bridge_host_config *host = ref[i].host;
        const struct bridge_aperture *aperture[] = {&host->io, &host->memory, &host->memory64};
        struct ref_place owned = {BRIDGE_MEMORY, host->ecam,
                                  host->ecam + ((host->last_bus - host->first_bus + UINT64_C(1)) << 20) - 1, false};

        if (place->claim && host->ecam != 0 && meet(place, &owned)) {
            return true;
        }
        for (unsigned j = 0; place->claim && j < 3; j++) {
            owned = (struct ref_place){aperture[j]->space, aperture[j]->first,
                                       aperture[j]->first + aperture[j]->size - 1, false};
            if (aperture[j]->size != 0 && meet(place, &owned)) {
                return true;
            }
        }
        for (unsigned j = 0; j < REF_BARS; j++) {
            if ((&ref[i] != f || j != bar) && ref[i].present && ref[i].decodes[j] && meet(place, &ref[i].place[j])) {
                return true;
            }
        }
    }
    return false;
}

bool ref_place_all(bool (*seen)(const struct ref_function *f, unsigned bar, const struct ref_place *place))
{
    for (unsigned i = 0; i < REF_FUNCTIONS * REF_BARS; i++) {
        struct ref_function *f = &ref[i / REF_BARS];
        unsigned bar = i % REF_BARS;
        struct ref_place place = {0};
        bool wants = ref_wants(f, bar, &place);
        bool same = f->decodes[bar] && place.space == f->place[bar].space && place.first == f->place[bar].first;

        f->decodes[bar] = wants && seen(f, bar, &place);
        if (wants && same && !f->decodes[bar]) {
            return false;
        }
        f->place[bar] = place;
    }
    for (unsigned i = 0; i < REF_FUNCTIONS * REF_BARS; i++) {
        const struct ref_function *f = &ref[i / REF_BARS];
        struct ref_place place;

        if (ref_wants(f, i % REF_BARS, &place) && f->decodes[i % REF_BARS] == is_taken(f, i % REF_BARS, &place)) {
            return false;
        }
    }
    return true;
}

struct ref_function *ref_at(enum bridge_space space, uint64_t address, unsigned *bar)
{
    for (unsigned i = 0; i < REF_FUNCTIONS * REF_BARS; i++) {
        struct ref_function *f = &ref[i / REF_BARS];

        *bar = i % REF_BARS;
        if (f->present && f->decodes[*bar] && f->place[*bar].space == space && f->place[*bar].first <= address &&
            address <= f->place[*bar].last) {
            return f;
        }
    }
    return NULL;
}
