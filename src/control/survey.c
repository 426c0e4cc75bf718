/* SPDX-License-Identifier: BSD-2-Clause */
/* The method "bridges": what there is of PCI, with the names that people gave it. */
#include "bridge/survey.h"

#include <stdio.h>

#include "control/control_private.h"
#include "device/statistics.h"

/* PCI 3.0 appendix D. */
#define CLASS_HOST_BRIDGE 0x060000u

struct survey {
    const struct control *control;
    struct json_object *bridges;
    struct json_object *functions; /* of the host bridge at hand */
    const char *host;
};

static void add_aperture(struct json_object *list, const char *space, const struct bridge_aperture *aperture)
{
    struct json_object *object;

    if (aperture->size == 0) {
        return;
    }
    object = json_object_new_object();
    put_string(object, "space", space);
    put_number(object, "first", aperture->first);
    put_number(object, "bus", aperture->bus);
    put_number(object, "size", aperture->size);
    json_object_array_add(list, object);
}

static void on_host(void *context, const struct bridge_host_config *config)
{
    struct survey *survey = context;
    struct json_object *object = json_object_new_object(), *apertures = json_object_new_array();

    survey->host = config->name;
    survey->functions = json_object_new_array();
    put_string(object, "name", config->name);
    put_number(object, "segment", config->segment);
    put_number(object, "first", config->first_bus);
    put_number(object, "last", config->last_bus);
    if (config->ecam != 0) {
        put_number(object, "ecam", config->ecam);
    }
    add_aperture(apertures, "memory", &config->memory);
    add_aperture(apertures, "memory64", &config->memory64);
    add_aperture(apertures, "io", &config->io);
    json_object_object_add(object, "apertures", apertures);
    json_object_object_add(object, "functions", survey->functions);
    json_object_array_add(survey->bridges, object);
}

/* The device behind the function, or NULL. */
static const struct ioreqd_device *device_at(const struct control *control, const struct bridge_function *function)
{
    for (size_t i = 0; i < worker_devices(control->worker); i++) {
        const char *bus;
        const struct ioreqd_device *device = worker_device(control->worker, i, &bus);

        if (device_function(device) == function) {
            return device;
        }
    }
    return NULL;
}

static void on_function(void *context, const struct survey_function *found)
{
    struct survey *survey = context;
    const struct ioreqd_device *device = device_at(survey->control, found->function);
    const char *port = found->root_port ? worker_port_id(survey->control->worker, survey->host, found->devfn) : NULL;
    struct json_object *object = json_object_new_object();
    struct bridge_place above;
    char text[16];

    put_string(object, "place", found->place.text);
    put_string(object, "kind",
               found->root_port                                           ? "port"
               : found->class_code == CLASS_HOST_BRIDGE && device == NULL ? "bridge"
                                                                          : "device");
    if (device != NULL) {
        put_string(object, "id", device_id(device));
        put_string(object, "model", device_model(device));
    } else if (port != NULL) {
        put_string(object, "id", port);
    }
    snprintf(text, sizeof(text), "%04x:%04x", found->vendor, found->device);
    put_string(object, "ids", text);
    snprintf(text, sizeof(text), "%06x", found->class_code & 0xffffffu);
    put_string(object, "class", text);
    if (found->above != NULL) {
        put_string(object, "behind", bridge_place(found->above, &above));
    }
    if (found->root_port) {
        put_number(object, "secondary", found->secondary);
    }
    put_flag(object, "reachable", found->numbered);
    put_number(object, "bars", found->bars);
    json_object_array_add(survey->functions, object);
}

struct json_object *method_bridges(const struct control *control)
{
    struct survey survey = {.control = control, .bridges = json_object_new_array()};
    struct json_object *result = json_object_new_object();

    bridge_survey(worker_environment(control->worker)->bridge, on_host, on_function, &survey);
    json_object_object_add(result, "bridges", survey.bridges);
    return result;
}
