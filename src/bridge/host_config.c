/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which host bridges can be, see host_config.h.
 */
#include "bridge/host_config.h"

#include <stddef.h>
#include <string.h>

#include "bridge/pci_registers.h"

#define BUS_ECAM_SIZE (UINT64_C(1) << 20) /* PCI Express 4.0 §7.2.2: 32 devices of 8 functions of 4 KiB */
#define PAGE_MASK     UINT64_C(0xfff)
#define IO_SIZE_MAX   UINT64_C(0x10000)
#define DEVICES       32u
#define PINS          4u

unsigned bridge_owned_ranges(const struct bridge_host_config *config, struct bridge_range *range)
{
    const struct bridge_aperture *aperture[] = {&config->io, &config->memory, &config->memory64};
    unsigned count = 0;

    if (config->address_port) {
        range[count++] = (struct bridge_range){BRIDGE_PORT, PCI_CONFIG_ADDRESS, PCI_CONFIG_ADDRESS + 3};
    }
    if (config->ecam != 0) {
        range[count++] =
            (struct bridge_range){BRIDGE_MEMORY, config->ecam, config->ecam + bridge_ecam_size(config) - 1};
    }
    for (unsigned i = 0; i < sizeof(aperture) / sizeof(aperture[0]); i++) {
        if (aperture[i]->size != 0) {
            range[count++] = (struct bridge_range){aperture[i]->space, aperture[i]->first,
                                                   aperture[i]->first + (aperture[i]->size - 1)};
        }
    }
    return count;
}

static bool overlap(const struct bridge_range *a, unsigned a_count, const struct bridge_range *b, unsigned b_count)
{
    for (unsigned i = 0; i < a_count; i++) {
        for (unsigned j = 0; j < b_count; j++) {
            if (&a[i] != &b[j] && a[i].space == b[j].space && a[i].first <= b[j].last && b[j].first <= a[i].last) {
                return true;
            }
        }
    }
    return false;
}

static bool wraps(uint64_t first, uint64_t size)
{
    return size != 0 && first + (size - 1) < first;
}

static const char *check_aperture(const struct bridge_aperture *aperture)
{
    if (wraps(aperture->first, aperture->size) || wraps(aperture->bus, aperture->size)) {
        return "an aperture ends beyond the last address";
    }
    if (aperture->size != 0 && aperture->space == BRIDGE_PORT &&
        (aperture->first >= IO_SIZE_MAX || aperture->size > IO_SIZE_MAX - aperture->first)) {
        return "an aperture ends beyond the last port, 0xffff";
    }
    if (aperture->space == BRIDGE_MEMORY && ((aperture->first | aperture->size) & PAGE_MASK) != 0) {
        return "an aperture does not begin and end with a page of 4 KiB";
    }
    return NULL;
}

/* Then an address of the bus would lie in two places for the processor, of which a BAR there decodes in one. */
static bool meet_on_bus(const struct bridge_aperture *a, const struct bridge_aperture *b)
{
    return a->size != 0 && b->size != 0 && a->bus <= b->bus + (b->size - 1) && b->bus <= a->bus + (a->size - 1);
}

static const char *check_apertures(const struct bridge_host_config *config)
{
    const struct bridge_aperture *aperture[] = {&config->io, &config->memory, &config->memory64};
    struct bridge_range range[BRIDGE_RANGES];
    const char *reason = NULL;
    unsigned ranges;

    for (unsigned i = 0; i < sizeof(aperture) / sizeof(aperture[0]) && reason == NULL; i++) {
        reason = check_aperture(aperture[i]);
    }
    if (reason != NULL) {
        return reason;
    }
    if (config->io.size != 0 && config->io.bus + (config->io.size - 1) >= IO_SIZE_MAX) {
        return "the I/O aperture ends beyond the last address of the bus's I/O space, 0xffff";
    }
    if (config->memory.size != 0 && config->memory.bus + (config->memory.size - 1) > UINT32_MAX) {
        return "the memory aperture is not below 4 GiB on the bus: what lies there is for memory64";
    }
    if ((config->memory.size != 0 && config->memory.space != BRIDGE_MEMORY) ||
        (config->memory64.size != 0 && config->memory64.space != BRIDGE_MEMORY)) {
        return "a memory aperture is in the processor's ports";
    }
    if (meet_on_bus(&config->memory, &config->memory64)) {
        return "memory and memory64 overlap on the bus";
    }
    if (config->memory.size == 0 && config->memory64.size != 0) {
        return "memory64 is there without memory: 32-bit BARs would have no place";
    }
    ranges = bridge_owned_ranges(config, range);
    if (overlap(range, ranges, range, ranges)) {
        return "its ports, its ECAM and its apertures overlap";
    }
    return NULL;
}

static const char *check_spis(const struct bridge_spis *spis)
{
    if (spis->count != 0 && spis->first < BRIDGE_SPI_FIRST) {
        return "an SPI is below 32: those are a processor's own interrupts";
    }
    if (spis->count != 0 && spis->first + spis->count - 1u > BRIDGE_SPI_LAST) {
        return "an SPI is above 991, the last that a guest of Xen can have";
    }
    return NULL;
}

const char *bridge_check_interrupts(const struct bridge_interrupts *interrupts)
{
    const struct bridge_spis *a = &interrupts->lines, *b = &interrupts->messages;

    if (check_spis(a) != NULL || check_spis(b) != NULL) {
        return check_spis(a) != NULL ? check_spis(a) : check_spis(b);
    }
    if (a->count != 0 && b->count != 0 && a->first < b->first + b->count && b->first < a->first + a->count) {
        return "lines and messages have an SPI in common: a line's is level-triggered, a message's edge-triggered";
    }
    if (b->count != 0 && ((interrupts->frame & PAGE_MASK) != 0 || wraps(interrupts->frame, BRIDGE_FRAME_SIZE))) {
        return "the message frame is not a page of 4 KiB";
    }
    return NULL;
}

/*
 * With 128 SPIs each pin of each device has its own. With fewer, devices next to each other have different ones, and so
 * have the pins of a device, as with the four lines of a PC: what has most use of it, the first pins of neighbours, is
 * shared last.
 */
unsigned bridge_line_spi(const struct bridge_host_config *config, unsigned device, unsigned pin)
{
    unsigned line = config->spis.count >= DEVICES * PINS ? device * PINS + pin : device + pin;

    return config->spis.first + (config->first_line + line) % config->spis.count;
}

unsigned bridge_line_period(const struct bridge_host_config *config)
{
    unsigned count = config->spis.count;

    return count <= DEVICES && (count & (count - 1)) == 0 ? count : DEVICES;
}

const char *bridge_check_host(const struct bridge_host_config *config)
{
    if (config->first_bus > config->last_bus) {
        return "its first bus is behind its last";
    }
    if (config->configuration_ports && config->segment != 0) {
        return "ports 0xcf8 and 0xcfc reach segment 0 alone: give it ECAM";
    }
    if (!config->configuration_ports && config->ecam == 0) {
        return "nothing reaches its configuration space: give it ECAM";
    }
    if (config->ecam != 0 && (config->ecam & (BUS_ECAM_SIZE - 1)) != 0) {
        return "its ECAM does not begin at a multiple of 1 MiB";
    }
    if (wraps(config->ecam, config->ecam == 0 ? 0 : bridge_ecam_size(config))) {
        return "its ECAM ends beyond the last address";
    }
    if (config->lines == BRIDGE_LINES_FOLDED && config->lines_device >= DEVICES) {
        return "its interrupt lines are those of a device beyond 1f";
    }
    if (config->lines == BRIDGE_LINES_SPIS && check_spis(&config->spis) != NULL) {
        return check_spis(&config->spis);
    }
    return check_apertures(config);
}

const char *bridge_check_hosts(const struct bridge_host_config *a, const struct bridge_host_config *b)
{
    struct bridge_range of_a[BRIDGE_RANGES], of_b[BRIDGE_RANGES];

    if (strcmp(a->name, b->name) == 0) {
        return "two host bridges have the same name";
    }
    if (a->segment == b->segment && a->first_bus <= b->last_bus && b->first_bus <= a->last_bus) {
        return "two host bridges of one segment have the same buses";
    }
    if (overlap(of_a, bridge_owned_ranges(a, of_a), of_b, bridge_owned_ranges(b, of_b))) {
        return "the ports, the ECAM or an aperture of one host bridge overlap those of another";
    }
    return NULL;
}

void bridge_default_host(struct bridge_host_config *config, bool alone, bool lines)
{
    *config = (struct bridge_host_config){
        .name = BRIDGE_DEFAULT_NAME,
        .last_bus = 0xff,
        .configuration_ports = true,
        .address_port = alone,
        .host_bridge_shown = alone,
        .lines = lines ? BRIDGE_LINES_DIRECT : BRIDGE_LINES_NONE,
    };
}
