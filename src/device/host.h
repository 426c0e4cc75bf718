/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of functions that models are given, struct ioreqd_host.
 */
#ifndef IOREQD_DEVICE_HOST_H
#define IOREQD_DEVICE_HOST_H

#include "ioreqd/device.h"

const struct ioreqd_host *host_table(void);

#endif
