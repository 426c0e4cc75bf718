/* SPDX-License-Identifier: BSD-2-Clause */
/* ioreqd on a simulated hypervisor, see stack.h. */
#include "tests/drv/stack.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/property.h"
#include "device/file.h"
#include "device/network.h"
#include "device/sockets.h"
#include "device/stream.h"

#ifndef MODULE_BUILD_DIRECTORY
#error "MODULE_BUILD_DIRECTORY is where the modules were built"
#endif

#define DEFAULT_SECTORS 2048u
#define SECTOR          512u

static void dont_close(struct hypervisor *hypervisor)
{
    (void)hypervisor;
}

static bool fail(struct stack *stack, const char *what, const char *why)
{
    snprintf(stack->error, sizeof(stack->error), "%s: %s", what, why);
    return false;
}

/* On no disk if it can be, as a busy one may take half a minute to flush: but memory has no O_DIRECT. */
static bool make_image(struct stack *stack, uint64_t sectors, bool direct)
{
    const char *where = !direct && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    int fd;

    snprintf(stack->folder, sizeof(stack->folder), "%s/test-stack-XXXXXX", where);
    if (mkdtemp(stack->folder) == NULL) {
        return fail(stack, stack->folder, "cannot be made");
    }
    snprintf(stack->image, sizeof(stack->image), "%s/image", stack->folder);
    fd = open(stack->image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)(sectors * SECTOR)) != 0) {
        return fail(stack, stack->image, "cannot be made");
    }
    close(fd);
    return true;
}

static int open_file(void *context, const char *property, const char *path, const struct file_options *options,
                     struct ioreqd_file **file, struct config_error *error)
{
    struct stack *stack = context;
    char reason[256];

    *file = file_open_with(path, options, reason, sizeof(reason));
    if (*file == NULL) {
        return config_error_set(error, EXIT_STATUS_CONFIGURATION, "%s=%s: %s", property, path, reason);
    }
    return device_keep_file(stack->device, *file);
}

/* The property of a kind that a model cannot do without, or NULL. */
static const char *needed(const struct ioreqd_model *model, enum ioreqd_property_kind kind)
{
    for (const struct ioreqd_property *at = model->property; at != NULL && at->name != NULL; at++) {
        if (at->kind == kind && (at->flags & IOREQD_PROPERTY_REQUIRED) != 0) {
            return at->name;
        }
    }
    return NULL;
}

static int open_stream(void *context, const char *property, const char *value, struct ioreqd_stream **stream,
                       struct config_error *error)
{
    struct stack *stack = context;
    char reason[256];

    if (stream_open(value, false, stream, reason, sizeof(reason)) != 0) {
        return config_error_set(error, EXIT_STATUS_CONFIGURATION, "%s=%s: %s", property, value, reason);
    }
    return *stream == NULL ? 0 : device_keep_stream(stack->device, *stream);
}

static int open_sockets(void *context, const char *property, const char *path, struct ioreqd_sockets **sockets,
                        struct config_error *error)
{
    struct stack *stack = context;
    char reason[256];

    if (sockets_open(path, false, sockets, reason, sizeof(reason)) != 0) {
        return config_error_set(error, EXIT_STATUS_CONFIGURATION, "%s=%s: %s", property, path, reason);
    }
    return device_keep_sockets(stack->device, *sockets);
}

static int open_network(void *context, const char *property, const char *value, struct ioreqd_network **network,
                        struct config_error *error)
{
    struct stack *stack = context;
    char reason[256];

    if (network_open(value, false, network, reason, sizeof(reason)) != 0) {
        return config_error_set(error, EXIT_STATUS_CONFIGURATION, "%s=%s: %s", property, value, reason);
    }
    return *network == NULL ? 0 : device_keep_network(stack->device, *network);
}

static void add_pair(struct config_device *config, char *key, size_t size, const char *name, char *value)
{
    snprintf(key, size, "%s", name);
    config->pair[config->pairs++] = (struct config_pair){.key = key, .value = value};
}

static bool make_device(struct stack *stack, const struct ioreqd_model *model, const struct stack_options *options)
{
    char name[] = "device", id[64];
    char file_key[64], sockets_key[64], place[64], key[64], value[64];
    struct config_pair pair[3];
    struct config_device config = {.model = name, .id = id, .pair = pair};
    struct property_opener opener = {.open_file = open_file,
                                     .open_stream = open_stream,
                                     .open_sockets = open_sockets,
                                     .open_network = open_network,
                                     .context = stack};
    struct config_error error;
    const char *property, *reason;

    snprintf(id, sizeof(id), "%s", options->id != NULL ? options->id : "disk0");
    if (stack->image[0] != '\0') {
        add_pair(&config, file_key, sizeof(file_key), needed(model, IOREQD_PROPERTY_FILE), stack->image);
    }
    if (needed(model, IOREQD_PROPERTY_SOCKETS) != NULL) {
        snprintf(place, sizeof(place), "/tmp/ioreqd-sockets-%d", (int)getpid());
        add_pair(&config, sockets_key, sizeof(sockets_key), needed(model, IOREQD_PROPERTY_SOCKETS), place);
    }
    if (options->key != NULL) {
        snprintf(value, sizeof(value), "%s", options->value);
        add_pair(&config, key, sizeof(key), options->key, value);
    }
    stack->device = device_create(model, id, worker_environment(stack->worker));
    if (stack->device == NULL) {
        return fail(stack, "device", "no memory");
    }
    device_set_threads(stack->device, stack->layout == STACK_MAIN_LOOP ? 0 : 2);
    if (model->property != NULL && property_parse(model, &config, device_state(stack->device), &opener, &error) != 0) {
        return fail(stack, "properties", error.text);
    }
    if (device_configure(stack->device, &property, &reason) != 0) {
        return fail(stack, property == NULL ? "device" : property, reason);
    }
    return true;
}

/* ---- layouts ---- */

enum stack_layout stack_default_layout = STACK_PORTS;

#define HOSTS        4u
#define PORT         "port"
#define PORT_DEVFN   BRIDGE_DEVFN(0x1c, 0)
#define ECAM         UINT64_C(0x1000000000)
#define ECAM_SIZE    UINT64_C(0x1000000) /* 16 buses */
#define IO_FIRST     UINT64_C(0x4000)
#define IO_SIZE      UINT64_C(0x2000)
#define MEMORY       UINT64_C(0xc0000000)
#define MEMORY_SIZE  UINT64_C(0x10000000)
#define HIGH         UINT64_C(0x8000000000)
#define HIGH_SIZE    UINT64_C(0x1000000000)
#define FOURTH_FIRST UINT64_C(0x100000) /* what the apertures begin with on the bus of the fourth */

/* The i-th of HOSTS host bridges with ECAM, each with its own part of all that the processor sees. */
static void describe_host(struct bridge_host_config *config, unsigned i)
{
    bool translates = i == HOSTS - 1;

    *config = (struct bridge_host_config){
        .segment = (uint16_t)(i + 1),
        .first_bus = (uint8_t)(16 * i),
        .last_bus = (uint8_t)(16 * i + 15),
        .ecam = ECAM + i * ECAM_SIZE,
        .io = {BRIDGE_PORT, IO_FIRST + i * IO_SIZE, translates ? 0 : IO_FIRST + i * IO_SIZE, IO_SIZE},
        .memory = {BRIDGE_MEMORY, MEMORY + i * MEMORY_SIZE, translates ? FOURTH_FIRST : MEMORY + i * MEMORY_SIZE,
                   MEMORY_SIZE},
        .memory64 = {BRIDGE_MEMORY, HIGH + i * HIGH_SIZE, HIGH + (translates ? 0 : i * HIGH_SIZE), HIGH_SIZE},
        .lines = BRIDGE_LINES_FOLDED,
        .lines_device = STACK_FUNCTION >> 3,
    };
    snprintf(config->name, sizeof(config->name), "host%u", i);
}

static unsigned host_of(enum stack_layout layout)
{
    return layout == STACK_FOURTH ? HOSTS - 1 : 0;
}

struct vcpu stack_vcpu(const struct stack *stack, unsigned index)
{
    struct vcpu vcpu = {.sim = stack->sim, .index = index};
    struct bridge_host_config config;

    if (stack->layout >= STACK_ECAM) {
        describe_host(&config, host_of(stack->layout));
        vcpu.ecam = config.ecam;
        vcpu.segment = config.segment;
        vcpu.root_bus = config.first_bus;
    }
    return vcpu;
}

struct pci_space stack_space(const struct stack *stack)
{
    struct pci_space space = {.ports = 0xc000, .memory = 0xf0000000, .high = UINT64_C(0x800000000)};
    struct bridge_host_config config;

    if (stack->layout >= STACK_ECAM) {
        describe_host(&config, host_of(stack->layout));
        space.ports = config.io.first;
        space.memory = config.memory.first;
        space.high = config.memory64.first;
        space.offset.ports = config.io.first - config.io.bus;
        space.offset.memory = config.memory.first - config.memory.bus;
        space.offset.high = config.memory64.first - config.memory64.bus;
    }
    return space;
}

/* Makes the layout's host bridges and port, and returns the name of the bus for the device. */
static const char *lay_out(struct stack *stack, char name[32])
{
    unsigned hosts = stack->layout == STACK_FOURTH ? HOSTS : stack->layout >= STACK_ECAM ? 1 : 0;
    bool port = stack->layout == STACK_ROOT_PORT || stack->layout == STACK_ECAM_ROOT_PORT;
    struct bridge_host_config config;

    snprintf(name, 32, "%s", BRIDGE_DEFAULT_NAME);
    for (unsigned i = 0; i < hosts; i++) {
        describe_host(&config, i);
        if (worker_add_host(stack->worker, &config) != 0) {
            return NULL;
        }
        snprintf(name, 32, "%s", config.name);
    }
    if (!port) {
        return name;
    }
    return worker_add_port(stack->worker, PORT, name, PORT_DEVFN, 1) == 0 ? PORT : NULL;
}

/* The recording's header has the device as ioreqd-replay can make it. */
static bool record(struct stack *stack, const struct ioreqd_model *model, const struct stack_options *options)
{
    struct recorder *recorder;
    char text[256];
    int rc;

    stack->recording = recorder_file_open(options->record);
    if (stack->recording == NULL) {
        return fail(stack, options->record, "cannot be written");
    }
    recorder = recorder_file_recorder(stack->recording);
    snprintf(text, sizeof(text), "%s,id=disk0%s%s%s%s%s%s", model->name, stack->image[0] != 0 ? ",file=" : "",
             stack->image, options->key != NULL ? "," : "", options->key != NULL ? options->key : "",
             options->key != NULL ? "=" : "", options->key != NULL ? options->value : "");
    rc = recorder_describe(recorder, "disk0", text);
    if (rc == 0 && stack->image[0] != 0) {
        uint64_t sectors = options->sectors != 0 ? options->sectors : DEFAULT_SECTORS;

        rc = recorder_describe_file(recorder, "disk0", "file", sectors * SECTOR);
    }
    worker_record(stack->worker, recorder);
    return rc == 0 || fail(stack, options->record, "no memory");
}

bool stack_open(struct stack *stack, const struct stack_options *options)
{
    const struct ioreqd_model *model = options->model;
    uint8_t devfn = options->devfn != 0 ? options->devfn : STACK_FUNCTION;
    struct hypervisor_error error;
    const char *module = options->module != NULL ? options->module : "virtio-blk";
    const char *bus;
    char path[256], reason[256], name[32];

    memset(stack, 0, sizeof(*stack));
    stack->layout = options->layout != STACK_PORTS ? options->layout : stack_default_layout;
    stack->sim = sim_open(&options->sim);
    stack->worker = worker_create();
    if (stack->sim == NULL || stack->worker == NULL) {
        return fail(stack, "stack", "cannot be made");
    }
    stack->sim_ops = stack->sim->ops;
    stack->ops = *stack->sim->ops;
    stack->ops.close = dont_close;
    stack->sim->ops = &stack->ops;
    if (model == NULL) {
        snprintf(path, sizeof(path), "%s/%s.so", MODULE_BUILD_DIRECTORY, module);
        stack->module = module_open(path, reason, sizeof(reason));
        if (stack->module == NULL) {
            return fail(stack, path, reason);
        }
        model = module_models(stack->module)[0];
    }
    if (options->file != NULL) {
        snprintf(stack->image, sizeof(stack->image), "%s", options->file);
    } else if (needed(model, IOREQD_PROPERTY_FILE) != NULL &&
               !make_image(stack, options->sectors != 0 ? options->sectors : DEFAULT_SECTORS,
                           options->key != NULL && strcmp(options->key, "cache") == 0)) {
        return false;
    }
    if (!make_device(stack, model, options)) {
        return false;
    }
    bus = lay_out(stack, name);
    if (stack->layout == STACK_ROOT_PORT || stack->layout == STACK_ECAM_ROOT_PORT) {
        devfn = 0;
    }
    if (bus == NULL ||
        worker_add_device(stack->worker, stack->device, options->bus != NULL ? options->bus : bus, devfn) != 0) {
        return fail(stack, "worker", "no memory");
    }
    if (options->record != NULL && !record(stack, model, options)) {
        return false;
    }
    if (worker_start(stack->worker, stack->sim, &error) != 0) {
        return fail(stack, "worker", error.text);
    }
    return true;
}

static void *run(void *argument)
{
    struct stack *stack = argument;

    stack->rested = worker_run(stack->worker);
    return NULL;
}

bool stack_serve(struct stack *stack)
{
    struct hypervisor_error error;

    return worker_serve(stack->worker, &error) == 0 || fail(stack, "worker", error.text);
}

void stack_start_thread(struct stack *stack)
{
    stack->running = pthread_create(&stack->thread, NULL, run, stack) == 0;
}

bool stack_run(struct stack *stack)
{
    if (!stack_serve(stack)) {
        return false;
    }
    stack_start_thread(stack);
    return stack->running;
}

static void end(void *argument)
{
    struct stack *stack = argument;

    worker_end(stack->worker, stack->guest_gone);
    worker_end(stack->worker, stack->guest_gone); /* a second signal is no harm */
}

void stack_ask_end(struct stack *stack)
{
    stack->end.run = end;
    stack->end.argument = stack;
    loop_post(worker_loop(stack->worker), &stack->end);
}

void stack_end(struct stack *stack)
{
    if (stack->running) {
        stack_ask_end(stack);
        pthread_join(stack->thread, NULL);
        stack->running = false;
    }
}

unsigned stack_close(struct stack *stack)
{
    unsigned left = 0;

    stack_end(stack);
    worker_destroy(stack->worker);
    recorder_file_close(stack->recording);
    if (stack->sim != NULL) {
        left = sim_violations(stack->sim) + (unsigned)sim_mappings(stack->sim).open;
        for (unsigned i = 0; i < stack->sim->guest.vcpus; i++) {
            uint64_t data;

            left += !sim_result(stack->sim, i, &data);
        }
        stack->sim_ops->close(stack->sim);
    }
    module_close(stack->module);
    if (stack->folder[0] != '\0') {
        unlink(stack->image);
        rmdir(stack->folder);
    }
    return left;
}
