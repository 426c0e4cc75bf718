/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libxl's command line of a device model, see arguments.h.
 */
#include "launcher/arguments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INCOMING_SUFFIX "--incoming" /* xl gives a guest that arrives this name until it is there */

static bool parse_domain(const char *text, unsigned *domain)
{
    char *end;
    unsigned long number;

    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    errno = 0;
    number = strtoul(text, &end, 10);
    if (errno != 0 || *end != 0 || number > HIGHEST_DOMAIN) {
        return false;
    }
    *domain = (unsigned)number;
    return true;
}

void arguments_read(struct arguments *arguments, int argc, char *const *argv)
{
    bool attach = false;

    *arguments = (struct arguments){.name = ""};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(argv[i], "-xen-attach") == 0) {
            attach = true;
        } else if (value == NULL) {
            continue;
        } else if (strcmp(argv[i], "-xen-domid") == 0) {
            arguments->starts_guest = parse_domain(value, &arguments->domain);
            i++;
        } else if (strcmp(argv[i], "-name") == 0) {
            arguments->name = value;
            i++;
        } else if (strcmp(argv[i], "-incoming") == 0) {
            arguments->incoming = true;
            i++;
        }
    }
    arguments->starts_guest = arguments->starts_guest && !attach;
    arguments->name_length = strlen(arguments->name);
    size_t suffix = strlen(INCOMING_SUFFIX);
    if (arguments->incoming && arguments->name_length > suffix &&
        strcmp(arguments->name + arguments->name_length - suffix, INCOMING_SUFFIX) == 0) {
        arguments->name_length -= suffix;
    }
}

bool arguments_name_is_file(const struct arguments *arguments)
{
    return arguments->name_length > 0 && arguments->name[0] != '.' &&
           memchr(arguments->name, '/', arguments->name_length) == NULL;
}
