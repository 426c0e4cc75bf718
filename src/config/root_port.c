/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of a root port, see root_port.h. They go the way of any model's keys, so that messages are the same.
 */
#include "config/root_port.h"

#include <stddef.h>

#include "config/property.h"

/* PCI Express 4.0 7.5.3.9: the Physical Slot Number has 13 bits, and 0 is no slot. */
#define LAST_SLOT 0x1fff

struct root_port_state {
    uint32_t slot;
};

static const struct ioreqd_property properties[] = {
    {.name = "slot",
     .help = "the number of its slot, as guests show it; without it the first that is free",
     .kind = IOREQD_PROPERTY_U32,
     .offset = offsetof(struct root_port_state, slot),
     .minimum = 1,
     .maximum = LAST_SLOT},
    {.name = NULL},
};

const struct ioreqd_model config_root_port_model = {
    .struct_size = sizeof(config_root_port_model),
    .abi = IOREQD_ABI,
    .name = CONFIG_ROOT_PORT_MODEL,
    .summary = "a PCI Express root port: a slot of its own for one device, which names it in bridge=",
    .state_size = sizeof(struct root_port_state),
    .property = properties,
};

int config_root_port_parse(struct config_device *device, struct config_error *error)
{
    struct root_port_state state = {0};

    if (property_parse(&config_root_port_model, device, &state, NULL, error) < 0) {
        return -1;
    }
    device->slot = (uint16_t)state.slot;
    return 0;
}
