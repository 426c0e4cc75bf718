/* SPDX-License-Identifier: BSD-2-Clause */
/* The test cases of test-virtio-vsock, one a file. */
#ifndef TESTS_VIRTIO_TEST_VSOCK_H
#define TESTS_VIRTIO_TEST_VSOCK_H

#include <check.h>

#include "tests/virtio/vsock_bench.h"

TCase *vsock_connect_cases(void);
TCase *vsock_data_cases(void);
TCase *vsock_close_cases(void);
TCase *vsock_queue_cases(void);
TCase *vsock_life_cases(void);

#endif
