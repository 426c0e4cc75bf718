/* SPDX-License-Identifier: BSD-2-Clause */
/* The hash that packets are steered by, against the vectors that are published for RSS, and against its definition. */
#include <arpa/inet.h>
#include <string.h>

#include "device/network_steering.h"
#include "tests/device/network_bench.h"

static struct steering steering;

static void fill(uint32_t key_length)
{
    static const uint16_t table[1] = {0};
    const struct ioreqd_network_steering wanted = {.struct_size = sizeof(wanted),
                                                   .hash_types = STEERING_HASH_TYPES,
                                                   .entries = 1,
                                                   .key_length = key_length,
                                                   .table = table,
                                                   .key = steering_key};

    steering_fill(&steering, &wanted);
}

static size_t put(uint8_t *input, const struct steering_vector *vector, bool ports)
{
    int family = strchr(vector->from, ':') != NULL ? AF_INET6 : AF_INET;
    size_t size = family == AF_INET6 ? 16 : 4;
    uint16_t port[2] = {htons(vector->from_port), htons(vector->to_port)};

    ck_assert_int_eq(inet_pton(family, vector->from, input), 1);
    ck_assert_int_eq(inet_pton(family, vector->to, input + size), 1);
    memcpy(input + 2 * size, port, 4);
    return 2 * size + (ports ? 4 : 0);
}

START_TEST(published_vectors)
{
    const struct steering_vector *vector = &steering_vectors[_i];
    uint8_t input[STEERING_INPUT];
    size_t length;

    fill(IOREQD_NETWORK_KEY_MOST);
    length = put(input, vector, false);
    ck_assert_uint_eq(steering_hash(&steering, input, length), vector->hash);
    ck_assert_uint_eq(toeplitz(input, length), vector->hash);
    length = put(input, vector, true);
    ck_assert_uint_eq(steering_hash(&steering, input, length), vector->hash_with_ports);
    ck_assert_uint_eq(toeplitz(input, length), vector->hash_with_ports);
}
END_TEST

/* Any bytes, and zeros behind them, which add nothing. */
START_TEST(as_it_is_defined)
{
    fill(IOREQD_NETWORK_KEY_MOST);
    for (unsigned salt = 0; salt < 200; salt++) {
        size_t length = salt % (STEERING_INPUT + 1);
        uint8_t input[STEERING_INPUT] = {0};

        make_packet(input, length, salt);
        if (steering_hash(&steering, input, length) != toeplitz(input, length) ||
            steering_hash(&steering, input, STEERING_INPUT) != toeplitz(input, length)) {
            ck_abort_msg("%zu bytes", length);
        }
    }
}
END_TEST

/* What a key lacks is 0, whatever stands behind it in memory. */
START_TEST(short_keys)
{
    static const uint8_t first[] = {0x80}, last[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80};

    fill(0);
    ck_assert_uint_eq(steering_hash(&steering, (const uint8_t *)"\377\377\377\377", 4), 0);
    fill(4);
    ck_assert_uint_eq(steering_hash(&steering, first, 1), 0x6d5a56da);
    ck_assert_uint_eq(steering_hash(&steering, last, 12), 0);
}
END_TEST

TCase *steering_tests(void)
{
    TCase *group = tcase_create("network steering");

    tcase_add_loop_test(group, published_vectors, 0, STEERING_VECTORS);
    tcase_add_test(group, as_it_is_defined);
    tcase_add_test(group, short_keys);
    return group;
}
