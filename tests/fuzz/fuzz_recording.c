/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reader of recordings against files of any kind: the input is a recording's text, as it stands. What is read and
 * printed again is read as the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recording/recording.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "%s\n", what);
        abort();
    }
}

static void print_again(const struct recording_line *line)
{
    struct text first = {.data = NULL}, second = {.data = NULL};
    struct recording_line again;
    char reason[256];

    recording_print(line, &first);
    recording_print_answer(line, &first);
    require(recording_parse(first.data, &again, reason, sizeof(reason)) == 0, "what was printed is not read");
    recording_print(&again, &second);
    recording_print_answer(&again, &second);
    require(strcmp(first.data, second.data) == 0, "what was printed is read as something else");
    recording_line_free(&again);
    text_free(&first);
    text_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct recording_error error;
    struct recording recording;

    if (recording_read((const char *)data, size, &recording, &error) != 0) {
        require(error.text[0] != '\0', "an error says nothing");
        return 0;
    }
    for (size_t i = 0; i < recording.lines; i++) {
        if (recording.line[i].kind != RECORDING_NOTE && recording.line[i].kind != RECORDING_HEADER) {
            print_again(&recording.line[i]);
        }
    }
    recording_free(&recording);
    return 0;
}
