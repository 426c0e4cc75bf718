/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest of a recording, made anew: a simulated hypervisor, the bridges and the devices that the header tells of,
 * each device with scratch files in place of those of the recording. Made, fed and ended on the main thread; the
 * worker's loop runs on a thread of its own.
 */
#ifndef IOREQD_REPLAY_GUEST_H
#define IOREQD_REPLAY_GUEST_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "hypervisor/sim/sim.h"
#include "models.h"
#include "recording/recording.h"
#include "worker/worker.h"

/* A device option that replaces that of the recording with the same id. Its files are the user's own. */
struct guest_override {
    struct config_device device;
    bool used;
};

struct guest_options {
    struct models *models;
    struct guest_override *override;
    size_t overrides;
};

struct guest_file {
    char device[RECORDING_NAME_SIZE];
    int descriptor;
    unsigned number; /* of the device's files; UINT_MAX before the device has opened it */
};

struct guest {
    const struct guest_options *options;
    struct hypervisor *sim;
    struct worker *worker;
    struct guest_file *file; /* as in the recording */
    size_t files;
    pthread_t thread;
    bool running;
    bool rested;
    struct ioreqd_work end;
    const char *device; /* that is made now */
    struct ioreqd_device *made;
    unsigned opened;
};

/* memory: bytes of RAM. Errors as config_error. */
int guest_make(struct guest *guest, const struct recording *recording, uint64_t memory, struct recorder *recorder,
               const struct guest_options *options, struct config_error *error);
int guest_run(struct guest *guest, struct config_error *error);
/* Has the worker come to its end and waits for it. The devices are still there. */
void guest_end(struct guest *guest);
void guest_free(struct guest *guest);

/* The scratch file of a device, or -1. */
int guest_file(const struct guest *guest, const char *device, unsigned number);

#endif
