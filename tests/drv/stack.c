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

#ifndef MODULE_BUILD_DIRECTORY
#error "MODULE_BUILD_DIRECTORY is where virtio-blk.so was built"
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

static bool make_image(struct stack *stack, uint64_t sectors)
{
    int fd;

    snprintf(stack->folder, sizeof(stack->folder), "/tmp/test-stack-XXXXXX");
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

static int open_file(void *context, const char *property, const char *path, bool read_only, struct ioreqd_file **file,
                     struct config_error *error)
{
    struct stack *stack = context;
    char reason[256];

    *file = file_open(path, read_only, reason, sizeof(reason));
    if (*file == NULL) {
        return config_error_set(error, EXIT_STATUS_CONFIGURATION, "%s=%s: %s", property, path, reason);
    }
    return device_keep_file(stack->device, *file);
}

static bool make_device(struct stack *stack, const struct ioreqd_model *model, const struct stack_options *options)
{
    char file_key[] = "file", name[] = "device", id[] = "disk0";
    char key[64], value[64];
    struct config_pair pair[2] = {{file_key, stack->image}, {key, value}};
    struct config_device config = {.model = name, .id = id, .pair = pair, .pairs = 1};
    struct property_opener opener = {.open_file = open_file, .context = stack};
    struct config_error error;
    const char *property, *reason;

    if (options->key != NULL) {
        snprintf(key, sizeof(key), "%s", options->key);
        snprintf(value, sizeof(value), "%s", options->value);
        config.pairs = 2;
    }
    stack->device = device_create(model, "disk0", worker_environment(stack->worker));
    if (stack->device == NULL) {
        return fail(stack, "device", "no memory");
    }
    if (model->property != NULL && property_parse(model, &config, device_state(stack->device), &opener, &error) != 0) {
        return fail(stack, "properties", error.text);
    }
    if (device_configure(stack->device, &property, &reason) != 0) {
        return fail(stack, property == NULL ? "device" : property, reason);
    }
    return true;
}

bool stack_open(struct stack *stack, const struct stack_options *options)
{
    const struct ioreqd_model *model = options->model;
    uint8_t devfn = options->devfn != 0 ? options->devfn : STACK_FUNCTION;
    struct hypervisor_error error;
    char reason[256];

    memset(stack, 0, sizeof(*stack));
    stack->sim = sim_open(&options->sim);
    stack->worker = worker_create();
    if (stack->sim == NULL || stack->worker == NULL) {
        return fail(stack, "stack", "cannot be made");
    }
    stack->sim_ops = stack->sim->ops;
    stack->ops = *stack->sim->ops;
    stack->ops.close = dont_close;
    stack->sim->ops = &stack->ops;
    if ((model == NULL || model->property != NULL) &&
        !make_image(stack, options->sectors != 0 ? options->sectors : DEFAULT_SECTORS)) {
        return false;
    }
    if (model == NULL) {
        stack->module = module_open(MODULE_BUILD_DIRECTORY "/virtio-blk.so", reason, sizeof(reason));
        if (stack->module == NULL) {
            return fail(stack, MODULE_BUILD_DIRECTORY, reason);
        }
        model = module_models(stack->module)[0];
    }
    if (!make_device(stack, model, options)) {
        return false;
    }
    if (worker_add_device(stack->worker, stack->device, options->bus, devfn) != 0) {
        return fail(stack, "worker", "no memory");
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
    if (stack->sim != NULL) {
        left = sim_violations(stack->sim) + (unsigned)sim_mappings(stack->sim).open;
        for (unsigned i = 0; i < stack->sim->guest.vcpus; i++) {
            uint64_t data;

            left += !sim_result(stack->sim, i, &data);
        }
        stack->sim_ops->close(stack->sim);
    }
    module_close(stack->module);
    if (stack->image[0] != '\0') {
        unlink(stack->image);
        rmdir(stack->folder);
    }
    return left;
}
