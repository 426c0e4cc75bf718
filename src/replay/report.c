/* SPDX-License-Identifier: BSD-2-Clause */
/* Differences for people, see report.h. */
#include "replay/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHOWN 200 /* characters of a line */

/* A line of long bytes is cut behind where the two begin to differ. */
static size_t shown_from(const char *a, const char *b)
{
    size_t same = 0;

    while (b != NULL && a[same] != '\0' && a[same] == b[same]) {
        same++;
    }
    return b == NULL || same < SHOWN / 2 ? 0 : same - SHOWN / 4;
}

static void print_side(FILE *out, char sign, const char *text, size_t from)
{
    size_t length = strlen(text);

    fprintf(out, "%c %.*s%s%.*s%s\n", sign, from == 0 ? 0 : (int)strcspn(text + strspn(text, " "), " ") + 2, text,
            from == 0 ? "" : " ...", SHOWN, text + from, length - from > SHOWN ? "..." : "");
}

static const char *text_of(const struct recording_line *line, struct text *text)
{
    text_clear(text);
    recording_print(line, text);
    recording_print_answer(line, text);
    return text->data == NULL ? "" : text->data;
}

static struct recording_line answered(const struct replay *replay, size_t index)
{
    struct recording_line line = replay->recording->line[index];

    line.answered = true;
    line.answer = replay->answer[index];
    return line;
}

/* What came in place of a line: the first of its kind after the same request. */
static const struct replay_extra *in_place_of(const struct replay *replay, size_t index, const bool *taken)
{
    const struct recording_line *line = &replay->recording->line[index];

    for (size_t i = 0; i < replay->extras; i++) {
        const struct replay_extra *extra = &replay->extra[i];

        if (!taken[i] && extra->after > index && extra->line.kind == line->kind &&
            extra->line.address == line->address && strcmp(extra->line.device, line->device) == 0) {
            return extra;
        }
    }
    return NULL;
}

static void print_missing(const struct replay *replay, const char *path, size_t index, bool *taken, FILE *out)
{
    const struct replay_extra *extra = in_place_of(replay, index, taken);
    struct text expected = {.data = NULL}, got = {.data = NULL};
    size_t from;

    text_of(&replay->recording->line[index], &expected);
    if (extra != NULL) {
        taken[extra - replay->extra] = true;
        text_of(&extra->line, &got);
    }
    fprintf(out, "%s:%zu: %s\n", path, index + 1, extra != NULL ? "not as recorded" : "did not happen");
    if (expected.data != NULL) {
        from = shown_from(expected.data, got.data);
        print_side(out, '-', expected.data, from);
        if (got.data != NULL) {
            print_side(out, '+', got.data, from);
        }
    }
    text_free(&expected);
    text_free(&got);
}

static void print_answer(const struct replay *replay, const char *path, size_t index, FILE *out)
{
    struct recording_line got = answered(replay, index);
    struct text text = {.data = NULL};

    fprintf(out, "%s:%zu: another answer\n", path, index + 1);
    print_side(out, '-', text_of(&replay->recording->line[index], &text), 0);
    print_side(out, '+', text_of(&got, &text), 0);
    text_free(&text);
}

static bool is_missing(const struct replay *replay, size_t index)
{
    return !replay->seen[index] && replay_is_compared(&replay->recording->line[index]);
}

size_t report_print(const struct replay *replay, const char *path, FILE *out)
{
    bool *taken = calloc(replay->extras + 1, sizeof(*taken));
    struct text text = {.data = NULL};
    size_t differences = 0;

    if (taken == NULL) {
        fprintf(out, "%s: out of memory\n", path);
        return 1;
    }
    for (size_t i = 0; i < replay->recording->lines; i++) {
        if (replay->wrong[i]) {
            print_answer(replay, path, i, out);
        } else if (is_missing(replay, i)) {
            print_missing(replay, path, i, taken, out);
        }
        differences += replay->wrong[i] || is_missing(replay, i);
    }
    for (size_t i = 0; i < replay->extras; i++) {
        if (!taken[i]) {
            fprintf(out, "%s:%zu: not recorded, but it happened\n", path, replay->extra[i].after);
            print_side(out, '+', text_of(&replay->extra[i].line, &text), 0);
            differences++;
        }
    }
    if (replay->violations != 0) {
        fprintf(out, "%s: %u requests were not answered once and in time\n", path, replay->violations);
        differences++;
    }
    text_free(&text);
    free(taken);
    return differences;
}

static void write_line(const struct replay *replay, size_t index, FILE *out)
{
    const struct recording_line *line = &replay->recording->line[index];
    struct text text = {.data = NULL};

    if (line->kind == RECORDING_REQUEST && recording_has_answer(&line->request) &&
        (replay->wrong[index] || !line->answered)) {
        struct recording_line got = answered(replay, index);

        fprintf(out, "%s\n", text_of(&got, &text));
    } else if (!is_missing(replay, index)) {
        fprintf(out, "%s\n", replay->recording->text[index]);
    }
    text_free(&text);
}

int report_update(const struct replay *replay, const char *path)
{
    size_t length = strlen(path) + sizeof(".new");
    struct text text = {.data = NULL};
    char *name = malloc(length);
    int rc = 0;
    FILE *out;

    if (name == NULL) {
        return -ENOMEM;
    }
    snprintf(name, length, "%s.new", path);
    out = fopen(name, "we");
    if (out == NULL) {
        rc = -errno;
        free(name);
        return rc;
    }
    for (size_t i = 0; i <= replay->recording->lines; i++) {
        for (size_t j = 0; j < replay->extras; j++) {
            if (replay->extra[j].after == i) {
                fprintf(out, "%s\n", text_of(&replay->extra[j].line, &text));
            }
        }
        if (i < replay->recording->lines) {
            write_line(replay, i, out);
        }
    }
    if (ferror(out) != 0) {
        rc = -EIO;
    }
    if (fclose(out) != 0 || (rc == 0 && rename(name, path) != 0)) {
        rc = -errno;
    }
    if (rc != 0) {
        unlink(name);
    }
    text_free(&text);
    free(name);
    return rc;
}
