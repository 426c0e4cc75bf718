/* SPDX-License-Identifier: BSD-2-Clause */
/* Networks behind UNIX sockets: packets in pieces and in heaps, peers that die, talk nonsense or do not listen. */
#define _GNU_SOURCE /* accept4() */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "device/timer.h"
#include "tests/device/network_bench.h"

static char folder[64], path[80], value[96];
static int listener = -1, far = -1;

static int listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    memcpy(address.sun_path, name, strlen(name) + 1);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(bind(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(descriptor, 4), 0);
    return descriptor;
}

static bool accepted(void)
{
    far = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    return far >= 0;
}

static void prepare(void)
{
    open_network_bench();
    snprintf(folder, sizeof(folder), "/tmp/ioreqd-network-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/s", folder);
    snprintf(value, sizeof(value), "passt:%s", path);
    listener = listen_at(path);
    far = -1;
}

static void tidy(void)
{
    close_network_bench();
    expect_descriptors((far >= 0 ? 1u : 0u) + (listener >= 0 ? 1u : 0u));
    if (far >= 0) {
        close(far);
    }
    if (listener >= 0) {
        close(listener);
    }
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void connect_both(void)
{
    open_network(value);
    ck_assert(accepted());
    network_turn();
}

/* The far end says all of it, however slowly it is heard. */
static void say(const void *bytes, size_t length)
{
    const uint8_t *at = bytes;

    for (unsigned tries = 0; length > 0; tries++) {
        ssize_t count = send(far, at, length, MSG_NOSIGNAL);

        ck_assert_uint_lt(tries, 100000);
        if (count > 0) {
            at += count;
            length -= (size_t)count;
        } else {
            ck_assert_int_eq(errno, EAGAIN);
            network_turn();
        }
    }
}

static size_t frame(uint8_t *to, size_t length, unsigned salt)
{
    uint32_t word = htonl((uint32_t)length);

    memcpy(to, &word, sizeof(word));
    make_packet(to + sizeof(word), length, salt);
    return sizeof(word) + length;
}

static void say_packet(size_t length, unsigned salt)
{
    static uint8_t bytes[4 + LONGEST];

    say(bytes, frame(bytes, length, salt));
}

/* What the far end hears next is this packet. */
static void expect_far(size_t length, unsigned salt)
{
    static uint8_t bytes[4 + LONGEST + 1], expected[4 + LONGEST];
    size_t size = frame(expected, length, salt), got = 0;

    for (unsigned tries = 0; got < size; tries++) {
        ssize_t count = recv(far, bytes + got, size - got, 0);

        ck_assert_uint_lt(tries, 100000);
        if (count > 0) {
            got += (size_t)count;
        } else {
            ck_assert(count < 0 && errno == EAGAIN);
            network_turn();
        }
    }
    ck_assert_mem_eq(bytes, expected, size);
}

static unsigned wanted_packets;

static bool enough(void)
{
    return atomic_load(&near_pair[0].packets) >= wanted_packets;
}

static void expect_near(unsigned packets, size_t length, unsigned salt)
{
    wanted_packets = packets;
    network_turn_until(enough);
    ck_assert_uint_eq(near_pair[0].packets, packets);
    ck_assert_int_eq(near_pair[0].length, (int)(HEADER + length));
    ck_assert(is_packet(near_pair[0].last + HEADER, length, salt));
}

START_TEST(both_ways)
{
    struct ioreqd_network_facts facts = {.struct_size = sizeof(facts), .mtu = 5};
    uint8_t header[HEADER] = {1, 2, 3}, bytes[100];
    struct iovec pieces[4] = {{header, 5}, {header + 5, 0}, {header + 5, 7}, {bytes, 100}};

    connect_both();
    network_facts(network, &facts);
    ck_assert_uint_eq(facts.struct_size, sizeof(facts));
    ck_assert_uint_eq(facts.offloads, 0);
    ck_assert_uint_eq(facts.queue_pairs, 1);
    ck_assert_uint_eq(facts.mtu, 0);
    ck_assert(has_link());

    say_packet(60, 1);
    expect_near(1, 60, 1);
    ck_assert_int_eq(send_packet(0, 70, 2), HEADER + 70);
    expect_far(70, 2);
    make_packet(bytes, 100, 3);
    ck_assert_int_eq(network_write(network, 0, pieces, 4), HEADER + 100);
    expect_far(100, 3);

    ck_assert_int_eq(network_read(network, 0, bytes, sizeof(bytes)), -EAGAIN);
    ck_assert_int_eq(network_read(network, 0, bytes, HEADER - 1), -EINVAL);
    ck_assert_int_eq(network_read(network, 1, bytes, sizeof(bytes)), -EINVAL);
    ck_assert_int_eq(network_write(network, 1, pieces, 4), -EINVAL);
    ck_assert_int_eq(attach_pair(1, network_loop), -EINVAL);
    ck_assert_int_eq(network_set_offloads(network, 0), 0);
    ck_assert_int_eq(network_set_offloads(network, IOREQD_NETWORK_CHECKSUM), -EINVAL);
    ck_assert_int_eq(network_set_queue_pairs(network, 1), 0);
    ck_assert_int_eq(network_set_queue_pairs(network, 2), -EINVAL);
    ck_assert_int_eq(network_set_queue_pairs(network, 0), -EINVAL);
    ck_assert_uint_lt(network_idle_cost(), 50);
}
END_TEST

START_TEST(older_facts)
{
    struct ioreqd_network_facts facts = {
        .struct_size = offsetof(struct ioreqd_network_facts, queue_pairs), .offloads = 7, .queue_pairs = 77};

    connect_both();
    network_facts(network, &facts);
    ck_assert_uint_eq(facts.offloads, 0);
    ck_assert_uint_eq(facts.queue_pairs, 77);
}
END_TEST

/* Bytes that come one by one; several packets, and parts of them, at once. */
START_TEST(in_pieces)
{
    uint8_t bytes[3 * 104];
    size_t size = frame(bytes, 100, 1);

    connect_both();
    for (size_t i = 0; i < size; i++) {
        ck_assert_uint_eq(near_pair[0].packets, 0);
        say(bytes + i, 1);
        network_turn();
    }
    expect_near(1, 100, 1);
    size = frame(bytes, 99, 2);
    size += frame(bytes + size, 98, 3);
    size += frame(bytes + size, 97, 4);
    say(bytes, size - 40);
    expect_near(3, 98, 3);
    say(bytes + size - 40, 40);
    expect_near(4, 97, 4);
}
END_TEST

/* A device that takes one packet in a turn, or lets them lie for a while, gets them all. */
START_TEST(what_is_left_is_told_again)
{
    connect_both();
    near_pair[0].at_a_time = 1;
    for (unsigned i = 0; i < 50; i++) {
        say_packet(60 + i, i);
    }
    expect_near(50, 109, 49);
    ck_assert_uint_lt(near_pair[0].calls, 60);

    for (unsigned i = 0; i < 5; i++) {
        say_packet(60, i);
    }
    wanted_packets = 51;
    network_turn_until(enough);
    network_want(network, 0, 0);
    network_turn_for(5);
    ck_assert_uint_eq(near_pair[0].packets, 51);
    ck_assert_uint_lt(network_idle_cost(), 50);
    network_want(network, 0, IOREQD_READABLE);
    expect_near(55, 60, 4);
}
END_TEST

/* In a bell, a device reads without having been told. */
START_TEST(read_without_being_told)
{
    uint8_t packet[200];
    int rc;

    connect_both();
    say_packet(60, 1);
    say_packet(61, 2);
    rc = network_read(network, 0, packet, sizeof(packet));
    ck_assert_int_eq(rc, HEADER + 60);
    expect_near(1, 61, 2);
}
END_TEST

START_TEST(longest_and_shortest)
{
    connect_both();
    say_packet(LONGEST, 1);
    expect_near(1, LONGEST, 1);
    ck_assert_int_eq(send_packet(0, LONGEST, 2), HEADER + LONGEST);
    expect_far(LONGEST, 2);
    ck_assert_int_eq(send_packet(0, LONGEST + 1, 2), -EMSGSIZE);
    for (unsigned i = 0; i < 14; i++) {
        say_packet(i, 3);
        ck_assert_int_eq(send_packet(0, i, 3), (int)(HEADER + i));
    }
    say_packet(14, 4);
    expect_near(2, 14, 4);
    ck_assert_int_eq(send_packet(0, 14, 5), HEADER + 14);
    expect_far(14, 5);

    near_pair[0].room = HEADER + 100;
    say_packet(101, 6);
    say_packet(100, 7);
    expect_near(3, 100, 7);
    ck_assert_uint_eq(near_pair[0].dropped, 1);
    ck_assert_uint_eq(near_pair[0].connects, 0);

    struct network_counts counts = {0};

    network_add_counts(network, &counts);
    ck_assert_uint_eq(counts.sent, 2);
    ck_assert_uint_eq(counts.bytes_sent, LONGEST + 14);
    ck_assert_uint_eq(counts.received, 3);
    ck_assert_uint_eq(counts.bytes_received, LONGEST + 14 + 100);
    ck_assert_uint_eq(counts.wrong_length, 1 + 14);
    ck_assert_uint_eq(counts.unfit, 14 + 1);
    ck_assert_uint_eq(counts.without_link + counts.refused + counts.errors, 0);
}
END_TEST

static const uint32_t nonsense[] = {LONGEST + 1, 0xffffffff, 0x80000000};

START_TEST(a_peer_that_talks_nonsense)
{
    uint32_t word = htonl(nonsense[_i]);
    uint64_t start;
    char byte;

    connect_both();
    say_packet(60, 1);
    say(&word, sizeof(word));
    network_turn_until(has_no_link);
    start = timer_now();
    ck_assert_uint_eq(near_pair[0].packets, 1);
    ck_assert_int_eq(recv(far, &byte, 1, 0), 0);
    close(far);
    network_turn_until(accepted);
    network_turn_until(has_link);
    ck_assert_uint_lt(timer_now() - start, UINT64_C(2000000000)); /* it is called at once, since it had spoken */
    say_packet(60, 2);
    expect_near(2, 60, 2);
    ck_assert_uint_eq(near_pair[0].connects, 2);
}
END_TEST

static bool told_of_room(void)
{
    return atomic_load(&near_pair[0].writables) > 0;
}

START_TEST(a_peer_that_dies)
{
    connect_both();
    say_packet(60, 1);
    say("\0\0\0\100half", 8);
    expect_near(1, 60, 1);
    close(listener);
    unlink(path);
    close(far);
    listener = -1;
    network_turn_until(has_no_link);
    network_turn_for(5);
    ck_assert_uint_eq(near_pair[0].connects, 1);
    ck_assert_int_eq(send_packet(0, 60, 2), HEADER + 60);
    network_want(network, 0, IOREQD_READABLE | IOREQD_WRITABLE);
    network_turn_until(told_of_room);
    ck_assert_uint_lt(network_idle_cost(), 50);

    listener = listen_at(path);
    network_turn_until(accepted);
    network_turn_until(has_link);
    network_turn_for(5);
    ck_assert_uint_eq(near_pair[0].connects, 2);
    ck_assert_int_eq(send_packet(0, 60, 3), HEADER + 60);
    expect_far(60, 3);
    say_packet(60, 4);
    expect_near(2, 60, 4);

    struct network_counts counts = {0};

    network_add_counts(network, &counts);
    ck_assert_uint_eq(counts.without_link, 1);
    ck_assert_uint_eq(counts.sent, 1);
    ck_assert_uint_eq(counts.received, 2);
    network_pull(network, true);
    ck_assert_int_eq(send_packet(0, 60, 5), HEADER + 60);
    counts = (struct network_counts){0};
    network_add_counts(network, &counts);
    ck_assert_uint_eq(counts.without_link, 2);
    ck_assert_uint_eq(counts.sent, 1);
}
END_TEST

/* Told by sending, when the device does not want to read. */
START_TEST(a_peer_that_dies_unheard)
{
    connect_both();
    network_want(network, 0, 0);
    close(far);
    far = -1;
    ck_assert_int_eq(send_packet(0, 60, 1), HEADER + 60);
    network_turn_until(has_no_link);
    network_turn_until(accepted);
}
END_TEST

/* Turned away again and again, it calls less and less often. */
START_TEST(a_peer_that_hangs_up)
{
    unsigned calls = 0;

    connect_both();
    close(far);
    for (uint64_t end = timer_now() + UINT64_C(1000000000); timer_now() < end;) {
        network_turn_for(1);
        if (accepted()) {
            calls++;
            close(far);
        }
    }
    far = -1;
    ck_assert_uint_ge(calls, 2);
    ck_assert_uint_le(calls, 4);
}
END_TEST

/* A peer that does not listen: all is kept in order or refused, and nobody spins. */
START_TEST(a_peer_that_is_slow)
{
    unsigned sent = 0, got;

    connect_both();
    for (;;) {
        int rc = send_packet(0, 1000 + sent % 500, sent);

        if (rc == -EAGAIN) {
            break;
        }
        ck_assert_int_eq(rc, (int)(HEADER + 1000 + sent % 500));
        sent++;
        if (sent % 50 == 0) {
            network_turn();
        }
        ck_assert_uint_lt(sent, 10000);
    }
    network_want(network, 0, IOREQD_READABLE | IOREQD_WRITABLE);
    ck_assert_uint_lt(network_idle_cost(), 50);
    ck_assert_uint_eq(near_pair[0].writables, 0);
    ck_assert_int_eq(send_packet(0, LONGEST, 0), -EAGAIN);
    say_packet(60, 1); /* the other way is free */
    expect_near(1, 60, 1);

    for (got = 0; got < sent; got++) {
        expect_far(1000 + got % 500, got);
        network_turn();
        if (atomic_load(&near_pair[0].writables) != 0) {
            break;
        }
    }
    ck_assert(told_of_room());
    ck_assert_int_eq(send_packet(0, LONGEST, 77), HEADER + LONGEST);
    for (got++; got < sent; got++) {
        expect_far(1000 + got % 500, got);
    }
    expect_far(LONGEST, 77);
}
END_TEST

/* What one peer did not hear is not for the next one. */
START_TEST(a_peer_that_dies_deaf)
{
    connect_both();
    while (send_packet(0, 1001, 1) != -EAGAIN) {
    }
    network_turn();
    close(far);
    network_turn_until(has_no_link);
    network_turn_until(accepted);
    network_turn_until(has_link);
    ck_assert_int_eq(send_packet(0, 60, 2), HEADER + 60);
    expect_far(60, 2);
}
END_TEST

/* Room that comes back without the peer being slow is told too. */
START_TEST(room_in_the_next_turn)
{
    unsigned sent = 0;

    connect_both();
    while (send_packet(0, 4000, sent) != -EAGAIN && sent < 24) {
        sent++;
    }
    ck_assert_uint_eq(sent, 24);
    network_want(network, 0, IOREQD_READABLE | IOREQD_WRITABLE);
    network_turn_until(told_of_room);
    for (unsigned i = 0; i < sent; i++) {
        expect_far(4000, i);
    }
}
END_TEST

/* Random lengths both ways, through buffers that run over, with a far end that takes and gives random pieces. */
START_TEST(a_heap_both_ways)
{
    enum { PACKETS = 1500, MOST = 9000 };
    static uint8_t script[PACKETS * (4 + MOST)], came[PACKETS * (4 + MOST)];
    size_t length = 0, said = 0, heard = 0;
    unsigned sent = 0, full = 0;
    uint32_t random = 4711;

    connect_both();
    near_pair[0].echoes = false;
    near_pair[0].at_a_time = 3;
    for (unsigned i = 0; i < PACKETS; i++) {
        random = random * 1103515245 + 12345;
        length += frame(script + length, 14 + (random >> 16) % (MOST - 13), i);
    }
    for (size_t at = 0; heard < length || near_pair[0].packets < PACKETS;) {
        uint32_t word;
        ssize_t count;

        random = random * 1103515245 + 12345;
        if (said < length) {
            size_t piece = 1 + (random >> 8) % 60000;

            count = send(far, script + said, piece < length - said ? piece : length - said, MSG_NOSIGNAL);
            said += count > 0 ? (size_t)count : 0;
        }
        while (sent < PACKETS) {
            memcpy(&word, script + at, 4);
            if (send_packet(0, ntohl(word), sent) == -EAGAIN) {
                full++;
                network_want(network, 0, IOREQD_READABLE | IOREQD_WRITABLE);
                break;
            }
            at += 4 + ntohl(word);
            sent++;
        }
        network_turn();
        count = recv(far, came + heard, 1 + (random >> 8) % 60000, 0);
        heard += count > 0 ? (size_t)count : 0;
    }
    ck_assert_mem_eq(came, script, length);
    ck_assert_uint_eq(near_pair[0].dropped, 0);
    ck_assert_uint_gt(full, 0);
    ck_assert_uint_gt(near_pair[0].writables, 0);
    ck_assert_uint_eq(near_pair[0].packets, PACKETS);
    ck_assert(is_packet(near_pair[0].last + HEADER, (size_t)near_pair[0].length - HEADER, PACKETS - 1));
}
END_TEST

/* Several packets of one turn go out together. */
START_TEST(sent_together)
{
    uint8_t bytes[8192];

    connect_both();
    for (unsigned i = 0; i < 20; i++) {
        ck_assert_int_eq(send_packet(0, 60, i), HEADER + 60);
    }
    ck_assert_int_eq(recv(far, bytes, sizeof(bytes), 0), -1);
    network_turn();
    network_turn();
    ck_assert_int_eq(recv(far, bytes, sizeof(bytes), 0), 20 * 64);
}
END_TEST

START_TEST(closed_with_much_under_way)
{
    connect_both();
    for (unsigned i = 0; i < 20; i++) {
        say_packet(600, i);
        send_packet(0, 600, i);
    }
    near_pair[0].at_a_time = 1;
    network_turn();
}
END_TEST

START_TEST(refused)
{
    struct ioreqd_network *opened;
    char reason[256], other[300];
    int error, file;

    ck_assert_int_eq(network_open("none", false, &opened, reason, sizeof(reason)), 0);
    ck_assert_ptr_null(opened);
    ck_assert_str_eq(network_refusal("bridge:br0", false, &error),
                     "it is no network: give tap:NAME, passt:PATH, unix:PATH, or none");
    ck_assert_str_eq(network_refusal("passtwo:x", false, &error),
                     "it is no network: give tap:NAME, passt:PATH, unix:PATH, or none");
    ck_assert_str_eq(network_refusal("passt", false, &error), "it is incomplete: give passt:PATH");
    ck_assert_str_eq(network_refusal("unix:", true, &error), "it is incomplete: give unix:PATH");
    ck_assert_int_eq(error, EINVAL);
    snprintf(other, sizeof(other), "unix:%0200d", 0);
    ck_assert_str_eq(network_refusal(other, false, &error),
                     "a socket's path has at most 107 bytes: name a shorter one");

    /* A check does not call. */
    ck_assert_int_eq(network_open(value, true, &opened, reason, sizeof(reason)), 0);
    ck_assert_ptr_null(opened);
    ck_assert(!accepted());

    for (int check = 0; check < 2; check++) {
        snprintf(other, sizeof(other), "passt:%s/t", folder);
        ck_assert_str_eq(network_refusal(other, check != 0, &error),
                         "No such file or directory: nobody listens there: start passt, or whoever is to, before "
                         "ioreqd");
        ck_assert_int_eq(error, ENOENT);
        file = open(other + 6, O_CREAT | O_WRONLY, 0600);
        ck_assert_int_ge(file, 0);
        close(file);
        ck_assert_str_eq(network_refusal(other, check != 0, &error),
                         "Connection refused: nobody listens there: start passt, or whoever is to, before ioreqd");
        unlink(other + 6);
    }
}
END_TEST

TCase *network_socket_tests(void)
{
    TCase *group = tcase_create("network socket");

    tcase_add_checked_fixture(group, prepare, tidy);
    tcase_set_timeout(group, 30);
    tcase_add_test(group, both_ways);
    tcase_add_test(group, older_facts);
    tcase_add_test(group, in_pieces);
    tcase_add_test(group, what_is_left_is_told_again);
    tcase_add_test(group, read_without_being_told);
    tcase_add_test(group, longest_and_shortest);
    tcase_add_loop_test(group, a_peer_that_talks_nonsense, 0, (int)(sizeof(nonsense) / sizeof(nonsense[0])));
    tcase_add_test(group, a_peer_that_dies);
    tcase_add_test(group, a_peer_that_dies_unheard);
    tcase_add_test(group, a_peer_that_hangs_up);
    tcase_add_test(group, a_peer_that_is_slow);
    tcase_add_test(group, a_peer_that_dies_deaf);
    tcase_add_test(group, room_in_the_next_turn);
    tcase_add_test(group, a_heap_both_ways);
    tcase_add_test(group, sent_together);
    tcase_add_test(group, closed_with_much_under_way);
    tcase_add_test(group, refused);
    return group;
}
