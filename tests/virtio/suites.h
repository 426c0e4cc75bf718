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

/* What the cases of a format run over: 0, split rings, or F_PACKED; set by the fixture. */
extern uint64_t ring_format;

void probe_begin(void);
void probe_begin_packed(void);
/* Fixtures: probe_model, or probe_old_model as a modern or as a transitional device. */
void probe_begin(void);
void probe_old_begin(void);
void probe_transitional_begin(void);
void probe_end(void);

/* Completes the i-th request that the probe holds. */
void probe_complete(unsigned i, uint32_t used);

/* The device shows that it needs a reset, told so once, and touches nothing any more; a reset heals it. */
void assert_ring_broken(void);

/* Of test-virtio-conformance. */
TCase *conformance_basic_cases(void);
TCase *conformance_features_cases(void);
TCase *conformance_pci_cases(void);
TCase *conformance_interrupt_cases(void);
TCase *conformance_legacy_cases(void);

/* Of test-virtio. */
TCase *registers_cases(void);
/* Over the format whose name and fixture are given. */
TCase *ring_cases(const char *name, void (*begin)(void));
TCase *order_cases(const char *name, void (*begin)(void));
TCase *life_cases(const char *name, void (*begin)(void));
TCase *split_cases(void);
TCase *packed_cases(void);
TCase *large_cases(void);
TCase *blk_cases(void);

#endif
