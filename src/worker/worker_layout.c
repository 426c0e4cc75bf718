/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is to be placed, and placing it: a guest's SPIs, host bridges, root ports and devices. They are told one by one,
 * before the worker serves, and the bridge gets them all at once. All of it is the worker's, devices included, and is
 * touched on the main thread alone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/machine.h"
#include "worker/worker_private.h"

/* A bus that devices can be on, once it is there. */
struct worker_bus {
    const char *name;
    struct bridge_bus *bus;
};

int worker_add_host(struct worker *worker, const struct bridge_host_config *config)
{
    struct bridge_host_config *grown = realloc(worker->host, (worker->hosts + 1) * sizeof(*grown));

    if (grown == NULL) {
        return -ENOMEM;
    }
    worker->host = grown;
    worker->host[worker->hosts++] = *config;
    return 0;
}

void worker_set_interrupts(struct worker *worker, const struct bridge_interrupts *interrupts)
{
    worker->interrupts = *interrupts;
}

int worker_add_port(struct worker *worker, const char *id, const char *host, uint8_t devfn, unsigned slot)
{
    struct worker_port *grown = realloc(worker->port, (worker->ports + 1) * sizeof(*grown));
    struct worker_port *port;

    if (grown == NULL) {
        return -ENOMEM;
    }
    worker->port = grown;
    port = &grown[worker->ports++];
    *port = (struct worker_port){.devfn = devfn, .slot = slot};
    snprintf(port->id, sizeof(port->id), "%s", id);
    snprintf(port->host, sizeof(port->host), "%s", host != NULL ? host : BRIDGE_DEFAULT_NAME);
    return 0;
}

int worker_add_device(struct worker *worker, struct ioreqd_device *device, const char *bus, uint8_t devfn)
{
    struct worker_device **devices = realloc(worker->device, (worker->devices + 1) * sizeof(*devices));
    struct worker_device *entry = calloc(1, sizeof(*entry));

    if (devices != NULL) {
        worker->device = devices;
    }
    if (devices == NULL || entry == NULL) {
        free(entry);
        return -ENOMEM;
    }
    entry->device = device;
    snprintf(entry->bus, sizeof(entry->bus), "%s", bus != NULL ? bus : BRIDGE_DEFAULT_NAME);
    entry->devfn = devfn;
    devices[worker->devices++] = entry;
    return 0;
}

void worker_free_layout(struct worker *worker)
{
    for (size_t i = 0; i < worker->devices; i++) {
        device_destroy(worker->device[i]->device);
        free(worker->device[i]);
    }
    free(worker->device);
    free(worker->port);
    free(worker->host);
}

/* What the guest and its devices are, as a recording begins with it. */
static void record_layout(const struct worker *worker)
{
    struct recorder *recorder = worker->dispatch.recorder;

    recorder_guest(recorder, &worker->hypervisor->guest);
    for (size_t i = 0; i < worker->hosts; i++) {
        recorder_host(recorder, &worker->host[i]);
    }
    for (size_t i = 0; i < worker->ports; i++) {
        const struct worker_port *port = &worker->port[i];

        recorder_port(recorder, port->id, port->host, port->devfn, port->slot);
    }
    for (size_t i = 0; i < worker->devices; i++) {
        const struct worker_device *entry = worker->device[i];

        recorder_device(recorder, device_id(entry->device), entry->bus, entry->devfn);
    }
}

static int refuse(struct hypervisor_error *error, const char *what, int rc)
{
    const char *why = strerror(-rc);

    if (rc == -ENOSPC) {
        why = "the guest's ranges are used up (256 of a kind): give devices a host bridge with apertures, see --bridge";
    }
    error->failure = HYPERVISOR_REFUSED;
    snprintf(error->text, sizeof(error->text), "cannot place %s: %s", what, why);
    return -1;
}

/* A guest without an SPI would miss its interrupts: Xen tells of each whether it is there. To set it low does nothing. */
static int check_spis(struct worker *worker, const struct bridge_spis *spis, struct hypervisor_error *error)
{
    struct hypervisor *hypervisor = worker->hypervisor;

    for (unsigned spi = spis->first; spi < spis->first + (unsigned)spis->count; spi++) {
        int rc = hypervisor->ops->spi(hypervisor, spi, false);

        if (rc == 0) {
            continue;
        }
        error->failure = rc == -EINVAL ? HYPERVISOR_UNSUITABLE : HYPERVISOR_REFUSED;
        snprintf(error->text, sizeof(error->text),
                 "domain %u: SPI %u cannot be raised: %s: give the guest nr_spis = %u (Xen 4.17 to 4.19: vuart = "
                 "\"sbsa_uart\", which gives it 33 to 63), or choose others with --interrupts",
                 hypervisor->guest.domain, spi,
                 rc == -EINVAL ? "the guest has too few, or Xen uses it itself" : strerror(-rc),
                 spis->first + spis->count - BRIDGE_SPI_FIRST);
        return -1;
    }
    return 0;
}

static int add_interrupts(struct worker *worker, struct hypervisor_error *error)
{
    int rc;

    if (!worker->hypervisor->guest.spis) {
        return 0;
    }
    if (check_spis(worker, &worker->interrupts.lines, error) != 0 ||
        check_spis(worker, &worker->interrupts.messages, error) != 0) {
        return -1;
    }
    if (worker->interrupts.messages.count == 0) {
        return 0;
    }
    rc = bridge_add_frame(worker->environment.bridge, &worker->interrupts);
    return rc == 0 ? 0 : refuse(error, "the message frame", rc);
}

/* The root buses of all host bridges, that which every guest has first. */
static int add_hosts(struct worker *worker, struct worker_bus *buses, struct hypervisor_error *error)
{
    const struct hypervisor_guest *guest = &worker->hypervisor->guest;
    struct bridge_host_config first;
    struct bridge_host *host;
    char name[96];
    int rc;

    if (guest->memory_only) {
        bridge_default_arm_host(&first);
        bridge_give_lines(&first, &worker->interrupts.lines, 0, (unsigned)worker->hosts + 1);
    } else {
        bridge_default_host(&first, !guest->host_bridge, guest->intx);
    }
    for (size_t i = 0; i <= worker->hosts; i++) {
        const struct bridge_host_config *config = i == 0 ? &first : &worker->host[i - 1];

        rc = bridge_add_host(worker->environment.bridge, config, &host);
        if (rc != 0) {
            snprintf(name, sizeof(name), "the host bridge %s", config->name);
            return refuse(error, name, rc);
        }
        buses[i] = (struct worker_bus){bridge_host_config(host)->name, bridge_root_bus(host)};
    }
    return 0;
}

/* NULL: there is none of the name. */
static struct bridge_bus *find_bus(const struct worker_bus *buses, const char *name)
{
    while (buses->name != NULL && strcmp(buses->name, name) != 0) {
        buses++;
    }
    return buses->bus;
}

static int add_ports(struct worker *worker, struct worker_bus *buses, struct hypervisor_error *error)
{
    struct worker_bus *next = &buses[worker->hosts + 1];
    char name[2 * WORKER_BUS_NAME];

    for (size_t i = 0; i < worker->ports; i++, next++) {
        const struct worker_port *port = &worker->port[i];
        struct bridge_bus *bus = find_bus(buses, port->host);
        int rc = bus == NULL ? -ENODEV : bridge_add_port(bus, port->devfn, port->slot, &next->bus);

        if (rc != 0) {
            snprintf(name, sizeof(name), "root port %s", port->id);
            return refuse(error, name, rc);
        }
        next->name = port->id;
    }
    return 0;
}

static int start_devices(struct worker *worker, const struct worker_bus *buses, struct hypervisor_error *error)
{
    char name[3 * WORKER_BUS_NAME];

    for (size_t i = 0; i < worker->devices; i++) {
        struct worker_device *entry = worker->device[i];
        struct bridge_bus *bus = find_bus(buses, entry->bus);
        int rc = bus == NULL ? -ENODEV : device_start(entry->device, bus, entry->devfn);

        if (rc != 0) {
            snprintf(name, sizeof(name), "device %s at %02x.%x of %s", device_id(entry->device),
                     entry->devfn >> 3 & 0x1fu, entry->devfn & 7u, entry->bus);
            return refuse(error, name, rc);
        }
    }
    return 0;
}

int worker_place(struct worker *worker, struct hypervisor_error *error)
{
    /* The default host bridge, the others, the ports, and an end. */
    struct worker_bus *buses = calloc(worker->hosts + worker->ports + 2, sizeof(*buses));
    int rc = -1;

    if (buses == NULL) {
        return worker_out_of_memory(error);
    }
    if (worker->dispatch.recorder != NULL) {
        record_layout(worker);
    }
    if (add_interrupts(worker, error) == 0 && add_hosts(worker, buses, error) == 0 &&
        add_ports(worker, buses, error) == 0 && start_devices(worker, buses, error) == 0) {
        rc = 0;
    }
    free(buses);
    return rc;
}
