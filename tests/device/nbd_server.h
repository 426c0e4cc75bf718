/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small NBD server for tests, in a thread of the test: on a Unix or TCP socket, one connection at a time, with simple
 * replies. It can be made to fail, to be silent, to flush slowly, to write in another order, and to forget what was not flushed, as one that lost
 * its power.
 */
#ifndef TESTS_DEVICE_NBD_SERVER_H
#define TESTS_DEVICE_NBD_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define NBD_SERVER_READ_ONLY 0x02u
#define NBD_SERVER_FLUSH     0x04u
#define NBD_SERVER_TRIM      0x20u
#define NBD_SERVER_ZEROES    0x40u

/* Commands, for nbd_server_error_of. */
#define NBD_SERVER_OF_WRITES  0x02u
#define NBD_SERVER_OF_FLUSHES 0x08u

struct nbd_server_options {
    uint64_t size;
    unsigned abilities;     /* NBD_SERVER_... */
    uint32_t minimum_block; /* 0: not told */
};

/* The bytes of the export, which outlive a server. */
extern uint8_t *nbd_server_image;

/* What the next requests meet. */
extern atomic_uint nbd_server_silent;   /* 1: done, but not answered; 2: not even done */
extern atomic_uint nbd_server_error;    /* the number of the error that they are answered with; 0: none */
extern atomic_uint nbd_server_error_of; /* which of them: NBD_SERVER_OF_...; 0: all */
extern atomic_bool nbd_server_defers;   /* flushes are done at once, and answered when this is false again */
extern atomic_bool nbd_server_reverses; /* writes that come together are done in another order */
/* How many were done since the start of the test. */
extern atomic_uint nbd_server_reads, nbd_server_writes, nbd_server_flushes, nbd_server_trims, nbd_server_zeroes;
extern atomic_uint nbd_server_received;

/* On a socket at the path; NULL: on 127.0.0.1, at a port of the system's choice and later at the same. */
void nbd_server_start(const char *path, const struct nbd_server_options *options);
/* Cuts the connection and goes. forget: what was written since the last flush is as it was before. */
void nbd_server_stop(bool forget);
unsigned nbd_server_port(void);

#endif
