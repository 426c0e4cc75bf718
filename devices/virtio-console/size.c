/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The size of a console's terminal, see console.h: what the stream says, or the property where that says nothing. Port
 * 0's is in the device configuration too, which is the main loop's (virtio 1.4 §5.3.6).
 */
#include <errno.h>
#include <stdio.h>

#include "console.h"

uint32_t size_look(const struct port *port)
{
    const struct console *console = port->console;
    uint16_t columns, rows;

    if (port->property_stream != NULL && console->host->stream_size(port->property_stream, &columns, &rows) == 0 &&
        columns != 0 && rows != 0) {
        return (uint32_t)columns << 16 | rows;
    }
    return atomic_load(&console->size);
}

void size_update(struct port *port)
{
    struct console *console = port->console;
    uint32_t size = port->is_console ? size_look(port) : 0;

    if (size == port->size) {
        return;
    }
    port->size = size;
    if (port->index == 0) {
        atomic_store(&console->new_size, size);
        console->host->post(console->host->main_loop(console->device), &console->resize);
    }
}

void size_publish(void *argument)
{
    struct console *console = argument;
    uint32_t size = atomic_load(&console->new_size);
    const uint8_t bytes[4] = {(uint8_t)(size >> 16), (uint8_t)(size >> 24), (uint8_t)size, (uint8_t)(size >> 8)};
    bool changed = false;

    if (console->resting) {
        return; /* resume() looks again */
    }
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        changed |= console->config[CONFIG_COLUMNS + i] != bytes[i];
        console->config[CONFIG_COLUMNS + i] = bytes[i];
    }
    if (changed && ioreqd_virtio_negotiated(&console->virtio, F_SIZE)) {
        ioreqd_virtio_config_changed(&console->virtio);
    }
}

int size_parse(struct console *console)
{
    unsigned columns, rows;
    int end = 0;

    if (console->property_size[0] == 0) {
        return 0;
    }
    if (sscanf(console->property_size, "%5ux%5u%n", &columns, &rows, &end) != 2 || console->property_size[end] != 0 ||
        columns == 0 || rows == 0 || columns > UINT16_MAX || rows > UINT16_MAX) {
        console->host->property_error(console->device, "size",
                                      "\"%s\" is no size: give columns and rows, each up to 65535, as 80x25",
                                      console->property_size);
        return -EINVAL;
    }
    atomic_store(&console->size, (uint32_t)columns << 16 | rows);
    return 0;
}
