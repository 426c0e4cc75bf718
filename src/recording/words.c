/* SPDX-License-Identifier: BSD-2-Clause */
/* The words of a line, see words.h. */
#include "recording/words.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 40 /* characters of a word in messages */

bool words_wrong(struct words *words, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(words->reason, words->reason_size, format, arguments);
    va_end(arguments);
    return false;
}

bool words_wrong_word(struct words *words, const char *what, struct word word, const char *remedy)
{
    char shown[SHOWN + 1];
    size_t length = word.length < SHOWN ? word.length : SHOWN;

    if (word.length == 0) {
        return words_wrong(words, "%s is missing: give %s", what, remedy);
    }
    for (size_t i = 0; i < length; i++) {
        shown[i] = word.at[i] < ' ' || word.at[i] > '~' ? '?' : word.at[i];
    }
    shown[length] = '\0';
    return words_wrong(words, "%s %s%s: give %s", what, shown, word.length > SHOWN ? "..." : "", remedy);
}

static bool is_blank(char character)
{
    return character == ' ' || character == '\t' || character == '\r';
}

struct word words_peek(struct words *words)
{
    struct word word;

    while (is_blank(*words->at)) {
        words->at++;
    }
    word = (struct word){.at = words->at};
    while (word.at[word.length] != '\0' && !is_blank(word.at[word.length])) {
        word.length++;
    }
    return word;
}

bool word_is(const struct word *word, const char *text)
{
    return strlen(text) == word->length && memcmp(text, word->at, word->length) == 0;
}

bool word_skip(struct word *word, char character)
{
    if (word->length == 0 || *word->at != character) {
        return false;
    }
    word->at++;
    word->length--;
    return true;
}

bool words_next_is(struct words *words, const char *text)
{
    struct word word = words_peek(words);

    return word_is(&word, text);
}

bool words_skip(struct words *words, const char *text)
{
    struct word word = words_peek(words);

    if (!word_is(&word, text)) {
        return false;
    }
    words->at += word.length;
    return true;
}

bool words_take(struct words *words, const char *what, struct word *word)
{
    *word = words_peek(words);
    words->at += word->length;
    return word->length != 0 || words_wrong(words, "%s is missing at the end of the line: add it", what);
}

bool words_name(struct words *words, const char *what, char *name, size_t size)
{
    struct word word;

    if (!words_take(words, what, &word)) {
        return false;
    }
    if (word.length >= size) {
        return words_wrong_word(words, what, word, "a shorter name");
    }
    memcpy(name, word.at, word.length);
    name[word.length] = '\0';
    return true;
}

/* -1: no digit of the base. */
static int digit(char character, unsigned base)
{
    int value = character >= '0' && character <= '9'   ? character - '0'
                : character >= 'a' && character <= 'f' ? character - 'a' + 10
                : character >= 'A' && character <= 'F' ? character - 'A' + 10
                                                       : -1;

    return value < (int)base ? value : -1;
}

static bool digits(struct word *word, unsigned base, uint64_t maximum, uint64_t *number)
{
    size_t count = 0;

    *number = 0;
    while (word->length != 0 && digit(*word->at, base) >= 0) {
        uint64_t value = (uint64_t)digit(*word->at, base);

        if (*number > (UINT64_MAX - value) / base) {
            return false;
        }
        *number = *number * base + value;
        word->at++;
        word->length--;
        count++;
    }
    return count != 0 && *number <= maximum;
}

bool word_hex(struct word *word, uint64_t maximum, uint64_t *number)
{
    return digits(word, 16, maximum, number);
}

bool word_number(struct word *word, uint64_t maximum, uint64_t *number)
{
    if (word->length > 2 && word->at[0] == '0' && word->at[1] == 'x') {
        word->at += 2;
        word->length -= 2;
        return digits(word, 16, maximum, number);
    }
    return digits(word, 10, maximum, number);
}

bool word_devfn(struct word *word, uint8_t *devfn)
{
    uint64_t device, function;

    if (!word_hex(word, 0x1f, &device) || !word_skip(word, '.') || !word_hex(word, 7, &function)) {
        return false;
    }
    *devfn = (uint8_t)(device << 3 | function);
    return true;
}

bool words_number(struct words *words, const char *what, uint64_t maximum, uint64_t *number)
{
    struct word word, rest;

    if (!words_take(words, what, &word)) {
        return false;
    }
    rest = word;
    if (!word_number(&rest, maximum, number) || rest.length != 0) {
        char remedy[64];

        snprintf(remedy, sizeof(remedy), "a number, 0 to 0x%llx", (unsigned long long)maximum);
        return words_wrong_word(words, what, word, remedy);
    }
    return true;
}

/* "0102,00*16": how many bytes, and with bytes not NULL the bytes too. UINT64_MAX: not well formed, or too many. */
static uint64_t read_bytes(struct word word, uint64_t maximum, uint8_t *bytes)
{
    uint64_t length = 0;

    for (;;) {
        uint64_t count = 0, times;
        int value = 0;

        while (word.length >= 2 && digit(word.at[0], 16) >= 0 && digit(word.at[1], 16) >= 0) {
            if (length == maximum) {
                return UINT64_MAX;
            }
            value = digit(word.at[0], 16) << 4 | digit(word.at[1], 16);
            if (bytes != NULL) {
                bytes[length] = (uint8_t)value;
            }
            length++;
            count++;
            word.at += 2;
            word.length -= 2;
        }
        if (word_skip(&word, '*')) {
            if (count != 1 || !digits(&word, 10, maximum - length + 1, &times) || times == 0) {
                return UINT64_MAX;
            }
            if (bytes != NULL) {
                memset(bytes + length, value, (size_t)(times - 1));
            }
            length += times - 1;
        }
        if (count == 0) {
            return UINT64_MAX;
        }
        if (word.length == 0) {
            return length;
        }
        if (!word_skip(&word, ',')) {
            return UINT64_MAX;
        }
    }
}

bool words_bytes(struct words *words, uint64_t maximum, uint8_t **bytes, uint64_t *length)
{
    struct word word;

    if (!words_take(words, "the bytes", &word)) {
        return false;
    }
    *length = word_is(&word, "-") ? 0 : read_bytes(word, maximum, NULL);
    if (*length == UINT64_MAX) {
        return words_wrong_word(words, "bytes", word,
                                "pairs of hexadecimal digits, as 01ff, or 00*16 for 16 times the same, with commas "
                                "between, 16 MiB at most; - for none");
    }
    *bytes = malloc(*length == 0 ? 1 : (size_t)*length);
    if (*bytes == NULL) {
        return words_wrong(words, "out of memory");
    }
    if (*length != 0) {
        read_bytes(word, maximum, *bytes);
    }
    return true;
}

bool words_end(struct words *words)
{
    struct word word = words_peek(words);

    return word.length == 0 || words_wrong_word(words, "at the end of the line stands", word, "nothing there");
}
