/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of streams share, see stream_bench.h. */
#include "tests/device/stream_bench.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <event2/event.h>

#include "device/timer.h"

#define MILLISECOND UINT64_C(1000000)

struct ioreqd_loop *stream_loop;
struct near_end near_end;
char stream_folder[64];

void open_stream_bench(void)
{
    snprintf(stream_folder, sizeof(stream_folder), "/tmp/ioreqd-stream-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(stream_folder));
    stream_loop = loop_create();
    ck_assert_ptr_nonnull(stream_loop);
    near_end = (struct near_end){.got = malloc(2 * MEGABYTE)};
    ck_assert_ptr_nonnull(near_end.got);
}

void close_stream_bench(void)
{
    stream_close(near_end.stream);
    loop_destroy(stream_loop);
    free(near_end.got);
    ck_assert_int_eq(rmdir(stream_folder), 0);
}

const char *in_folder(const char *format, ...)
{
    static char names[4][256];
    static unsigned next;
    char *name = names[next++ % 4];
    va_list arguments;
    size_t used = 0;

    /* What stands before the name's colon comes before the folder. */
    if (strchr(format, ':') != NULL) {
        used = (size_t)(strchr(format, ':') - format) + 1;
        memcpy(name, format, used);
        format += used;
    }
    used += (size_t)snprintf(name + used, 128, "%s/", stream_folder);
    va_start(arguments, format);
    vsnprintf(name + used, 256 - used, format, arguments);
    va_end(arguments);
    return name;
}

static void on_ready(void *argument, unsigned events)
{
    struct near_end *end = argument;
    size_t count;

    end->calls++;
    end->connects += (events & IOREQD_CONNECTED) != 0;
    end->writables += (events & IOREQD_WRITABLE) != 0;
    end->resizes += (events & IOREQD_RESIZED) != 0;
    if ((events & IOREQD_WRITABLE) != 0) {
        stream_want(end->stream, IOREQD_READABLE);
    }
    if ((events & IOREQD_READABLE) != 0) {
        do {
            count = stream_read(end->stream, end->got + end->length,
                                end->at_a_time != 0 ? end->at_a_time : 2 * MEGABYTE - end->length);
            end->length += count;
        } while (count > 0 && end->at_a_time == 0);
    }
}

void open_near(const char *value)
{
    char reason[256] = "";
    int rc = stream_open(value, false, &near_end.stream, reason, sizeof(reason));

    ck_assert_msg(rc == 0, "%s: %s", value, reason);
    ck_assert_ptr_nonnull(near_end.stream);
    ck_assert_int_eq(stream_attach(stream_loop, near_end.stream, on_ready, &near_end), 0);
    ck_assert_int_eq(stream_attach(stream_loop, near_end.stream, on_ready, &near_end), -EBUSY);
    stream_want(near_end.stream, IOREQD_READABLE);
}

const char *refusal(const char *value, bool check, int *error)
{
    static char reason[256];
    struct ioreqd_stream *stream;

    reason[0] = 0;
    ck_assert_int_eq(stream_open(value, check, &stream, reason, sizeof(reason)), -1);
    *error = errno;
    ck_assert_ptr_null(stream);
    return reason;
}

static void turn(void)
{
    event_base_loop(loop_event_base(stream_loop), EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

void turn_until(bool (*so)(void))
{
    for (uint64_t end = timer_now() + 5000 * MILLISECOND; !so();) {
        ck_assert_msg(timer_now() < end, "it does not happen");
        turn();
    }
    turn(); /* and the event that tells of it, which waits for the next turn */
    turn();
}

void turn_for(unsigned milliseconds)
{
    for (uint64_t end = timer_now() + milliseconds * MILLISECOND; timer_now() < end;) {
        turn();
    }
}

bool somebody(void)
{
    turn();
    return stream_connected(near_end.stream);
}

bool nobody(void)
{
    return !somebody();
}

void expect(const char *text)
{
    for (uint64_t end = timer_now() + 2000 * MILLISECOND; near_end.length < strlen(text) && timer_now() < end;) {
        turn();
    }
    turn_for(5);
    near_end.got[near_end.length] = 0;
    ck_assert_str_eq((char *)near_end.got, text);
}

static void end_loop(void *argument)
{
    loop_break(argument);
}

static uint64_t processor_time(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

unsigned idle_cost(void)
{
    struct ioreqd_timer *timer = timer_make(stream_loop, end_loop, stream_loop);
    uint64_t before = processor_time();

    ck_assert_ptr_nonnull(timer);
    timer_arm(timer, timer_now() + 200 * MILLISECOND);
    loop_run(stream_loop);
    timer_free(timer);
    return (unsigned)(processor_time() - before);
}

static uint8_t *noise(unsigned seed)
{
    uint8_t *bytes = malloc(MEGABYTE);

    ck_assert_ptr_nonnull(bytes);
    for (unsigned i = 0; i < MEGABYTE; i++) {
        seed = seed * 1103515245 + 12345;
        bytes[i] = (uint8_t)(seed >> 16);
    }
    return bytes;
}

void exchange(int far)
{
    uint8_t *down = noise(1), *up = noise(2), *came = malloc(MEGABYTE);
    size_t sent_down = 0, sent_up = 0, came_down = 0;
    unsigned full = 0;

    ck_assert_ptr_nonnull(came);
    near_end.at_a_time = 16; /* as a UART reads */
    for (unsigned round = 0; came_down < MEGABYTE || near_end.length < MEGABYTE; round++) {
        size_t piece = MEGABYTE - sent_down < 1000 ? MEGABYTE - sent_down : 1000;
        size_t taken = stream_write(near_end.stream, down + sent_down, piece);
        ssize_t count;

        sent_down += taken;
        if (taken < piece) {
            full++;
            stream_want(near_end.stream, IOREQD_READABLE | IOREQD_WRITABLE);
        }
        turn();
        count = write(far, up + sent_up, MEGABYTE - sent_up < 3000 ? MEGABYTE - sent_up : 3000);
        sent_up += count > 0 ? (size_t)count : 0;
        if (round % 100 == 99 || sent_down == MEGABYTE) { /* a slow reader */
            do {
                count = read(far, came + came_down, MEGABYTE - came_down);
                came_down += count > 0 ? (size_t)count : 0;
            } while (count > 0 && came_down < MEGABYTE);
        }
    }
    ck_assert_mem_eq(came, down, MEGABYTE);
    ck_assert_mem_eq(near_end.got, up, MEGABYTE);
    ck_assert_uint_gt(full, 0);
    ck_assert_uint_gt(near_end.writables, 0);
    free(down);
    free(up);
    free(came);
}
