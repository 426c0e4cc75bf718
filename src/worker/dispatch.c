/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to accesses, see dispatch.h.
 */
#include "worker/dispatch.h"

/* Xen cuts a string instruction where its memory leaves a page (xen/arch/x86/hvm/emulate.c). */
#define COUNT_MAX 4096u

static uint64_t read_once(struct dispatch *dispatch, const struct request *request, uint64_t address)
{
    unsigned size = request->size;

    switch (request->kind) {
    case REQUEST_PORT:
        return bridge_read(dispatch->bridge, BRIDGE_PORT, address, size);
    case REQUEST_MEMORY:
        return bridge_read(dispatch->bridge, BRIDGE_MEMORY, address, size);
    default:
        return size > 4 ? bridge_all_ones(size)
                        : bridge_config_read(dispatch->bridge, (uint32_t)(address >> 32), (uint32_t)address, size);
    }
}

static void write_once(struct dispatch *dispatch, const struct request *request, uint64_t address, uint64_t value)
{
    unsigned size = request->size;

    switch (request->kind) {
    case REQUEST_PORT:
        bridge_write(dispatch->bridge, BRIDGE_PORT, address, size, value);
        break;
    case REQUEST_MEMORY:
        bridge_write(dispatch->bridge, BRIDGE_MEMORY, address, size, value);
        break;
    default:
        if (size <= 4) {
            bridge_config_write(dispatch->bridge, (uint32_t)(address >> 32), (uint32_t)address, size, (uint32_t)value);
        }
        break;
    }
}

/* Address of element i: both operands of a string instruction step by its size, down when the direction flag is set. */
static uint64_t element(const struct request *request, uint64_t first, uint32_t i)
{
    uint64_t distance = (uint64_t)i * request->size;

    return request->down ? first - distance : first + distance;
}

/* Between the device and guest memory. Values cross as the guest's bytes: x86 and Arm guests are little-endian. */
static void transfer(struct dispatch *dispatch, const struct request *request, uint64_t address, uint64_t memory)
{
    uint8_t bytes[8];
    uint64_t value = 0;
    int rc;

    if (!request->write) {
        value = read_once(dispatch, request, address);
        for (unsigned i = 0; i < request->size; i++) {
            bytes[i] = (uint8_t)(value >> (8 * i));
        }
        rc = guest_memory_write(dispatch->memory, memory, bytes, request->size);
        if (rc != 0) {
            dispatch->counters.no_memory++;
        }
        if (dispatch->recorder != NULL) {
            recorder_operand(dispatch->recorder, true, memory, bytes, request->size, rc);
        }
        return;
    }
    rc = guest_memory_read(dispatch->memory, memory, bytes, request->size);
    if (dispatch->recorder != NULL) {
        recorder_operand(dispatch->recorder, false, memory, bytes, request->size, rc);
    }
    if (rc != 0) {
        dispatch->counters.no_memory++; /* nothing to write, so nothing is written */
        return;
    }
    for (unsigned i = 0; i < request->size; i++) {
        value |= (uint64_t)bytes[i] << (8 * i);
    }
    write_once(dispatch, request, address, value);
}

static uint64_t serve(struct dispatch *dispatch, const struct request *request)
{
    uint64_t data = bridge_all_ones(request->size);

    for (uint32_t i = 0; i < request->count; i++) {
        /* Ports, and the window to configuration space, stay where they are (hvm/ioreq.h, SDM INS and OUTS). */
        uint64_t address = request->kind == REQUEST_MEMORY ? element(request, request->address, i) : request->address;

        if (request->data_is_pointer) {
            transfer(dispatch, request, address, element(request, request->data, i));
        } else if (request->write) {
            write_once(dispatch, request, address, request->data & bridge_all_ones(request->size));
        } else {
            data = read_once(dispatch, request, address);
        }
    }
    return data;
}

uint64_t dispatch_request(struct dispatch *dispatch, const struct request *request)
{
    switch (request->kind) {
    case REQUEST_PORT:
        dispatch->counters.port++;
        break;
    case REQUEST_MEMORY:
        dispatch->counters.memory++;
        break;
    case REQUEST_CONFIG:
        dispatch->counters.config++;
        break;
    case REQUEST_INVALIDATE:
        dispatch->counters.invalidate++;
        guest_memory_invalidate(dispatch->memory);
        return UINT64_MAX;
    default:
        dispatch->counters.other++;
        return UINT64_MAX;
    }
    if ((request->size != 1 && request->size != 2 && request->size != 4 && request->size != 8) ||
        request->count > COUNT_MAX) {
        dispatch->counters.malformed++;
        return UINT64_MAX;
    }
    return serve(dispatch, request);
}
