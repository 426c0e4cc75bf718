/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Elements between commas, see element.h.
 */
#include "config/element.h"

#include <stdlib.h>
#include <string.h>

char *element_take(const char **rest)
{
    const char *from = *rest;
    char *element = malloc(strlen(from) + 1);
    size_t length = 0;

    if (element == NULL) {
        return NULL;
    }
    for (; *from != 0; from++) {
        if (*from == ',') {
            from++;
            if (*from != ',') {
                element[length] = 0;
                *rest = from;
                return element;
            }
        }
        element[length++] = *from;
    }
    element[length] = 0;
    *rest = NULL;
    return element;
}
