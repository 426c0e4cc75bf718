/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machines, see machine.h.
 *
 * An Arm guest of Xen has three gaps in its layout (hypervisor/arm_layout.h): 0x4100000 to 0xfffffff, 0x33000000 to
 * 0x37ffffff and 0x3a000000 to 0x3fffffff. Nothing above 4 GiB is free but what is beyond the 40 bits of address that
 * many processors end with, so that the aperture for 64-bit BARs lies below too. Eight host bridges fit, the parts of
 * one kind one behind the other. Around 0xc000000 downstream trees have a TPM.
 */
#include "bridge/machine.h"

#include <stdio.h>

#define TURNS      8u
#define FRAME      UINT64_C(0x0a000000)
#define BUSES      8u
#define MIB(count) ((uint64_t)(count) << 20)

static const struct {
    uint64_t first;
    uint64_t size;
} windows[] = {
    [BRIDGE_WINDOW_ECAM] = {UINT64_C(0x05000000), MIB(BUSES)},
    [BRIDGE_WINDOW_IO] = {UINT64_C(0x09000000), UINT64_C(0x10000)},
    [BRIDGE_WINDOW_MEMORY] = {UINT64_C(0x33000000), MIB(8)},
    [BRIDGE_WINDOW_MEMORY64] = {UINT64_C(0x3a000000), MIB(8)},
};

enum bridge_machine bridge_machine_native(void)
{
#if defined(__aarch64__)
    return BRIDGE_MACHINE_ARM;
#else
    return BRIDGE_MACHINE_X86;
#endif
}

const char *bridge_machine_name(enum bridge_machine machine)
{
    return machine == BRIDGE_MACHINE_ARM ? "arm" : "x86";
}

bool bridge_arm_window(enum bridge_window window, unsigned turn, uint64_t *first, uint64_t *size)
{
    *first = windows[window].first + turn * windows[window].size;
    *size = windows[window].size;
    return turn < TURNS;
}

static void set_aperture(struct bridge_aperture *aperture, enum bridge_window window)
{
    *aperture = (struct bridge_aperture){.space = BRIDGE_MEMORY};
    bridge_arm_window(window, 0, &aperture->first, &aperture->size);
    aperture->bus = window == BRIDGE_WINDOW_IO ? 0 : aperture->first;
}

void bridge_default_arm_host(struct bridge_host_config *config)
{
    uint64_t size;

    *config = (struct bridge_host_config){
        .segment = BRIDGE_ARM_SEGMENT,
        .last_bus = BUSES - 1,
        .host_bridge_shown = true,
    };
    snprintf(config->name, sizeof(config->name), "%s", BRIDGE_DEFAULT_NAME);
    bridge_arm_window(BRIDGE_WINDOW_ECAM, 0, &config->ecam, &size);
    set_aperture(&config->io, BRIDGE_WINDOW_IO);
    set_aperture(&config->memory, BRIDGE_WINDOW_MEMORY);
    set_aperture(&config->memory64, BRIDGE_WINDOW_MEMORY64);
}

/*
 * All within the first 32 SPIs, 32 to 63, which nr_spis=32 gives a guest of Xen 4.20, and a vuart one of 4.17; behind
 * those of the vuart and of virtio-mmio devices, 32 to 43.
 */
void bridge_default_interrupts(struct bridge_interrupts *interrupts)
{
    *interrupts = (struct bridge_interrupts){.lines = {44, 4}, .messages = {48, 16}, .frame = FRAME};
}

void bridge_give_lines(struct bridge_host_config *config, const struct bridge_spis *lines, unsigned index,
                       unsigned hosts)
{
    if (lines->count == 0) {
        config->lines = BRIDGE_LINES_NONE;
        return;
    }
    config->lines = BRIDGE_LINES_SPIS;
    config->spis = *lines;
    config->first_line = (uint16_t)(index * lines->count / hosts);
}
