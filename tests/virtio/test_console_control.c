/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-console with more than one port: the talk on the control queues (virtio 1.4 §5.3.6.2). */
#include <stdlib.h>
#include <string.h>

#include "tests/virtio/console_bench.h"

/* Port 0 a console, 1 one for programs with a name, 2 another console, 3 one that comes and goes. */
static void begin(void)
{
    bench_open(console_module(bench_host())[0]);
    bench_give_stream("stream", 0);
    bench_give_stream("port1", 1);
    bench_give_stream("port2", 2);
    bench_give_stream("port3", 3);
    strcpy(bench_property("name1"), "org.example.1");
    strcpy(bench_property("name3"), "visitor");
    *(uint8_t *)bench_property("console2") = 1;
    *(uint8_t *)bench_property("hotplug3") = 1;
    for (unsigned i = 1; i < BENCH_PORTS; i++) {
        bench.stream[i].connected = false;
    }
    ck_assert_int_eq(bench_create(), 0);
}

static void expect(const char *const *message)
{
    for (; *message != NULL; message++) {
        ck_assert_str_eq(control_hear(), *message);
    }
    ck_assert_str_eq(control_hear(), "");
}

#define EXPECT(...) expect((const char *const[]){__VA_ARGS__, NULL})
#define SILENCE()   ck_assert_str_eq(control_hear(), "")

/* As Linux does: all buffers first, then that it is ready. */
static void come_up(void)
{
    bench_start(F_MULTIPORT);
    control_give(16);
    SILENCE();
    control_say(0, DEVICE_READY, 1);
    EXPECT("0 add 0", "1 add 0", "2 add 0");
    control_say(0, PORT_READY, 1);
    EXPECT("0 console 1", "0 open 1");
    control_say(0, PORT_OPEN, 1);
    control_say(1, PORT_READY, 1);
    EXPECT("1 name org.example.1");
    control_say(2, PORT_READY, 1);
    EXPECT("2 console 1", "2 open 1");
    control_say(2, PORT_OPEN, 1);
    SILENCE();
}

static void use_buffers(void)
{
    control_give(16);
}

/* 5.3.3, 5.3.4: what the driver sees before it has said anything. */
START_TEST(offer_5_3_4)
{
    ck_assert_uint_eq(driver_offered(&bench.driver) & 0xff, F_MULTIPORT | F_EMERG_WRITE);
    ck_assert_uint_eq(driver_read(&bench.driver, CONFIG + 4, 4), 4);
    ck_assert_uint_eq(driver_read(&bench.driver, NUM_QUEUES, 2), 10);
    ck_assert_uint_eq(bench.driver.description.msix, 11);
}
END_TEST

START_TEST(handshake_5_3_6_2)
{
    come_up();
    control_say(0, DEVICE_READY, 1); /* 5.3.6.2.1: no port that exists is added again */
    SILENCE();
    ck_assert_uint_eq(bench.fake->guest_errors, 0);
}
END_TEST

/* 5.3.6.2: a value of 0 is a failure. */
START_TEST(driver_is_not_ready)
{
    bench_start(F_MULTIPORT);
    control_give(16);
    control_say(0, DEVICE_READY, 0);
    SILENCE();
    control_say(0, DEVICE_READY, 1);
    EXPECT("0 add 0", "1 add 0", "2 add 0");
    control_say(1, PORT_READY, 0);
    bench_connect(1, true);
    SILENCE();
    control_say(1, PORT_OPEN, 1);
    ck_assert_uint_eq(bench.fake->guest_errors, 1);
}
END_TEST

/* Nothing is lost for want of a buffer, and each thing is told once. */
START_TEST(buffers_one_by_one)
{
    bench_start(F_MULTIPORT);
    control_say(0, DEVICE_READY, 1);
    SILENCE();
    bench_connect(1, true);
    for (unsigned i = 0; i < 3; i++) {
        static const char *const added[] = {"0 add 0", "1 add 0", "2 add 0"};

        control_give(1);
        EXPECT(added[i]);
    }
    control_say(1, PORT_READY, 1);
    control_give(1);
    EXPECT("1 name org.example.1");
    control_give(1);
    EXPECT("1 open 1");
    control_give(1);
    SILENCE();
}
END_TEST

START_TEST(host_opens_and_closes)
{
    come_up();
    bench_connect(1, true);
    EXPECT("1 open 1");
    bench_connect(1, false);
    EXPECT("1 open 0");
    bench_connect(1, true);
    EXPECT("1 open 1");
    bench_connect(1, true); /* somebody else, so quickly that it is one event */
    EXPECT("1 open 0", "1 open 1");
    bench_connect(0, false); /* a console takes output always */
    bench_connect(2, true);
    SILENCE();
}
END_TEST

START_TEST(many_changes_without_a_buffer)
{
    bench_start(F_MULTIPORT);
    control_give(5);
    control_say(0, DEVICE_READY, 1);
    control_say(1, PORT_READY, 1);
    EXPECT("0 add 0", "1 add 0", "2 add 0", "1 name org.example.1");
    bench_connect(1, true);
    EXPECT("1 open 1");
    for (unsigned i = 0; i < 1000; i++) {
        bench_connect(1, i % 2 != 0);
    }
    control_give(4);
    EXPECT("1 open 0", "1 open 1");
    bench_connect(1, false);
    bench_connect(1, true);
    bench_connect(1, false);
    EXPECT("1 open 0", "1 open 1"); /* as there were two buffers */
    control_give(2);
    EXPECT("1 open 0");
}
END_TEST

/* Bytes wait for a program in the guest that opens the port, and stop when it closes it. */
START_TEST(guest_opens_and_closes)
{
    char got[64];

    come_up();
    bench_connect(1, true);
    bench_give(4, 64);
    bench_send(1, "abc", 3);
    ck_assert_int_eq(bench_got(4, got), -1);
    ck_assert_uint_eq(bench.stream[1].in_read, 0);
    control_say(1, PORT_OPEN, 1);
    bench_run();
    ck_assert_int_eq(bench_got(4, got), 3);
    ck_assert_mem_eq(got, "abc", 3);
    bench_give(4, 64);
    control_say(1, PORT_OPEN, 0);
    bench_run();
    bench_send(1, "def", 3);
    ck_assert_int_eq(bench_got(4, got), -1);
    control_say(1, PORT_OPEN, 1);
    bench_run();
    ck_assert_int_eq(bench_got(4, got), 3);
}
END_TEST

/* Port n has the queues 2n + 2 and 2n + 3. */
START_TEST(each_port_its_queues_5_3_2)
{
    char got[64];

    come_up();
    bench_connect(1, true);
    bench_connect(2, true);
    bench_say(1, "zero", 4);
    bench_say(5, "one", 3);
    bench_say(7, "two", 3);
    bench_expect(0, "zero");
    bench_expect(1, "one");
    bench_expect(2, "two");
    bench_give(6, 64);
    bench_send(2, "in", 2);
    ck_assert_int_eq(bench_got(6, got), 2);
    bench_give(0, 64);
    bench_send(0, "there", 5);
    ck_assert_int_eq(bench_got(0, got), 5);
}
END_TEST

/* A program's port waits for its reader as long as it takes. */
START_TEST(no_end_of_patience)
{
    come_up();
    bench_connect(1, true);
    bench.stream[1].room = 2;
    bench_say(5, "abc", 3);
    bench_pass(10000 * MILLISECOND);
    ck_assert(!bench_done(5));
    bench.stream[1].room = 100;
    bench_run();
    ck_assert(bench_done(5));
    bench_expect(1, "abc");
}
END_TEST

START_TEST(output_to_nobody)
{
    come_up();
    bench_say(5, "abc", 3);
    bench_say(9, "abc", 3); /* a port that does not exist now */
    ck_assert(bench_done(5) && bench_done(9));
    ck_assert_uint_eq(bench_counter("bytes-lost"), 6);
}
END_TEST

START_TEST(plugged_and_unplugged_5_3_6_2_1)
{
    char got[64];

    come_up();
    bench_connect(3, true);
    EXPECT("3 add 0");
    bench_connect(3, false); /* before it was ready */
    EXPECT("3 remove 0");
    control_say(3, PORT_READY, 1); /* too late */
    ck_assert_uint_eq(bench.fake->guest_errors, 1);
    bench_connect(3, true);
    EXPECT("3 add 0");
    control_say(3, PORT_READY, 1);
    EXPECT("3 name visitor", "3 open 1");
    control_say(3, PORT_OPEN, 1);
    bench_give(8, 64);
    bench_send(3, "hi", 2);
    ck_assert_int_eq(bench_got(8, got), 2);
    use_buffers();
    bench_connect(3, true); /* somebody else */
    EXPECT("3 remove 0", "3 add 0");
    bench_give(8, 64);
    bench_send(3, "hi", 2); /* the new port was not opened */
    ck_assert_int_eq(bench_got(8, got), -1);
    control_say(3, PORT_READY, 0);
    bench_connect(3, false);
    EXPECT("3 remove 0");
    SILENCE();
}
END_TEST

/* 5.3.6.2.1 against anything that people and a driver may do: ports are added when they are not there, and only then. */
START_TEST(any_order_5_3_6_2_1)
{
    unsigned seed = (unsigned)_i * 2654435761u + 1;
    unsigned there = 0, open = 0, messages = 0, given = 0;

    bench_start(F_MULTIPORT);
    for (unsigned step = 0; step < 400; step++) {
        unsigned port = seed >> 8 & 3, what = seed >> 12 & 7;
        const char *heard;

        seed = seed * 1103515245 + 12345;
        switch (what) {
        case 0:
        case 1:
            bench_connect(port, (seed >> 16 & 1) != 0);
            break;
        case 2:
            control_say(port, PORT_READY, seed >> 16 & 1);
            break;
        case 3:
            control_say(port, PORT_OPEN, seed >> 16 & 1);
            break;
        case 4:
            control_say(0, DEVICE_READY, (seed >> 16 & 3) != 0);
            break;
        default:
            if (given - messages < QUEUE_BUFFERS) {
                control_give(1);
                given++;
            }
            break;
        }
        while (*(heard = control_hear()) != 0) {
            unsigned bit = 1u << (heard[0] - '0');
            bool right = bit < 16;

            messages++;
            if (strcmp(heard + 2, "add 0") == 0) {
                right = right && (there & bit) == 0;
                there |= bit;
                open &= ~bit;
            } else if (strcmp(heard + 2, "remove 0") == 0) {
                right = right && bit == 8 && (there & bit) != 0;
                there &= ~bit;
            } else if (strcmp(heard + 2, "open 1") == 0) {
                right = (there & bit) != 0 && (open & bit) == 0;
                open |= bit;
            } else if (strcmp(heard + 2, "open 0") == 0) {
                right = (there & bit) != 0 && (open & bit) != 0 && bit != 1 && bit != 4;
                open &= ~bit;
            } else {
                right = right && (there & bit) != 0;
            }
            if (!right) {
                ck_abort_msg("step %u: %s", step, heard);
            }
        }
    }
    ck_assert_uint_gt(messages, 10);
}
END_TEST

START_TEST(hostile_messages)
{
    const uint8_t half[4] = {0};

    come_up();
    control_say(4, PORT_READY, 1);
    control_say(0xffffffff, PORT_OPEN, 1);
    control_say(1, DEVICE_ADD, 1);
    control_say(1, DEVICE_REMOVE, 1);
    control_say(1, 0xffff, 1);
    control_say(1, PORT_READY, 1); /* it is already */
    control_say(3, PORT_OPEN, 1);  /* it is not there */
    ck_assert_uint_eq(bench.fake->guest_errors, 7);
    bench_say(3, half, sizeof(half));
    ck_assert(bench_done(3));
    ck_assert_uint_eq(bench.fake->guest_errors, 8);
    ck_assert_uint_eq(driver_status(&bench.driver), 0xf);
    bench_connect(1, true);
    EXPECT("1 open 1");
}
END_TEST

/* There is no way to tell it, then. */
START_TEST(buffer_too_small_for_a_message)
{
    bench_start(F_MULTIPORT);
    bench_give(2, 7);
    control_say(0, DEVICE_READY, 1);
    ck_assert_uint_eq(bench.fake->guest_errors, 1);
    ck_assert_uint_ne(driver_status(&bench.driver) & 0x40, 0);
}
END_TEST

/* 5.3.2: a driver that does not know of ports has one, and that without a word. */
START_TEST(without_multiport)
{
    char got[64];
    const uint8_t message[8] = {0};

    bench_start(0);
    bench_say(1, "abc", 3);
    bench_expect(0, "abc");
    bench_give(0, 64);
    bench_send(0, "x", 1);
    ck_assert_int_eq(bench_got(0, got), 1);
    bench_connect(1, true);
    bench_give(4, 64);
    bench_send(1, "x", 1);
    bench_say(5, "abc", 3);
    ck_assert_int_eq(bench_got(4, got), -1);
    bench_expect(1, "");
    control_give(2);
    bench_say(3, message, sizeof(message));
    ck_assert(bench_done(3));
    SILENCE();
    ck_assert_uint_eq(bench.fake->guest_errors, 1);
}
END_TEST

TCase *console_control_cases(void)
{
    TCase *cases = tcase_create("virtio-console control");

    tcase_add_checked_fixture(cases, begin, bench_close);
    tcase_add_test(cases, offer_5_3_4);
    tcase_add_test(cases, handshake_5_3_6_2);
    tcase_add_test(cases, driver_is_not_ready);
    tcase_add_test(cases, buffers_one_by_one);
    tcase_add_test(cases, host_opens_and_closes);
    tcase_add_test(cases, many_changes_without_a_buffer);
    tcase_add_test(cases, guest_opens_and_closes);
    tcase_add_test(cases, each_port_its_queues_5_3_2);
    tcase_add_test(cases, no_end_of_patience);
    tcase_add_test(cases, output_to_nobody);
    tcase_add_test(cases, plugged_and_unplugged_5_3_6_2_1);
    tcase_add_loop_test(cases, any_order_5_3_6_2_1, 0, 20);
    tcase_add_test(cases, hostile_messages);
    tcase_add_test(cases, buffer_too_small_for_a_message);
    tcase_add_test(cases, without_multiport);
    return cases;
}
