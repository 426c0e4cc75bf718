/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One host bridge, from the argument of a --bridge or from a section of the file, and checks of all of them, see
 * bridge_option.h. Which host bridges can be is the bridge's own knowledge (bridge/host_config.h); here are the keys,
 * their defaults, and that bridge pci is there.
 */
#include "config/bridge_option.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "config/arm_bridges.h"
#include "config/device_option.h"
#include "config/element.h"
#include "config/nearest.h"
#include "config/value.h"

#define LONGEST_NAME   (sizeof(((struct bridge_host_config *)NULL)->name) - 1)
#define LONGEST_NUMBER 31
#define MEMORY_PREFIX  "memory:"

struct key {
    const char *name;
    int (*set)(struct bridge_host_config *bridge, const char *key, const char *value, struct config_error *error);
};

/* ---- values ---- */

static int set_segment(struct bridge_host_config *bridge, const char *key, const char *value,
                       struct config_error *error)
{
    uint64_t number;

    if (!value_number(value, false, &number) || number > UINT16_MAX) {
        return config_error_bridge(error, bridge->name, key, value,
                                   "not a segment's number: give one from 1 to 65535, or leave segment out");
    }
    if (number == 0) {
        return config_error_bridge(error, bridge->name, key, value,
                                   "segment 0 with its buses 00 to ff belongs to bridge " CONFIG_BRIDGE_PCI
                                   ", which every guest has: give a segment from 1 to 65535, or leave segment out");
    }
    bridge->segment = (uint16_t)number;
    return 0;
}

/* Moves *at past one or two hexadecimal digits. */
static bool take_bus(const char **at, uint8_t *bus)
{
    const char *first = *at;

    *bus = 0;
    for (; isxdigit((unsigned char)**at) && *at - first < 2; (*at)++) {
        int digit = tolower((unsigned char)**at);

        *bus = (uint8_t)(*bus << 4 | (digit <= '9' ? digit - '0' : digit - 'a' + 10));
    }
    return *at != first;
}

static int set_buses(struct bridge_host_config *bridge, const char *key, const char *value, struct config_error *error)
{
    const char *at = value;

    if (!take_bus(&at, &bridge->first_bus) || *at++ != '-' || !take_bus(&at, &bridge->last_bus) || *at != 0) {
        return config_error_bridge(error, bridge->name, key, value,
                                   "not a range of buses: give FIRST-LAST in hexadecimal, 00 to ff, as 00-0f");
    }
    return 0;
}

static int set_ecam(struct bridge_host_config *bridge, const char *key, const char *value, struct config_error *error)
{
    if (!value_number(value, true, &bridge->ecam) || bridge->ecam == 0) {
        return config_error_bridge(error, bridge->name, key, value,
                                   "not an address: give that of its configuration space in the guest's memory, a "
                                   "multiple of 1 MiB, as 0xe0000000");
    }
    return 0;
}

/* A copy of what stands before the first of stop, or all of it; *text moves on to there. False: it is too long. */
static bool take_part(const char **text, const char *stop, char part[LONGEST_NUMBER + 1])
{
    size_t length = strcspn(*text, stop);

    if (length > LONGEST_NUMBER) {
        return false;
    }
    memcpy(part, *text, length);
    part[length] = 0;
    *text += length;
    return true;
}

/* ADDRESS+SIZE[@BUS]; a bus address that is not given is bus. */
static bool parse_aperture(const char *text, struct bridge_aperture *aperture, bool same_bus)
{
    char part[LONGEST_NUMBER + 1];

    if (!take_part(&text, "+", part) || !value_number(part, true, &aperture->first) || *text++ != '+' ||
        !take_part(&text, "@", part) || !value_number(part, true, &aperture->size) || aperture->size == 0) {
        return false;
    }
    aperture->bus = same_bus ? aperture->first : 0;
    if (*text == 0) {
        return true;
    }
    return value_number(text + 1, true, &aperture->bus);
}

static int set_memory(struct bridge_host_config *bridge, const char *key, const char *value, struct config_error *error)
{
    struct bridge_aperture *aperture = strcmp(key, "memory") == 0 ? &bridge->memory : &bridge->memory64;

    aperture->space = BRIDGE_MEMORY;
    if (!parse_aperture(value, aperture, true)) {
        return config_error_bridge(error, bridge->name, key, value,
                                   "not an aperture: give ADDRESS+SIZE, as 0xe1000000+16M, and @BUS after it where "
                                   "its bus address is another");
    }
    return 0;
}

static int set_io(struct bridge_host_config *bridge, const char *key, const char *value, struct config_error *error)
{
    bool memory = strncmp(value, MEMORY_PREFIX, strlen(MEMORY_PREFIX)) == 0;

    bridge->io.space = memory ? BRIDGE_MEMORY : BRIDGE_PORT;
    if (!parse_aperture(memory ? value + strlen(MEMORY_PREFIX) : value, &bridge->io, !memory)) {
        return config_error_bridge(error, bridge->name, key, value,
                                   "not an aperture: give the first port and the size, as 0xe000+4k, or, where the "
                                   "processor reaches it as memory, memory:ADDRESS+SIZE, and @BUS after either where "
                                   "its bus address is another");
    }
    return 0;
}

static int set_intx(struct bridge_host_config *bridge, const char *key, const char *value, struct config_error *error)
{
    const char *at = value;

    if (strcmp(value, "off") == 0) {
        bridge->lines = BRIDGE_LINES_NONE;
        return 0;
    }
    bridge->lines = BRIDGE_LINES_FOLDED;
    if (!take_bus(&at, &bridge->lines_device) || *at != 0 || bridge->lines_device > 0x1f) {
        return config_error_bridge(error, bridge->name, key, value,
                                   "not a device of bus 0: give the one, 0 to 1f in hexadecimal, whose interrupt lines "
                                   "it uses, or off");
    }
    return 0;
}

static const struct key keys[] = {
    {"segment", set_segment}, {"buses", set_buses}, {"ecam", set_ecam}, {"memory", set_memory},
    {"memory64", set_memory}, {"io", set_io},       {"intx", set_intx},
};

#define KEYS      (sizeof(keys) / sizeof(keys[0]))
#define KEY_NAMES "segment, buses, ecam, memory, memory64, io, intx"

/* ---- one option ---- */

static int check_name(const char *name, struct config_error *error)
{
    if (name[0] == 0) {
        return config_error_set(error, EXIT_STATUS_CONFIGURATION,
                                "--bridge: the name is missing: give NAME[,KEY=VALUE]..., as pcie1,ecam=0xe0000000");
    }
    if (strchr(name, '=') != NULL) {
        return config_error_bridge(error, name, NULL, NULL,
                                   "the name is missing: give NAME[,KEY=VALUE]..., as pcie1,ecam=0xe0000000");
    }
    if (!config_device_is_name(name, true)) {
        return config_error_bridge(error, name, NULL, NULL,
                                   "a name has letters, digits, - and _ only: give one, as pcie1");
    }
    if (strlen(name) > LONGEST_NAME) {
        return config_error_bridge(error, name, NULL, NULL, "a name has at most %zu characters: give a shorter one",
                                   LONGEST_NAME);
    }
    if (strcmp(name, CONFIG_BRIDGE_PCI) == 0) {
        return config_error_bridge(error, name, NULL, NULL,
                                   "every guest has bridge " CONFIG_BRIDGE_PCI
                                   " already, as it is: give the new one another name");
    }
    return 0;
}

static int unknown_key(const struct bridge_host_config *bridge, const char *key, const char *value,
                       struct config_error *error)
{
    struct nearest nearest;

    nearest_begin(&nearest, key);
    for (size_t i = 0; i < KEYS; i++) {
        nearest_offer(&nearest, keys[i].name);
    }
    if (nearest.name != NULL) {
        return config_error_bridge(error, bridge->name, key, value, "unknown key: is %s meant? The keys are " KEY_NAMES,
                                   nearest.name);
    }
    return config_error_bridge(error, bridge->name, key, value, "unknown key: the keys are " KEY_NAMES);
}

int config_bridge_set(struct bridge_host_config *bridge, const char *key, const char *value, uint32_t *seen,
                      struct config_error *error)
{
    if (value[0] == 0) {
        return config_error_bridge(error, bridge->name, key, "", "the value is empty: give one, or leave the key out");
    }
    for (size_t i = 0; i < KEYS; i++) {
        if (strcmp(keys[i].name, key) != 0) {
            continue;
        }
        if ((*seen & UINT32_C(1) << i) != 0) {
            return config_error_bridge(error, bridge->name, key, value, "the key is given twice: give it once");
        }
        *seen |= UINT32_C(1) << i;
        return keys[i].set(bridge, key, value, error);
    }
    return unknown_key(bridge, key, value, error);
}

const char *config_bridge_key(size_t index)
{
    _Static_assert(KEYS <= 32, "config_bridge_set() has a bit for each key");
    return index < KEYS ? keys[index].name : NULL;
}

/* element is KEY=VALUE, and is taken apart in its place. */
static int apply(struct bridge_host_config *bridge, char *element, uint32_t *seen, struct config_error *error)
{
    char *equals = strchr(element, '=');

    if (element[0] == 0) {
        return config_error_bridge(error, bridge->name, NULL, NULL, "nothing stands after a comma: remove the comma");
    }
    if (equals == NULL) {
        return config_error_bridge(error, bridge->name, element, NULL, "a value is missing: give KEY=VALUE");
    }
    *equals = 0;
    return config_bridge_set(bridge, element, equals + 1, seen, error);
}

int config_bridge_begin(struct bridge_host_config *bridge, const char *name, struct config_error *error)
{
    *bridge = (struct bridge_host_config){.lines = BRIDGE_LINES_SPIS}; /* where there are such, until intx says more */
    if (check_name(name, error) < 0) {
        return -1;
    }
    memcpy(bridge->name, name, strlen(name) + 1);
    return 0;
}

int config_bridge_parse(const char *text, struct bridge_host_config *bridge, struct config_error *error)
{
    const char *rest = text;
    char *element = element_take(&rest);
    uint32_t seen = 0;
    int result;

    *bridge = (struct bridge_host_config){.lines = BRIDGE_LINES_SPIS}; /* where there are such, until intx says more */
    if (element == NULL) {
        return config_error_memory(error);
    }
    result = config_bridge_begin(bridge, element, error);
    free(element);
    while (result == 0 && rest != NULL) {
        element = element_take(&rest);
        if (element == NULL) {
            return config_error_memory(error);
        }
        result = apply(bridge, element, &seen, error);
        free(element);
    }
    return result;
}

/* ---- all of them ---- */

const struct bridge_host_config *config_bridge_by_name(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->bridges; i++) {
        if (strcmp(config->bridge[i].name, name) == 0) {
            return &config->bridge[i];
        }
    }
    return NULL;
}

/* The lowest segment that nobody has. */
static int give_segment(struct config *config, struct bridge_host_config *bridge, struct config_error *error)
{
    for (unsigned segment = 1; segment <= UINT16_MAX; segment++) {
        bool used = config->machine == BRIDGE_MACHINE_ARM && segment == BRIDGE_ARM_SEGMENT;

        for (size_t i = 0; i < config->bridges; i++) {
            used = used || config->bridge[i].segment == segment;
        }
        if (!used) {
            bridge->segment = (uint16_t)segment;
            return 0;
        }
    }
    return config_error_bridge(error, bridge->name, NULL, NULL, "all segments are taken: leave some bridges out");
}

static int check_alone(const struct bridge_host_config *bridge, struct config_error *error)
{
    const char *reason;

    if (bridge->ecam == 0) {
        return config_error_bridge(error, bridge->name, NULL, NULL,
                                   "ecam is missing: add ecam=ADDRESS: where its configuration space lies in the "
                                   "guest's memory, 1 MiB a bus");
    }
    if (bridge->memory.size == 0) {
        return config_error_bridge(error, bridge->name, NULL, NULL,
                                   "memory is missing: add memory=ADDRESS+SIZE: where the guest can place the "
                                   "registers of devices");
    }
    reason = bridge_check_host(bridge);
    return reason == NULL ? 0 : config_error_bridge(error, bridge->name, NULL, NULL, "%s", reason);
}

/* The bridge alone, and beside those before it. */
static int check(struct config *config, size_t index, struct config_error *error)
{
    struct bridge_host_config *bridge = &config->bridge[index];
    struct bridge_host_config pci;
    const char *reason;

    if (config->machine == BRIDGE_MACHINE_X86 && bridge->lines == BRIDGE_LINES_SPIS) {
        bridge->lines = BRIDGE_LINES_NONE;
    }
    if (check_alone(bridge, error) < 0) {
        return -1;
    }
    bridge_default_arm_host(&pci);
    reason = config->machine == BRIDGE_MACHINE_ARM ? bridge_check_hosts(&pci, bridge) : NULL;
    if (reason != NULL) {
        return config_error_bridge(error, bridge->name, NULL, NULL,
                                   "%s: bridge " CONFIG_BRIDGE_PCI ", which every guest has, is segment %u", reason,
                                   pci.segment);
    }
    for (size_t other = 0; other < index; other++) {
        reason = bridge_check_hosts(&config->bridge[other], bridge);
        if (reason != NULL) {
            return config_error_bridge(error, bridge->name, NULL, NULL, "%s: see %s %s", reason,
                                       config->bridge_place[other].file != NULL ? "bridge" : "--bridge",
                                       config->bridge[other].name);
        }
    }
    return 0;
}

int config_bridge_finish(struct config *config, struct config_error *error)
{
    for (size_t i = 0; i < config->bridges; i++) {
        if (config->bridge[i].segment == 0 && give_segment(config, &config->bridge[i], error) < 0) {
            config_error_move(error, &config->bridge_place[i], "bridge", config->bridge[i].name, NULL, NULL);
            return -1;
        }
    }
    if (config->machine == BRIDGE_MACHINE_ARM && config_arm_bridges_finish(config, error) < 0) {
        return -1;
    }
    for (size_t i = 0; i < config->bridges; i++) {
        if (check(config, i, error) < 0) {
            config_error_move(error, &config->bridge_place[i], "bridge", config->bridge[i].name, NULL, NULL);
            return -1;
        }
    }
    return 0;
}
