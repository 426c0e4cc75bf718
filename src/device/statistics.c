/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters and facts of a device, see statistics.h. */
#include "device/statistics.h"

#include <string.h>

#include "device/device_private.h"
#include "device/timer.h"

static const char *const access_names[DEVICE_ACCESSES] = {
    [DEVICE_READS] = "register-reads",
    [DEVICE_WRITES] = "register-writes",
    [DEVICE_BELLS] = "doorbells",
    [DEVICE_CONFIG] = "config-accesses",
};

static const struct {
    const char *name, *unit;
} tally_names[DEVICE_TALLIES] = {
    [DEVICE_INTERRUPTS] = {"interrupts", "interrupts"},
    [DEVICE_BYTES_FROM_GUEST] = {"dma-from-guest", "bytes"},
    [DEVICE_BYTES_TO_GUEST] = {"dma-to-guest", "bytes"},
    [DEVICE_DMA_ERRORS] = {"dma-errors", "accesses"},
};

/* Where the host's own counters stand. */
#define GUEST_ERRORS  (DEVICE_ACCESSES + DEVICE_TALLIES)
#define CONFIG_READS  (GUEST_ERRORS + 1)
#define CONFIG_WRITES (CONFIG_READS + 1)
#define OF_BACKENDS   (CONFIG_WRITES + 1)

/* Threads are few and live long: numbered as they come, hardly two that are busy share a slot. */
static unsigned slot_of_thread(void)
{
    static atomic_uint next;
    static _Thread_local unsigned slot; /* 0: none yet */

    if (slot == 0) {
        slot = atomic_fetch_add_explicit(&next, 1, memory_order_relaxed) % TALLY_SLOTS + 1;
    }
    return slot - 1;
}

void device_count(struct ioreqd_device *device, enum device_tally_kind kind, uint64_t more)
{
    atomic_fetch_add_explicit(&device->tally[slot_of_thread()].count[kind], more, memory_order_relaxed);
}

void device_count_time(struct ioreqd_device *device, uint64_t begun)
{
    device->took[tally_time(timer_now() - begun)]++;
}

static uint64_t sum(const struct ioreqd_device *device, size_t kind)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < TALLY_SLOTS; i++) {
        total += atomic_load_explicit(&device->tally[i].count[kind], memory_order_relaxed);
    }
    return total;
}

static struct device_count config_count(const struct ioreqd_device *device, bool write)
{
    struct bridge_function_counters counters = {0};

    if (device->function != NULL) {
        counters = *bridge_function_counters(device->function);
    }
    return (struct device_count){write ? "config-writes" : "config-reads", "accesses",
                                 write ? counters.config_writes : counters.config_reads};
}

bool device_counter(const struct ioreqd_device *device, size_t index, struct device_count *count)
{
    const struct ioreqd_counter *counter = device->model->counter;

    if (index < DEVICE_ACCESSES) {
        *count = (struct device_count){access_names[index], "accesses", device->accesses[index]};
        return true;
    }
    if (index < GUEST_ERRORS) {
        size_t kind = index - DEVICE_ACCESSES;

        *count = (struct device_count){tally_names[kind].name, tally_names[kind].unit, sum(device, kind)};
        return true;
    }
    if (index == GUEST_ERRORS) {
        *count = (struct device_count){"guest-errors", "errors", atomic_load(&device->guest_errors)};
        return true;
    }
    if (index < OF_BACKENDS) {
        *count = config_count(device, index == CONFIG_WRITES);
        return true;
    }
    if (device_backend_counter(device, index - OF_BACKENDS, count)) {
        return true;
    }
    for (size_t i = OF_BACKENDS + device_backend_counters(device); counter != NULL && counter->name != NULL;
         i++, counter++) {
        if (i == index) {
            const uint8_t *at = (const uint8_t *)device->state + counter->offset;

            *count = (struct device_count){
                counter->name, counter->unit,
                atomic_load_explicit((const _Atomic uint64_t *)(const void *)at, memory_order_relaxed)};
            return true;
        }
    }
    return false;
}

const uint64_t *device_times(const struct ioreqd_device *device)
{
    return device->took;
}

const char *device_model(const struct ioreqd_device *device)
{
    return device->model->name;
}

static bool has_failed(const struct ioreqd_device *device)
{
    return device->function != NULL ? bridge_failed(device->function) : atomic_load(&device->failed);
}

static bool needs_reset(const struct ioreqd_device *device)
{
    return device->phase == DEVICE_RUNNING && atomic_load(&device->trouble.kind) == TROUBLE_NEEDS_RESET;
}

bool device_is_stuck(const struct ioreqd_device *device)
{
    return has_failed(device) || needs_reset(device);
}

const char *device_condition(const struct ioreqd_device *device)
{
    static const char *const words[] = {
        [DEVICE_CREATED] = "created",
        [DEVICE_RUNNING] = "running",
        [DEVICE_RESETTING] = "resetting",
        [DEVICE_ENDING] = "ending",
    };

    if (has_failed(device)) {
        return "failed";
    }
    return needs_reset(device) ? "needs-reset" : words[device->phase];
}

bool device_reason(struct ioreqd_device *device, char *reason, size_t size)
{
    trouble_reason(&device->trouble, reason, size);
    return reason[0] != 0;
}

const struct bridge_function *device_function(const struct ioreqd_device *device)
{
    return device->function;
}
