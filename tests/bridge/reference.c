/* SPDX-License-Identifier: BSD-2-Clause */
/* The registers of the reference, see reference.h. Numbers are those of the specifications, not of the bridge. */
#include "tests/bridge/reference.h"

#include <stddef.h>
#include <string.h>

struct ref_function ref[REF_FUNCTIONS];
struct ref_message ref_message[REF_MESSAGES];
unsigned ref_messages;

/* ---- registers at reset ---- */

static void put(uint8_t *bytes, unsigned reg, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++) {
        bytes[reg + i] = (uint8_t)(value >> (8 * i));
    }
}

uint64_t ref_value(const struct ref_function *f, unsigned reg, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++) {
        value |= (uint64_t)f->value[reg + i] << (8 * i);
    }
    return value;
}

static unsigned add_capability(struct ref_function *f, unsigned *end, unsigned *link, uint8_t id, unsigned length)
{
    unsigned at = *end;

    f->value[*link] = (uint8_t)at;
    f->value[at] = id;
    *link = at + 1;
    *end += length;
    put(f->value, 0x06, 2, 0x10);
    return at;
}

/* PCI Express 4.0 §7.5.3, figure 7-23. */
static void add_express(struct ref_function *f, unsigned type)
{
    put(f->value, f->express + 0x02, 2, 2u | type << 4 | (type == 4 ? 0x100u : 0));
    put(f->value, f->express + 0x04, 4, type == 4 ? 0x8000 : 0x10008000);
    put(f->value, f->express + 0x08, 2, 0x2810);
    put(f->writable, f->express + 0x08, 2, 0x78ff);
    if (type != 9) {
        put(f->value, f->express + 0x0c, 4, 0x11);
        put(f->writable, f->express + 0x10, 2, 0xc0);
        put(f->value, f->express + 0x12, 2, 0x11);
        put(f->value, f->express + 0x2c, 4, 2);
        put(f->value, f->express + 0x30, 2, 1);
    }
}

static void add_capabilities(struct ref_function *f)
{
    const struct ioreqd_description *d = f->description;
    bool express = d == NULL || d->express != 0;
    unsigned end = 0x40, link = 0x34;

    if (d != NULL && d->msix != 0) {
        f->msix = add_capability(f, &end, &link, 0x11, 12);
        put(f->value, f->msix + 2, 2, REF_VECTORS - 1);
        put(f->writable, f->msix + 2, 2, 0xc000);
        put(f->value, f->msix + 4, 4, d->msix_bar);
        put(f->value, f->msix + 8, 4, 0x800u | d->msix_bar);
    }
    if (d != NULL && d->msi != 0) {
        f->msi = add_capability(f, &end, &link, 0x05, 24);
        put(f->value, f->msi + 2, 2, 0x184); /* 4 vectors, 64 bits, maskable */
        put(f->writable, f->msi + 2, 2, 0x71);
        put(f->writable, f->msi + 4, 8, 0xfffffffffffffffc);
        put(f->writable, f->msi + 12, 2, 0xffff);
        put(f->writable, f->msi + 16, 4, 0xf);
    }
    if (express || d->power != 0) {
        f->power = add_capability(f, &end, &link, 0x01, 8);
        put(f->value, f->power + 2, 2, 3);
        put(f->value, f->power + 4, 2, d != NULL && d->power == IOREQD_POWER_RESETS ? 0 : 8);
        put(f->writable, f->power + 4, 2, 3);
    }
    if (express) {
        f->express = add_capability(f, &end, &link, 0x10, 60);
        add_express(f, d == NULL ? 4 : f->port != NULL ? 0 : 9);
    }
}

/* PCI 3.0 §6.1, figure 6-1. */
static void build_device(struct ref_function *f)
{
    const struct ioreqd_description *d = f->description;
    unsigned command = 0x144;

    put(f->value, 0x00, 2, d->vendor);
    put(f->value, 0x02, 2, d->device);
    put(f->writable, 0x0c, 2, d->express != 0 ? 0x00ff : 0xffff);
    for (unsigned i = 0; i < REF_BARS; i++) {
        static const uint8_t kind[] = {[IOREQD_BAR_IO] = 1, [IOREQD_BAR_MEM64] = 4, [IOREQD_BAR_MEM64_PREFETCH] = 0xc};
        uint64_t size = ref_bar_size(f, i);
        bool wide = i < 6 && d->bar[i].kind >= IOREQD_BAR_MEM64;

        if (size == 0) {
            continue;
        }
        command |= ref_bar_is_io(f, i) ? 1 : 2;
        if (i == IOREQD_ROM) {
            put(f->writable, 0x30, 4, ~(size - 1) | 1);
            continue;
        }
        put(f->writable, 0x10 + 4 * i, wide ? 8 : 4, ~(size - 1));
        f->value[0x10 + 4 * i] = kind[d->bar[i].kind];
    }
    if (d->intx != 0) {
        command |= 0x400;
        f->value[0x3d] = 1;
        f->writable[0x3c] = 0xff;
    }
    put(f->writable, 0x04, 2, command);
}

/* PCI-to-PCI Bridge 1.2 §3.2, figure 3-1. */
static void build_port(struct ref_function *f)
{
    put(f->value, 0x00, 4, 0x000c1b36);
    put(f->value, 0x08, 4, 0x06040000);
    put(f->writable, 0x04, 2, 0x147);
    f->writable[0x0c] = 0xff;
    f->value[0x0e] = 1;
    put(f->writable, 0x18, 3, 0xffffff);
    put(f->value, 0x1c, 2, 0x00f0);
    put(f->writable, 0x1c, 2, 0xf0f0);
    put(f->value, 0x20, 4, 0x0000fff0);
    put(f->writable, 0x20, 4, 0xfff0fff0);
    put(f->value, 0x24, 4, 0x0001fff1);
    put(f->writable, 0x24, 4, 0xfff0fff0);
    put(f->writable, 0x28, 8, UINT64_MAX);
    put(f->writable, 0x3e, 2, 0x43);
    put(f->value, f->express + 0x14, 4, 5u << 19);
    put(f->writable, f->express + 0x1c, 2, 0x1f);
}

static void back_to_initial(struct ref_function *f)
{
    memcpy(f->value, f->initial, sizeof(f->value));
    for (unsigned i = 0; i < REF_VECTORS; i++) {
        f->vector[i] = (struct ref_vector){.masked = true};
    }
    f->msi_pending = 0;
    f->raised = false;
}

void ref_build(struct ref_function *f)
{
    const struct ref_function kept = *f;

    memset(f, 0, sizeof(*f));
    f->description = kept.description;
    f->host = kept.host;
    f->port = kept.port;
    f->devfn = kept.devfn;
    f->present = true;
    f->size = f->description == NULL || f->description->express != 0 ? 4096 : 256;
    add_capabilities(f);
    if (f->description == NULL) {
        build_port(f);
    } else {
        build_device(f);
    }
    memcpy(f->initial, f->value, sizeof(f->initial));
    back_to_initial(f);
    f->mode = f->value[0x3d] != 0 ? IOREQD_INTERRUPT_INTX : IOREQD_INTERRUPT_NONE;
}

/* ---- configuration accesses ---- */

struct ref_function *ref_find(unsigned segment, unsigned bus, unsigned devfn)
{
    for (unsigned i = 0; i < REF_FUNCTIONS; i++) {
        struct ref_function *f = &ref[i];
        unsigned on = f->port == NULL ? f->host->first_bus : f->port->value[0x19];

        if (!f->present || f->host->segment != segment || f->devfn != devfn || on != bus) {
            continue;
        }
        if (f->port != NULL && (bus <= f->host->first_bus || bus > f->host->last_bus || bus > f->port->value[0x1a])) {
            continue;
        }
        return f;
    }
    return NULL;
}

/* The same, and configuration requests reach it. */
static struct ref_function *answering(unsigned number, unsigned reg, unsigned size)
{
    struct ref_function *f = ref_find(number >> 16, number >> 8 & 0xff, number & 0xff);

    if (f == NULL || f->failed || (reg & 3) + size > 4 || reg + size > f->size ||
        (f->port != NULL && (f->port->value[0x3e] & 0x40) != 0)) {
        return NULL;
    }
    return f;
}

uint32_t ref_config_read(unsigned number, unsigned reg, unsigned size)
{
    const struct ref_function *f = answering(number, reg, size);
    uint32_t value = 0;

    for (unsigned i = 0; i < size; i++) {
        uint8_t byte = f == NULL ? 0xff : f->value[reg + i];

        if (f != NULL && reg + i == 0x06 && f->raised) {
            byte |= 8;
        }
        if (f != NULL && f->msi != 0 && reg + i == f->msi + 20) {
            byte = (uint8_t)f->msi_pending;
        }
        for (unsigned j = 0; f != NULL && reg + i == 0x0e && (f->devfn & 7) == 0 && j < REF_FUNCTIONS; j++) {
            bool same = ref[j].present && ref[j].host == f->host && ref[j].port == f->port && &ref[j] != f;

            byte |= same && ref[j].devfn >> 3 == f->devfn >> 3 ? 0x80 : 0;
        }
        for (unsigned j = 0; f != NULL && f->description == NULL && reg + i == f->express + 26 && j < REF_FUNCTIONS;
             j++) {
            byte |= ref[j].present && ref[j].port == f ? 0x40 : 0;
        }
        value |= (uint32_t)byte << (8 * i);
    }
    return value;
}

static void reset(struct ref_function *f, enum ioreqd_reset_kind kind)
{
    back_to_initial(f);
    f->failed = f->failed && kind != IOREQD_RESET_BUS;
    f->resets[kind]++;
}

void ref_config_write(unsigned number, unsigned reg, unsigned size, uint32_t value)
{
    struct ref_function *f = answering(number, reg, size);
    unsigned state, held;

    if (f == NULL) {
        return;
    }
    state = f->power == 0 ? 0 : f->value[f->power + 4] & 3;
    held = f->value[0x3e] & 0x40;
    for (unsigned i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(value >> (8 * i)), mask = f->writable[reg + i];

        f->value[reg + i] = (uint8_t)((f->value[reg + i] & ~mask) | (byte & mask));
        if (f->description != NULL && f->express != 0 && reg + i == f->express + 9 && (byte & 0x80) != 0) {
            reset(f, IOREQD_RESET_FUNCTION);
            return;
        }
    }
    if (f->power != 0) {
        uint8_t *control = &f->value[f->power + 4];

        if ((*control & 3) == 1 || (*control & 3) == 2) {
            *control = (uint8_t)((*control & 0xfcu) | state);
        }
        if (state == 3 && (*control & 3) == 0 && (*control & 8) == 0) {
            reset(f, IOREQD_RESET_D3HOT);
        }
    }
    for (unsigned i = 0; f->description == NULL && held == 0 && (f->value[0x3e] & 0x40) != 0 && i < REF_FUNCTIONS;
         i++) {
        if (ref[i].present && ref[i].port == f) {
            reset(&ref[i], IOREQD_RESET_BUS);
        }
    }
}
