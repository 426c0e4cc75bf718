/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What people can tell a console, see console.h. A verb is called on the main loop: it changes what is looked at, and has
 * the queues' loop look.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "console.h"

static void look(struct console *console)
{
    console->host->post(console->host->queue_loop(console->device, 0), &console->look);
}

/* The index of a port by its name or number; PORTS: there is none. */
static unsigned find_port(const struct console *console, const char *name)
{
    unsigned index = 0;

    for (; index < console->ports; index++) {
        const char *own = console->port[index].property_name;
        const char number[2] = {(char)('0' + index), 0};
        bool exists = index == 0 || console->port[index].property_stream != NULL;

        if (exists && (strcmp(number, name) == 0 || (own[0] != 0 && strcmp(own, name) == 0))) {
            return index;
        }
    }
    return PORTS;
}

static int set_port(struct ioreqd_device *device, void *state, const struct ioreqd_value *value, char *reason,
                    size_t size)
{
    struct console *console = state;
    unsigned index = find_port(console, value[0].text);

    (void)device;
    if (index == PORTS) {
        snprintf(reason, size, "there is no port %.63s: give the number or the name of one", value[0].text);
        return -ENOENT;
    }
    if (strcmp(value[1].text, "close") == 0) {
        atomic_fetch_or(&console->closed, 1u << index);
    } else {
        atomic_fetch_and(&console->closed, ~(1u << index));
    }
    look(console);
    return 0;
}

static int set_size(struct ioreqd_device *device, void *state, const struct ioreqd_value *value, char *reason,
                    size_t size)
{
    struct console *console = state;

    (void)device;
    if (atomic_load(&console->size) == 0) { /* a driver that was not offered sizes at first is not offered them later */
        snprintf(reason, size, "its size is that of its terminal: start it with size=COLUMNSxROWS to change it here");
        return -ENOTSUP;
    }
    atomic_store(&console->size, (uint32_t)value[0].number << 16 | (uint32_t)value[1].number);
    look(console);
    return 0;
}

static const char *const port_states[] = {"open", "close", NULL};

static const struct ioreqd_parameter port_parameters[] = {
    {.name = "port",
     .help = "number or name of the port; 0 is the console",
     .kind = IOREQD_PROPERTY_STRING,
     .flags = IOREQD_PARAMETER_REQUIRED},
    {.name = "state",
     .help = "close: as if nobody were at the other end; open: as it is",
     .choice = port_states,
     .kind = IOREQD_PROPERTY_STRING,
     .flags = IOREQD_PARAMETER_REQUIRED},
    {.name = NULL},
};

static const struct ioreqd_parameter size_parameters[] = {
    {.name = "columns",
     .help = "characters of a line",
     .kind = IOREQD_PROPERTY_U32,
     .flags = IOREQD_PARAMETER_REQUIRED,
     .minimum = 1,
     .maximum = UINT16_MAX},
    {.name = "rows",
     .help = "lines",
     .kind = IOREQD_PROPERTY_U32,
     .flags = IOREQD_PARAMETER_REQUIRED,
     .minimum = 1,
     .maximum = UINT16_MAX},
    {.name = NULL},
};

const struct ioreqd_verb console_verbs[] = {
    {.name = "port",
     .help = "close a port for the guest, or open it again",
     .parameter = port_parameters,
     .run = set_port},
    {.name = "size",
     .help = "the size of consoles whose stream does not tell one",
     .parameter = size_parameters,
     .run = set_size},
    {.name = NULL},
};
