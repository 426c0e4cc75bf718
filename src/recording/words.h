/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words of a recording's line, taken one after the other. A taker returns false when the word is missing or wrong,
 * and has then filled in the reason, for people: what, the word, and what to give instead.
 */
#ifndef IOREQD_RECORDING_WORDS_H
#define IOREQD_RECORDING_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct words {
    const char *at;
    char *reason;
    size_t reason_size;
};

/* A word as messages show it. */
struct word {
    const char *at;
    size_t length;
};

/* The next word, without taking it; of length 0 at the end. */
struct word words_peek(struct words *words);
bool words_next_is(struct words *words, const char *word);
/* Takes the next word if it is this one. */
bool words_skip(struct words *words, const char *word);
bool words_take(struct words *words, const char *what, struct word *word);
bool words_name(struct words *words, const char *what, char *name, size_t size);
bool words_number(struct words *words, const char *what, uint64_t maximum, uint64_t *number);
/* Bytes as print_bytes() writes them, in memory that the caller frees. */
bool words_bytes(struct words *words, uint64_t maximum, uint8_t **bytes, uint64_t *length);
bool words_end(struct words *words);

/* A number at *at, decimal or with 0x, that *at moves behind. */
bool word_number(struct word *word, uint64_t maximum, uint64_t *number);
bool word_hex(struct word *word, uint64_t maximum, uint64_t *number);
bool word_is(const struct word *word, const char *text);
/* Takes the character if it is next. */
bool word_skip(struct word *word, char character);
/* "1f.7" as device << 3 | function. */
bool word_devfn(struct word *word, uint8_t *devfn);

/* Always returns false. */
bool words_wrong(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool words_wrong_word(struct words *words, const char *what, struct word word, const char *remedy);

#endif
