/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of the model serial share, see serial_host.h. */
#include "tests/devices/serial_host.h"

#include <string.h>

struct ioreqd_stream line;
uint8_t line_in[LINE_BYTES], line_out[LINE_BYTES];

int begin_serial(struct ioreqd_stream *stream, bool pace, unsigned timers)
{
    prepare(timers);
    line = (struct ioreqd_stream){.in = line_in, .out = line_out, .room = LINE_BYTES, .connected = true};
    memcpy(property("stream"), &stream, sizeof(struct ioreqd_stream *));
    *(uint8_t *)property("pace") = pace;
    return model->create(device(), state, &description);
}

static void setup_with(bool pace)
{
    ck_assert_int_eq(begin_serial(&line, pace, SERIAL_TIMERS), 0);
    model->reset(device(), state, IOREQD_RESET_COLD);
    out(LCR, 0x03);
}

void setup_serial(void)
{
    setup_with(false);
}

void setup_paced(void)
{
    setup_with(true);
}

uint8_t in(unsigned offset)
{
    return (uint8_t)get(offset, 1);
}

void out(unsigned offset, unsigned value)
{
    put(offset, 1, value);
}

void arrive(const char *bytes)
{
    size_t length = strlen(bytes);

    ck_assert_uint_le(line.in_length + length, LINE_BYTES);
    memcpy(line_in + line.in_length, bytes, length);
    line.in_length += length;
    stream_turn(&line);
}

const char *left(void)
{
    static char text[LINE_BYTES + 1];

    memcpy(text, line_out, line.out_length);
    text[line.out_length] = 0;
    line.out_length = 0;
    return text;
}
