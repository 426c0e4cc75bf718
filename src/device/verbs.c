/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What people can have a running device do: the verbs of its model, and those that every device has that works on a file
 * or a network, which need no code in a model. On the main thread.
 */
#include "device/statistics.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "device/device_private.h"
#include "device/file.h"
#include "device/network.h"

static int resize(struct ioreqd_device *device, void *state, const struct ioreqd_value *value, char *reason,
                  size_t size)
{
    (void)state;
    return file_resize(device->file[0], value[0].given != 0 ? &value[0].number : NULL, value[1].number != 0, reason,
                       size);
}

static int set_link(struct ioreqd_device *device, void *state, const struct ioreqd_value *value, char *reason,
                    size_t size)
{
    (void)state;
    (void)reason;
    (void)size;
    network_pull(device->network[0], strcmp(value[0].text, "down") == 0);
    return 0;
}

static const struct ioreqd_parameter resize_parameters[] = {
    {.name = "size",
     .help = "bytes that an image file is to have; without, only look how many it has now",
     .kind = IOREQD_PROPERTY_SIZE,
     .minimum = 512},
    {.name = "shrink", .help = "it may be fewer than before", .kind = IOREQD_PROPERTY_BOOL},
    {.name = NULL},
};

static const char *const link_states[] = {"up", "down", NULL};

static const struct ioreqd_parameter link_parameters[] = {
    {.name = "state",
     .help = "down: as if the cable were pulled; up: as the network has it",
     .choice = link_states,
     .kind = IOREQD_PROPERTY_STRING,
     .flags = IOREQD_PARAMETER_REQUIRED},
    {.name = NULL},
};

static const struct ioreqd_verb of_files = {
    .name = "resize",
    .help = "have the guest see the size of the disk's file, and change it before",
    .parameter = resize_parameters,
    .run = resize,
};

static const struct ioreqd_verb of_networks = {
    .name = "link",
    .help = "take the link from the network card, or give it back",
    .parameter = link_parameters,
    .run = set_link,
};

const struct ioreqd_verb *device_verb(const struct ioreqd_device *device, size_t index)
{
    const struct ioreqd_verb *verb = IOREQD_HAS(device->model, verb) ? device->model->verb : NULL;

    for (; verb != NULL && verb->name != NULL; verb++) {
        if (index-- == 0) {
            return verb;
        }
    }
    /* A device with several would have to be told which: it then needs verbs of its own. */
    if (device->files == 1 && index-- == 0) {
        return &of_files;
    }
    if (device->networks == 1 && index-- == 0) {
        return &of_networks;
    }
    return NULL;
}

int device_run_verb(struct ioreqd_device *device, const struct ioreqd_verb *verb, const struct ioreqd_value *value,
                    char *reason, size_t size)
{
    int rc;

    reason[0] = 0;
    if (device->phase != DEVICE_RUNNING) {
        snprintf(reason, size, "the device does not run now: it is %s", device_condition(device));
        return -EBUSY;
    }
    rc = verb->run(device, device->state, value, reason, size);
    if (rc < 0 && reason[0] == 0) {
        snprintf(reason, size, "%s", strerror(-rc));
    }
    return rc;
}
