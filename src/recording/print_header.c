/* SPDX-License-Identifier: BSD-2-Clause */
/* The header of a recording to text, see recording.h and ioreqd-recording(5). */
#include <inttypes.h>

#include "recording/recording.h"

static const char *yes_or_no(bool is)
{
    return is ? "yes" : "no";
}

void recording_print_guest(const struct hypervisor_guest *guest, struct text *text)
{
    text_print(text, "guest %s vcpus=%u lines=%s host-bridge=%s\n", guest->intx ? "hvm" : "pvh", guest->vcpus,
               yes_or_no(guest->intx), yes_or_no(guest->host_bridge));
}

static void print_aperture(const char *key, const struct bridge_aperture *aperture, struct text *text)
{
    if (aperture->size != 0) {
        text_print(text, " %s=%s:0x%" PRIx64 ":0x%" PRIx64 ":0x%" PRIx64, key,
                   aperture->space == BRIDGE_PORT ? "port" : "memory", aperture->first, aperture->bus, aperture->size);
    }
}

void recording_print_host(const struct bridge_host_config *host, struct text *text)
{
    text_print(text, "host %s segment=0x%x buses=%02x-%02x configuration-ports=%s address-port=%s shown=%s", host->name,
               host->segment, host->first_bus, host->last_bus, yes_or_no(host->configuration_ports),
               yes_or_no(host->address_port), yes_or_no(host->host_bridge_shown));
    if (host->ecam != 0) {
        text_print(text, " ecam=0x%" PRIx64, host->ecam);
    }
    print_aperture("io", &host->io, text);
    print_aperture("memory", &host->memory, text);
    print_aperture("memory64", &host->memory64, text);
    if (host->lines == BRIDGE_LINES_FOLDED) {
        text_print(text, " lines=folded:%u\n", host->lines_device);
    } else {
        text_print(text, " lines=%s\n", host->lines == BRIDGE_LINES_DIRECT ? "direct" : "none");
    }
}

void recording_print_port(const struct recording_port *port, struct text *text)
{
    text_print(text, "port %s %s %02x.%x %u\n", port->id, port->host, port->devfn >> 3 & 0x1fu, port->devfn & 7u,
               port->slot);
}

void recording_print_device(const struct recording_device *device, struct text *text)
{
    text_print(text, "device %s %02x.%x %s\n", device->bus, device->devfn >> 3 & 0x1fu, device->devfn & 7u,
               device->options);
}

void recording_print_file(const struct recording_file *file, struct text *text)
{
    text_print(text, "file %s %s %" PRIu64 "\n", file->device, file->property, file->size);
}
