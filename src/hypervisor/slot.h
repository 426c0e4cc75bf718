/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page of slots through which Xen and an IOREQ server talk: one slot a vCPU (xen/include/public/hvm/ioreq.h).
 * Shared by xen/ and sim/, so that the protocol that tests exercise is the one that runs. xen/ checks this layout
 * against Xen's own header when it is compiled.
 *
 * Xen owns a slot in states NONE and RESPONSE, we in REQUEST and PROCESSING; the state only ever moves up, anything
 * else crashes the guest (xen/common/ioreq.c, wait_for_io()). The main thread of the worker alone uses it.
 */
#ifndef IOREQD_HYPERVISOR_SLOT_H
#define IOREQD_HYPERVISOR_SLOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "hypervisor/hypervisor.h"

enum slot_state { SLOT_NONE = 0, SLOT_REQUEST = 1, SLOT_PROCESSING = 2, SLOT_RESPONSE = 3 };

/* The byte that holds the state also holds three flags of the request: it is read once and written back whole. */
#define SLOT_STATE_MASK      0x0fu
#define SLOT_DATA_IS_POINTER 0x10u
#define SLOT_READ            0x20u
#define SLOT_DOWN            0x40u

enum slot_type {
    SLOT_TYPE_PORT = 0,
    SLOT_TYPE_COPY = 1,
    SLOT_TYPE_PCI_CONFIG = 2,
    SLOT_TYPE_TIMEOFFSET = 7,
    SLOT_TYPE_INVALIDATE = 8
};

struct slot {
    uint64_t address;
    uint64_t data;
    uint32_t count;
    uint32_t size;
    uint32_t event_port;
    uint16_t reserved;
    _Atomic uint8_t state_and_flags;
    uint8_t type;
};

struct slot_page {
    struct slot slot[HYPERVISOR_MAX_VCPUS];
};

_Static_assert(sizeof(struct slot) == 32, "a slot has 32 bytes");
_Static_assert(sizeof(struct slot_page) == HYPERVISOR_PAGE_SIZE, "slots fill a page");

/* Copies the slot's request and marks it PROCESSING, if it holds one; else returns false and leaves it alone. */
bool slot_take(struct slot *slot, struct request *request);

/* Whether slot_take() was called and slot_answer() not yet, by us or by a predecessor. */
bool slot_is_open(struct slot *slot);

/* Completes a request that was taken, with data cut to its size. The caller then notifies the vCPU's event channel. */
void slot_answer(struct slot *slot, uint64_t data);

#endif
