/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The key addr=[BUS:]DEV[.FN] of a device, in hexadecimal as lspci prints it. Main thread, see device_option.h.
 */
#include "config/device_option.h"

#include <ctype.h>
#include <string.h>

#define REMEDY "give [BUS:]DEV[.FN] in hexadecimal, "

/* Moves *at past the digits. Four of them can only be out of range, so more are not looked at. */
static bool take_number(const char **at, unsigned *number)
{
    const char *first = *at;

    *number = 0;
    for (; isxdigit((unsigned char)**at) && *at - first < 4; (*at)++) {
        int digit = tolower((unsigned char)**at);

        *number = *number << 4 | (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    }
    return *at != first;
}

static bool take_parts(const char *at, bool *has_bus, unsigned *bus, unsigned *number, unsigned *function)
{
    *has_bus = false;
    *bus = 0;
    *function = 0;
    if (!take_number(&at, number)) {
        return false;
    }
    if (*at == ':') {
        at++;
        *has_bus = true;
        *bus = *number;
        if (!take_number(&at, number)) {
            return false;
        }
    }
    if (*at == '.') {
        at++;
        if (!take_number(&at, function)) {
            return false;
        }
    }
    return *at == 0;
}

int config_device_parse_addr(struct config_device *device, const char *text, struct config_error *error)
{
    unsigned bus, number, function;

    if (!take_parts(text, &device->has_bus, &bus, &number, &function)) {
        return config_error_device(error, device, "addr", text, "not an address: " REMEDY "as 10, 10.1 or 00:10.0");
    }
    if (bus > 0xff) {
        return config_error_device(error, device, "addr", text, "bus %x is out of range: " REMEDY "BUS from 0 to ff",
                                   bus);
    }
    if (number > 0x1f) {
        return config_error_device(error, device, "addr", text, "device %x is out of range: " REMEDY "DEV from 0 to 1f",
                                   number);
    }
    if (function > 7) {
        return config_error_device(error, device, "addr", text, "function %x is out of range: " REMEDY "FN from 0 to 7",
                                   function);
    }
    device->has_addr = true;
    device->function = (uint16_t)(number << 3 | function);
    device->bus = (uint8_t)bus;
    return 0;
}
