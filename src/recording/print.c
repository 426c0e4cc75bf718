/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of a recording to text, see line.h and ioreqd-recording(5). */
#include <inttypes.h>
#include <string.h>

#include "recording/keywords.h"
#include "recording/line.h"

#define RUN_MIN 8u /* equal bytes that are written as a run */

static void print_bytes(const uint8_t *bytes, uint64_t length, struct text *text)
{
    static const char digit[] = "0123456789abcdef";
    bool comma = false;

    if (length == 0) {
        text_add(text, "-", 1);
    }
    for (uint64_t i = 0; i < length;) {
        char pair[3] = {',', digit[bytes[i] >> 4], digit[bytes[i] & 0xf]};
        uint64_t run = 1;

        while (i + run < length && bytes[i + run] == bytes[i]) {
            run++;
        }
        if (run < RUN_MIN) {
            text_add(text, comma ? pair : pair + 1, comma ? 3 : 2);
            comma = false;
            i++;
        } else {
            text_print(text, "%s%.2s*%" PRIu64, i == 0 ? "" : ",", pair + 1, run);
            comma = true;
            i += run;
        }
    }
}

static void print_request(const struct recording_line *line, struct text *text)
{
    const struct request *request = &line->request;

    text_print(text, "%u ", line->vcpu);
    if (request->kind == REQUEST_INVALIDATE || request->kind == REQUEST_OTHER) {
        text_print(text, "%s", request->kind == REQUEST_OTHER ? "other" : "invalidate");
        return;
    }
    text_print(text, "%s ", request->write ? "write" : "read");
    if (request->kind == REQUEST_CONFIG) {
        unsigned function = (unsigned)(request->address >> 32);

        text_print(text, "config %04x:%02x:%02x.%x+0x%x", function >> 16, function >> 8 & 0xffu, function >> 3 & 0x1fu,
                   function & 7u, (unsigned)request->address);
    } else {
        text_print(text, "%s 0x%" PRIx64, request->kind == REQUEST_PORT ? "port" : "memory", request->address);
    }
    text_print(text, " %" PRIu32, request->size);
    if (request->count != 1) {
        text_print(text, " x%" PRIu32, request->count);
    }
    if (request->down) {
        text_print(text, " down");
    }
    if (request->data_is_pointer) {
        text_print(text, " at 0x%" PRIx64, request->data);
    } else if (request->write) {
        text_print(text, " 0x%" PRIx64, request->data);
    }
}

void recording_print_answer(const struct recording_line *line, struct text *text)
{
    if (line->answered && recording_has_answer(&line->request)) {
        text_print(text, " = 0x%" PRIx64, line->answer);
        if (line->mask != UINT64_MAX) {
            text_print(text, "/0x%" PRIx64, line->mask);
        }
    }
}

void recording_print(const struct recording_line *line, struct text *text)
{
    const struct recording_keyword *keyword = recording_keyword_of(line->kind);

    if (line->kind == RECORDING_REQUEST) {
        print_request(line, text);
        return;
    }
    if (keyword == NULL) {
        return;
    }
    text_print(text, "%s%s", line->kind == RECORDING_TIME ? "" : "  ", keyword->word);
    if (keyword->device) {
        text_print(text, " %s", line->device);
    }
    switch (line->kind) {
    case RECORDING_MESSAGE:
        text_print(text, " 0x%" PRIx64 " 0x%" PRIx32, line->address, line->data);
        return;
    case RECORDING_INTERRUPT_LINE:
        text_print(text, " 0x%02x %c %s", line->number, 'A' + (int)line->pin, line->level ? "up" : "down");
        return;
    case RECORDING_BELL:
        text_print(text, " %u 0x%" PRIx32, line->number, line->data);
        return;
    case RECORDING_TIME:
        text_print(text, " %" PRIu64, line->time);
        return;
    case RECORDING_FILE_READ:
        text_print(text, " %u", line->number);
        break;
    default:
        break;
    }
    text_print(text, " 0x%" PRIx64 " ", line->address);
    if (line->error != 0) {
        const char *name = recording_error_name(line->error);

        text_print(text, "fails %" PRIu64 " ", line->length);
        if (name != NULL) {
            text_add(text, name, strlen(name));
        } else {
            text_print(text, "%d", line->error);
        }
    } else if (keyword->bytes) {
        print_bytes(line->bytes, line->length, text);
    } else {
        text_print(text, "%" PRIu64, line->length);
    }
}
