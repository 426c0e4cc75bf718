/* SPDX-License-Identifier: BSD-2-Clause */
/* What is counted of the requests to a file, for each loop that makes some: on that loop. Anybody may add them up. */
#ifndef IOREQD_DEVICE_FILE_TALLY_H
#define IOREQD_DEVICE_FILE_TALLY_H

#include "device/file.h"
#include "device/tally.h"

struct file_tally {
    tally requests[FILE_OPERATIONS];
    tally bytes[FILE_OPERATIONS];
    tally errors;
    tally stops;
    tally under_way;
    tally most;
    tally took[TALLY_TIMES];
};

/* A request has come. */
static inline void file_tally_begin(struct file_tally *own)
{
    uint64_t under_way = tally_read(&own->under_way) + 1;

    tally_set(&own->under_way, under_way);
    if (under_way > tally_read(&own->most)) {
        tally_set(&own->most, under_way);
    }
}

/* It has ended, with a result. begun: when it came, or 0, and then it is not timed. */
void file_tally_end(struct file_tally *own, const struct ioreqd_file_request *request, uint64_t length, int result,
                    uint64_t begun);

#endif
