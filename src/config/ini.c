/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of sections and keys, see ini.h.
 */
#include "config/ini.h"

#include <stdio.h>
#include <string.h>

#define BLANKS          " \t"
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

static char *trim(char *text)
{
    size_t length;

    text += strspn(text, BLANKS);
    length = strlen(text);
    while (length > 0 && strchr(BLANKS, text[length - 1]) != NULL) {
        length--;
    }
    text[length] = 0;
    return text;
}

/* The first byte that no text has. */
static const char *find_control(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)line[i];

        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
            return &line[i];
        }
    }
    return NULL;
}

/* False: the section is lost. */
static bool read_section(char *line, unsigned number, const struct ini_handler *handler, void *context)
{
    char *end = strchr(line, ']');

    if (end == NULL) {
        handler->fault(context, number, line, "the ] is missing: end the section's name with one");
        return false;
    }
    if (end[1] != 0) {
        handler->fault(context, number, line,
                       "something follows the ]: give the section a line of its own, and comments too");
        return false;
    }
    *end = 0;
    handler->section(context, number, trim(line + 1));
    return true;
}

static void read_pair(char *line, unsigned number, const struct ini_handler *handler, void *context)
{
    char *equals = strchr(line, '=');

    if (equals == NULL) {
        handler->fault(context, number, line, "a value is missing: give KEY = VALUE; a comment begins with # or ;");
    } else if (equals == line) {
        handler->fault(context, number, line, "a key is missing before the =: give KEY = VALUE");
    } else {
        *equals = 0;
        handler->pair(context, number, trim(line), trim(equals + 1));
    }
}

/* line has length bytes without its end, and a 0 behind them. False: this is no text. */
static bool read_line(char *line, size_t length, unsigned number, const struct ini_handler *handler, void *context,
                      bool *lost)
{
    const char *control = find_control(line, length);

    if (control != NULL) {
        char what[16];

        snprintf(what, sizeof(what), "byte 0x%02x", (unsigned char)*control);
        handler->fault(context, number, what, "this is no text: give a configuration file, see ioreqd.conf(5)");
        return false;
    }
    if (length > INI_LONGEST_LINE) {
        handler->fault(context, number, line, "the line is too long: a line has at most 8191 bytes");
        return true;
    }
    line = trim(line);
    switch (line[0]) {
    case 0:
    case '#':
    case ';':
        break;
    case '[':
        *lost = !read_section(line, number, handler, context);
        break;
    default:
        if (!*lost) {
            read_pair(line, number, handler, context);
        }
        break;
    }
    return true;
}

bool ini_read(char *text, size_t size, const struct ini_handler *handler, void *context)
{
    const size_t mark = strlen(BYTE_ORDER_MARK);
    const char *end = text + size;
    unsigned number = 1;
    bool lost = false;

    if (size >= mark && memcmp(text, BYTE_ORDER_MARK, mark) == 0) {
        text += mark;
    }
    for (; text < end; number++) {
        char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t length = newline != NULL ? (size_t)(newline - text) : (size_t)(end - text);
        char *next = newline != NULL ? newline + 1 : text + length;

        if (length > 0 && text[length - 1] == '\r') {
            length--;
        }
        text[length] = 0;
        if (!read_line(text, length, number, handler, context, &lost)) {
            return false;
        }
        text = next;
    }
    return true;
}
