/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage: dump-config [MODULE-FOLDER]
 *
 * Prints the configuration space of a device of each model in the folder (the build's own, if not given) as a guest
 * reads it once its BARs are placed, in the format that `lspci -F` reads. BARs are placed below 4 GiB: lspci takes the
 * upper half of an address for one more BAR. Each model is on a simulated hypervisor of its own, at a device number of
 * its own; the first one's host bridge is printed too. A virtio model that can be a transitional device is there a second
 * time, as NAME-transitional. Fails when a model cannot be dumped.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bridge/pci_registers.h"
#include "models.h"
#include "tests/drv/pci.h"
#include "tests/drv/stack.h"

#define EXTENDED_SIZE 4096u
#define DEVICES_MAX   31u /* of bus 0, less the host bridge */
#define TRANSITIONAL  "transitional"

static void dump_function(const struct vcpu *vcpu, uint32_t number, const char *name)
{
    uint32_t extended = pci_get(vcpu, number, PCI_CONFIG_SIZE, 4); /* a function without it reads as all ones or 0 */
    unsigned size = extended != 0 && extended != 0xffffffff ? EXTENDED_SIZE : PCI_CONFIG_SIZE;

    printf("00:%02x.%u %s", number >> 3 & 0x1fu, number & 7u, name);
    for (unsigned reg = 0; reg < size; reg += 4) {
        uint32_t value = pci_get(vcpu, number, reg, 4);

        if (reg % 16 == 0) {
            printf("\n%02x:", reg);
        }
        for (unsigned i = 0; i < 4; i++) {
            printf(" %02" PRIx32, value >> 8 * i & 0xff);
        }
    }
    printf("\n\n");
}

/* Root ports are a part of the bridge: the list of models has their keys, and no code. */
static bool is_builtin(const struct ioreqd_model *model)
{
    return model->create == NULL;
}

static bool has_property(const struct ioreqd_model *model, const char *name)
{
    const struct ioreqd_property *at = model->property;

    while (at != NULL && at->name != NULL && strcmp(at->name, name) != 0) {
        at++;
    }
    return at != NULL && at->name != NULL;
}

/* key: a property that is switched on, or NULL. */
static bool dump_model(const struct ioreqd_model *model, unsigned device, const char *key)
{
    const struct stack_options options = {.model = model, .devfn = (uint8_t)(device << 3), .key = key, .value = "on"};
    struct pci_space space = {.ports = 0xc000, .memory = 0xe0000000};
    struct pci_function function[PCI_FUNCTIONS];
    struct stack stack;
    bool opened = stack_open(&stack, &options) && stack_run(&stack);
    unsigned found = 0, left;
    char name[64];

    snprintf(name, sizeof(name), "%s%s%s", model->name, key == NULL ? "" : "-", key == NULL ? "" : key);

    if (opened) {
        const struct vcpu vcpu = {.sim = stack.sim};

        found = pci_enumerate(&vcpu, function, PCI_FUNCTIONS);
        for (unsigned i = 0; i < found; i++) {
            if (function[i].number >> 3 == device) {
                pci_place(&vcpu, &function[i], &space);
                dump_function(&vcpu, function[i].number, name);
            } else if (device == 1) {
                dump_function(&vcpu, function[i].number, "host bridge");
            }
        }
    } else {
        fprintf(stderr, "dump-config: %s: %s\n", model->name, stack.error);
    }
    left = stack_close(&stack);
    if (left != 0) {
        fprintf(stderr, "dump-config: %s: %u violations, mappings or lost answers are left behind\n", model->name,
                left);
    }
    return opened && found > 1 && left == 0;
}

int main(int argc, char **argv)
{
    struct models *models = models_open(argc > 1 ? argv[1] : NULL);
    size_t count = 0;
    unsigned device = 1;
    const struct ioreqd_model *const *all = models == NULL ? NULL : models_all(models, &count);
    bool good = count > 0 && count <= DEVICES_MAX;

    if (!good) {
        fprintf(stderr, "dump-config: there are %zu models, which is not 1 to %u\n", count, DEVICES_MAX);
    }
    for (size_t i = 0; good && i < count; i++) {
        if (!is_builtin(all[i])) {
            good = dump_model(all[i], device++, NULL);
        }
        if (good && !is_builtin(all[i]) && has_property(all[i], TRANSITIONAL)) {
            good = device <= DEVICES_MAX && dump_model(all[i], device++, TRANSITIONAL);
        }
    }
    models_close(models);
    return good && fflush(stdout) == 0 ? 0 : 1;
}
