/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One line of a recording, ioreqd-recording(5): what it says, and from and to text. Plain data without an owner's
 * thread: whoever has a line may use it.
 */
#ifndef IOREQD_RECORDING_LINE_H
#define IOREQD_RECORDING_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hypervisor/hypervisor.h"
#include "recording/text.h"

#define RECORDING_NAME_SIZE 64
/* Bytes that one line may have. A longer transfer is several lines. */
#define RECORDING_BYTES_MAX (UINT64_C(16) << 20)

enum recording_kind {
    RECORDING_NOTE,         /* a comment or nothing */
    RECORDING_HEADER,       /* see recording.h */
    RECORDING_REQUEST,      /* what a vCPU asked, and the answer */
    RECORDING_OPERAND_READ, /* the memory operand of the request */
    RECORDING_OPERAND_WRITE,
    RECORDING_DMA_READ,
    RECORDING_DMA_WRITE,
    RECORDING_MAP_READ,  /* memory that was pinned, with what was in it */
    RECORDING_MAP_WRITE, /* memory that was pinned to be written: no bytes */
    RECORDING_MAP_WROTE, /* what was in it when the device gave it back */
    RECORDING_WINDOW,    /* a window was opened: no bytes */
    RECORDING_LOOK,      /* bytes of a window that are not as at the last look */
    RECORDING_FILE_READ, /* what was in a file that a device reads */
    RECORDING_MESSAGE,
    RECORDING_INTERRUPT_LINE,
    RECORDING_BELL,
    RECORDING_TIME
};

/* Which members count depends on the kind. */
struct recording_line {
    enum recording_kind kind;
    unsigned vcpu;
    struct request request;
    bool answered;
    uint64_t answer;
    uint64_t mask; /* the bits of the answer that are compared */

    char device[RECORDING_NAME_SIZE]; /* its id */
    uint64_t address;                 /* of guest memory, a message, or in a file */
    uint64_t length;                  /* of bytes, and of what has none */
    const uint8_t *bytes;             /* NULL where there are none, or error is not 0 */
    int error;                        /* an errno: the access failed */

    uint32_t data;   /* of a message or bell */
    unsigned number; /* of a bell's queue, a line's device or a file */
    unsigned pin;
    bool level;
    uint64_t time; /* microseconds since the beginning */
};

/* Whether the kind has bytes that the guest or a file gave to the device. */
static inline bool recording_is_input(enum recording_kind kind)
{
    return kind == RECORDING_OPERAND_READ || kind == RECORDING_DMA_READ || kind == RECORDING_MAP_READ ||
           kind == RECORDING_LOOK || kind == RECORDING_FILE_READ;
}

/* Whether a request of the kind has an answer that the guest sees. */
static inline bool recording_has_answer(const struct request *request)
{
    return !request->write && !request->data_is_pointer &&
           (request->kind == REQUEST_PORT || request->kind == REQUEST_MEMORY || request->kind == REQUEST_CONFIG);
}

/* Appends the line, without its end. A request without its answer: that is recording_print_answer()'s. */
void recording_print(const struct recording_line *line, struct text *text);
void recording_print_answer(const struct recording_line *line, struct text *text);

/*
 * Reads one line of a recording's body, without its end. 0, or -1 with the reason: what is wrong and what to give.
 * line->bytes is freed by recording_line_free().
 */
int recording_parse(const char *from, struct recording_line *line, char *reason, size_t size);
void recording_line_free(struct recording_line *line);

#endif
