/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading a whole recording, see recording.h. */
#include "recording/recording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void recording_free(struct recording *recording)
{
    for (size_t i = 0; i < recording->lines; i++) {
        recording_line_free(&recording->line[i]);
        free(recording->text[i]);
    }
    for (size_t i = 0; i < recording->devices; i++) {
        free(recording->device[i].options);
    }
    for (size_t i = 0; i < recording->contents; i++) {
        free(recording->content[i].bytes);
    }
    free(recording->line);
    free(recording->text);
    free(recording->host);
    free(recording->port);
    free(recording->device);
    free(recording->file);
    free(recording->content);
    *recording = (struct recording){.lines = 0};
}

static int fail(struct recording *recording, struct recording_error *error, size_t line, const char *text)
{
    recording_free(recording);
    error->line = line;
    if (text != NULL) {
        snprintf(error->text, sizeof(error->text), "%s", text);
    }
    return -1;
}

static bool is_first_line(const char *text)
{
    size_t length = strlen(RECORDING_FIRST_LINE);

    return strncmp(text, RECORDING_FIRST_LINE, length) == 0 && text[length + strspn(text + length, " \t\r")] == '\0';
}

/* What the header's place in the file allows. NULL: nothing is wrong. */
static const char *out_of_place(const struct recording *recording, const struct recording_line *line, size_t begun)
{
    if (line->kind == RECORDING_HEADER) {
        return begun != 0 ? "this belongs to the header: give it before the first request or event" : NULL;
    }
    if (line->kind == RECORDING_NOTE) {
        return NULL;
    }
    if (!recording->has_guest) {
        return "the guest is missing before it: give guest pvh or guest hvm in the header";
    }
    if (line->kind == RECORDING_REQUEST && line->vcpu >= recording->guest.vcpus) {
        return "the guest has no such vCPU: give it more with vcpus= in the header";
    }
    return NULL;
}

static int add_line(struct recording *recording, const char *text, size_t *begun, struct recording_error *error)
{
    struct recording_line *line = &recording->line[recording->lines];
    size_t number = recording->lines + 1;
    const char *wrong;
    int rc;

    *line = (struct recording_line){.kind = RECORDING_NOTE};
    recording->text[recording->lines] = strdup(text);
    if (recording->text[recording->lines] == NULL) {
        return fail(recording, error, 0, "out of memory");
    }
    recording->lines++;
    if (*begun == SIZE_MAX) { /* nothing but notes before the line that says what this is */
        if (is_first_line(text)) {
            *begun = 0;
            line->kind = RECORDING_HEADER;
            return 0;
        }
        if (text[strspn(text, " \t\r")] == '\0' || text[strspn(text, " \t\r")] == '#') {
            return 0;
        }
        return fail(recording, error, number, "not a recording of this version: begin with " RECORDING_FIRST_LINE);
    }
    rc = recording_parse_header(text, recording, error->text, sizeof(error->text));
    if (rc == 1) {
        line->kind = RECORDING_HEADER;
    } else if (rc == 0) {
        rc = recording_parse(text, line, error->text, sizeof(error->text));
    }
    if (rc < 0) {
        return fail(recording, error, number, NULL);
    }
    recording->total += line->bytes != NULL ? line->length : 0;
    wrong = recording->total > RECORDING_TOTAL_MAX ? "the recording has more than 256 MiB of bytes: cut it"
                                                   : out_of_place(recording, line, *begun);
    if (wrong != NULL) {
        return fail(recording, error, number, wrong);
    }
    if (line->kind != RECORDING_HEADER && line->kind != RECORDING_NOTE) {
        *begun = number;
    }
    return 0;
}

static size_t count_lines(const char *from, size_t length)
{
    size_t count = 1;

    for (size_t i = 0; i < length; i++) {
        count += from[i] == '\n';
    }
    return count;
}

int recording_read(const char *from, size_t length, struct recording *recording, struct recording_error *error)
{
    size_t begun = SIZE_MAX; /* the number of the body's first line so far */
    size_t lines;

    *recording = (struct recording){.lines = 0};
    *error = (struct recording_error){.line = 0};
    /* A recorder that was killed leaves zeros behind its last byte. */
    while (length != 0 && from[length - 1] == '\0') {
        length--;
    }
    lines = count_lines(from, length);
    recording->line = calloc(lines, sizeof(*recording->line));
    recording->text = calloc(lines, sizeof(*recording->text));
    if (recording->line == NULL || recording->text == NULL) {
        return fail(recording, error, 0, "out of memory");
    }
    while (length != 0) {
        const char *newline = memchr(from, '\n', length);
        size_t here = newline == NULL ? length : (size_t)(newline - from);
        char *text;
        int rc;

        if (memchr(from, '\0', here) != NULL) {
            return fail(recording, error, recording->lines + 1, "a zero byte stands in it: a recording is text");
        }
        text = strndup(from, here);
        if (text == NULL) {
            return fail(recording, error, 0, "out of memory");
        }
        rc = add_line(recording, text, &begun, error);
        free(text);
        if (rc != 0) {
            return -1;
        }
        from += newline == NULL ? here : here + 1;
        length -= newline == NULL ? here : here + 1;
    }
    if (begun == SIZE_MAX) {
        return fail(recording, error, 0, "nothing is in it: begin with " RECORDING_FIRST_LINE);
    }
    if (!recording->has_guest) {
        return fail(recording, error, 0, "the guest is missing: give guest pvh or guest hvm in the header");
    }
    return 0;
}
