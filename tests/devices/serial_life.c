/* SPDX-License-Identifier: BSD-2-Clause */
/* Life of the model serial: its creation, reset, quiescing and succession, busy or idle. */
#include <errno.h>
#include <stdlib.h>

#include "tests/devices/serial_host.h"

/* Bytes wait both ways, and an interrupt is due. */
static void make_busy(void)
{
    out(FCR, 0x81);
    out(IER, 0x0f);
    out(SCR, 0x5a);
    line.room = 0;
    arrive("abcdefgh");
    out(DATA, 'x');
    out(DATA, 'y');
    ck_assert_int_eq(world.line, 1);
}

START_TEST(reset_while_busy)
{
    make_busy();
    model->reset(device(), state, IOREQD_RESET_FUNCTION);
    ck_assert_int_eq(world.line, 0);
    ck_assert(!pending());
    ck_assert_uint_eq(in(LSR), 0x60);
    ck_assert_uint_eq(in(IER), 0);
    ck_assert_uint_eq(in(IIR), NONE);
    ck_assert_uint_eq(counter("bytes-lost"), 2);
    ck_assert_uint_eq(line.wanted, IOREQD_READABLE);
    line.room = LINE_BYTES;
    out(LCR, 0x03);
    out(DATA, 'z');
    ck_assert_str_eq(left(), "z");
    model->reset(device(), state, IOREQD_RESET_FUNCTION);
    ck_assert_uint_eq(counter("bytes-lost"), 2);
}
END_TEST

START_TEST(quiet)
{
    make_busy();
    model->quiesce(device(), state);
    ck_assert_uint_eq(world.quiesced, 1);
    ck_assert_uint_eq(line.wanted, 0);
    ck_assert(!pending());
    line.room = LINE_BYTES;
    line.ready(line.argument, IOREQD_READABLE | IOREQD_WRITABLE); /* was on its way */
    ck_assert_str_eq(left(), "");
    model->resume(device(), state);
    ck_assert_str_eq(left(), "xy");
    ck_assert_uint_eq(in(DATA), 'a');
}
END_TEST

START_TEST(quiet_with_timers)
{
    out(FCR, 0x81);
    out(IER, 0x01);
    out(DATA, 'x');
    arrive("a");
    ck_assert(pending());
    model->quiesce(device(), state);
    ck_assert(!pending());
    for (unsigned i = 0; i < SERIAL_TIMERS; i++) {
        world.timer[i].fire(world.timer[i].argument); /* was on its way */
    }
    ck_assert_str_eq(left(), "");
    model->resume(device(), state);
    ck_assert(pending());
    pass(100 * MILLISECOND);
    ck_assert_str_eq(left(), "x");
    ck_assert_uint_eq(in(IIR), 0xc0 | TIMEOUT);
}
END_TEST

/* Somebody who left while the device was quiet is missed when it goes on. */
START_TEST(left_while_quiet)
{
    model->quiesce(device(), state);
    line.connected = false;
    model->resume(device(), state);
    ck_assert_uint_eq(in(MSR), 0x0b);
}
END_TEST

START_TEST(successor)
{
    make_busy();
    hand_over();
    line.room = LINE_BYTES;
    ck_assert_uint_eq(in(SCR), 0x5a);
    ck_assert_int_eq(world.line, 1);
    ck_assert_str_eq(left(), "xy");
    ck_assert_uint_eq(in(IIR), 0xc0 | AVAILABLE);
    for (unsigned i = 0; i < 8; i++) {
        ck_assert_uint_eq(in(DATA), 'a' + i);
    }
    ck_assert_uint_eq(in(IIR), 0xc0 | EMPTY);
}
END_TEST

/* A byte in the shift register, and the time-out, go on with whoever takes over. */
START_TEST(paced_successor)
{
    out(FCR, 0x81);
    out(IER, 0x01);
    arrive("a");
    out(DATA, 'x');
    out(DATA, 'y');
    hand_over();
    (void)in(SCR);
    ck_assert(pending());
    pass(100 * MILLISECOND);
    pass(100 * MILLISECOND);
    ck_assert_str_eq(left(), "xy");
    ck_assert_uint_eq(in(IIR), 0xc0 | TIMEOUT);
}
END_TEST

/* A guest that does anything in any order, and an other end that does too: a reset brings all back in order. */
START_TEST(anything)
{
    uint32_t seed = 1;

    for (unsigned i = 0; i < 300000; i++) {
        seed = seed * 1664525 + 1013904223;
        unsigned offset = seed >> 24 & 7, value = seed >> 16 & 0xff;

        switch (seed >> 27) {
        case 0:
            model->reset(device(), state, IOREQD_RESET_BUS);
            break;
        case 1:
            model->quiesce(device(), state);
            model->resume(device(), state);
            break;
        case 2:
            world.msi_on = value % 2;
            model->interrupt_mode(device(), state, world.msi_on ? IOREQD_INTERRUPT_MSI : IOREQD_INTERRUPT_INTX);
            break;
        case 3:
            stream_connect(&line, value % 2);
            break;
        case 4:
            line.in_length = line.in_read = line.out_length = 0;
            line.room = value;
            line.in_length = value;
            break;
        case 5:
            pass(value * UINT64_C(100000));
            break;
        case 6:
        case 7:
            stream_turn(&line);
            break;
        default:
            if (value % 3 == 0) {
                (void)in(offset);
            } else {
                out(offset, seed >> 8);
            }
            break;
        }
    }
    world.msi_on = false;
    stream_connect(&line, true);
    model->reset(device(), state, IOREQD_RESET_BUS);
    line.out_length = 0;
    line.room = LINE_BYTES;
    out(LCR, 0x03);
    out(DATA, 'x');
    stream_turn(&line);
    pass(100 * MILLISECOND);
    ck_assert_str_eq(left(), "x");
    ck_assert_uint_eq(in(LSR)&0x60, 0x60);
}
END_TEST

START_TEST(without_stream)
{
    ck_assert_int_eq(begin_serial(NULL, false, SERIAL_TIMERS), 0);
    model->reset(device(), state, IOREQD_RESET_COLD);
    ck_assert_uint_eq(in(MSR), 0x00);
    out(DATA, 'x');
    ck_assert_uint_eq(in(LSR), 0x60);
    ck_assert_uint_eq(counter("bytes-lost"), 1);
    model->quiesce(device(), state);
    model->resume(device(), state);
    teardown();
}
END_TEST

START_TEST(short_of_memory)
{
    for (unsigned timers = 0; timers < SERIAL_TIMERS; timers++) {
        ck_assert_int_eq(begin_serial(&line, false, timers), -ENOMEM);
        ck_assert(!world.timer[0].made);
        free(state);
    }
}
END_TEST

START_TEST(no_watch)
{
    prepare(SERIAL_TIMERS);
    world.no_stream = true;
    line = (struct ioreqd_stream){0};
    *(struct ioreqd_stream **)property("stream") = &line;
    ck_assert_int_eq(model->create(device(), state, &description), -ENOMEM);
    ck_assert(!world.timer[0].made && !world.timer[1].made);
    free(state);
}
END_TEST

TCase *serial_life_cases(void)
{
    TCase *group = tcase_create("life");

    tcase_add_checked_fixture(group, setup_serial, teardown);
    tcase_add_test(group, reset_while_busy);
    tcase_add_test(group, quiet);
    tcase_add_test(group, left_while_quiet);
    tcase_add_test(group, successor);
    tcase_add_test(group, anything);
    return group;
}

TCase *serial_paced_life_cases(void)
{
    TCase *group = tcase_create("paced life");

    tcase_add_checked_fixture(group, setup_paced, teardown);
    tcase_add_test(group, quiet_with_timers);
    tcase_add_test(group, paced_successor);
    tcase_add_test(group, anything);
    return group;
}

TCase *serial_creation_cases(void)
{
    TCase *group = tcase_create("creation");

    tcase_add_test(group, without_stream);
    tcase_add_test(group, short_of_memory);
    tcase_add_test(group, no_watch);
    return group;
}
