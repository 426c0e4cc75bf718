/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program that steers a tap's packets, run by the kernel over packets of ours (BPF_PROG_TEST_RUN). Where the kernel
 * lets nobody load programs, all of it is skipped.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "device/network_tap_steering.h"
#include "tests/device/network_bench.h"

#define SKIP         77 /* as automake has it */
#define UNCLASSIFIED 7
#define FIRST        1000 /* what entry 0 of the table is; the next ones count on */

#define ALL STEERING_HASH_TYPES

static struct tap_steering *steering;

struct packet {
    uint8_t bytes[512];
    size_t length;
};

static void set(uint32_t hash_types, uint16_t entries)
{
    uint16_t table[IOREQD_NETWORK_TABLE_MOST];
    const struct ioreqd_network_steering wanted = {.struct_size = sizeof(wanted),
                                                   .hash_types = hash_types,
                                                   .unclassified = UNCLASSIFIED,
                                                   .entries = entries,
                                                   .key_length = IOREQD_NETWORK_KEY_MOST,
                                                   .table = table,
                                                   .key = steering_key};

    for (uint16_t i = 0; i < entries; i++) {
        table[i] = (uint16_t)(FIRST + i);
    }
    tap_steering_set(steering, &wanted);
}

static void begin(void)
{
    ck_assert_int_eq(tap_steering_open(&steering), 0);
    set(ALL, IOREQD_NETWORK_TABLE_MOST);
}

static void end(void)
{
    tap_steering_close(steering);
}

static uint32_t run(const struct packet *packet)
{
    union bpf_attr attributes;

    memset(&attributes, 0, sizeof(attributes));
    attributes.test.prog_fd = (uint32_t)tap_steering_program(steering);
    attributes.test.data_in = (uint64_t)(uintptr_t)packet->bytes;
    attributes.test.data_size_in = (uint32_t)packet->length;
    ck_assert_msg(syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attributes, sizeof(attributes)) == 0, "%s", strerror(errno));
    return attributes.test.retval;
}

static uint32_t queue_of(uint32_t hash)
{
    return FIRST + hash % IOREQD_NETWORK_TABLE_MOST;
}

/* ---- packets ---- */

static void append(struct packet *packet, const void *bytes, size_t length)
{
    memcpy(packet->bytes + packet->length, bytes, length);
    packet->length += length;
}

/* Ethernet's header, with so many tags. */
static void start(struct packet *packet, uint16_t type, unsigned tags)
{
    uint16_t bytes[2] = {htons(0x8100), htons(5)};

    memset(packet, 0, sizeof(*packet));
    packet->length = 12;
    while (tags-- > 0) {
        append(packet, bytes, 4);
    }
    type = htons(type);
    append(packet, &type, 2);
}

static void put_ports(struct packet *packet, const struct steering_vector *vector)
{
    uint16_t ports[2] = {htons(vector->from_port), htons(vector->to_port)};
    uint8_t rest[16] = {0};

    append(packet, ports, 4);
    append(packet, rest, sizeof(rest));
}

static void put_v4(struct packet *packet, const struct steering_vector *vector, uint8_t protocol, uint8_t words,
                   uint16_t fragment)
{
    uint8_t header[60] = {[0] = (uint8_t)(0x40 | words), [8] = 64, [9] = protocol};

    memset(header + 20, 0x1, 40); /* options: none */
    header[6] = (uint8_t)(fragment >> 8);
    header[7] = (uint8_t)fragment;
    ck_assert_int_eq(inet_pton(AF_INET, vector->from, header + 12), 1);
    ck_assert_int_eq(inet_pton(AF_INET, vector->to, header + 16), 1);
    append(packet, header, words * 4u);
}

static void put_v6(struct packet *packet, const struct steering_vector *vector, uint8_t next)
{
    uint8_t header[40] = {[0] = 0x60, [6] = next, [7] = 64};

    ck_assert_int_eq(inet_pton(AF_INET6, vector->from, header + 8), 1);
    ck_assert_int_eq(inet_pton(AF_INET6, vector->to, header + 24), 1);
    append(packet, header, sizeof(header));
}

static void make(struct packet *packet, const struct steering_vector *vector, uint8_t protocol, unsigned tags)
{
    bool six = strchr(vector->from, ':') != NULL;

    start(packet, six ? 0x86dd : 0x0800, tags);
    if (six) {
        put_v6(packet, vector, protocol);
    } else {
        put_v4(packet, vector, protocol, 5, 0x4000); /* not to be fragmented, which it is not */
    }
    put_ports(packet, vector);
}

/* ---- tests ---- */

/* Addresses and ports of TCP and UDP, addresses of others; and with a VLAN tag. */
START_TEST(published_vectors)
{
    const struct steering_vector *vector = &steering_vectors[_i];
    struct packet packet;

    for (unsigned tags = 0; tags < 2; tags++) {
        make(&packet, vector, 6, tags);
        ck_assert_uint_eq(run(&packet), queue_of(vector->hash_with_ports));
        make(&packet, vector, 17, tags);
        ck_assert_uint_eq(run(&packet), queue_of(vector->hash_with_ports));
        make(&packet, vector, 1, tags);
        ck_assert_uint_eq(run(&packet), queue_of(vector->hash));
    }
    make(&packet, vector, 6, 2);
    ck_assert_uint_eq(run(&packet), UNCLASSIFIED);
}
END_TEST

/* Each type alone: what it does not stand for has another hash, or none (§5.1.9.4.2.2, §5.1.9.4.2.3). */
START_TEST(hash_types)
{
    static const struct {
        bool six;
        uint8_t protocol;
        uint32_t with_ports, alone;
    } cases[] = {{false, 6, IOREQD_NETWORK_HASH_TCPV4, IOREQD_NETWORK_HASH_IPV4},
                 {false, 17, IOREQD_NETWORK_HASH_UDPV4, IOREQD_NETWORK_HASH_IPV4},
                 {true, 6, IOREQD_NETWORK_HASH_TCPV6, IOREQD_NETWORK_HASH_IPV6},
                 {true, 17, IOREQD_NETWORK_HASH_UDPV6, IOREQD_NETWORK_HASH_IPV6}};
    const struct steering_vector *vector = &steering_vectors[cases[_i].six ? 5 : 0];
    struct packet packet;

    make(&packet, vector, cases[_i].protocol, 0);
    for (uint32_t types = 0; types <= ALL; types++) {
        uint32_t expected = UNCLASSIFIED;

        if ((types & cases[_i].with_ports) != 0) {
            expected = queue_of(vector->hash_with_ports);
        } else if ((types & cases[_i].alone) != 0) {
            expected = queue_of(vector->hash);
        }
        set(types, IOREQD_NETWORK_TABLE_MOST);
        ck_assert_uint_eq(run(&packet), expected);
    }
}
END_TEST

START_TEST(table_sizes)
{
    struct packet packet;

    make(&packet, &steering_vectors[0], 6, 0);
    for (uint16_t entries = 1; entries <= IOREQD_NETWORK_TABLE_MOST; entries = (uint16_t)(2 * entries)) {
        set(ALL, entries);
        ck_assert_uint_eq(run(&packet), FIRST + steering_vectors[0].hash_with_ports % entries);
    }
}
END_TEST

/* Options push the ports back; fragments have none. */
START_TEST(ipv4_headers)
{
    const struct steering_vector *vector = &steering_vectors[1];
    struct packet packet;

    for (uint8_t words = 0; words < 16; words++) {
        start(&packet, 0x0800, 0);
        put_v4(&packet, vector, 6, words < 5 ? 5 : words, 0);
        packet.bytes[14] = (uint8_t)(0x40 | words);
        put_ports(&packet, vector);
        ck_assert_uint_eq(run(&packet), words < 5 ? UNCLASSIFIED : queue_of(vector->hash_with_ports));
    }
    for (unsigned i = 0; i < 3; i++) {
        start(&packet, 0x0800, 0);
        put_v4(&packet, vector, 17, 5, (const uint16_t[]){0x2000, 0x2001, 0x1fff}[i]);
        put_ports(&packet, vector);
        ck_assert_uint_eq(run(&packet), queue_of(vector->hash));
    }
}
END_TEST

/* Extension headers are skipped, up to some (§5.1.9.4.2.4). */
START_TEST(ipv6_extensions)
{
    static const uint8_t kinds[] = {0, 43, 60};
    const struct steering_vector *vector = &steering_vectors[6];
    struct packet packet;

    for (unsigned count = 1; count < 12; count++) {
        start(&packet, 0x86dd, 0);
        put_v6(&packet, vector, kinds[0]);
        for (unsigned i = 0; i < count; i++) {
            uint8_t extension[24] = {i + 1 < count ? kinds[(i + 1) % 3] : 6, (uint8_t)(i % 3)};

            append(&packet, extension, 8 + 8 * (i % 3));
        }
        put_ports(&packet, vector);
        ck_assert_uint_eq(run(&packet), queue_of(count <= 8 ? vector->hash_with_ports : vector->hash));
    }
}
END_TEST

START_TEST(ipv6_fragments_and_authentication)
{
    const struct steering_vector *vector = &steering_vectors[7];
    static const uint16_t offsets[] = {0, 1, 0x0008, 0xfff8};
    uint8_t authentication[24] = {17, 4};
    struct packet packet;

    for (unsigned i = 0; i < 4; i++) {
        uint8_t fragment[8] = {6, 0, (uint8_t)(offsets[i] >> 8), (uint8_t)offsets[i]};

        start(&packet, 0x86dd, 0);
        put_v6(&packet, vector, 44);
        append(&packet, fragment, 8);
        put_ports(&packet, vector);
        ck_assert_uint_eq(run(&packet), queue_of(i == 0 ? vector->hash_with_ports : vector->hash));
    }
    start(&packet, 0x86dd, 0);
    put_v6(&packet, vector, 51);
    append(&packet, authentication, 24);
    put_ports(&packet, vector);
    ck_assert_uint_eq(run(&packet), queue_of(vector->hash_with_ports));
}
END_TEST

/* Packets that end anywhere have as much of a hash as they have headers. With a tag: others the kernel's test refuses. */
START_TEST(short_packets)
{
    const struct steering_vector *vector = &steering_vectors[_i == 0 ? 2 : 6];
    size_t addresses = _i == 0 ? 18 + 20 : 18 + 40;
    struct packet packet;

    make(&packet, vector, 6, 1);
    for (packet.length = 15; packet.length < addresses + 8; packet.length++) {
        uint32_t expected = UNCLASSIFIED;

        if (packet.length >= addresses) {
            expected = queue_of(packet.length >= addresses + 4 ? vector->hash_with_ports : vector->hash);
        }
        ck_assert_msg(run(&packet) == expected, "%zu bytes", packet.length);
    }
}
END_TEST

START_TEST(other_protocols)
{
    struct packet packet;

    start(&packet, 0x0806, 0);
    packet.length = 60;
    ck_assert_uint_eq(run(&packet), UNCLASSIFIED);
    start(&packet, 0x0806, 1);
    packet.length = 60;
    ck_assert_uint_eq(run(&packet), UNCLASSIFIED);
}
END_TEST

static TCase *program_tests(void)
{
    TCase *group = tcase_create("steering program");

    tcase_add_checked_fixture(group, begin, end);
    tcase_add_loop_test(group, published_vectors, 0, STEERING_VECTORS);
    tcase_add_loop_test(group, hash_types, 0, 4);
    tcase_add_test(group, table_sizes);
    tcase_add_test(group, ipv4_headers);
    tcase_add_test(group, ipv6_extensions);
    tcase_add_test(group, ipv6_fragments_and_authentication);
    tcase_add_loop_test(group, short_packets, 0, 2);
    tcase_add_test(group, other_protocols);
    return group;
}

int main(void)
{
    int rc = tap_steering_open(&steering);
    SRunner *runner;
    Suite *suite;
    int failed;

    tap_steering_close(steering);
    if (rc == -EPERM || rc == -ENOSYS || rc == -EACCES) {
        printf("SKIPPED: the kernel lets us load no program, so that steering is not tested: %s\n", strerror(-rc));
        return SKIP;
    }
    suite = suite_create("steering");
    suite_add_tcase(suite, program_tests());
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
