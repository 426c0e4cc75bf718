/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ioreqd needs of a hypervisor for one guest, and nothing more. Two implementations: xen/, the only place that
 * calls the Xen libraries, and sim/, a hypervisor in memory for tests, benchmarks and fuzzing.
 *
 * A `struct hypervisor` is one guest seen by one IOREQ server. It is opened and closed by the worker on its main
 * thread. Functions marked [any] may be called from every thread; the others only from the main thread.
 *
 * Errors are negative errnos unless told otherwise.
 */
#ifndef IOREQD_HYPERVISOR_H
#define IOREQD_HYPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HYPERVISOR_PAGE_SHIFT 12
#define HYPERVISOR_PAGE_SIZE  (UINT64_C(1) << HYPERVISOR_PAGE_SHIFT)

#define HYPERVISOR_MAP_MAX 512

/* Pages of one map_grants(). */
#define HYPERVISOR_GRANTS_MAX 512

/* The most that can be served: one page of slots (xen/include/public/hvm/ioreq.h, shared_iopage). */
#define HYPERVISOR_MAX_VCPUS 128

enum request_kind {
    REQUEST_PORT,       /* address: an I/O port */
    REQUEST_MEMORY,     /* address: guest-physical */
    REQUEST_CONFIG,     /* address: segment:bus:device.function << 32 | register */
    REQUEST_INVALIDATE, /* guest memory changed its place: cached mappings are stale */
    REQUEST_OTHER       /* known to nobody here: answered, nothing done */
};

/*
 * A private copy of what one vCPU asks. count elements of size bytes; element i lies at address +- i * size (ports
 * stay put), downwards with `down`. With data_is_pointer, data is the guest-physical address of the first element in
 * memory, which moves the same way (dm_op.h and hvm/ioreq.h; Xen's hvmemul_do_io()).
 */
struct request {
    enum request_kind kind;
    bool write;
    bool down;
    bool data_is_pointer;
    uint32_t size;
    uint32_t count;
    uint64_t address;
    uint64_t data;
};

enum claim_space { CLAIM_PORT, CLAIM_MEMORY };

/* What kind of guest it is, read once when it is opened. */
struct hypervisor_guest {
    unsigned domain;
    unsigned vcpus;
    bool intx;        /* it has an interrupt controller that PCI interrupt lines reach: an HVM guest, not PVH */
    bool host_bridge; /* another device model gives it a PCI host bridge: an HVM guest with QEMU */
    bool memory_only; /* it has no ports, and functions cannot be claimed: all of PCI is memory */
    bool spis;        /* neither lines nor messages reach it, but SPIs do, see spi(): the guest of a GIC */
    bool paused;      /* it waited to be let run when it was looked at */
};

/* Why something could not be had, for people: the thing, the value and the remedy. */
enum hypervisor_failure {
    HYPERVISOR_NO_DOMAIN,  /* there is no such guest */
    HYPERVISOR_UNSUITABLE, /* the guest cannot have what was asked for */
    HYPERVISOR_REFUSED     /* the hypervisor, or a permission, said no */
};

struct hypervisor_error {
    enum hypervisor_failure failure;
    char text[384];
};

struct hypervisor;

struct hypervisor_ops {
    void (*close)(struct hypervisor *);

    /*
     * The IOREQ server. start: created, its page mapped, enabled, every vCPU's event channel bound; claims are made
     * after it. Returns 0, or -1 with the error filled in. stop: disabled, open requests answered with all ones,
     * destroyed; may be called without a start.
     */
    int (*start)(struct hypervisor *, struct hypervisor_error *);
    void (*stop)(struct hypervisor *);

    /*
     * Claims of port and memory ranges, both ends included, and of functions bus << 8 | device << 3 | function. 0 or a
     * negative errno: -EEXIST where the server has a part of the range already, -ENOSPC where it has as many ranges as
     * it may have (256 of a kind).
     */
    int (*claim)(struct hypervisor *, enum claim_space space, uint64_t first, uint64_t last);
    int (*unclaim)(struct hypervisor *, enum claim_space space, uint64_t first, uint64_t last);
    int (*claim_function)(struct hypervisor *, uint16_t function);
    int (*unclaim_function)(struct hypervisor *, uint16_t function);

    /*
     * Requests. event_fd polls readable when a vCPU may have one. events() fills vcpu[] with those that rang since and
     * returns how many, at most count; 0: none after all. take() copies the vCPU's request, if it has one, and marks it
     * taken. answer() completes it, exactly once, with data for the guest to read, and wakes the vCPU. rearm() lets
     * the vCPUs of the last events() ring again, and comes before the next events().
     */
    int (*event_fd)(struct hypervisor *);
    unsigned (*events)(struct hypervisor *, unsigned *vcpu, unsigned count);
    bool (*take)(struct hypervisor *, unsigned vcpu, struct request *);
    void (*answer)(struct hypervisor *, unsigned vcpu, uint64_t data);
    void (*rearm)(struct hypervisor *);

    /*
     * Guest memory, [any]. map: count (to HYPERVISOR_MAP_MAX) consecutive guest frames at one place, read and write; error[i] is 0 or
     * a negative errno where frame i cannot be had (touching it is then a fault). NULL with errno set when nothing can be mapped.
     */
    void *(*map)(struct hypervisor *, uint64_t frame, size_t count, int *error);
    void (*unmap)(struct hypervisor *, void *base, size_t count);

    /*
     * Pages that the guest has granted us, [any]: count (to HYPERVISOR_GRANTS_MAX) of them, by references that follow one
     * another. map_grants: all at one place, NULL with errno set when one of them is not granted, or only for reading and
     * write is asked for. copy_grants: length bytes from offset of the first page on, to a buffer or, with to_guest, from
     * it; 0 or a negative errno, and then some of them may have been copied.
     */
    void *(*map_grants)(struct hypervisor *, uint32_t reference, size_t count, bool write);
    void (*unmap_grants)(struct hypervisor *, void *base, size_t count);
    int (*copy_grants)(struct hypervisor *, uint32_t reference, size_t offset, void *buffer, size_t length,
                       bool to_guest);

    /* Interrupts, [any]. */
    int (*message)(struct hypervisor *, uint64_t address, uint32_t data);
    /* Whether a message ignores the mask bit of its MSI-X entry, because the guest routes it another way. */
    bool (*message_unmaskable)(struct hypervisor *, uint64_t address, uint32_t data);
    int (*intx)(struct hypervisor *, unsigned device, unsigned pin, bool level);
    /*
     * The level of a shared peripheral interrupt of a guest that has such. High makes it pending, also where it is high
     * already; that it falls may be ignored. -EINVAL: the guest has no such SPI, or the hypervisor keeps it to itself.
     */
    int (*spi)(struct hypervisor *, unsigned spi, bool level);
};

struct hypervisor {
    const struct hypervisor_ops *ops;
    struct hypervisor_guest guest;
};

#endif
