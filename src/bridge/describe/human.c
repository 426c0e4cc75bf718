/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host bridges and devices as tables for people, see describe.h. Columns are as wide as what stands in them, so a table
 * is made twice: once to measure, once to print.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "bridge/describe/describe.h"

#define COLUMNS   9
#define CELL_SIZE 160

struct row {
    char cell[COLUMNS][CELL_SIZE];
};

/* Adds to a cell, behind a comma where something is in it; what does not fit is cut. */
static void add(char cell[CELL_SIZE], const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(char cell[CELL_SIZE], const char *format, ...)
{
    size_t used = strlen(cell);
    va_list arguments;

    if (used != 0) {
        snprintf(cell + used, CELL_SIZE - used, ", ");
        used = strlen(cell);
    }
    va_start(arguments, format);
    vsnprintf(cell + used, CELL_SIZE - used, format, arguments);
    va_end(arguments);
}

struct size_text {
    char text[32];
};

/* In the largest unit that divides it. */
static const char *show_size(struct size_text *text, uint64_t size)
{
    static const char units[] = "kMGTP";
    unsigned unit = 0;

    while (size != 0 && size % 1024 == 0 && unit < strlen(units)) {
        size /= 1024;
        unit++;
    }
    snprintf(text->text, sizeof(text->text), "%" PRIu64 "%.1s", size, unit > 0 ? &units[unit - 1] : "");
    return text->text;
}

/* ---- bridges ---- */

static const char *const bridge_heading[COLUMNS] = {"Host bridge", "Segment", "Buses",  "Configuration",
                                                    "I/O",         "Memory",  "64-bit", "Lines"};

static void add_aperture(char cell[CELL_SIZE], const struct bridge_aperture *aperture, bool owned)
{
    struct size_text size;

    if (aperture->size == 0) {
        add(cell, owned ? "-" : "any");
        return;
    }
    add(cell, "%s%#" PRIx64 "+%s", aperture->space == BRIDGE_PORT ? "ports " : "", aperture->first,
        show_size(&size, aperture->size));
    if (aperture->bus != aperture->first) {
        snprintf(cell + strlen(cell), CELL_SIZE - strlen(cell), " at bus %#" PRIx64, aperture->bus);
    }
}

static void make_bridge_row(struct row *row, const struct bridge_host_config *bridge)
{
    /* A bridge without memory apertures claims its BARs wherever they are: see host_config.h. */
    bool owned = bridge->memory.size != 0;
    struct size_text size;

    *row = (struct row){.cell = {""}};
    add(row->cell[0], "%s", bridge->name);
    add(row->cell[1], "%04x", bridge->segment);
    add(row->cell[2], "%02x-%02x", bridge->first_bus, bridge->last_bus);
    if (bridge->configuration_ports) {
        add(row->cell[3], "ports 0xcf8");
    }
    if (bridge->ecam != 0) {
        add(row->cell[3], "ECAM %#" PRIx64 "+%s", bridge->ecam, show_size(&size, bridge_ecam_size(bridge)));
    }
    add_aperture(row->cell[4], &bridge->io, owned);
    add_aperture(row->cell[5], &bridge->memory, owned);
    add_aperture(row->cell[6], &bridge->memory64, owned);
    if (bridge->lines == BRIDGE_LINES_FOLDED) {
        add(row->cell[7], "those of device %02x of bus 0", bridge->lines_device);
    } else if (bridge->lines == BRIDGE_LINES_SPIS) {
        add(row->cell[7], "SPIs %u-%u", bridge->spis.first, bridge->spis.first + bridge->spis.count - 1u);
    } else {
        add(row->cell[7], bridge->lines == BRIDGE_LINES_DIRECT ? "its own" : "none");
    }
}

/* ---- devices ---- */

static const char *const device_heading[COLUMNS] = {"Device", "Model", "Bridge",     "Place",       "Ids",
                                                    "Class",  "BARs",  "Interrupts", "Capabilities"};

static void add_bars(char cell[CELL_SIZE], const struct ioreqd_description *description)
{
    static const char *const kind[] = {[IOREQD_BAR_IO] = "I/O",
                                       [IOREQD_BAR_MEM32] = "32-bit",
                                       [IOREQD_BAR_MEM64] = "64-bit",
                                       [IOREQD_BAR_MEM64_PREFETCH] = "64-bit prefetchable"};
    struct size_text size;

    for (unsigned i = 0; i < IOREQD_BARS; i++) {
        const struct ioreqd_bar *bar = &description->bar[i];

        if (bar->kind != IOREQD_BAR_NONE && bar->kind < sizeof(kind) / sizeof(kind[0])) {
            add(cell, "%u: %s %s", i, kind[bar->kind], show_size(&size, bar->size));
        } else if (description->msix != 0 && description->msix_bar == i) {
            add(cell, "%u: MSI-X table", i);
        }
    }
    if (description->rom_size != 0) {
        add(cell, "ROM %s", show_size(&size, description->rom_size));
    }
}

static void add_interrupts(char cell[CELL_SIZE], const struct ioreqd_description *description)
{
    if (description->msix != 0) {
        add(cell, "%u MSI-X", description->msix);
    }
    if (description->msi != 0) {
        add(cell, "%u MSI", description->msi);
    }
    if (description->intx != 0) {
        add(cell, "INTx");
    }
}

static const char *capability_name(const struct ioreqd_capability *capability)
{
    if ((capability->flags & IOREQD_CAPABILITY_EXTENDED) != 0) {
        return capability->id == 0x0b ? "extended vendor" : NULL;
    }
    return capability->id == 9 ? "vendor" : NULL;
}

static bool same_kind(const struct ioreqd_capability *a, const struct ioreqd_capability *b)
{
    return a->id == b->id && ((a->flags ^ b->flags) & IOREQD_CAPABILITY_EXTENDED) == 0;
}

/* The bridge's own are known from what the description asks for. Those of a kind that follow one another are counted. */
static void add_capabilities(char cell[CELL_SIZE], const struct ioreqd_description *description)
{
    unsigned count;

    if (description->msix != 0) {
        add(cell, "MSI-X");
    }
    if (description->msi != 0) {
        add(cell, "MSI");
    }
    if (description->power != IOREQD_POWER_NONE || description->express != 0) {
        add(cell, "power management");
    }
    if (description->express != 0) {
        add(cell, "PCI Express");
    }
    for (unsigned i = 0; i < description->capabilities; i += count) {
        const struct ioreqd_capability *capability = &description->capability[i];
        const char *name = capability_name(capability);
        char times[16] = "";

        for (count = 1; i + count < description->capabilities && same_kind(capability, capability + count);) {
            count++;
        }
        if (count > 1) {
            snprintf(times, sizeof(times), "%u ", count);
        }
        if (name != NULL) {
            add(cell, "%s%s", times, name);
        } else {
            add(cell, "%s%s%#x", times, (capability->flags & IOREQD_CAPABILITY_EXTENDED) != 0 ? "extended " : "",
                capability->id);
        }
    }
}

static void make_device_row(struct row *row, const struct describe_device *device)
{
    const struct ioreqd_description *description = device->description;

    *row = (struct row){.cell = {""}};
    add(row->cell[0], "%s", device->id);
    add(row->cell[1], "%s", device->model);
    add(row->cell[2], "%s", device->bridge);
    add(row->cell[3], "%s", device->place != NULL ? device->place : "free");
    if (description != NULL) {
        add(row->cell[4], "%04x:%04x %04x:%04x", description->vendor, description->device,
            description->subsystem_vendor, description->subsystem);
        add(row->cell[5], "%02x%02x%02x", description->class_code[0], description->class_code[1],
            description->class_code[2]);
        add_bars(row->cell[6], description);
        add_interrupts(row->cell[7], description);
        add_capabilities(row->cell[8], description);
    }
}

/* ---- tables ---- */

struct widths {
    int of[COLUMNS];
};

static void widen(struct widths *widths, const struct row *row)
{
    for (unsigned i = 0; i < COLUMNS; i++) {
        int length = (int)strlen(row->cell[i]);

        widths->of[i] = length > widths->of[i] ? length : widths->of[i];
    }
}

static void make_heading(struct row *row, const char *const heading[COLUMNS])
{
    for (unsigned i = 0; i < COLUMNS; i++) {
        snprintf(row->cell[i], CELL_SIZE, "%s", heading[i] != NULL ? heading[i] : "");
    }
}

/* Without blanks at the end. An empty cell in a column that is not has a dash. */
static void print_row(FILE *out, const struct widths *widths, const struct row *row)
{
    int last = COLUMNS - 1;

    while (last > 0 && widths->of[last] == 0) {
        last--;
    }
    for (int i = 0; i < last; i++) {
        fprintf(out, "%-*s  ", widths->of[i], row->cell[i][0] != 0 ? row->cell[i] : "-");
    }
    fprintf(out, "%s\n", row->cell[last][0] != 0 ? row->cell[last] : "-");
}

void describe_human(FILE *out, const struct bridge_host_config *bridge, size_t count,
                    const struct describe_device *device, size_t devices)
{
    struct widths widths = {.of = {0}};
    struct row row, heading;

    make_heading(&heading, bridge_heading);
    widen(&widths, &heading);
    for (size_t i = 0; i < count; i++) {
        make_bridge_row(&row, &bridge[i]);
        widen(&widths, &row);
    }
    print_row(out, &widths, &heading);
    for (size_t i = 0; i < count; i++) {
        make_bridge_row(&row, &bridge[i]);
        print_row(out, &widths, &row);
    }
    if (devices == 0) {
        return;
    }
    fputc('\n', out);
    widths = (struct widths){.of = {0}};
    make_heading(&heading, device_heading);
    widen(&widths, &heading);
    for (size_t i = 0; i < devices; i++) {
        make_device_row(&row, &device[i]);
        widen(&widths, &row);
    }
    print_row(out, &widths, &heading);
    for (size_t i = 0; i < devices; i++) {
        make_device_row(&row, &device[i]);
        print_row(out, &widths, &row);
    }
}
