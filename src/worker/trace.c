/* SPDX-License-Identifier: BSD-2-Clause */
/* The last requests, see trace.h. */
#include "worker/trace.h"

#include "device/timer.h"

void trace_add(struct trace *trace, unsigned vcpu, const struct request *request, uint64_t data, uint64_t begun)
{
    uint64_t took = timer_now() - begun;
    bool operand = request->data_is_pointer || request->write;

    trace->entry[trace->entries++ % TRACE_ENTRIES] = (struct trace_entry){
        .begun = begun,
        .took = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX,
        .count = request->count,
        .address = request->address,
        .data = operand ? request->data : data,
        .vcpu = (uint16_t)vcpu,
        .kind = (uint8_t)request->kind,
        .size = (uint8_t)request->size,
        .write = request->write,
        .pointer = request->data_is_pointer,
    };
}
