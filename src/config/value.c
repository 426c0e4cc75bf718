/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values of properties as text, see value.h. Numbers are decimal or, with 0x, hexadecimal; a leading 0 does not make
 * one octal, since nobody who types 010 for a size means 8.
 */
#include "config/value.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"

static const char suffixes[] = "kMGT";

enum outcome { OUTCOME_NUMBER, OUTCOME_NO_NUMBER, OUTCOME_TOO_LARGE };

static enum outcome take_digits(const char **at, uint64_t *number)
{
    static const char digits[] = "0123456789abcdef";
    unsigned base = 10;
    bool too_large = false;
    const char *first;

    if ((*at)[0] == '0' && ((*at)[1] == 'x' || (*at)[1] == 'X')) {
        base = 16;
        *at += 2;
    }
    first = *at;
    *number = 0;
    for (; **at != 0; (*at)++) {
        const char *digit = memchr(digits, tolower((unsigned char)**at), base);

        if (digit == NULL) {
            break;
        }
        if (__builtin_mul_overflow(*number, (uint64_t)base, number) ||
            __builtin_add_overflow(*number, (uint64_t)(digit - digits), number)) {
            too_large = true;
        }
    }
    if (*at == first) {
        return OUTCOME_NO_NUMBER;
    }
    return too_large ? OUTCOME_TOO_LARGE : OUTCOME_NUMBER;
}

static enum outcome parse_number(const char *text, bool with_suffix, uint64_t *number)
{
    const char *at = text;
    enum outcome outcome = take_digits(&at, number);

    if (outcome == OUTCOME_NO_NUMBER) {
        return outcome;
    }
    if (with_suffix && *at != 0) {
        for (unsigned i = 0; suffixes[i] != 0; i++) {
            if (tolower((unsigned char)*at) != tolower((unsigned char)suffixes[i])) {
                continue;
            }
            at++;
            if (__builtin_mul_overflow(*number, UINT64_C(1) << 10 * (i + 1), number)) {
                outcome = OUTCOME_TOO_LARGE;
            }
            break;
        }
    }
    return *at == 0 ? outcome : OUTCOME_NO_NUMBER;
}

/* The number in the largest unit that divides it. */
static const char *size_text(uint64_t size, struct value_text *text)
{
    char suffix[2] = "";
    unsigned unit = 0;

    while (size != 0 && size % 1024 == 0 && unit < strlen(suffixes)) {
        size /= 1024;
        suffix[0] = suffixes[unit++];
    }
    snprintf(text->text, sizeof(text->text), "%" PRIu64 "%s", size, suffix);
    return text->text;
}

static const char *number_text(const struct ioreqd_property *property, uint64_t number, struct value_text *text)
{
    if (property->kind == IOREQD_PROPERTY_SIZE) {
        return size_text(number, text);
    }
    snprintf(text->text, sizeof(text->text), "%" PRIu64, number);
    return text->text;
}

const char *value_range(const struct ioreqd_property *property, struct value_text *range)
{
    struct value_text low, high;

    range->text[0] = 0;
    switch (property->kind) {
    case IOREQD_PROPERTY_U32:
    case IOREQD_PROPERTY_U64:
    case IOREQD_PROPERTY_SIZE:
        number_text(property, property->minimum, &low);
        if (property->maximum == UINT64_MAX) {
            snprintf(range->text, sizeof(range->text), "%.20s or more", low.text);
        } else {
            snprintf(range->text, sizeof(range->text), "%.20s to %.20s", low.text,
                     number_text(property, property->maximum, &high));
        }
        break;
    case IOREQD_PROPERTY_STRING:
        if (property->minimum <= 1) {
            snprintf(range->text, sizeof(range->text), "up to %" PRIu64 " bytes", property->maximum);
        } else {
            snprintf(range->text, sizeof(range->text), "%" PRIu64 " to %" PRIu64 " bytes", property->minimum,
                     property->maximum);
        }
        break;
    default:
        break;
    }
    return range->text;
}

static int parse_bool(const char *text, uint64_t *number)
{
    static const char *const words[][3] = {{"off", "no", "false"}, {"on", "yes", "true"}};

    for (unsigned value = 0; value < 2; value++) {
        for (unsigned i = 0; i < 3; i++) {
            if (strcmp(text, words[value][i]) == 0) {
                *number = value;
                return 0;
            }
        }
    }
    return -1;
}

static int parse_ranged(const struct ioreqd_property *property, const char *text, uint64_t *number,
                        struct value_reason *reason)
{
    bool size = property->kind == IOREQD_PROPERTY_SIZE;
    enum outcome outcome = parse_number(text, size, number);
    const char *thing = size ? "a number of bytes, or one with k, M, G or T" : "a number";
    struct config_shown shown;
    struct value_text range;

    value_range(property, &range);
    if (outcome == OUTCOME_NO_NUMBER) {
        snprintf(reason->text, sizeof(reason->text), "%s is not a %s: give %s, %s", config_show(&shown, text),
                 size ? "size" : "number", thing, range.text);
        return -1;
    }
    if (outcome == OUTCOME_TOO_LARGE || *number < property->minimum || *number > property->maximum) {
        snprintf(reason->text, sizeof(reason->text), "%s is out of range: give %s, %s", config_show(&shown, text),
                 thing, range.text);
        return -1;
    }
    return 0;
}

bool value_number(const char *text, bool with_suffix, uint64_t *number)
{
    return parse_number(text, with_suffix, number) == OUTCOME_NUMBER;
}

int value_parse(const struct ioreqd_property *property, const char *text, uint64_t *number, struct value_reason *reason)
{
    struct value_text range;
    size_t length;

    *number = 0;
    switch (property->kind) {
    case IOREQD_PROPERTY_BOOL:
        if (parse_bool(text, number) == 0) {
            return 0;
        }
        snprintf(reason->text, sizeof(reason->text), "neither on nor off: give on or off");
        return -1;
    case IOREQD_PROPERTY_U32:
    case IOREQD_PROPERTY_U64:
    case IOREQD_PROPERTY_SIZE:
        return parse_ranged(property, text, number, reason);
    case IOREQD_PROPERTY_STRING:
        length = strlen(text);
        if (length >= property->minimum && length <= property->maximum) {
            return 0;
        }
        snprintf(reason->text, sizeof(reason->text), "the text has %zu bytes: give %s", length,
                 value_range(property, &range));
        return -1;
    default: /* a path or stream may be anything: opening it tells */
        return 0;
    }
}
