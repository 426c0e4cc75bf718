/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes a guest's accesses, one after another, through the whole dispatch: a request as the hypervisor hands it over, to
 * the device and back. Run under a tool that counts instructions, with measure() as what is counted (scripts/bench).
 *
 *   bench-access-cost KIND BRIDGES FUNCTIONS ACCESSES
 *
 * KIND: `config`, a dword of configuration space by PCI_CONFIG requests; `ecam`, the same by ECAM; `bar`, a register of a
 * memory BAR; `bell`, a doorbell. FUNCTIONS are spread over the BRIDGES, and each access is to the next of them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/bridge.h"
#include "bridge/pci_registers.h"
#include "device/guest_memory.h"
#include "hypervisor/sim/sim.h"
#include "worker/dispatch.h"

#define ECAM      UINT64_C(0x1000000000)
#define ECAM_SIZE UINT64_C(0x100000)
#define MEMORY    UINT64_C(0x80000000)
#define WINDOW    UINT64_C(0x1000000)
#define BAR_SIZE  UINT64_C(0x10000)
#define BELL      0x1000u
#define MOST      1024u

struct target {
    uint64_t config; /* address of a PCI_CONFIG request */
    uint64_t ecam;
    uint64_t bar;
};

static uint32_t reads;

static uint64_t read_register(void *device, unsigned bar, uint64_t offset, unsigned size)
{
    (void)device;
    (void)bar;
    (void)offset;
    (void)size;
    return ++reads;
}

static void write_register(void *device, unsigned bar, uint64_t offset, unsigned size, uint64_t value)
{
    (void)read_register(device, bar, offset, size);
    (void)value;
}

static void bell(void *device, unsigned queue, uint32_t value)
{
    (void)device;
    (void)queue;
    (void)value;
    reads++;
}

static const struct bridge_function_ops ops = {.read = read_register, .write = write_register, .bell = bell};
static const struct ioreqd_bell bells[] = {{.bar = 0, .size = 2, .count = 4, .stride = 4, .offset = BELL}};
static const struct ioreqd_description description = {
    .struct_size = sizeof(description),
    .vendor = 0x1af4,
    .device = 0x1042,
    .class_code = {0xff},
    .express = 1,
    .msix = 2,
    .msix_bar = 1,
    .queues = 4,
    .bells = 1,
    .bell = bells,
    .bar = {[0] = {.kind = IOREQD_BAR_MEM32, .min_access = 1, .max_access = 4, .size = BAR_SIZE}},
};

/* ---- the platform: nothing is refused ---- */

static int claim(void *context, enum bridge_space space, uint64_t first, uint64_t last)
{
    (void)context;
    (void)space;
    (void)first;
    (void)last;
    return 0;
}

static int claim_function(void *context, uint16_t function)
{
    (void)context;
    (void)function;
    return 0;
}

static void message(void *context, uint64_t address, uint32_t data)
{
    (void)context;
    (void)address;
    (void)data;
}

static bool message_unmaskable(void *context, uint64_t address, uint32_t data)
{
    (void)context;
    (void)address;
    (void)data;
    return false;
}

static const struct bridge_platform platform = {
    .claim = claim,
    .unclaim = claim,
    .claim_function = claim_function,
    .unclaim_function = claim_function,
    .message = message,
    .message_unmaskable = message_unmaskable,
};

/* ---- the guest ---- */

static struct bridge_host *add_host(struct bridge *bridge, unsigned i)
{
    struct bridge_host_config config = {
        .segment = (uint16_t)i,
        .configuration_ports = i == 0,
        .ecam = ECAM + i * ECAM_SIZE,
        .memory = {BRIDGE_MEMORY, MEMORY + i * WINDOW, MEMORY + i * WINDOW, WINDOW},
    };
    struct bridge_host *host = NULL;

    snprintf(config.name, sizeof(config.name), "host%u", i);
    return bridge_add_host(bridge, &config, &host) == 0 ? host : NULL;
}

static bool add_function(struct bridge *bridge, struct bridge_host *host, unsigned index, struct target *target)
{
    const struct bridge_host_config *config = bridge_host_config(host);
    uint8_t devfn = BRIDGE_DEVFN(index / 8, index % 8);
    uint32_t number = (uint32_t)config->segment << 16 | devfn;
    struct bridge_function *function;

    if (bridge_add_function(bridge_root_bus(host), devfn, &description, &ops, NULL, &function) != 0) {
        return false;
    }
    *target = (struct target){
        .config = (uint64_t)number << 32,
        .ecam = config->ecam + ((uint64_t)devfn << 12),
        .bar = config->memory.first + index * BAR_SIZE,
    };
    bridge_config_write(bridge, number, PCI_BAR0, 4, (uint32_t)target->bar);
    bridge_config_write(bridge, number, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER);
    return true;
}

/* What is counted. */
__attribute__((noinline)) static uint64_t measure(struct dispatch *dispatch, const struct request *request,
                                                  unsigned requests, unsigned accesses)
{
    uint64_t sum = 0;
    unsigned next = 0;

    for (unsigned i = 0; i < accesses; i++) {
        sum += dispatch_request(dispatch, &request[next]);
        bridge_deliver_bell(dispatch->bridge);
        next = next + 1 == requests ? 0 : next + 1;
    }
    return sum;
}

static bool make_request(const char *kind, const struct target *target, struct request *request)
{
    *request = (struct request){.kind = REQUEST_MEMORY, .size = 4, .count = 1};
    if (strcmp(kind, "config") == 0) {
        request->kind = REQUEST_CONFIG;
        request->address = target->config;
    } else if (strcmp(kind, "ecam") == 0) {
        request->address = target->ecam;
    } else if (strcmp(kind, "bar") == 0) {
        request->address = target->bar + 0x20;
    } else if (strcmp(kind, "bell") == 0) {
        request->address = target->bar + BELL;
        request->write = true;
        request->size = 2;
    } else {
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct request request[MOST];
    const struct sim_options options = {.memory = 1 << 20};
    struct hypervisor *sim = sim_open(&options);
    struct dispatch dispatch = {.bridge = bridge_create(&platform, NULL), .memory = guest_memory_create(sim)};
    unsigned bridges = argc == 5 ? (unsigned)atoi(argv[2]) : 0, functions = argc == 5 ? (unsigned)atoi(argv[3]) : 0;

    if (argc != 5 || bridges == 0 || functions == 0 || functions > MOST || sim == NULL || dispatch.bridge == NULL) {
        fprintf(stderr, "usage: bench-access-cost config|ecam|bar|bell BRIDGES FUNCTIONS ACCESSES\n");
        return 2;
    }
    for (unsigned i = 0, made = 0; i < bridges; i++) {
        struct bridge_host *host = add_host(dispatch.bridge, i);
        unsigned here = functions / bridges + (i < functions % bridges ? 1 : 0);

        for (unsigned j = 0; host != NULL && j < here; j++, made++) {
            struct target target;

            if (!add_function(dispatch.bridge, host, j, &target) || !make_request(argv[1], &target, &request[made])) {
                fprintf(stderr, "bench-access-cost: %s %u %u cannot be had\n", argv[1], bridges, functions);
                return 1;
            }
        }
    }
    printf("%" PRIu64 "\n", measure(&dispatch, request, functions, (unsigned)atoi(argv[4])));
    bridge_destroy(dispatch.bridge);
    guest_memory_destroy(dispatch.memory);
    sim->ops->close(sim);
    return 0;
}
