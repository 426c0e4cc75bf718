/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The nearest name, see nearest.h. Distance is that of optimal string alignment: characters inserted, left out,
 * replaced, or swapped with their neighbour, which are the slips of people who type.
 */
#include "config/nearest.h"

#include <string.h>

/* Longer names are not compared. */
#define LONGEST 48

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned distance_of(const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned row[3][LONGEST + 1];
    unsigned *before = row[0];
    unsigned *above = row[1];
    unsigned *here = row[2];

    for (size_t j = 0; j <= b_length; j++) {
        above[j] = (unsigned)j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        here[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            unsigned replaced = above[j - 1] + (a[i - 1] != b[j - 1]);

            here[j] = least(replaced, least(above[j], here[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                here[j] = least(here[j], before[j - 2] + 1);
            }
        }
        unsigned *oldest = before;
        before = above;
        above = here;
        here = oldest;
    }
    return above[b_length];
}

void nearest_begin(struct nearest *nearest, const char *text)
{
    size_t length = strlen(text);

    /* One slip in three characters; a name of which more differs was hardly meant. */
    *nearest = (struct nearest){.text = text, .distance = length <= LONGEST ? (unsigned)length / 3 + 2 : 0};
}

void nearest_offer(struct nearest *nearest, const char *name)
{
    size_t length = strlen(name);

    if (length > LONGEST || nearest->distance == 0) {
        return;
    }
    unsigned distance = distance_of(nearest->text, strlen(nearest->text), name, length);

    /* As many changes as the name has characters: nothing in common. */
    if (distance < nearest->distance && distance < length) {
        nearest->name = name;
        nearest->distance = distance;
    }
}
