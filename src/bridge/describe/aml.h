/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes AML, the byte code of ACPI tables (ACPI 6.4 chapter 20), in the order of its grammar: a term's opcode, then its
 * operands. A term that carries its length is opened, filled and closed, and may hold others. A `struct aml` belongs to
 * the function that writes a table; any thread.
 *
 * Nothing fails on its own: when memory is short, or terms are not closed as they were opened, the writer stops and
 * aml_good() tells.
 */
#ifndef IOREQD_BRIDGE_DESCRIBE_AML_H
#define IOREQD_BRIDGE_DESCRIBE_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Terms inside one another. */
#define AML_DEPTH 12

struct aml {
    uint8_t *data;
    size_t size;
    size_t room;
    bool failed;
    unsigned depth;
    struct {
        size_t start; /* where the length goes */
        bool buffer;
    } open[AML_DEPTH];
};

/* One-byte terms that stand for themselves: 20.2.5.4, 20.2.6. */
enum aml_opcode {
    AML_ZERO = 0x00,
    AML_ONE = 0x01,
    AML_LOCAL0 = 0x60,
    AML_ARG0 = 0x68,
    AML_ARG1 = 0x69,
    AML_ARG3 = 0x6b,
    AML_STORE = 0x70,              /* source, target */
    AML_AND = 0x7b,                /* two operands, target */
    AML_OR = 0x7d,                 /* two operands, target */
    AML_CREATE_DWORD_FIELD = 0x8a, /* buffer, byte offset, name */
    AML_LNOT = 0x92,               /* operand */
    AML_LEQUAL = 0x93,             /* two operands */
    AML_RETURN = 0xa4              /* operand */
};

void aml_begin(struct aml *aml);
/* All was written, and what was opened is closed. */
bool aml_good(const struct aml *aml);
void aml_free(struct aml *aml);

/* Little-endian numbers as they stand, without an opcode: also for tables that hold no AML. */
void aml_bytes(struct aml *aml, const void *bytes, size_t count);
void aml_u8(struct aml *aml, uint8_t value);
void aml_u16(struct aml *aml, uint16_t value);
void aml_u32(struct aml *aml, uint32_t value);
void aml_u64(struct aml *aml, uint64_t value);

void aml_opcode(struct aml *aml, enum aml_opcode opcode);
/* An integer in its shortest form. */
void aml_integer(struct aml *aml, uint64_t value);
void aml_string(struct aml *aml, const char *text);
/* "PNP0A08" as the integer that stands for it (19.3.4). */
void aml_eisa_id(struct aml *aml, const char *id);
/* A buffer of little-endian UTF-16 with a 0 at its end, of ASCII text: Unicode() of ASL. */
void aml_unicode(struct aml *aml, const char *text);
/* A UUID's text as the buffer of 16 bytes that ToUUID() makes of it (19.6.142). */
void aml_uuid(struct aml *aml, const char *text);
/* A path of names, as "\\_SB.PCI0"; names that have less than four characters are filled up with '_'. */
void aml_path(struct aml *aml, const char *path);
/* Name (name, ...): the object follows. */
void aml_name(struct aml *aml, const char *name);

void aml_open_scope(struct aml *aml, const char *path);
void aml_open_device(struct aml *aml, const char *name);
/* Serialized, as a method must be that creates names. */
void aml_open_method(struct aml *aml, const char *name, unsigned arguments);
void aml_open_package(struct aml *aml, uint8_t elements);
/* Bytes follow. */
void aml_open_buffer(struct aml *aml);
/* The predicate follows, then the terms. */
void aml_open_if(struct aml *aml);
void aml_open_else(struct aml *aml);
/* Ends the innermost of what is open. */
void aml_close(struct aml *aml);

#endif
