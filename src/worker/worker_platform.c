/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The platform under the bridge: what that claims, and the interrupts that it raises, go on to the hypervisor, and the
 * interrupts to the recorder too. Without state of its own. Claims are made on the main thread, interrupts raised on any.
 */
#include <inttypes.h>
#include <string.h>

#include "log.h"
#include "worker/worker_private.h"

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

void worker_make_platform(struct worker *worker)
{
    worker->platform = platform_template;
    if (!worker->hypervisor->guest.intx) {
        worker->platform.intx = NULL;
    }
    if (!worker->hypervisor->guest.spis) {
        worker->platform.spi = NULL;
    }
}
