/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of the slot protocol, src/hypervisor/slot.h. One thread; what another thread would see is not tested here.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/slot.h"

/* Bit 7 belongs to nobody: it must survive. */
#define FOREIGN_BIT 0x80u

static void set_state(struct slot *slot, unsigned state_and_flags)
{
    atomic_store(&slot->state_and_flags, (uint8_t)state_and_flags);
}

static unsigned state_of(struct slot *slot)
{
    return atomic_load(&slot->state_and_flags);
}

static struct slot example(unsigned state_and_flags)
{
    struct slot slot = {
        .address = 0x0123456789abcdef,
        .data = 0xfedcba9876543210,
        .count = 0x11223344,
        .size = 0x55667788,
        .event_port = 42,
        .reserved = 0x99aa,
        .type = SLOT_TYPE_COPY,
    };

    set_state(&slot, state_and_flags);
    return slot;
}

START_TEST(layout_is_xens)
{
    /* ioreq_t, xen/include/public/hvm/ioreq.h */
    ck_assert_uint_eq(offsetof(struct slot, address), 0);
    ck_assert_uint_eq(offsetof(struct slot, data), 8);
    ck_assert_uint_eq(offsetof(struct slot, count), 16);
    ck_assert_uint_eq(offsetof(struct slot, size), 20);
    ck_assert_uint_eq(offsetof(struct slot, event_port), 24);
    ck_assert_uint_eq(offsetof(struct slot, state_and_flags), 30);
    ck_assert_uint_eq(offsetof(struct slot, type), 31);
}
END_TEST

START_TEST(every_type_has_its_kind)
{
    for (unsigned type = 0; type < 256; type++) {
        struct slot slot = example(SLOT_REQUEST);
        enum request_kind expected = REQUEST_OTHER;
        struct request request;

        switch (type) {
        case 0:
            expected = REQUEST_PORT;
            break;
        case 1:
            expected = REQUEST_MEMORY;
            break;
        case 2:
            expected = REQUEST_CONFIG;
            break;
        case 8:
            expected = REQUEST_INVALIDATE;
            break;
        default:
            break;
        }
        slot.type = (uint8_t)type;
        ck_assert(slot_take(&slot, &request));
        ck_assert_int_eq(request.kind, expected);
        ck_assert_uint_eq(slot.type, type);
    }
}
END_TEST

START_TEST(every_flag_is_read_and_kept)
{
    for (unsigned flags = 0; flags < 256; flags += 16) {
        struct slot slot = example(flags | SLOT_REQUEST);
        struct request request;

        ck_assert(slot_take(&slot, &request));
        ck_assert_int_eq(request.data_is_pointer, (flags & 0x10) != 0);
        ck_assert_int_eq(request.write, (flags & 0x20) == 0);
        ck_assert_int_eq(request.down, (flags & 0x40) != 0);
        ck_assert_uint_eq(state_of(&slot), flags | SLOT_PROCESSING);
        slot_answer(&slot, 1);
        ck_assert_uint_eq(state_of(&slot), flags | SLOT_RESPONSE);
    }
}
END_TEST

START_TEST(members_are_copied)
{
    struct slot slot = example(SLOT_REQUEST);
    struct request request;

    ck_assert(slot_take(&slot, &request));
    ck_assert_uint_eq(request.address, 0x0123456789abcdef);
    ck_assert_uint_eq(request.data, 0xfedcba9876543210);
    ck_assert_uint_eq(request.count, 0x11223344);
    ck_assert_uint_eq(request.size, 0x55667788);

    /* A private copy: later changes of the page do not reach it. */
    slot.address = 0;
    slot.size = 0;
    ck_assert_uint_eq(request.address, 0x0123456789abcdef);
    ck_assert_uint_eq(request.size, 0x55667788);
}
END_TEST

START_TEST(other_states_are_left_alone)
{
    for (unsigned state = 0; state < 16; state++) {
        struct slot slot = example(SLOT_READ | FOREIGN_BIT | state);
        const struct slot before = slot;
        struct request request;
        struct request untouched;

        if (state == SLOT_REQUEST) {
            continue;
        }
        memset(&request, 0x5a, sizeof(request));
        memset(&untouched, 0x5a, sizeof(untouched));
        ck_assert(!slot_take(&slot, &request));
        ck_assert_mem_eq(&slot, &before, sizeof(slot));
        ck_assert_mem_eq(&request, &untouched, sizeof(request));
    }
}
END_TEST

START_TEST(open_is_processing_only)
{
    for (unsigned state = 0; state < 16; state++) {
        struct slot slot = example(SLOT_DOWN | FOREIGN_BIT | state);
        const struct slot before = slot;

        ck_assert_int_eq(slot_is_open(&slot), state == SLOT_PROCESSING);
        ck_assert_mem_eq(&slot, &before, sizeof(slot));
    }
}
END_TEST

START_TEST(answer_changes_data_and_state_only)
{
    struct slot slot = example(SLOT_REQUEST | SLOT_READ | SLOT_DOWN | FOREIGN_BIT);
    struct slot expected = slot;
    struct request request;

    ck_assert(slot_take(&slot, &request));
    ck_assert(slot_is_open(&slot));
    slot_answer(&slot, 0xa5a5);
    ck_assert(!slot_is_open(&slot));

    expected.data = 0xa5a5;
    set_state(&expected, SLOT_RESPONSE | SLOT_READ | SLOT_DOWN | FOREIGN_BIT);
    ck_assert_mem_eq(&slot, &expected, sizeof(slot));
}
END_TEST

START_TEST(a_request_is_taken_once)
{
    struct slot slot = example(SLOT_REQUEST);
    struct request request;

    ck_assert(slot_take(&slot, &request));
    ck_assert(!slot_take(&slot, &request));
    slot_answer(&slot, 0);
    ck_assert(!slot_take(&slot, &request));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("slot");
    TCase *tests = tcase_create("protocol");
    SRunner *runner;
    int failed;

    tcase_add_test(tests, layout_is_xens);
    tcase_add_test(tests, every_type_has_its_kind);
    tcase_add_test(tests, every_flag_is_read_and_kept);
    tcase_add_test(tests, members_are_copied);
    tcase_add_test(tests, other_states_are_left_alone);
    tcase_add_test(tests, open_is_processing_only);
    tcase_add_test(tests, answer_changes_data_and_state_only);
    tcase_add_test(tests, a_request_is_taken_once);
    suite_add_tcase(suite, tests);

    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
