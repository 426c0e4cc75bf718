/* SPDX-License-Identifier: BSD-2-Clause */
/* A text that grows, see text.h. */
#include "recording/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct text *text, size_t more)
{
    size_t room = text->room == 0 ? 256 : text->room;
    char *data;

    if (text->failed) {
        return false;
    }
    while (room - text->length <= more) {
        room *= 2;
    }
    if (room != text->room) {
        data = realloc(text->data, room);
        if (data == NULL) {
            text->failed = true;
            return false;
        }
        text->data = data;
        text->room = room;
    }
    return true;
}

void text_add(struct text *text, const char *data, size_t length)
{
    if (make_room(text, length)) {
        memcpy(text->data + text->length, data, length);
        text->length += length;
        text->data[text->length] = '\0';
    }
}

void text_print(struct text *text, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length >= 0 && make_room(text, (size_t)length)) {
        va_start(arguments, format);
        vsnprintf(text->data + text->length, (size_t)length + 1, format, arguments);
        va_end(arguments);
        text->length += (size_t)length;
    }
}

void text_clear(struct text *text)
{
    text->length = 0;
}

void text_free(struct text *text)
{
    free(text->data);
    *text = (struct text){.data = NULL};
}
