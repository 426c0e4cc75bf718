/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The AML writer, see aml.h. A length stands before what it counts and its own size depends on it, so it is put in
 * between when the term is closed: tables are small, and moving bytes is simpler than guessing.
 */
#include "bridge/describe/aml.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define NAME_OP        0x08
#define BYTE_PREFIX    0x0a
#define WORD_PREFIX    0x0b
#define DWORD_PREFIX   0x0c
#define STRING_PREFIX  0x0d
#define QWORD_PREFIX   0x0e
#define SCOPE_OP       0x10
#define BUFFER_OP      0x11
#define PACKAGE_OP     0x12
#define METHOD_OP      0x14
#define DUAL_NAME      0x2e
#define MULTI_NAME     0x2f
#define EXT_OP_PREFIX  0x5b
#define DEVICE_OP      0x82
#define IF_OP          0xa0
#define ELSE_OP        0xa1
#define SERIALIZED     0x08
#define NAME_LENGTH    4
#define LENGTH_IN_BYTE 0x3f
#define LONGEST_LENGTH 0x0fffffff

void aml_begin(struct aml *aml)
{
    *aml = (struct aml){.data = NULL};
}

bool aml_good(const struct aml *aml)
{
    return !aml->failed && aml->depth == 0;
}

void aml_free(struct aml *aml)
{
    free(aml->data);
    aml_begin(aml);
}

static bool make_room(struct aml *aml, size_t count)
{
    if (aml->failed) {
        return false;
    }
    if (count > aml->room - aml->size) {
        size_t room = aml->room * 2 + count + 256;
        uint8_t *grown = realloc(aml->data, room);

        if (grown == NULL) {
            aml->failed = true;
            return false;
        }
        aml->data = grown;
        aml->room = room;
    }
    return true;
}

/* ---- bytes ---- */

void aml_bytes(struct aml *aml, const void *bytes, size_t count)
{
    if (count != 0 && make_room(aml, count)) {
        memcpy(aml->data + aml->size, bytes, count);
        aml->size += count;
    }
}

static void put_number(struct aml *aml, uint64_t value, unsigned size)
{
    uint8_t bytes[8];

    for (unsigned i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(value >> 8 * i);
    }
    aml_bytes(aml, bytes, size);
}

void aml_u8(struct aml *aml, uint8_t value)
{
    put_number(aml, value, 1);
}

void aml_u16(struct aml *aml, uint16_t value)
{
    put_number(aml, value, 2);
}

void aml_u32(struct aml *aml, uint32_t value)
{
    put_number(aml, value, 4);
}

void aml_u64(struct aml *aml, uint64_t value)
{
    put_number(aml, value, 8);
}

/* ---- terms without a length ---- */

void aml_opcode(struct aml *aml, enum aml_opcode opcode)
{
    aml_u8(aml, (uint8_t)opcode);
}

void aml_integer(struct aml *aml, uint64_t value)
{
    if (value <= 1) {
        aml_u8(aml, value == 0 ? AML_ZERO : AML_ONE);
    } else if (value <= UINT8_MAX) {
        aml_u8(aml, BYTE_PREFIX);
        aml_u8(aml, (uint8_t)value);
    } else if (value <= UINT16_MAX) {
        aml_u8(aml, WORD_PREFIX);
        aml_u16(aml, (uint16_t)value);
    } else if (value <= UINT32_MAX) {
        aml_u8(aml, DWORD_PREFIX);
        aml_u32(aml, (uint32_t)value);
    } else {
        aml_u8(aml, QWORD_PREFIX);
        aml_u64(aml, value);
    }
}

void aml_string(struct aml *aml, const char *text)
{
    aml_u8(aml, STRING_PREFIX);
    aml_bytes(aml, text, strlen(text) + 1);
}

static unsigned hex_digit(char digit)
{
    int lower = tolower((unsigned char)digit);

    return (unsigned)(lower <= '9' ? lower - '0' : lower - 'a' + 10);
}

void aml_eisa_id(struct aml *aml, const char *id)
{
    uint32_t value = 0;

    /* Three letters of 5 bits, then four digits: big-endian. */
    for (unsigned i = 0; i < 3; i++) {
        value = value << 5 | ((uint32_t)id[i] - 0x40);
    }
    for (unsigned i = 3; i < 7; i++) {
        value = value << 4 | hex_digit(id[i]);
    }
    aml_u8(aml, DWORD_PREFIX);
    aml_u32(aml, __builtin_bswap32(value));
}

void aml_unicode(struct aml *aml, const char *text)
{
    aml_open_buffer(aml);
    for (const char *at = text; *at != 0; at++) {
        aml_u16(aml, (uint8_t)*at);
    }
    aml_u16(aml, 0);
    aml_close(aml);
}

void aml_uuid(struct aml *aml, const char *text)
{
    /* Where each byte's two digits stand in aabbccdd-eeff-gghh-iijj-kkllmmnnoopp: the first three groups are turned. */
    static const uint8_t place[] = {6, 4, 2, 0, 11, 9, 16, 14, 19, 21, 24, 26, 28, 30, 32, 34};

    aml_open_buffer(aml);
    for (unsigned i = 0; i < sizeof(place); i++) {
        aml_u8(aml, (uint8_t)(hex_digit(text[place[i]]) << 4 | hex_digit(text[place[i] + 1])));
    }
    aml_close(aml);
}

static void put_name(struct aml *aml, const char *name, size_t length)
{
    char filled[NAME_LENGTH] = {'_', '_', '_', '_'};

    memcpy(filled, name, length < NAME_LENGTH ? length : NAME_LENGTH);
    aml_bytes(aml, filled, NAME_LENGTH);
}

void aml_path(struct aml *aml, const char *path)
{
    uint8_t names = 1;

    if (*path == '\\') {
        aml_u8(aml, (uint8_t)*path++);
    }
    for (const char *at = path; *at != 0; at++) {
        names = (uint8_t)(names + (*at == '.'));
    }
    if (names == 2) {
        aml_u8(aml, DUAL_NAME);
    } else if (names > 2) {
        aml_u8(aml, MULTI_NAME);
        aml_u8(aml, names);
    }
    while (names-- > 0) {
        size_t length = strcspn(path, ".");

        put_name(aml, path, length);
        path += length + (path[length] == '.');
    }
}

void aml_name(struct aml *aml, const char *name)
{
    aml_u8(aml, NAME_OP);
    aml_path(aml, name);
}

/* ---- terms with a length ---- */

static void open_term(struct aml *aml, bool buffer)
{
    if (aml->depth == AML_DEPTH) {
        aml->failed = true;
    }
    if (!aml->failed) {
        aml->open[aml->depth].start = aml->size;
        aml->open[aml->depth].buffer = buffer;
        aml->depth++;
    }
}

void aml_open_scope(struct aml *aml, const char *path)
{
    aml_u8(aml, SCOPE_OP);
    open_term(aml, false);
    aml_path(aml, path);
}

void aml_open_device(struct aml *aml, const char *name)
{
    aml_u8(aml, EXT_OP_PREFIX);
    aml_u8(aml, DEVICE_OP);
    open_term(aml, false);
    aml_path(aml, name);
}

void aml_open_method(struct aml *aml, const char *name, unsigned arguments)
{
    aml_u8(aml, METHOD_OP);
    open_term(aml, false);
    aml_path(aml, name);
    aml_u8(aml, (uint8_t)(arguments | SERIALIZED));
}

void aml_open_package(struct aml *aml, uint8_t elements)
{
    aml_u8(aml, PACKAGE_OP);
    open_term(aml, false);
    aml_u8(aml, elements);
}

void aml_open_buffer(struct aml *aml)
{
    aml_u8(aml, BUFFER_OP);
    open_term(aml, true);
}

void aml_open_if(struct aml *aml)
{
    aml_u8(aml, IF_OP);
    open_term(aml, false);
}

void aml_open_else(struct aml *aml)
{
    aml_u8(aml, ELSE_OP);
    open_term(aml, false);
}

/* Puts bytes in at start: moves what was written since behind them. */
static void insert(struct aml *aml, size_t start, const struct aml *bytes)
{
    if (bytes->failed) {
        aml->failed = true;
    }
    if (make_room(aml, bytes->size)) {
        memmove(aml->data + start + bytes->size, aml->data + start, aml->size - start);
        memcpy(aml->data + start, bytes->data, bytes->size);
        aml->size += bytes->size;
    }
}

/* PkgLength of content bytes (20.2.4): it counts itself. */
static void put_length(struct aml *aml, size_t content)
{
    if (content + 1 <= LENGTH_IN_BYTE) {
        aml_u8(aml, (uint8_t)(content + 1));
        return;
    }
    /* The first byte has 4 bits and the number of those that follow, 1 to 3, with 8 bits each. */
    for (unsigned more = 1; more <= 3; more++) {
        size_t length = content + 1 + more;

        if (length >> (4 + 8 * more) == 0) {
            aml_u8(aml, (uint8_t)(more << 6 | (length & 0xf)));
            put_number(aml, length >> 4, more);
            return;
        }
    }
    aml->failed = true;
}

void aml_close(struct aml *aml)
{
    struct aml head;
    size_t start;

    if (aml->depth == 0) {
        aml->failed = true;
    }
    if (aml->failed) {
        return;
    }
    aml->depth--;
    start = aml->open[aml->depth].start;
    if (aml->size - start > LONGEST_LENGTH) {
        aml->failed = true;
        return;
    }
    aml_begin(&head);
    if (aml->open[aml->depth].buffer) {
        aml_integer(&head, aml->size - start); /* BufferSize */
        insert(aml, start, &head);
        head.size = 0;
    }
    put_length(&head, aml->size - start);
    insert(aml, start, &head);
    aml_free(&head);
}
