/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the host bridges of an Arm guest lie, see arm_bridges.h. All that is chosen here depends on the command line
 * alone, so that --describe says of the same one what a guest is served.
 */
#include "config/arm_bridges.h"

#include <inttypes.h>
#include <stdio.h>

#include "hypervisor/arm_layout.h"

/* What a user, or a default, has taken of the guest's addresses. */
struct owner {
    const char *what;
    const char *name;
};

/* Whether a host bridge other than except, or the message frame, has a part of the range; who: filled in then. */
static bool is_taken(const struct config *config, const struct bridge_host_config *except, uint64_t first,
                     uint64_t last, struct owner *who)
{
    struct bridge_range range[BRIDGE_RANGES];
    struct bridge_host_config pci;

    bridge_default_arm_host(&pci);
    for (size_t i = 0; i <= config->bridges; i++) {
        const struct bridge_host_config *bridge = i == 0 ? &pci : &config->bridge[i - 1];
        unsigned ranges = bridge == except ? 0 : bridge_owned_ranges(bridge, range);

        for (unsigned j = 0; j < ranges; j++) {
            if (first <= range[j].last && range[j].first <= last) {
                *who = (struct owner){"of host bridge ", i == 0 ? CONFIG_BRIDGE_PCI : bridge->name};
                return true;
            }
        }
    }
    *who = (struct owner){"of the message frame: see --interrupts", ""};
    return config->interrupts.messages.count != 0 && config->interrupts.frame <= last &&
           first <= config->interrupts.frame + (BRIDGE_FRAME_SIZE - 1);
}

/* ---- what was given ---- */

static int check_window(const struct config *config, const struct bridge_host_config *bridge, const char *key,
                        uint64_t first, uint64_t size, struct config_error *error)
{
    const struct arm_region *region;
    struct owner who;
    char value[48];

    if (size == 0 || first + (size - 1) < first) {
        return 0; /* not there, or told by bridge_check_host() */
    }
    snprintf(value, sizeof(value), "%#" PRIx64 "+%#" PRIx64, first, size);
    region = arm_layout_find(first, first + (size - 1));
    if (region != NULL) {
        return config_error_bridge(
            error, bridge->name, key, value,
            "%s of an Arm guest is there, %#" PRIx64 " to %#" PRIx64 ": choose a range in %s, or leave %s out",
            region->what, region->first, region->first + (region->size - 1), arm_layout_free, key);
    }
    if (is_taken(config, bridge, first, first + (size - 1), &who)) {
        return config_error_bridge(error, bridge->name, key, value,
                                   "a part of it is that %s%s: choose a range that nobody has, or leave %s out",
                                   who.what, who.name, key);
    }
    return 0;
}

static int check_windows(const struct config *config, const struct bridge_host_config *bridge,
                         struct config_error *error)
{
    if (bridge->io.size != 0 && bridge->io.space == BRIDGE_PORT) {
        return config_error_bridge(error, bridge->name, "io", NULL,
                                   "an Arm guest has no ports: give memory:ADDRESS+SIZE, or leave io out");
    }
    if (check_window(config, bridge, "ecam", bridge->ecam, bridge->ecam != 0 ? bridge_ecam_size(bridge) : 0, error) !=
            0 ||
        check_window(config, bridge, "memory", bridge->memory.first, bridge->memory.size, error) != 0 ||
        check_window(config, bridge, "memory64", bridge->memory64.first, bridge->memory64.size, error) != 0) {
        return -1;
    }
    return check_window(config, bridge, "io", bridge->io.first, bridge->io.size, error);
}

static int check_frame(const struct config *config, struct config_error *error)
{
    const struct bridge_interrupts *interrupts = &config->interrupts;
    const struct arm_region *region = arm_layout_find(interrupts->frame, interrupts->frame + (BRIDGE_FRAME_SIZE - 1));
    struct bridge_range range[BRIDGE_RANGES];
    struct bridge_host_config pci;
    unsigned ranges;

    if (interrupts->messages.count == 0) {
        return 0;
    }
    if (region != NULL) {
        return config_error_set(error, EXIT_STATUS_CONFIGURATION,
                                "--interrupts frame=%#" PRIx64 ": %s of an Arm guest is there, %#" PRIx64
                                " to %#" PRIx64 ": choose a page in %s, or leave frame out",
                                interrupts->frame, region->what, region->first, region->first + (region->size - 1),
                                arm_layout_free);
    }
    bridge_default_arm_host(&pci);
    ranges = bridge_owned_ranges(&pci, range);
    for (unsigned i = 0; i < ranges; i++) {
        if (interrupts->frame <= range[i].last && range[i].first <= interrupts->frame) {
            return config_error_set(error, EXIT_STATUS_CONFIGURATION,
                                    "--interrupts frame=%#" PRIx64 ": host bridge " CONFIG_BRIDGE_PCI
                                    " is there: choose another page, or leave frame out",
                                    interrupts->frame);
        }
    }
    return 0;
}

/* ---- what was not ---- */

static int choose(const struct config *config, const struct bridge_host_config *bridge, enum bridge_window window,
                  const char *key, uint64_t *first, uint64_t *size, struct config_error *error)
{
    struct owner who;

    for (unsigned turn = 0; bridge_arm_window(window, turn, first, size); turn++) {
        if (!is_taken(config, NULL, *first, *first + (*size - 1), &who)) {
            return 0;
        }
    }
    *size = 0;
    return config_error_bridge(error, bridge->name, NULL, NULL,
                               "no place is left where bridges have their %s: add %s=: free are %s", key, key,
                               arm_layout_free);
}

static int choose_aperture(const struct config *config, const struct bridge_host_config *bridge,
                           enum bridge_window window, const char *key, struct bridge_aperture *aperture,
                           struct config_error *error)
{
    uint64_t first, size;

    if (aperture->size != 0) {
        return 0;
    }
    if (choose(config, bridge, window, key, &first, &size, error) != 0) {
        return -1;
    }
    *aperture = (struct bridge_aperture){
        .space = BRIDGE_MEMORY, .first = first, .bus = window == BRIDGE_WINDOW_IO ? 0 : first, .size = size};
    return 0;
}

static int choose_ecam(const struct config *config, struct bridge_host_config *bridge, struct config_error *error)
{
    uint64_t first, size;

    if (bridge->ecam != 0) {
        return 0;
    }
    if (choose(config, bridge, BRIDGE_WINDOW_ECAM, "ecam", &first, &size, error) != 0) {
        return -1;
    }
    if (bridge_ecam_size(bridge) > size) {
        return config_error_bridge(error, bridge->name, NULL, NULL,
                                   "the configuration space of more than 8 buses has no place of its own: add ecam=, "
                                   "1 MiB a bus, or give it fewer buses: free are %s",
                                   arm_layout_free);
    }
    bridge->ecam = first;
    return 0;
}

int config_arm_bridges_finish(struct config *config, struct config_error *error)
{
    if (check_frame(config, error) != 0) {
        return -1;
    }
    for (size_t i = 0; i < config->bridges; i++) {
        if (check_windows(config, &config->bridge[i], error) != 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < config->bridges; i++) {
        struct bridge_host_config *bridge = &config->bridge[i];

        if (bridge->lines == BRIDGE_LINES_FOLDED) {
            return config_error_bridge(error, bridge->name, "intx", NULL,
                                       "the lines of an Arm guest are SPIs, which --interrupts gives all bridges: give "
                                       "off, or leave intx out");
        }
        if (choose_ecam(config, bridge, error) != 0 ||
            choose_aperture(config, bridge, BRIDGE_WINDOW_IO, "io", &bridge->io, error) != 0 ||
            choose_aperture(config, bridge, BRIDGE_WINDOW_MEMORY, "memory", &bridge->memory, error) != 0 ||
            choose_aperture(config, bridge, BRIDGE_WINDOW_MEMORY64, "memory64", &bridge->memory64, error) != 0) {
            return -1;
        }
        if (bridge->lines == BRIDGE_LINES_SPIS) {
            bridge_give_lines(bridge, &config->interrupts.lines, (unsigned)i + 1, (unsigned)config->bridges + 1);
        }
    }
    return 0;
}
