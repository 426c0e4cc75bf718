/* SPDX-License-Identifier: BSD-2-Clause */
/* What people can tell a virtio-console: a port is closed for the guest whoever is at its other end, a size is set. */
#include <errno.h>
#include <string.h>

#include "tests/virtio/console_bench.h"

/* Port 0 a console, 1 one for programs with a name, with somebody at the other end of both. */
static void begin(const char *size)
{
    bench_open(console_module(bench_host())[0]);
    bench_give_stream("stream", 0);
    bench_give_stream("port1", 1);
    strcpy(bench_property("name1"), "org.example.1");
    strcpy(bench_property("size"), size);
    ck_assert_int_eq(bench_create(), 0);
}

static void come_up(uint64_t features)
{
    bench_start(features);
    control_give(16);
    control_say(0, DEVICE_READY, 1);
    control_say(0, PORT_READY, 1);
    control_say(1, PORT_READY, 1);
    control_say(1, PORT_OPEN, 1);
    while (control_hear()[0] != 0) {
    }
}

static int tell(const char *name, const struct ioreqd_value *value, char reason[128])
{
    const struct ioreqd_verb *verb = bench.model->verb;
    int rc;

    while (strcmp(verb->name, name) != 0) {
        verb++;
        ck_assert_ptr_nonnull(verb->name);
    }
    reason[0] = 0;
    rc = verb->run(fake_device(bench.fake), bench.state, value, reason, 128);
    bench_run();
    return rc;
}

static int tell_port(const char *port, const char *state)
{
    const struct ioreqd_value value[] = {{.given = 1, .text = port}, {.given = 1, .text = state}};
    char reason[128];
    int rc = tell("port", value, reason);

    ck_assert_int_eq(reason[0] != 0, rc != 0);
    return rc;
}

START_TEST(a_port_is_closed_and_opened)
{
    char got[64];

    begin("");
    come_up(F_MULTIPORT);
    bench_give(4, 64);
    ck_assert_int_eq(tell_port("org.example.1", "close"), 0);
    ck_assert_str_eq(control_hear(), "1 open 0");
    /* What the guest writes is lost, and what is sent to it waits. */
    bench_say(5, "lost", 4);
    ck_assert(bench_done(5));
    bench_expect(1, "");
    bench_send(1, "in", 2);
    ck_assert_int_eq(bench_got(4, got), -1);
    ck_assert_int_eq(tell_port("1", "close"), 0); /* nothing changes */
    ck_assert_str_eq(control_hear(), "");
    ck_assert_int_eq(tell_port("1", "open"), 0);
    ck_assert_str_eq(control_hear(), "1 open 1");
    ck_assert_int_eq(bench_got(4, got), 2);
    bench_say(5, "kept", 4);
    bench_expect(1, "kept");
    bench_close();
}
END_TEST

START_TEST(ports_that_there_are_not)
{
    begin("");
    come_up(F_MULTIPORT);
    ck_assert_int_eq(tell_port("2", "close"), -ENOENT);
    ck_assert_int_eq(tell_port("", "close"), -ENOENT);
    ck_assert_int_eq(tell_port("10", "close"), -ENOENT);
    ck_assert_int_eq(tell_port("org.example", "close"), -ENOENT);
    ck_assert_str_eq(control_hear(), "");
    bench_close();
}
END_TEST

START_TEST(a_size_is_set)
{
    const struct ioreqd_value value[] = {{.given = 1, .number = 132}, {.given = 1, .number = 43}};
    char reason[128];

    begin("80x25");
    come_up(F_MULTIPORT | F_SIZE);
    ck_assert_uint_eq(driver_read(&bench.driver, CONFIG, 4), 25u << 16 | 80);
    ck_assert_int_eq(tell("size", value, reason), 0);
    ck_assert_uint_eq(driver_read(&bench.driver, CONFIG, 4), 43u << 16 | 132);
    bench_close();
    begin("");
    come_up(F_MULTIPORT);
    ck_assert_int_eq(tell("size", value, reason), -ENOTSUP);
    ck_assert_ptr_nonnull(strstr(reason, "start it with size="));
    bench_close();
}
END_TEST

TCase *console_verb_cases(void)
{
    TCase *cases = tcase_create("virtio-console verbs");

    tcase_add_test(cases, a_port_is_closed_and_opened);
    tcase_add_test(cases, ports_that_there_are_not);
    tcase_add_test(cases, a_size_is_set);
    return cases;
}
