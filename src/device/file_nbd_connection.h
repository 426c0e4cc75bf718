/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making a connection to an NBD server, which takes time: names are looked up, keys exchanged. Again and again by a
 * thread of its own, so that no loop waits for it.
 */
#ifndef IOREQD_DEVICE_FILE_NBD_CONNECTION_H
#define IOREQD_DEVICE_FILE_NBD_CONNECTION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ioreqd/device.h"

struct nbd_handle;

/* What the server says of an export. */
struct nbd_export {
    uint64_t size;
    uint32_t minimum; /* offsets and lengths are multiples of it; a power of 2 */
    uint32_t preferred;
    uint32_t maximum; /* bytes of one request with data */
    bool read_only;
    bool can_flush;
    bool can_trim;
    bool can_zero;
};

/* Gives up some seconds later, or soon after *stop is set. NULL with the reason and errno. */
struct nbd_handle *file_nbd_connect(const char *uri, const atomic_bool *stop, struct nbd_export *export, char *reason,
                                    size_t size);

struct nbd_connector;

/* Has work posted to the loop when a try has come to its end. NULL: no memory. */
struct nbd_connector *file_nbd_connector_create(const char *uri, struct ioreqd_loop *loop, struct ioreqd_work *work);
/* Waits for the end of a try. NULL is allowed. */
void file_nbd_connector_destroy(struct nbd_connector *connector);
/* Starts a try: 0 or a negative errno. */
int file_nbd_connector_start(struct nbd_connector *connector);
/* After the work was run: what came of it. NULL with the reason. */
struct nbd_handle *file_nbd_connector_take(struct nbd_connector *connector, struct nbd_export *export, char *reason,
                                           size_t size);

#endif
