/* SPDX-License-Identifier: BSD-2-Clause */
/* Words of recordings, see keywords.h. */
#include "recording/keywords.h"

#include <errno.h>
#include <string.h>

const struct recording_keyword recording_keyword[] = {
    {"operand-read", RECORDING_OPERAND_READ, false, true},
    {"operand-write", RECORDING_OPERAND_WRITE, false, true},
    {"dma-read", RECORDING_DMA_READ, true, true},
    {"dma-write", RECORDING_DMA_WRITE, true, true},
    {"map-read", RECORDING_MAP_READ, true, true},
    {"map-write", RECORDING_MAP_WRITE, true, false},
    {"map-wrote", RECORDING_MAP_WROTE, true, true},
    {"window", RECORDING_WINDOW, true, false},
    {"look", RECORDING_LOOK, true, true},
    {"file-read", RECORDING_FILE_READ, true, true},
    {"message", RECORDING_MESSAGE, false, false},
    {"line", RECORDING_INTERRUPT_LINE, false, false},
    {"bell", RECORDING_BELL, true, false},
    {"time", RECORDING_TIME, false, false},
    {NULL, RECORDING_NOTE, false, false},
};

static const struct {
    const char *name;
    int error;
} errors[] = {{"EFAULT", EFAULT}, {"EIO", EIO}, {"E2BIG", E2BIG}, {"EINVAL", EINVAL}, {"ENOMEM", ENOMEM}};

const struct recording_keyword *recording_keyword_of(enum recording_kind kind)
{
    for (const struct recording_keyword *at = recording_keyword; at->word != NULL; at++) {
        if (at->kind == kind) {
            return at;
        }
    }
    return NULL;
}

const char *recording_error_name(int error)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (errors[i].error == error) {
            return errors[i].name;
        }
    }
    return NULL;
}

int recording_error_of(const char *name)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (strcmp(errors[i].name, name) == 0) {
            return errors[i].error;
        }
    }
    return 0;
}
