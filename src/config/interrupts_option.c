/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes the argument of --interrupts apart, see interrupts_option.h. Which SPIs can be is the bridge's own knowledge
 * (bridge/host_config.h); whether the guest has them, Xen's, once there is one.
 */
#include "config/interrupts_option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/element.h"
#include "config/value.h"

static int fail(struct config_error *error, const char *key, const char *value, const char *reason)
{
    char what[256];

    snprintf(what, sizeof(what), "%s%s%s", key, value != NULL ? "=" : "", value != NULL ? value : "");
    return config_error_option(error, "--interrupts", what, "%s", reason);
}

/* FIRST-LAST, or off. False: it is neither. */
static bool parse_spis(char *text, struct bridge_spis *spis)
{
    char *dash = strchr(text, '-');
    uint64_t first, last;
    bool good;

    if (strcmp(text, "off") == 0) {
        *spis = (struct bridge_spis){0};
        return true;
    }
    if (dash == NULL) {
        return false;
    }
    *dash = 0;
    good =
        value_number(text, false, &first) && value_number(dash + 1, false, &last) && first <= last && last < UINT16_MAX;
    *dash = '-';
    if (good) {
        *spis = (struct bridge_spis){.first = (uint16_t)first, .count = (uint16_t)(last - first + 1)};
    }
    return good;
}

static int apply(struct bridge_interrupts *interrupts, char *element, struct config_error *error)
{
    char *equals = strchr(element, '=');
    char *value = equals == NULL ? NULL : equals + 1;
    bool intx, msi;

    if (equals == NULL) {
        return fail(error, element, NULL, "a value is missing: give KEY=VALUE: the keys are intx, msi and frame");
    }
    *equals = 0;
    intx = strcmp(element, "intx") == 0;
    msi = strcmp(element, "msi") == 0;
    if (intx || msi) {
        return parse_spis(value, intx ? &interrupts->lines : &interrupts->messages)
                   ? 0
                   : fail(error, element, value, "not a range of SPIs: give FIRST-LAST, 32 to 991, as 48-63, or off");
    }
    if (strcmp(element, "frame") != 0) {
        return fail(error, element, value, "unknown key: the keys are intx, msi and frame");
    }
    return value_number(value, true, &interrupts->frame)
               ? 0
               : fail(error, element, value,
                      "not an address: give that of the message frame in the guest's memory, as 0xa000000");
}

int config_interrupts_parse(const char *text, struct bridge_interrupts *interrupts, struct config_error *error)
{
    const char *rest = text;
    const char *reason;
    int result = 0;

    while (result == 0 && rest != NULL) {
        char *element = element_take(&rest);

        if (element == NULL) {
            return config_error_memory(error);
        }
        result = apply(interrupts, element, error);
        free(element);
    }
    if (result != 0) {
        return result;
    }
    reason = bridge_check_interrupts(interrupts);
    if (reason != NULL) {
        return config_error_option(error, "--interrupts", text, "%s: choose other numbers for intx, msi or frame",
                                   reason);
    }
    if (interrupts->lines.count == 0 && interrupts->messages.count == 0) {
        return config_error_option(error, "--interrupts", text,
                                   "intx and msi are off, and devices without interrupts: leave one on");
    }
    return 0;
}
