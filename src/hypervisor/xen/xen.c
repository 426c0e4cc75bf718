/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen for one guest: the IOREQ server, the slots and event channels of its vCPUs, claims, guest memory, interrupts.
 *
 * Owned by the worker. Its handles are opened once; messages, INTx levels and mappings may come from every thread
 * (they are single ioctls on handles without state), the rest from the main thread.
 */
#define __XEN_TOOLS__ 1

#include "hypervisor/xen/xen.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xendevicemodel.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>
#include <xengnttab.h>
#include <xentoollog.h>

#include <xen/hvm/dm_op.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/ioreq.h>
#include <xen/memory.h>

#include "hypervisor/slot.h"
#include "hypervisor/xen/arch.h"
#include "hypervisor/xen/grants.h"
#include "log.h"

_Static_assert(sizeof(struct slot) == sizeof(struct ioreq), "slot.h is Xen's ioreq");
_Static_assert(offsetof(struct slot, address) == offsetof(struct ioreq, addr), "slot.h is Xen's ioreq");
_Static_assert(offsetof(struct slot, data) == offsetof(struct ioreq, data), "slot.h is Xen's ioreq");
_Static_assert(offsetof(struct slot, count) == offsetof(struct ioreq, count), "slot.h is Xen's ioreq");
_Static_assert(offsetof(struct slot, size) == offsetof(struct ioreq, size), "slot.h is Xen's ioreq");
_Static_assert(offsetof(struct slot, event_port) == offsetof(struct ioreq, vp_eport), "slot.h is Xen's ioreq");
_Static_assert(offsetof(struct slot, type) == offsetof(struct ioreq, type), "slot.h is Xen's ioreq");
_Static_assert(SLOT_NONE == STATE_IOREQ_NONE && SLOT_REQUEST == STATE_IOREQ_READY &&
                   SLOT_PROCESSING == STATE_IOREQ_INPROCESS && SLOT_RESPONSE == STATE_IORESP_READY,
               "slot.h is Xen's ioreq");
_Static_assert(SLOT_TYPE_PORT == IOREQ_TYPE_PIO && SLOT_TYPE_COPY == IOREQ_TYPE_COPY &&
                   SLOT_TYPE_PCI_CONFIG == IOREQ_TYPE_PCI_CONFIG && SLOT_TYPE_TIMEOFFSET == IOREQ_TYPE_TIMEOFFSET &&
                   SLOT_TYPE_INVALIDATE == IOREQ_TYPE_INVALIDATE,
               "slot.h is Xen's ioreq");

#define EVENTS_MAX HYPERVISOR_MAX_VCPUS
#define NO_VCPU    UINT8_MAX

struct xen {
    struct hypervisor hypervisor;
    xentoollog_logger *logger;
    xendevicemodel_handle *device_model;
    xenforeignmemory_handle *memory;
    xengnttab_handle *grants; /* NULL: this kernel has none */
    xenevtchn_handle *events;

    bool started;
    ioservid_t server;
    xenforeignmemory_resource_handle *resource;
    struct slot_page *page;
    evtchn_port_t port[HYPERVISOR_MAX_VCPUS]; /* our ends, by vCPU; 0: not bound */
    uint8_t *vcpu_of_port;
    unsigned ports;                 /* entries of vcpu_of_port */
    evtchn_port_t rung[EVENTS_MAX]; /* masked by the kernel until rearm */
    unsigned rung_count;
};

static struct xen *of(struct hypervisor *hypervisor)
{
    return (struct xen *)hypervisor;
}

int xen_error(struct hypervisor_error *error, enum hypervisor_failure failure, const char *format, ...)
{
    va_list arguments;

    error->failure = failure;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return -1;
}

unsigned xen_server(const struct hypervisor *hypervisor)
{
    return ((const struct xen *)hypervisor)->server;
}

/* ---- the server ---- */

static int bind_vcpus(struct xen *xen, struct hypervisor_error *error)
{
    unsigned vcpus = xen->hypervisor.guest.vcpus;
    unsigned domain = xen->hypervisor.guest.domain;

    for (unsigned i = 0; i < vcpus; i++) {
        /* Valid only now that the server is enabled: xen/common/ioreq.c, ioreq_server_update_evtchn(). */
        int port = xenevtchn_bind_interdomain(xen->events, domain, xen->page->slot[i].event_port);

        if (port < 0) {
            return xen_error(error, HYPERVISOR_REFUSED, "domain %u: cannot bind the event channel of vCPU %u: %s",
                             domain, i, strerror(errno));
        }
        xen->port[i] = (evtchn_port_t)port;
        if (xen->port[i] >= xen->ports) {
            unsigned ports = xen->port[i] + 1;
            uint8_t *table = realloc(xen->vcpu_of_port, ports);

            if (table == NULL) {
                return xen_error(error, HYPERVISOR_REFUSED, "out of memory");
            }
            memset(table + xen->ports, NO_VCPU, ports - xen->ports);
            xen->vcpu_of_port = table;
            xen->ports = ports;
        }
        xen->vcpu_of_port[xen->port[i]] = (uint8_t)i;
    }
    return 0;
}

/* Answers whatever is open, so that no vCPU stays blocked when the server goes: Xen would not wake it. */
static void answer_all(struct xen *xen)
{
    struct request ignored;

    for (unsigned i = 0; i < xen->hypervisor.guest.vcpus; i++) {
        struct slot *slot = &xen->page->slot[i];

        if (slot_take(slot, &ignored) || slot_is_open(slot)) {
            slot_answer(slot, UINT64_MAX);
            if (xen->port[i] != 0) {
                xenevtchn_notify(xen->events, xen->port[i]);
            }
        }
    }
}

static void xen_stop(struct hypervisor *hypervisor)
{
    struct xen *xen = of(hypervisor);
    domid_t domain = (domid_t)hypervisor->guest.domain;

    if (!xen->started) {
        return;
    }
    xen->started = false;
    /* Pauses the guest meanwhile: afterwards no vCPU begins a request. Fails when the guest is gone, as all below. */
    xendevicemodel_set_ioreq_server_state(xen->device_model, domain, xen->server, 0);
    if (xen->page != NULL) {
        answer_all(xen);
    }
    xendevicemodel_destroy_ioreq_server(xen->device_model, domain, xen->server);
    for (unsigned i = 0; i < hypervisor->guest.vcpus; i++) {
        if (xen->port[i] != 0) {
            xenevtchn_unbind(xen->events, xen->port[i]);
            xen->port[i] = 0;
        }
    }
    if (xen->resource != NULL) {
        xenforeignmemory_unmap_resource(xen->memory, xen->resource);
    }
    xen->resource = NULL;
    xen->page = NULL;
    free(xen->vcpu_of_port);
    xen->vcpu_of_port = NULL;
    xen->ports = 0;
}

/* What Xen says when it has no IOREQ servers: it has not even the command that asks for one. */
static int refuse_server(struct hypervisor_error *error, unsigned domain, const char *what)
{
    int saved = errno;

    if (saved == ENOSYS || saved == EOPNOTSUPP) {
        return xen_error(error, HYPERVISOR_REFUSED,
                         "domain %u: %s: this Xen was built without IOREQ servers, which serve emulated devices: %s",
                         domain, what, arch_remedy_without_servers);
    }
    return xen_error(error, saved == ESRCH ? HYPERVISOR_NO_DOMAIN : HYPERVISOR_REFUSED, "domain %u: %s: %s", domain,
                     what, strerror(saved));
}

static int xen_start(struct hypervisor *hypervisor, struct hypervisor_error *error)
{
    struct xen *xen = of(hypervisor);
    domid_t domain = (domid_t)hypervisor->guest.domain;
    void *page = NULL;

    if (xendevicemodel_create_ioreq_server(xen->device_model, domain, HVM_IOREQSRV_BUFIOREQ_OFF, &xen->server) != 0) {
        if (errno == ENOSPC) {
            return xen_error(
                error, HYPERVISOR_REFUSED,
                "domain %u has all the IOREQ servers that Xen allows a domain (8): end another emulator of "
                "this guest first",
                domain);
        }
        return refuse_server(error, domain, "Xen refused to create an IOREQ server");
    }
    xen->started = true;
    xen->resource =
        xenforeignmemory_map_resource(xen->memory, domain, XENMEM_resource_ioreq_server, xen->server,
                                      XENMEM_resource_ioreq_server_frame_ioreq(0), 1, &page, PROT_READ | PROT_WRITE, 0);
    if (xen->resource == NULL) {
        xen_error(error, HYPERVISOR_REFUSED, "domain %u: cannot map the page of IOREQ server %u: %s", domain,
                  xen->server, strerror(errno));
        goto fail;
    }
    xen->page = page;
    if (xendevicemodel_set_ioreq_server_state(xen->device_model, domain, xen->server, 1) != 0) {
        xen_error(error, HYPERVISOR_REFUSED, "domain %u: cannot enable IOREQ server %u: %s", domain, xen->server,
                  strerror(errno));
        goto fail;
    }
    if (bind_vcpus(xen, error) != 0) {
        goto fail;
    }
    return 0;

fail:
    xen_stop(hypervisor);
    return -1;
}

static void xen_close(struct hypervisor *hypervisor)
{
    struct xen *xen = of(hypervisor);

    if (xen->started) {
        xen_stop(hypervisor);
    }
    if (xen->events != NULL) {
        xenevtchn_close(xen->events);
    }
    if (xen->grants != NULL) {
        xengnttab_close(xen->grants);
    }
    if (xen->memory != NULL) {
        xenforeignmemory_close(xen->memory);
    }
    if (xen->device_model != NULL) {
        xendevicemodel_close(xen->device_model);
    }
    xtl_logger_destroy(xen->logger);
    free(xen);
}

/* ---- claims ---- */

static int xen_claim(struct hypervisor *hypervisor, enum claim_space space, uint64_t first, uint64_t last)
{
    struct xen *xen = of(hypervisor);

    if (xendevicemodel_map_io_range_to_ioreq_server(xen->device_model, (domid_t)hypervisor->guest.domain, xen->server,
                                                    space == CLAIM_MEMORY, first, last) == 0) {
        return 0;
    }
    return errno == ENOMEM ? -ENOSPC : -errno; /* rangeset_add_range() when the set is full */
}

static int xen_unclaim(struct hypervisor *hypervisor, enum claim_space space, uint64_t first, uint64_t last)
{
    struct xen *xen = of(hypervisor);

    if (!xen->started) {
        return 0; /* all claims went with the server */
    }
    int rc = xendevicemodel_unmap_io_range_from_ioreq_server(xen->device_model, (domid_t)hypervisor->guest.domain,
                                                             xen->server, space == CLAIM_MEMORY, first, last);

    return rc == 0 ? 0 : -errno;
}

static int xen_claim_function(struct hypervisor *hypervisor, uint16_t function)
{
    struct xen *xen = of(hypervisor);

    return arch_claim_function(xen->device_model, (domid_t)hypervisor->guest.domain, xen->server, function);
}

static int xen_unclaim_function(struct hypervisor *hypervisor, uint16_t function)
{
    struct xen *xen = of(hypervisor);

    if (!xen->started) {
        return 0;
    }
    return arch_unclaim_function(xen->device_model, (domid_t)hypervisor->guest.domain, xen->server, function);
}

/* ---- requests ---- */

static int xen_event_fd(struct hypervisor *hypervisor)
{
    return xenevtchn_fd(of(hypervisor)->events);
}

/*
 * The kernel gives and takes any number of ports in one call (drivers/xen/evtchn.c); xenevtchn_pending() and
 * xenevtchn_unmask() move one. A port that was read stays masked until it is written back.
 */
static unsigned xen_events(struct hypervisor *hypervisor, unsigned *vcpu, unsigned count)
{
    struct xen *xen = of(hypervisor);
    unsigned found = 0;
    ssize_t got;

    if (count > EVENTS_MAX) {
        count = EVENTS_MAX;
    }
    got = read(xenevtchn_fd(xen->events), xen->rung, count * sizeof(xen->rung[0]));
    xen->rung_count = got > 0 ? (unsigned)((size_t)got / sizeof(xen->rung[0])) : 0;
    for (unsigned i = 0; i < xen->rung_count; i++) {
        uint8_t of_port = xen->rung[i] < xen->ports ? xen->vcpu_of_port[xen->rung[i]] : NO_VCPU;

        if (of_port != NO_VCPU) {
            vcpu[found++] = of_port;
        }
    }
    return found;
}

static bool xen_take(struct hypervisor *hypervisor, unsigned vcpu, struct request *request)
{
    return slot_take(&of(hypervisor)->page->slot[vcpu], request);
}

static void xen_answer(struct hypervisor *hypervisor, unsigned vcpu, uint64_t data)
{
    struct xen *xen = of(hypervisor);

    slot_answer(&xen->page->slot[vcpu], data);
    if (xenevtchn_notify(xen->events, xen->port[vcpu]) != 0) {
        /* Only a guest that is being destroyed has no event channel left. */
        log_line(LOG_DEBUG, NULL, "cannot wake vCPU %u: %s", vcpu, strerror(errno));
    }
}

static void xen_rearm(struct hypervisor *hypervisor)
{
    struct xen *xen = of(hypervisor);
    size_t size = xen->rung_count * sizeof(xen->rung[0]);

    if (size != 0 && write(xenevtchn_fd(xen->events), xen->rung, size) != (ssize_t)size) {
        log_line(LOG_ERROR, NULL, "cannot unmask event channels: %s", strerror(errno));
    }
    xen->rung_count = 0;
}

/* ---- guest memory ---- */

static void *xen_map(struct hypervisor *hypervisor, uint64_t frame, size_t count, int *error)
{
    struct xen *xen = of(hypervisor);
    xen_pfn_t frames[HYPERVISOR_MAP_MAX];

    if (count > HYPERVISOR_MAP_MAX) {
        errno = E2BIG;
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        frames[i] = (xen_pfn_t)(frame + i);
    }
    return xenforeignmemory_map(xen->memory, hypervisor->guest.domain, PROT_READ | PROT_WRITE, count, frames, error);
}

static void xen_unmap(struct hypervisor *hypervisor, void *base, size_t count)
{
    xenforeignmemory_unmap(of(hypervisor)->memory, base, count);
}

static void *xen_map_grants(struct hypervisor *hypervisor, uint32_t reference, size_t count, bool write)
{
    return grants_map(of(hypervisor)->grants, hypervisor->guest.domain, reference, count, write);
}

static void xen_unmap_grants(struct hypervisor *hypervisor, void *base, size_t count)
{
    grants_unmap(of(hypervisor)->grants, base, count);
}

static int xen_copy_grants(struct hypervisor *hypervisor, uint32_t reference, size_t offset, void *buffer,
                           size_t length, bool to_guest)
{
    return grants_copy(of(hypervisor)->grants, hypervisor->guest.domain, reference, offset, buffer, length, to_guest);
}

/* ---- interrupts ---- */

static int xen_message(struct hypervisor *hypervisor, uint64_t address, uint32_t data)
{
    return arch_message(of(hypervisor)->device_model, (domid_t)hypervisor->guest.domain, address, data);
}

static bool xen_message_unmaskable(struct hypervisor *hypervisor, uint64_t address, uint32_t data)
{
    (void)hypervisor;
    return arch_message_unmaskable(address, data);
}

static int xen_intx(struct hypervisor *hypervisor, unsigned device, unsigned pin, bool level)
{
    /* In a PVH guest this reaches an assertion in Xen: it has no I/O APIC. */
    if (!hypervisor->guest.intx) {
        return -EOPNOTSUPP;
    }
    return arch_intx(of(hypervisor)->device_model, (domid_t)hypervisor->guest.domain, device, pin, level);
}

static int xen_spi(struct hypervisor *hypervisor, unsigned spi, bool level)
{
    return arch_spi(of(hypervisor)->device_model, (domid_t)hypervisor->guest.domain, spi, level);
}

static const struct hypervisor_ops xen_ops = {
    .close = xen_close,
    .start = xen_start,
    .stop = xen_stop,
    .claim = xen_claim,
    .unclaim = xen_unclaim,
    .claim_function = xen_claim_function,
    .unclaim_function = xen_unclaim_function,
    .event_fd = xen_event_fd,
    .events = xen_events,
    .take = xen_take,
    .answer = xen_answer,
    .rearm = xen_rearm,
    .map = xen_map,
    .unmap = xen_unmap,
    .map_grants = xen_map_grants,
    .unmap_grants = xen_unmap_grants,
    .copy_grants = xen_copy_grants,
    .message = xen_message,
    .message_unmaskable = xen_message_unmaskable,
    .intx = xen_intx,
    .spi = xen_spi,
};

static int refuse_open(struct hypervisor_error *error, const char *what)
{
    int saved = errno;

    return xen_error(error, HYPERVISOR_REFUSED, "cannot open %s: %s: %s", what, strerror(saved),
                     saved == EACCES || saved == EPERM
                         ? "run ioreqd as root, or give it access to the devices in /dev/xen"
                         : "is this Xen's control domain, with its modules loaded?");
}

struct hypervisor *xen_open(const struct hypervisor_guest *guest, struct hypervisor_error *error)
{
    struct xen *xen = calloc(1, sizeof(*xen));
    unsigned vcpus = 0;

    if (xen == NULL) {
        xen_error(error, HYPERVISOR_REFUSED, "out of memory");
        return NULL;
    }
    xen->hypervisor.ops = &xen_ops;
    xen->hypervisor.guest = *guest;
    /* The libraries would write to stderr what we tell in our own words. */
    xen->logger = (xentoollog_logger *)xtl_createlogger_stdiostream(stderr, XTL_CRITICAL, 0);
    xen->device_model = xendevicemodel_open(xen->logger, 0);
    if (xen->device_model == NULL) {
        refuse_open(error, "Xen's privileged command device (/dev/xen/privcmd)");
        goto fail;
    }
    xen->memory = xenforeignmemory_open(xen->logger, 0);
    if (xen->memory == NULL) {
        refuse_open(error, "guest memory (/dev/xen/privcmd)");
        goto fail;
    }
    /* Without it a guest that grants its memory is told that it has none; most do not. */
    xen->grants = xengnttab_open(xen->logger, 0);
    xen->events = xenevtchn_open(xen->logger, 0);
    if (xen->events == NULL) {
        refuse_open(error, "event channels (/dev/xen/evtchn)");
        goto fail;
    }
    int fd = xenevtchn_fd(xen->events);
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        refuse_open(error, "event channels without blocking (/dev/xen/evtchn)");
        goto fail;
    }
    if (xendevicemodel_nr_vcpus(xen->device_model, (domid_t)guest->domain, &vcpus) != 0) {
        refuse_server(error, guest->domain, "Xen does not tell its number of vCPUs");
        goto fail;
    }
    if (vcpus > HYPERVISOR_MAX_VCPUS) {
        xen_error(error, HYPERVISOR_UNSUITABLE, "domain %u has %u vCPUs: give it at most %u", guest->domain, vcpus,
                  HYPERVISOR_MAX_VCPUS);
        goto fail;
    }
    xen->hypervisor.guest.vcpus = vcpus;
    return &xen->hypervisor;

fail:
    xen_close(&xen->hypervisor);
    return NULL;
}
