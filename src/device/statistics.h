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

/* Of the histogram of time in accesses: entry i counts those that took from 2^i to 2^(i+1)-1 ns, the last longer ones too. */
#define DEVICE_TIMES 32

struct device_count {
    const char *name;
    const char *unit;
    uint64_t value;
};

/* The counters of the host, and then those of the model. False: there are no more. */
bool device_counter(const struct ioreqd_device *device, size_t index, struct device_count *count);
/* Only while accesses are timed something is added. */
const uint64_t *device_times(const struct ioreqd_device *device);

const char *device_model(const struct ioreqd_device *device);
/* Its life, as a word: created, running, resetting, ending, failed. */
const char *device_condition(const struct ioreqd_device *device);
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
