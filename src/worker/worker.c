/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The worker, see worker.h.
 */
#include "worker/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <event2/event.h>

#include "bridge/bridge.h"
#include "bridge/machine.h"
#include "device/heartbeat.h"
#include "device/timer.h"
#include "log.h"
#include "worker/dispatch.h"

#define SWEEP_MICROSECONDS 50000
#define REST_GUEST_GONE    1
#define BUS_NAME_SIZE      64

struct worker_device {
    struct ioreqd_device *device;
    char bus[BUS_NAME_SIZE];
    uint8_t devfn;
    struct ioreqd_work quiet;
    struct worker *worker;
};

struct worker_port {
    char id[BUS_NAME_SIZE];
    char host[BUS_NAME_SIZE];
    uint8_t devfn;
    unsigned slot;
};

/* A bus that devices can be on, once it is there. */
struct worker_bus {
    const char *name;
    struct bridge_bus *bus;
};

struct worker {
    struct device_environment environment;
    struct hypervisor *hypervisor;
    struct bridge_platform platform;
    struct dispatch dispatch;
    struct bridge_host_config *host;
    size_t hosts;
    struct bridge_interrupts interrupts; /* of a guest with SPIs */
    struct worker_port *port;
    size_t ports;
    struct worker_device **device;
    size_t devices;
    struct trace *trace; /* NULL: off */

    struct event *requests;
    struct event *sweep;
    struct event *patience;
    size_t restless; /* devices that are not yet quiet */
    bool ending;
};

struct worker *worker_create(void)
{
    struct worker *worker = calloc(1, sizeof(*worker));

    if (worker == NULL) {
        return NULL;
    }
    worker->environment.main_loop = loop_create();
    if (worker->environment.main_loop == NULL) {
        free(worker);
        return NULL;
    }
    bridge_default_interrupts(&worker->interrupts);
    return worker;
}

static void free_event(struct event **event)
{
    if (*event != NULL) {
        event_free(*event);
        *event = NULL;
    }
}

static void log_counters(const struct worker *worker)
{
    const struct dispatch_counters *requests = &worker->dispatch.counters;
    const struct bridge_counters *bridge = bridge_counters(worker->environment.bridge);

    log_line(LOG_DEBUG, NULL,
             "requests: port %" PRIu64 " memory %" PRIu64 " config %" PRIu64 " invalidate %" PRIu64 " other %" PRIu64
             " malformed %" PRIu64 " without memory %" PRIu64,
             requests->port, requests->memory, requests->config, requests->invalidate, requests->other,
             requests->malformed, requests->no_memory);
    log_line(LOG_DEBUG, NULL,
             "accesses: unclaimed %" PRIu64 " misfit %" PRIu64 ", BARs refused: %" PRIu64 ", resets: %" PRIu64
             ", messages refused: %" PRIu64,
             bridge->unclaimed, bridge->misfit, bridge->refused, bridge->resets, bridge->messages);
    for (size_t i = 0; i < worker->devices; i++) {
        device_log_counters(worker->device[i]->device);
    }
}

/* The server goes, and with it all that was claimed. */
static void stop_serving(struct worker *worker)
{
    if (worker->hypervisor != NULL) {
        worker->hypervisor->ops->stop(worker->hypervisor);
    }
    if (worker->environment.bridge != NULL) {
        bridge_close(worker->environment.bridge);
    }
}

void worker_destroy(struct worker *worker)
{
    if (worker == NULL) {
        return;
    }
    free_event(&worker->requests);
    free_event(&worker->sweep);
    free_event(&worker->patience);
    stop_serving(worker);
    for (size_t i = 0; i < worker->devices; i++) {
        device_destroy(worker->device[i]->device);
        free(worker->device[i]);
    }
    free(worker->device);
    free(worker->trace);
    free(worker->port);
    free(worker->host);
    bridge_destroy(worker->environment.bridge);
    guest_memory_destroy(worker->environment.memory);
    if (worker->hypervisor != NULL) {
        worker->hypervisor->ops->close(worker->hypervisor);
    }
    heartbeat_destroy(worker->environment.heartbeat);
    loop_destroy(worker->environment.main_loop);
    free(worker);
}

int worker_watch_loops(struct worker *worker, unsigned milliseconds, void (*alive)(void *argument), void *argument)
{
    worker->environment.heartbeat = heartbeat_create(worker->environment.main_loop, milliseconds, alive, argument);
    return worker->environment.heartbeat != NULL ? 0 : -1;
}

const struct device_environment *worker_environment(const struct worker *worker)
{
    return &worker->environment;
}

struct ioreqd_loop *worker_loop(struct worker *worker)
{
    return worker->environment.main_loop;
}

static void on_quiet(void *argument)
{
    struct worker_device *entry = argument;

    if (--entry->worker->restless == 0) {
        loop_break(entry->worker->environment.main_loop);
    }
}

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
    entry->worker = worker;
    entry->quiet.run = on_quiet;
    entry->quiet.argument = entry;
    devices[worker->devices++] = entry;
    return 0;
}

void worker_record(struct worker *worker, struct recorder *recorder)
{
    worker->dispatch.recorder = recorder;
    worker->environment.observer = recorder != NULL ? recorder_observer(recorder) : NULL;
}

/* What the guest and its devices are, as a recording begins with it. */
static void record_header(const struct worker *worker)
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

/* ---- the platform under the bridge ---- */

static int platform_claim(void *context, enum bridge_space space, uint64_t first, uint64_t last)
{
    struct hypervisor *hypervisor = ((struct worker *)context)->hypervisor;

    return hypervisor->ops->claim(hypervisor, space == BRIDGE_MEMORY ? CLAIM_MEMORY : CLAIM_PORT, first, last);
}

static int platform_unclaim(void *context, enum bridge_space space, uint64_t first, uint64_t last)
{
    struct hypervisor *hypervisor = ((struct worker *)context)->hypervisor;

    return hypervisor->ops->unclaim(hypervisor, space == BRIDGE_MEMORY ? CLAIM_MEMORY : CLAIM_PORT, first, last);
}

static int platform_claim_function(void *context, uint16_t function)
{
    struct hypervisor *hypervisor = ((struct worker *)context)->hypervisor;

    return hypervisor->ops->claim_function(hypervisor, function);
}

static int platform_unclaim_function(void *context, uint16_t function)
{
    struct hypervisor *hypervisor = ((struct worker *)context)->hypervisor;

    return hypervisor->ops->unclaim_function(hypervisor, function);
}

static void platform_message(void *context, uint64_t address, uint32_t data)
{
    struct worker *worker = context;
    struct hypervisor *hypervisor = worker->hypervisor;

    if (worker->dispatch.recorder != NULL) {
        recorder_message(worker->dispatch.recorder, address, data);
    }
    if (hypervisor->guest.spis) {
        bridge_message(worker->environment.bridge, address, data);
        return;
    }
    int rc = hypervisor->ops->message(hypervisor, address, data);

    if (rc != 0) {
        log_line(LOG_DEBUG, NULL, "message 0x%" PRIx64 " = 0x%" PRIx32 " is refused: %s", address, data, strerror(-rc));
    }
}

static bool platform_message_unmaskable(void *context, uint64_t address, uint32_t data)
{
    struct hypervisor *hypervisor = ((struct worker *)context)->hypervisor;

    return hypervisor->ops->message_unmaskable(hypervisor, address, data);
}

static void platform_intx(void *context, unsigned device, unsigned pin, bool level)
{
    struct worker *worker = context;
    struct hypervisor *hypervisor = worker->hypervisor;

    if (worker->dispatch.recorder != NULL) {
        recorder_line(worker->dispatch.recorder, device, pin, level);
    }
    int rc = hypervisor->ops->intx(hypervisor, device, pin, level);

    if (rc != 0) {
        log_line(LOG_DEBUG, NULL, "INT%c of device %02x is refused: %s", 'A' + (int)pin, device, strerror(-rc));
    }
}

static void platform_spi(void *context, unsigned spi, bool level)
{
    struct hypervisor *hypervisor = ((struct worker *)context)->hypervisor;
    int rc = hypervisor->ops->spi(hypervisor, spi, level);

    if (rc != 0) {
        log_line(LOG_DEBUG, NULL, "SPI %u is refused: %s", spi, strerror(-rc));
    }
}

static const struct bridge_platform platform_template = {
    .claim = platform_claim,
    .unclaim = platform_unclaim,
    .claim_function = platform_claim_function,
    .unclaim_function = platform_unclaim_function,
    .message = platform_message,
    .message_unmaskable = platform_message_unmaskable,
    .intx = platform_intx,
    .spi = platform_spi,
};

/* ---- requests ---- */

static void on_sweep(evutil_socket_t fd, short what, void *argument)
{
    struct worker *worker = argument;
    struct timeval soon = {.tv_usec = SWEEP_MICROSECONDS};

    (void)fd;
    (void)what;
    if (guest_memory_sweep(worker->environment.memory)) {
        event_add(worker->sweep, &soon);
    }
}

static uint64_t serve_recorded(struct worker *worker, unsigned vcpu, const struct request *request)
{
    uint64_t data;

    recorder_request(worker->dispatch.recorder, vcpu, request);
    data = dispatch_request(&worker->dispatch, request);
    recorder_answer(worker->dispatch.recorder, data);
    return data;
}

static void serve_traced(struct worker *worker, unsigned vcpu, const struct request *request)
{
    uint64_t begun = timer_now();
    uint64_t data = worker->dispatch.recorder == NULL ? dispatch_request(&worker->dispatch, request)
                                                      : serve_recorded(worker, vcpu, request);

    worker->hypervisor->ops->answer(worker->hypervisor, vcpu, data);
    trace_add(worker->trace, vcpu, request, data, begun);
}

/* Serves what one vCPU asks. The answer goes out before a doorbell is handed on: the vCPU runs meanwhile. */
static void serve_vcpu(struct worker *worker, unsigned vcpu)
{
    struct hypervisor *hypervisor = worker->hypervisor;
    struct request request;

    if (!hypervisor->ops->take(hypervisor, vcpu, &request)) {
        return;
    }
    if (worker->trace != NULL) {
        serve_traced(worker, vcpu, &request);
    } else if (worker->dispatch.recorder == NULL) {
        hypervisor->ops->answer(hypervisor, vcpu, dispatch_request(&worker->dispatch, &request));
    } else {
        hypervisor->ops->answer(hypervisor, vcpu, serve_recorded(worker, vcpu, &request));
    }
    bridge_deliver_bell(worker->environment.bridge);
    if (request.kind == REQUEST_INVALIDATE && !event_pending(worker->sweep, EV_TIMEOUT, NULL)) {
        struct timeval soon = {.tv_usec = SWEEP_MICROSECONDS};

        event_add(worker->sweep, &soon);
    }
}

static void on_requests(evutil_socket_t fd, short what, void *argument)
{
    struct worker *worker = argument;
    struct hypervisor *hypervisor = worker->hypervisor;
    unsigned vcpu[HYPERVISOR_MAX_VCPUS];
    unsigned count = hypervisor->ops->events(hypervisor, vcpu, HYPERVISOR_MAX_VCPUS);

    (void)fd;
    (void)what;
    loop_begin_turn(worker->environment.main_loop);
    for (unsigned i = 0; i < count; i++) {
        serve_vcpu(worker, vcpu[i]);
    }
    hypervisor->ops->rearm(hypervisor);
    loop_end_turn(worker->environment.main_loop); /* doorbells, and file requests that a model's register access made */
}

/* ---- life ---- */

static int out_of_memory(struct hypervisor_error *error)
{
    error->failure = HYPERVISOR_REFUSED;
    snprintf(error->text, sizeof(error->text), "out of memory");
    return -1;
}

int worker_start(struct worker *worker, struct hypervisor *hypervisor, struct hypervisor_error *error)
{
    struct event_base *base = loop_event_base(worker->environment.main_loop);

    worker->hypervisor = hypervisor;
    worker->environment.memory = guest_memory_create(hypervisor);
    worker->platform = platform_template;
    if (!hypervisor->guest.intx) {
        worker->platform.intx = NULL;
    }
    if (!hypervisor->guest.spis) {
        worker->platform.spi = NULL;
    }
    worker->environment.bridge = bridge_create(&worker->platform, worker);
    if (worker->environment.memory == NULL || worker->environment.bridge == NULL) {
        return out_of_memory(error);
    }
    worker->dispatch.bridge = worker->environment.bridge;
    worker->dispatch.memory = worker->environment.memory;
    worker->requests =
        event_new(base, hypervisor->ops->event_fd(hypervisor), EV_READ | EV_PERSIST, on_requests, worker);
    worker->sweep = evtimer_new(base, on_sweep, worker);
    if (worker->requests == NULL || worker->sweep == NULL) {
        return out_of_memory(error);
    }
    return hypervisor->ops->start(hypervisor, error);
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
    char name[2 * BUS_NAME_SIZE];

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
    char name[3 * BUS_NAME_SIZE];

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

int worker_serve(struct worker *worker, struct hypervisor_error *error)
{
    /* The default host bridge, the others, the ports, and an end. */
    struct worker_bus *buses = calloc(worker->hosts + worker->ports + 2, sizeof(*buses));
    int rc = -1;

    if (buses == NULL) {
        return out_of_memory(error);
    }
    if (worker->dispatch.recorder != NULL) {
        record_header(worker);
    }
    if (add_interrupts(worker, error) == 0 && add_hosts(worker, buses, error) == 0 &&
        add_ports(worker, buses, error) == 0 && start_devices(worker, buses, error) == 0) {
        rc = event_add(worker->requests, NULL) == 0 ? 0 : out_of_memory(error);
    }
    free(buses);
    return rc;
}

void worker_forget_memory(struct worker *worker)
{
    struct timeval soon = {.tv_usec = SWEEP_MICROSECONDS};

    if (!worker->ending) {
        guest_memory_invalidate(worker->environment.memory);
        event_add(worker->sweep, &soon);
    }
}

static void on_impatience(evutil_socket_t fd, short what, void *argument)
{
    struct worker *worker = argument;

    (void)fd;
    (void)what;
    log_line(LOG_WARNING, NULL, "%zu devices do not come to rest: ending all the same", worker->restless);
    loop_break(worker->environment.main_loop);
}

void worker_end(struct worker *worker, bool guest_gone)
{
    struct timeval patience = {.tv_sec = guest_gone ? REST_GUEST_GONE : WORKER_REST_SECONDS};

    if (worker->ending) {
        return;
    }
    worker->ending = true;
    free_event(&worker->requests);
    stop_serving(worker);
    worker->restless = worker->devices;
    if (worker->restless == 0) {
        loop_break(worker->environment.main_loop);
        return;
    }
    worker->patience = evtimer_new(loop_event_base(worker->environment.main_loop), on_impatience, worker);
    if (worker->patience == NULL || event_add(worker->patience, &patience) != 0) {
        loop_break(worker->environment.main_loop);
        return;
    }
    for (size_t i = 0; i < worker->devices; i++) {
        device_quiesce(worker->device[i]->device, &worker->device[i]->quiet);
    }
}

bool worker_run(struct worker *worker)
{
    if (!worker->ending || worker->restless != 0) { /* else the end came before us: there is nothing to wait for */
        loop_run(worker->environment.main_loop);
    }
    log_counters(worker);
    return worker->restless == 0;
}

/* ---- for those who look on ---- */

const struct dispatch_counters *worker_counters(const struct worker *worker)
{
    return &worker->dispatch.counters;
}

size_t worker_devices(const struct worker *worker)
{
    return worker->devices;
}

struct ioreqd_device *worker_device(const struct worker *worker, size_t index, const char **bus)
{
    *bus = worker->device[index]->bus;
    return worker->device[index]->device;
}

const char *worker_port_id(const struct worker *worker, const char *host, uint8_t devfn)
{
    for (size_t i = 0; i < worker->ports; i++) {
        if (worker->port[i].devfn == devfn && strcmp(worker->port[i].host, host) == 0) {
            return worker->port[i].id;
        }
    }
    return NULL;
}

bool worker_is_ending(const struct worker *worker)
{
    return worker->ending;
}

int worker_set_trace(struct worker *worker, bool on)
{
    if (on && worker->trace == NULL) {
        worker->trace = calloc(1, sizeof(*worker->trace));
        if (worker->trace == NULL) {
            return -ENOMEM;
        }
    } else if (!on) {
        free(worker->trace);
        worker->trace = NULL;
    }
    worker->environment.timed = on;
    return 0;
}

const struct trace *worker_trace(const struct worker *worker)
{
    return worker->trace;
}
