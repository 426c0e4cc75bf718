/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest and a host for a virtio-vsock in a test: the fake host with time, watches and sockets, and a driver that lays
 * out packets. The far ends of the device's sockets are real ones, the test's. One thread.
 */
#ifndef TESTS_VIRTIO_VSOCK_BENCH_H
#define TESTS_VIRTIO_VSOCK_BENCH_H

#include "devices/virtio-vsock/vsock.h"
#include "tests/virtio/driver.h"

#define GUEST_CID  33u
#define BUFFER     65536u /* that the device advertises */
#define QUEUE_SIZE 64u
#define BIG_CREDIT (1u << 20)

#define FEATURE_STREAM     (UINT64_C(1) << 0)
#define FEATURE_NO_IMPLIED (UINT64_C(1) << 2)

/* A packet as it stands in memory: little-endian hosts only. */
struct wire {
    uint64_t src_cid, dst_cid;
    uint32_t src_port, dst_port, length;
    uint16_t type, operation;
    uint32_t flags, buf_alloc, fwd_cnt;
} __attribute__((packed));

struct bench {
    struct fake *fake;
    struct driver driver;
    struct vsock *vsock;
    uint64_t now;
    int connect_error;     /* of all connections to the host; 0: there is somebody at ports below 2000 */
    uint32_t connect_port; /* of the last one */
    int far;               /* and its far end; -1: none */
    unsigned connects;
    int socket_room; /* bytes that sockets to the host take; 0: as usual */
    unsigned calls;  /* of watches */
    unsigned warnings;
    uint32_t transmit_slot, receive_slot;
};

extern struct bench bench;
/* The fake host with the functions of the bench, for those who change it further. */
extern struct ioreqd_host bench_host;

/* connections: of the table. The device is made, and no driver has begun. */
void bench_create(uint32_t connections);
/* Checks that the device is whole and gave everything back. */
void bench_destroy(void);
/* A driver begins, with so many buffers of 4096 bytes to receive. */
void bench_start(uint64_t features, unsigned buffers);
void bench_begin(void); /* all of it with usual values */

/* Turns the loops until they rest. */
void bench_pump(void);
void bench_pass(uint64_t nanoseconds);

/* A program of the host connects to the device's socket: its descriptor. */
int bench_call(void);

/* The guest. */
void bench_lay_out(unsigned buffers, uint32_t bytes); /* no doorbell */
void bench_give(unsigned buffers, uint32_t bytes);
struct wire bench_wire(uint16_t operation, uint32_t guest_port, uint32_t host_port);
void bench_put(const struct wire *wire, const void *data, uint32_t bytes); /* no doorbell */
void bench_send_wire(const struct wire *wire, const void *data, uint32_t bytes);
void bench_send(uint16_t operation, uint32_t guest_port, uint32_t host_port);
void bench_send_data(uint32_t guest_port, uint32_t host_port, const void *data, uint32_t bytes);
/* The next packet for the guest, with at most 4096 bytes of data, which may be NULL; its buffer is given back. */
bool bench_next(struct wire *wire, void *data);
/* The same where buffers are not given back. */
bool bench_take(struct wire *wire, void *data);

/* Fails unless that is the next packet. */
struct wire bench_expect(uint16_t operation, uint32_t guest_port, uint32_t host_port);
void bench_expect_nothing(void);

/* A connection that the guest makes to a port of the host: the far end. */
int bench_connect(uint32_t guest_port, uint32_t host_port);
/* One that the host makes, with the port that it got in *host_port. */
int bench_accept(uint32_t guest_port, uint32_t *host_port);

/* Connections of the table in use. */
unsigned bench_used(void);
bool bench_closed(int descriptor); /* by the device */

#endif
