/* SPDX-License-Identifier: BSD-2-Clause */
/* What keeps a device from working: the state, its reason, and the events, as a model has the host tell of them. */
#include <stdio.h>
#include <string.h>

#include "device/device.h"
#include "device/host.h"
#include "device/statistics.h"
#include "event.h"
#include "tests/device/bench.h"

static const struct ioreqd_description description = {
    .struct_size = sizeof(description),
    .vendor = 0x1af4,
};

static const struct ioreqd_model model = {
    .struct_size = sizeof(model),
    .abi = IOREQD_ABI,
    .name = "model",
    .state_size = 8,
    .description = &description,
};

static struct device_environment environment;
static struct ioreqd_device *device;
static unsigned events;
static char last[512];

static void on_event(void *context, const char *source, const char *name, const char *json)
{
    (void)context;
    events++;
    snprintf(last, sizeof(last), "%s|%s|%s", source, name, json);
}

static void make_device(void)
{
    device = device_create(&model, "it", &environment);
    ck_assert_ptr_nonnull(device);
    events = 0;
    event_listen(on_event, NULL);
}

static void destroy_device(void)
{
    event_listen(NULL, NULL);
    device_destroy(device);
}

static void expect_reason(const char *expected)
{
    char reason[256];

    ck_assert_int_eq(device_reason(device, reason, sizeof(reason)), expected[0] != 0);
    ck_assert_str_eq(reason, expected);
}

START_TEST(the_first_reason_stays)
{
    const struct ioreqd_host *host = host_table();

    expect_reason("");
    host->needs_reset(device, NULL); /* nothing was wrong */
    ck_assert_uint_eq(events, 0);
    host->needs_reset(device, "a \"ring\" \\ \n");
    ck_assert_str_eq(last, "model it|needs-reset|{\"reason\": \"a \\\"ring\\\" \\\\  \"}");
    host->needs_reset(device, "another");
    ck_assert_uint_eq(events, 1);
    expect_reason("a \"ring\" \\ \n");
    host->needs_reset(device, NULL);
    ck_assert_str_eq(last, "model it|recovered|{\"from\": \"needs-reset\"}");
    ck_assert_uint_eq(events, 2);
    expect_reason("");
}
END_TEST

/* The driver cannot mend it, whatever it resets. */
START_TEST(failure_is_graver)
{
    const struct ioreqd_host *host = host_table();

    host->needs_reset(device, "a ring");
    (host->fail)(device, "%s number %u", "part", 7);
    ck_assert_str_eq(last, "model it|failed|{\"reason\": \"part number 7\"}");
    ck_assert_str_eq(device_condition(device), "failed");
    ck_assert(device_is_stuck(device));
    host->needs_reset(device, "a ring again");
    host->needs_reset(device, NULL);
    ck_assert_uint_eq(events, 2);
    expect_reason("part number 7");
}
END_TEST

START_TEST(a_long_reason_is_cut)
{
    char reason[1000], expected[256];

    memset(reason, '"', sizeof(reason) - 1);
    reason[sizeof(reason) - 1] = 0;
    host_table()->needs_reset(device, reason);
    ck_assert(device_reason(device, expected, sizeof(expected)));
    ck_assert_uint_eq(strlen(expected), 199);
    ck_assert_uint_eq(strlen(last), strlen("model it|needs-reset|{\"reason\": \"\"}") + 2 * 199);
    ck_assert_str_eq(last + strlen(last) - 4, "\\\"\"}");
}
END_TEST

/* A guest breaks and resets its device for ever: events are few, and the state is right all the time. */
START_TEST(events_are_limited)
{
    for (unsigned i = 0; i < 10000; i++) {
        host_table()->needs_reset(device, "a ring");
        expect_reason("a ring");
        host_table()->needs_reset(device, NULL);
        expect_reason("");
    }
    ck_assert_uint_ge(events, 10);
    ck_assert_uint_le(events, 200); /* ten in each five seconds, on whatever machine this runs */
}
END_TEST

TCase *trouble_tests(void)
{
    TCase *group = tcase_create("trouble");

    tcase_add_checked_fixture(group, make_device, destroy_device);
    tcase_set_timeout(group, 90);
    tcase_add_test(group, the_first_reason_stays);
    tcase_add_test(group, failure_is_graver);
    tcase_add_test(group, a_long_reason_is_cut);
    tcase_add_test(group, events_are_limited);
    return group;
}
