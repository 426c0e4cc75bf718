/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slot protocol, see slot.h. Xen does not change a request while it is open, but the page is shared memory: each
 * member is read once, into a private copy that the rest of ioreqd checks and uses.
 */
#include "hypervisor/slot.h"

static enum request_kind kind_of(uint8_t type)
{
    switch (type) {
    case SLOT_TYPE_PORT:
        return REQUEST_PORT;
    case SLOT_TYPE_COPY:
        return REQUEST_MEMORY;
    case SLOT_TYPE_PCI_CONFIG:
        return REQUEST_CONFIG;
    case SLOT_TYPE_INVALIDATE:
        return REQUEST_INVALIDATE;
    default: /* TIMEOFFSET concerns the owner of the guest's clock */
        return REQUEST_OTHER;
    }
}

bool slot_take(struct slot *slot, struct request *request)
{
    /* Acquire: what Xen wrote before the state (its smp_wmb() in ioreq_send()) is seen after it. */
    uint8_t flags = atomic_load_explicit(&slot->state_and_flags, memory_order_acquire);

    if ((flags & SLOT_STATE_MASK) != SLOT_REQUEST) {
        return false;
    }
    const volatile struct slot *once = slot;
    *request = (struct request){
        .kind = kind_of(once->type),
        .write = (flags & SLOT_READ) == 0,
        .down = (flags & SLOT_DOWN) != 0,
        .data_is_pointer = (flags & SLOT_DATA_IS_POINTER) != 0,
        .size = once->size,
        .count = once->count,
        .address = once->address,
        .data = once->data,
    };
    flags = (uint8_t)((flags & ~SLOT_STATE_MASK) | SLOT_PROCESSING);
    atomic_store_explicit(&slot->state_and_flags, flags, memory_order_relaxed);
    return true;
}

bool slot_is_open(struct slot *slot)
{
    uint8_t flags = atomic_load_explicit(&slot->state_and_flags, memory_order_acquire);

    return (flags & SLOT_STATE_MASK) == SLOT_PROCESSING;
}

void slot_answer(struct slot *slot, uint64_t data)
{
    uint8_t flags = atomic_load_explicit(&slot->state_and_flags, memory_order_relaxed);
    uint32_t size = slot->size;

    /* On Arm, Xen up to 4.19 hands all of it to the guest's register (xen/arch/arm/ioreq.c, handle_ioserv()). */
    slot->data = size != 0 && size < 8 ? data & ((UINT64_C(1) << (8 * size)) - 1) : data;
    flags = (uint8_t)((flags & ~SLOT_STATE_MASK) | SLOT_RESPONSE);
    /* Release: Xen sees the data, and all that the device did to guest memory, before the new state. */
    atomic_store_explicit(&slot->state_and_flags, flags, memory_order_release);
}
