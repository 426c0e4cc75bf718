/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of streams share: a folder, a loop, and a device at the near end of a stream that reads whatever
 * comes and remembers what it was told. One thread: the loop turns when the test says so.
 */
#ifndef TESTS_DEVICE_STREAM_BENCH_H
#define TESTS_DEVICE_STREAM_BENCH_H

#include <stdint.h>

#include "device/loop.h"
#include "device/stream.h"
#include "tests/device/bench.h"

#define MEGABYTE (1024u * 1024u)

struct near_end {
    struct ioreqd_stream *stream;
    uint8_t *got;
    size_t length;
    unsigned connects;  /* times that it was told of somebody who came or went */
    unsigned writables; /* times that it was told of room */
    unsigned resizes;   /* and of another size */
    unsigned calls;
    size_t at_a_time; /* bytes that it reads in one call; 0: as many as there are */
};

extern struct ioreqd_loop *stream_loop;
extern struct near_end near_end;
extern char stream_folder[64];

void open_stream_bench(void);
/* Closes the stream if that is still open; nothing may be left in the folder. */
void close_stream_bench(void);

/* The name of something in the folder, for use until the next call but three. */
const char *in_folder(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Opens a stream and attaches the near end, which wants to read. */
void open_near(const char *value);
/* Tries to: the reason why it is refused, and errno. */
const char *refusal(const char *value, bool check, int *error);

/* Turns the loop until it is so, for some seconds at most. */
void turn_until(bool (*so)(void));
void turn_for(unsigned milliseconds);
bool somebody(void);
bool nobody(void);
/* Whether the near end has got this text, all in all. */
void expect(const char *text);

/* The processor time that the loop takes while nothing happens for a fifth of a second: milliseconds. */
unsigned idle_cost(void);

/* A megabyte each way, between the near end and a non-blocking descriptor at the far one. */
void exchange(int far);

TCase *stream_socket_tests(void);
TCase *stream_pty_tests(void);
TCase *stream_file_tests(void);
TCase *sockets_tests(void);
TCase *stream_stdio_tests(void);

#endif
