/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters of files, see file_tally.h. */
#include "device/file_tally.h"

#include "device/file_private.h"
#include "device/timer.h"

void file_tally_end(struct file_tally *own, const struct ioreqd_file_request *request, uint64_t length, int result,
                    uint64_t begun)
{
    /* 0 is no operation: what is none was refused, and is counted there. */
    unsigned kind = request->operation < FILE_OPERATIONS ? request->operation : 0;

    tally_set(&own->under_way, tally_read(&own->under_way) - 1);
    tally_add(&own->requests[kind], 1);
    if (result != 0) {
        tally_add(&own->errors, 1);
    } else if (kind != IOREQD_FILE_FLUSH) {
        tally_add(&own->bytes[kind], length);
    }
    if (begun != 0) {
        tally_add(&own->took[tally_time(timer_now() - begun)], 1);
    }
}

void file_add_counts(struct ioreqd_file *file, struct file_counts *counts)
{
    for (const struct file_channel *channel = atomic_load(&file->channel); channel != NULL; channel = channel->next) {
        const struct file_tally *own = &channel->tally;
        uint64_t most = tally_read(&own->most);

        for (unsigned i = 0; i < FILE_OPERATIONS; i++) {
            counts->requests[i] += tally_read(&own->requests[i]);
            counts->bytes[i] += tally_read(&own->bytes[i]);
        }
        counts->errors += tally_read(&own->errors);
        counts->stops += tally_read(&own->stops);
        counts->under_way += tally_read(&own->under_way);
        counts->most = most > counts->most ? most : counts->most;
        for (unsigned i = 0; i < TALLY_TIMES; i++) {
            counts->took[i] += tally_read(&own->took[i]);
        }
    }
}
