/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is counted of every device without the model's help, and what else people want to know of one, for the control
 * socket. Called on the main thread, which also counts the accesses; what other threads count is added up when it is
 * asked for, so that they share nothing.
 */
#ifndef IOREQD_DEVICE_STATISTICS_H
#define IOREQD_DEVICE_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/tally.h"
#include "ioreqd/device.h"

struct bridge_function;

enum device_access { DEVICE_READS, DEVICE_WRITES, DEVICE_BELLS, DEVICE_CONFIG, DEVICE_ACCESSES };

/* Interrupts are those that the model raises, masked ones too; bytes those of DMA, rings apart. */
enum device_tally_kind {
    DEVICE_INTERRUPTS,
    DEVICE_BYTES_FROM_GUEST,
    DEVICE_BYTES_TO_GUEST,
    DEVICE_DMA_ERRORS,
    DEVICE_TALLIES
};

/* Entries of a histogram of time, see tally.h. */
#define DEVICE_TIMES TALLY_TIMES

struct device_count {
    const char *name;
    const char *unit;
    uint64_t value;
};

/* The counters of the host, those of files and networks, and then those of the model. False: there are no more. */
bool device_counter(const struct ioreqd_device *device, size_t index, struct device_count *count);
/* What goes up and down, or is the most that there was. False: there are no more. */
bool device_gauge(const struct ioreqd_device *device, size_t index, struct device_count *count);
/* Of accesses, and of requests to files; false: it has no file. Only while they are timed something is added. */
const uint64_t *device_times(const struct ioreqd_device *device);
bool device_file_times(const struct ioreqd_device *device, uint64_t times[DEVICE_TIMES]);

const char *device_model(const struct ioreqd_device *device);
/* Its life, as a word: created, running, needs-reset, resetting, ending, failed. */
const char *device_condition(const struct ioreqd_device *device);
/* Whether it does nothing more until the guest resets it: it is needs-reset or failed. */
bool device_is_stuck(const struct ioreqd_device *device);
/* Why it needs a reset or has failed, as was told first: size bytes, for people. False: it does neither. */
bool device_reason(struct ioreqd_device *device, char *reason, size_t size);
/* NULL: it has none yet. */
const struct bridge_function *device_function(const struct ioreqd_device *device);

/* What people can have it do: the model's verbs, and then those that the host has for its files and networks. NULL: no more. */
const struct ioreqd_verb *device_verb(const struct ioreqd_device *device, size_t index);
/*
 * Has it done, with checked values. 0, or a negative errno with the reason, of size bytes, for people; -EBUSY while the
 * device does not run.
 */
int device_run_verb(struct ioreqd_device *device, const struct ioreqd_verb *verb, const struct ioreqd_value *value,
                    char *reason, size_t size);

#endif
