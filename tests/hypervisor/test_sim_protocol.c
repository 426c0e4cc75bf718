/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of the simulated hypervisor as a referee: it catches each breach of the slot protocol, does with the vCPU
 * what Xen would, and goes on. One thread; the tests write to the slot behind the server's back.
 */
#include <check.h>
#include <stdlib.h>

#include "hypervisor/sim/sim.h"

static struct hypervisor *sim;
static const struct hypervisor_ops *ops;

static void open_one(void)
{
    const struct sim_options options = {.vcpus = 4, .milliseconds = 200};
    struct hypervisor_error why;

    sim = sim_open(&options);
    ck_assert_ptr_nonnull(sim);
    ops = sim->ops;
    ck_assert_int_eq(ops->start(sim, &why), 0);
}

static void close_one(void)
{
    ops->stop(sim);
    ops->close(sim);
}

/* Makes the server look, take and answer, with one thread; the answer is data plus the vCPU. */
static unsigned serve(uint64_t data)
{
    unsigned vcpu[HYPERVISOR_MAX_VCPUS];
    unsigned count = ops->events(sim, vcpu, HYPERVISOR_MAX_VCPUS);
    unsigned served = 0;

    for (unsigned i = 0; i < count; i++) {
        struct request request;

        if (ops->take(sim, vcpu[i], &request)) {
            ops->answer(sim, vcpu[i], data + vcpu[i]);
            served++;
        }
    }
    ops->rearm(sim);
    return served;
}

static void set_state(unsigned vcpu, unsigned state)
{
    atomic_store(&sim_slot(sim, vcpu)->state_and_flags, (uint8_t)(SLOT_READ | state));
}

static void place(void)
{
    ck_assert_int_eq(ops->claim(sim, CLAIM_PORT, 0xc000, 0xc0ff), 0);
    ck_assert(sim_request(sim, 0, REQUEST_PORT, 0xc000, 4, 1, SIM_READ, 0));
}

static void expect_only(enum sim_violation violation, unsigned count)
{
    ck_assert_uint_eq(sim_violations_of(sim, violation), count);
    ck_assert_uint_eq(sim_violations(sim), count);
}

START_TEST(backward_state_is_caught)
{
    struct request request;
    uint64_t data = 0;

    place();
    ck_assert(ops->take(sim, 0, &request));
    ck_assert(!sim_result(sim, 0, &data));
    set_state(0, SLOT_REQUEST);
    ck_assert(sim_result(sim, 0, &data));
    ck_assert_uint_eq(data, UINT32_MAX);
    expect_only(SIM_VIOLATION_TRANSITION, 1);
    ck_assert(sim_request(sim, 0, REQUEST_PORT, 0xc000, 4, 1, SIM_READ, 0));
    ck_assert_uint_eq(serve(5), 1);
    ck_assert(sim_result(sim, 0, &data));
    ck_assert_uint_eq(data, 5);
}
END_TEST

START_TEST(unknown_state_is_caught)
{
    uint64_t data = 0;

    for (unsigned state = 4; state < 16; state++) {
        if (state == 4) {
            place();
        } else {
            ck_assert(sim_request(sim, 0, REQUEST_PORT, 0xc000, 4, 1, SIM_READ, 0));
        }
        set_state(0, state);
        ck_assert(sim_result(sim, 0, &data));
        expect_only(SIM_VIOLATION_TRANSITION, state - 3);
    }
}
END_TEST

START_TEST(vanished_request_is_caught)
{
    uint64_t data = 0;

    place();
    set_state(0, SLOT_NONE);
    ck_assert(sim_result(sim, 0, &data));
    ck_assert_uint_eq(data, UINT32_MAX);
    expect_only(SIM_VIOLATION_VANISHED, 1);
}
END_TEST

START_TEST(answer_without_request_is_caught)
{
    struct request request;
    uint64_t data = 0;

    ops->answer(sim, 0, 1);
    expect_only(SIM_VIOLATION_ANSWER, 1);
    ops->answer(sim, 4, 1);
    expect_only(SIM_VIOLATION_ANSWER, 2);

    /* Not taken yet. */
    place();
    ops->answer(sim, 0, 1);
    expect_only(SIM_VIOLATION_ANSWER, 3);
    ck_assert(!sim_result(sim, 0, &data));

    /* Twice, before and after the vCPU saw it. */
    ck_assert(ops->take(sim, 0, &request));
    ops->answer(sim, 0, 2);
    ops->answer(sim, 0, 3);
    expect_only(SIM_VIOLATION_ANSWER, 4);
    ck_assert(sim_result(sim, 0, &data));
    ck_assert_uint_eq(data, 2);
    ops->answer(sim, 0, 4);
    expect_only(SIM_VIOLATION_ANSWER, 5);
}
END_TEST

START_TEST(second_response_is_caught)
{
    uint64_t data = 0;

    place();
    ck_assert_uint_eq(serve(7), 1);
    ck_assert(sim_result(sim, 0, &data));
    set_state(0, SLOT_RESPONSE);
    ck_assert(!sim_request(sim, 0, REQUEST_PORT, 0xc000, 4, 1, SIM_READ, 0));
    ck_assert(sim_result(sim, 0, &data));
    ck_assert_uint_eq(data, UINT32_MAX);
    expect_only(SIM_VIOLATION_STATE, 1);

    /* As in Xen, until it is repaired. */
    ck_assert(!sim_request(sim, 0, REQUEST_PORT, 0xc000, 4, 1, SIM_READ, 0));
    expect_only(SIM_VIOLATION_STATE, 2);
    set_state(0, SLOT_NONE);
    ck_assert(sim_request(sim, 0, REQUEST_PORT, 0xc000, 4, 1, SIM_READ, 0));
}
END_TEST

START_TEST(changed_port_is_caught)
{
    uint64_t data = 0;

    place();
    sim_slot(sim, 0)->event_port++;
    ck_assert_uint_eq(serve(7), 1);
    ck_assert(sim_result(sim, 0, &data));
    ck_assert(!sim_request(sim, 0, REQUEST_PORT, 0xc000, 4, 1, SIM_READ, 0));
    expect_only(SIM_VIOLATION_PORT, 1);
}
END_TEST

START_TEST(no_answer_is_caught)
{
    place();
    ck_assert_uint_eq(sim_wait(sim, 0), UINT32_MAX);
    expect_only(SIM_VIOLATION_TIMEOUT, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim protocol");
    TCase *breaches = tcase_create("breaches");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(breaches, open_one, close_one);
    tcase_add_test(breaches, backward_state_is_caught);
    tcase_add_test(breaches, unknown_state_is_caught);
    tcase_add_test(breaches, vanished_request_is_caught);
    tcase_add_test(breaches, answer_without_request_is_caught);
    tcase_add_test(breaches, second_response_is_caught);
    tcase_add_test(breaches, changed_port_is_caught);
    tcase_add_test(breaches, no_answer_is_caught);
    suite_add_tcase(suite, breaches);

    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
