/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The beginning of a connection to the NBD server for tests, and its bytes on the wire: see nbd_server.h.
 */
#ifndef TESTS_DEVICE_NBD_NEGOTIATION_H
#define TESTS_DEVICE_NBD_NEGOTIATION_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/device/nbd_server.h"

#define NBD_LARGEST (32u << 20) /* bytes of a command */

/* All of the bytes, or false: the connection is over. */
bool nbd_get(int fd, void *to, size_t length);
bool nbd_put(int fd, const void *from, size_t length);
/* Tells the client what there is. False: it does not want that. */
bool nbd_negotiate(int fd, const struct nbd_server_options *export);

#endif
