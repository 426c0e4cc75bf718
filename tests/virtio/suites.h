/* SPDX-License-Identifier: BSD-2-Clause */
/* The test cases of test-virtio, one a file, and the probe device that those of the library share. */
#ifndef TESTS_VIRTIO_SUITES_H
#define TESTS_VIRTIO_SUITES_H

#include <check.h>

#include "tests/virtio/driver.h"
#include "tests/virtio/probe.h"

extern struct fake *fake;
extern struct driver driver;
extern struct probe *probe;

void probe_begin(void);
void probe_end(void);

/* Completes the i-th request that the probe holds. */
void probe_complete(unsigned i, uint32_t used);

TCase *registers_cases(void);
TCase *ring_cases(void);
TCase *life_cases(void);
TCase *blk_cases(void);

#endif
