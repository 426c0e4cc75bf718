/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of networks share, see network_bench.h. */
#include "tests/device/network_bench.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <event2/event.h>

#include "device/timer.h"

#define MILLISECOND UINT64_C(1000000)

struct ioreqd_loop *network_loop;
struct ioreqd_network *network;
struct near_pair near_pair[NETWORK_NEAR];

static unsigned descriptors; /* at the beginning */

static unsigned count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    unsigned count = 0;

    ck_assert_ptr_nonnull(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

void open_network_bench(void)
{
    descriptors = count_descriptors();
    network_loop = loop_create();
    ck_assert_ptr_nonnull(network_loop);
    memset(near_pair, 0, sizeof(near_pair));
}

void close_network_bench(void)
{
    network_close(network);
    network = NULL;
    loop_destroy(network_loop);
    network_loop = NULL;
}

void expect_descriptors(unsigned more)
{
    ck_assert_uint_eq(count_descriptors(), descriptors + more);
}

/* ---- the device ---- */

static void look_at(struct near_pair *near, size_t length)
{
    static const uint8_t plain[HEADER] = {[10] = 1};

    bool counted = near->count != NULL && near->count(near->read + HEADER, length - HEADER);

    atomic_fetch_add(&near->packets, 1);
    if (near->read[0] == 0 && near->read[1] == 0 && memcmp(near->read, plain, HEADER) != 0) {
        ck_abort_msg("a header that is not plain");
    }
    if (counted || near->count == NULL) {
        near->length = (int)length;
        memcpy(near->last, near->read, length);
    }
    atomic_fetch_add(&near->counted, counted);
    if (near->echoes) {
        network_write(network, near->index, &(struct iovec){near->read, length}, 1);
    }
}

static void on_ready(void *argument, unsigned events)
{
    struct near_pair *near = argument;
    unsigned left = near->at_a_time != 0 ? near->at_a_time : 1000;
    int rc = 0;

    atomic_fetch_add(&near->calls, 1);
    atomic_fetch_add(&near->connects, (events & IOREQD_CONNECTED) != 0);
    if ((events & IOREQD_WRITABLE) != 0) {
        atomic_fetch_add(&near->writables, 1);
        network_want(network, near->index, IOREQD_READABLE);
    }
    while ((events & IOREQD_READABLE) != 0 && !near->lazy && rc != -EAGAIN && left-- > 0) {
        rc = network_read(network, near->index, near->read, near->room != 0 ? near->room : sizeof(near->read));
        if (rc > 0) {
            look_at(near, (size_t)rc);
        } else if (rc == -EMSGSIZE) {
            atomic_fetch_add(&near->dropped, 1);
        }
    }
}

int attach_pair(unsigned index, struct ioreqd_loop *loop)
{
    int rc;

    near_pair[index].index = index;
    rc = network_attach(network_loop, loop, network, index, on_ready, &near_pair[index]);
    if (rc == 0) {
        network_want(network, index, IOREQD_READABLE);
    }
    return rc;
}

void open_network(const char *value)
{
    char reason[256] = "";
    int rc = network_open(value, false, &network, reason, sizeof(reason));

    ck_assert_msg(rc == 0, "%s: %s", value, reason);
    ck_assert_ptr_nonnull(network);
    ck_assert_str_eq(network_place(network), value);
    ck_assert_int_eq(attach_pair(0, network_loop), 0);
    ck_assert_int_eq(attach_pair(0, network_loop), -EBUSY);
}

const char *network_refusal(const char *value, bool check, int *error)
{
    static char reason[256];
    struct ioreqd_network *opened;

    reason[0] = 0;
    ck_assert_int_eq(network_open(value, check, &opened, reason, sizeof(reason)), -1);
    *error = errno;
    ck_assert_ptr_null(opened);
    return reason;
}

/* ---- packets ---- */

void make_packet(uint8_t *to, size_t length, unsigned salt)
{
    for (size_t i = 0; i < length; i++) {
        to[i] = bench_byte(i, salt);
    }
}

bool is_packet(const uint8_t *packet, size_t length, unsigned salt)
{
    for (size_t i = 0; i < length; i++) {
        if (packet[i] != bench_byte(i, salt)) {
            return false;
        }
    }
    return true;
}

int send_packet(unsigned pair, size_t length, unsigned salt)
{
    static _Thread_local uint8_t packet[HEADER + LONGEST + 1];
    struct iovec iov = {packet, HEADER + length};

    memset(packet, 0, HEADER);
    make_packet(packet + HEADER, length, salt);
    return network_write(network, pair, &iov, 1);
}

/* ---- time ---- */

void network_turn(void)
{
    event_base_loop(loop_event_base(network_loop), EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

void network_turn_until(bool (*so)(void))
{
    for (uint64_t end = timer_now() + 5000 * MILLISECOND; !so();) {
        ck_assert_msg(timer_now() < end, "it does not happen");
        network_turn();
    }
}

void network_turn_for(unsigned milliseconds)
{
    for (uint64_t end = timer_now() + milliseconds * MILLISECOND; timer_now() < end;) {
        network_turn();
    }
}

bool has_link(void)
{
    return network_link(network) != 0;
}

bool has_no_link(void)
{
    return !has_link();
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

unsigned network_idle_cost(void)
{
    struct ioreqd_timer *timer = timer_make(network_loop, end_loop, network_loop);
    uint64_t before = processor_time();

    ck_assert_ptr_nonnull(timer);
    timer_arm(timer, timer_now() + 200 * MILLISECOND);
    loop_run(network_loop);
    timer_free(timer);
    return (unsigned)(processor_time() - before);
}

/* ---- hashes ---- */

const uint8_t steering_key[IOREQD_NETWORK_KEY_MOST] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
                                                       0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
                                                       0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
                                                       0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

const struct steering_vector steering_vectors[STEERING_VECTORS] = {
    {"161.142.100.80", 1766, "66.9.149.187", 2794, 0x323e8fc2, 0x51ccc178},
    {"65.69.140.83", 4739, "199.92.111.2", 14230, 0xd718262a, 0xc626b0ea},
    {"12.22.207.184", 38024, "24.19.198.95", 12898, 0xd2d0a5de, 0x5c2b394a},
    {"209.142.163.6", 2217, "38.27.205.30", 48228, 0x82989176, 0xafc7327f},
    {"202.188.127.2", 1303, "153.39.163.191", 44251, 0x5d1809c5, 0x10e828a2},
    {"3ffe:2501:200:3::1", 1766, "3ffe:2501:200:1fff::7", 2794, 0x2cc18cd5, 0x40207d3d},
    {"ff02::1", 4739, "3ffe:501:8::260:97ff:fe40:efab", 14230, 0x0f0c461c, 0xdde51bbf},
    {"fe80::200:f8ff:fe21:67cf", 38024, "3ffe:1900:4545:3:200:f8ff:fe21:67cf", 44251, 0x4b61e985, 0x02d1feef},
};

static uint32_t key_bit(size_t bit)
{
    return (uint32_t)steering_key[bit / 8] >> (7 - bit % 8) & 1;
}

uint32_t toeplitz(const uint8_t *bytes, size_t length)
{
    uint32_t sum = 0;

    for (size_t bit = 0; bit < 8 * length; bit++) {
        uint32_t window = 0;

        for (size_t i = 0; i < 32; i++) {
            window = window << 1 | key_bit(bit + i);
        }
        sum ^= (bytes[bit / 8] >> (7 - bit % 8) & 1) != 0 ? window : 0;
    }
    return sum;
}
