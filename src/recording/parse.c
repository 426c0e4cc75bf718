/* SPDX-License-Identifier: BSD-2-Clause */
/* Text to lines of a recording, see line.h and ioreqd-recording(5). */
#include <stdlib.h>
#include <string.h>

#include "recording/keywords.h"
#include "recording/line.h"
#include "recording/words.h"

#define HIGHEST_ERRNO 4095

/* "0000:00:10.0+0x4" */
static bool config_address(struct words *words, uint64_t *address)
{
    uint64_t segment, bus, reg;
    struct word word, rest;
    uint8_t devfn;

    if (!words_take(words, "the function", &word)) {
        return false;
    }
    rest = word;
    if (!word_hex(&rest, 0xffff, &segment) || !word_skip(&rest, ':') || !word_hex(&rest, 0xff, &bus) ||
        !word_skip(&rest, ':') || !word_devfn(&rest, &devfn) || !word_skip(&rest, '+') ||
        !word_number(&rest, UINT32_MAX, &reg) || rest.length != 0) {
        return words_wrong_word(words, "function and register", word, "them as 0000:00:10.0+0x4");
    }
    *address = (segment << 16 | bus << 8 | devfn) << 32 | reg;
    return true;
}

static bool space(struct words *words, struct request *request)
{
    struct word word;

    if (!words_take(words, "port, memory or config", &word)) {
        return false;
    }
    if (word_is(&word, "config")) {
        request->kind = REQUEST_CONFIG;
        return config_address(words, &request->address);
    }
    request->kind = word_is(&word, "port") ? REQUEST_PORT : REQUEST_MEMORY;
    if (request->kind == REQUEST_MEMORY && !word_is(&word, "memory")) {
        return words_wrong_word(words, "the space", word, "port, memory or config");
    }
    return words_number(words, "the address", UINT64_MAX, &request->address);
}

static bool count(struct words *words, struct request *request)
{
    struct word word = words_peek(words), rest = word;
    uint64_t number;

    request->count = 1;
    if (!word_skip(&rest, 'x')) {
        return true;
    }
    words->at += word.length;
    if (!word_number(&rest, UINT32_MAX, &number) || rest.length != 0) {
        return words_wrong_word(words, "the count", word, "x and a number, as x4");
    }
    request->count = (uint32_t)number;
    return true;
}

static bool answer(struct words *words, struct recording_line *line)
{
    struct word word, rest;

    line->mask = UINT64_MAX;
    line->answered = words_skip(words, "=");
    if (!line->answered) {
        return true;
    }
    if (!recording_has_answer(&line->request)) {
        return words_wrong(words, "= stands where there is no answer: only reads without an operand have one");
    }
    if (!words_take(words, "the answer", &word)) {
        return false;
    }
    rest = word;
    if (!word_number(&rest, UINT64_MAX, &line->answer) ||
        (word_skip(&rest, '/') && !word_number(&rest, UINT64_MAX, &line->mask)) || rest.length != 0) {
        return words_wrong_word(words, "the answer", word, "a number, or a number, / and the bits to compare");
    }
    return true;
}

static bool request(struct words *words, struct recording_line *line)
{
    struct request *asked = &line->request;
    struct word word;
    uint64_t number;

    line->kind = RECORDING_REQUEST;
    line->mask = UINT64_MAX;
    if (!words_number(words, "the vCPU", HYPERVISOR_MAX_VCPUS - 1, &number) ||
        !words_take(words, "read, write, invalidate or other", &word)) {
        return false;
    }
    line->vcpu = (unsigned)number;
    if (word_is(&word, "invalidate") || word_is(&word, "other")) {
        asked->kind = word_is(&word, "other") ? REQUEST_OTHER : REQUEST_INVALIDATE;
        return true;
    }
    asked->write = word_is(&word, "write");
    if (!asked->write && !word_is(&word, "read")) {
        return words_wrong_word(words, "the access", word, "read, write, invalidate or other");
    }
    if (!space(words, asked) || !words_number(words, "the size", UINT32_MAX, &number)) {
        return false;
    }
    asked->size = (uint32_t)number;
    if (!count(words, asked)) {
        return false;
    }
    asked->down = words_skip(words, "down");
    asked->data_is_pointer = words_skip(words, "at");
    if ((asked->data_is_pointer || asked->write) &&
        !words_number(words, asked->data_is_pointer ? "the operand's address" : "the value", UINT64_MAX,
                      &asked->data)) {
        return false;
    }
    return answer(words, line);
}

/* "fails 4 EFAULT", the first word taken. */
static bool failure(struct words *words, struct recording_line *line)
{
    char name[16];
    struct words at;
    uint64_t number;

    if (!words_number(words, "how many bytes", UINT64_MAX, &line->length)) {
        return false;
    }
    at = *words;
    if (!words_name(words, "the error", name, sizeof(name))) {
        return false;
    }
    line->error = recording_error_of(name);
    if (line->error == 0) {
        if (!words_number(&at, "the error", HIGHEST_ERRNO, &number) || number == 0) {
            return words_wrong_word(words, "the error", (struct word){name, strlen(name)},
                                    "EFAULT, EIO, E2BIG, EINVAL, ENOMEM or its number");
        }
        line->error = (int)number;
    }
    return true;
}

/* An address, and then bytes, how many there are, or how they could not be had. */
static bool access_of(struct words *words, const struct recording_keyword *keyword, struct recording_line *line)
{
    uint8_t *bytes = NULL;

    if (!words_number(words, "the address", UINT64_MAX, &line->address)) {
        return false;
    }
    if (words_skip(words, "fails")) {
        return failure(words, line);
    }
    if (!keyword->bytes) {
        return words_number(words, "how many bytes", UINT64_MAX, &line->length);
    }
    if (!words_bytes(words, RECORDING_BYTES_MAX, &bytes, &line->length)) {
        return false;
    }
    line->bytes = bytes;
    return line->length == 0 || line->length - 1 <= UINT64_MAX - line->address ||
           words_wrong(words, "the bytes go beyond the highest address: give a lower one");
}

static bool interrupt_line(struct words *words, struct recording_line *line)
{
    struct word word;
    uint64_t number;

    if (!words_number(words, "the line's device", 0x1f, &number) || !words_take(words, "the pin", &word)) {
        return false;
    }
    line->number = (unsigned)number;
    if (word.length != 1 || word.at[0] < 'A' || word.at[0] > 'D') {
        return words_wrong_word(words, "the pin", word, "A, B, C or D");
    }
    line->pin = (unsigned)(word.at[0] - 'A');
    if (!words_take(words, "the level", &word)) {
        return false;
    }
    line->level = word_is(&word, "up");
    return line->level || word_is(&word, "down") || words_wrong_word(words, "the level", word, "up or down");
}

static bool event(struct words *words, const struct recording_keyword *keyword, struct recording_line *line)
{
    uint64_t number = 0;
    bool good;

    line->kind = keyword->kind;
    if (keyword->device && !words_name(words, "the device's id", line->device, sizeof(line->device))) {
        return false;
    }
    switch (keyword->kind) {
    case RECORDING_MESSAGE:
        good = words_number(words, "the address", UINT64_MAX, &line->address) &&
               words_number(words, "the data", UINT32_MAX, &number);
        line->data = (uint32_t)number;
        return good;
    case RECORDING_INTERRUPT_LINE:
        return interrupt_line(words, line);
    case RECORDING_BELL:
        if (!words_number(words, "the queue", UINT16_MAX, &number)) {
            return false;
        }
        line->number = (unsigned)number;
        good = words_number(words, "the value", UINT32_MAX, &number);
        line->data = (uint32_t)number;
        return good;
    case RECORDING_TIME:
        return words_number(words, "the time", UINT64_MAX / 1000, &line->time);
    case RECORDING_FILE_READ:
        if (!words_number(words, "the file's number", UINT16_MAX, &number)) {
            return false;
        }
        line->number = (unsigned)number;
        return access_of(words, keyword, line);
    default:
        return access_of(words, keyword, line);
    }
}

int recording_parse(const char *from, struct recording_line *line, char *reason, size_t size)
{
    struct words words = {.at = from, .reason = reason, .reason_size = size};
    struct word first = words_peek(&words);
    bool good;

    *line = (struct recording_line){.kind = RECORDING_NOTE};
    if (first.length == 0 || first.at[0] == '#') {
        return 0;
    }
    if (first.at[0] >= '0' && first.at[0] <= '9') {
        good = request(&words, line);
    } else {
        const struct recording_keyword *keyword = recording_keyword;

        while (keyword->word != NULL && !words_skip(&words, keyword->word)) {
            keyword++;
        }
        good = keyword->word != NULL ? event(&words, keyword, line)
                                     : words_wrong_word(&words, "the line begins with", first,
                                                        "a vCPU's number, or an event of ioreqd-recording(5)");
    }
    if (good && words_end(&words)) {
        return 0;
    }
    recording_line_free(line);
    return -1;
}

void recording_line_free(struct recording_line *line)
{
    free((uint8_t *)(uintptr_t)line->bytes);
    line->bytes = NULL;
}
