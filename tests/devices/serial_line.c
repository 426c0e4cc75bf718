/* SPDX-License-Identifier: BSD-2-Clause */
/* The line of the model serial: receiver, transmitter, modem lines, loop-back and pace. */
#include <string.h>

#include "tests/devices/serial_host.h"

#define CHARACTER (UINT64_C(10) * 12 * 1000000000 / 115200) /* 9600 baud after reset, 8 bits, no parity */

START_TEST(nothing_is_taken_without_room)
{
    out(FCR, 0x01); /* level 1 */
    arrive("abc");
    arrive("def");
    ck_assert_uint_eq(line.in_read, 3);
    ck_assert_uint_eq(line.wanted, 0);
    for (unsigned i = 0; i < 6; i++) {
        ck_assert_uint_eq(in(DATA), 'a' + i);
        stream_turn(&line);
    }
    ck_assert_uint_eq(in(LSR), 0x60);
    ck_assert_uint_eq(counter("bytes-to-guest"), 6);
    ck_assert_uint_eq(counter("overruns"), 0);
}
END_TEST

/* Who has fetched all has as long for other work as that took, and at most 50 ms. */
START_TEST(the_guest_has_time_for_itself)
{
    out(FCR, 0x01);
    arrive("abc");
    arrive("def");
    for (unsigned i = 0; i < 3; i++) {
        pass(1000);
        ck_assert_uint_eq(in(DATA), 'a' + i);
    }
    ck_assert_uint_eq(line.wanted, 0);
    pass(2990);
    ck_assert_uint_eq(line.wanted, 0);
    ck_assert_uint_eq(in(LSR), 0x60);
    pass(20);
    ck_assert_uint_eq(line.wanted, IOREQD_READABLE);
    ck_assert(stream_turn(&line));
    pass(UINT64_C(1000000000));
    for (unsigned i = 3; i < 6; i++) {
        ck_assert_uint_eq(in(DATA), 'a' + i);
    }
    pass(UINT64_C(49999990));
    ck_assert_uint_eq(line.wanted, 0);
    pass(20);
    ck_assert_uint_eq(line.wanted, IOREQD_READABLE);
    ck_assert(!pending());
}
END_TEST

/* DTR without RTS, as hardware flow control leaves it: the other end waits. */
START_TEST(request_to_send)
{
    out(FCR, 0x81);
    out(MCR, 0x01);
    arrive("abc");
    ck_assert_uint_eq(line.in_read, 0);
    out(MCR, 0x03);
    ck_assert(stream_turn(&line));
    ck_assert_uint_eq(in(DATA), 'a');
}
END_TEST

/* 8.0: in the 16450 mode there is one byte each way. */
START_TEST(without_fifos)
{
    arrive("ab");
    ck_assert_uint_eq(line.in_read, 1);
    ck_assert_uint_eq(in(LSR), 0x61);
    ck_assert_uint_eq(in(DATA), 'a');
    line.room = 0;
    out(DATA, 'x');
    ck_assert_uint_eq(in(LSR), 0x00);
    ck_assert_uint_eq(line.wanted, IOREQD_READABLE | IOREQD_WRITABLE);
    out(DATA, 'y'); /* which a driver does not do */
    ck_assert_uint_eq(world.guest_errors, 1);
    line.room = LINE_BYTES;
    ck_assert(stream_turn(&line));
    ck_assert_str_eq(left(), "y");
    ck_assert_uint_eq(counter("bytes-lost"), 1);
}
END_TEST

START_TEST(full_line)
{
    out(FCR, 0x01);
    line.room = 3;
    for (unsigned i = 0; i < 19; i++) {
        out(DATA, 'a' + i);
    }
    ck_assert_uint_eq(in(LSR), 0x00);
    ck_assert_uint_eq(world.guest_errors, 0);
    out(DATA, '?');
    ck_assert_uint_eq(world.guest_errors, 1);
    ck_assert_uint_eq(line.writes, 4); /* it is not asked again and again */
    line.room = 10;
    ck_assert(stream_turn(&line));
    ck_assert_uint_eq(in(LSR), 0x00);
    line.room = LINE_BYTES;
    ck_assert(stream_turn(&line));
    ck_assert_uint_eq(in(LSR), 0x60);
    ck_assert_uint_eq(line.wanted, IOREQD_READABLE);
    ck_assert_str_eq(left(), "abcdefghijklmnopqrs");
    ck_assert_uint_eq(counter("bytes-from-guest"), 19);
    ck_assert_uint_eq(counter("bytes-lost"), 1);
}
END_TEST

START_TEST(nobody_there)
{
    stream_connect(&line, false);
    out(DATA, 'a');
    ck_assert_uint_eq(in(LSR), 0x60);
    ck_assert_uint_eq(counter("bytes-lost"), 1);
    stream_connect(&line, true);
    out(DATA, 'b');
    ck_assert_str_eq(left(), "b");
    ck_assert_uint_eq(counter("bytes-from-guest"), 1);
}
END_TEST

START_TEST(leaves_while_full)
{
    out(FCR, 0x01);
    line.room = 0;
    out(DATA, 'a');
    line.connected = false;
    ck_assert(stream_turn(&line));
    ck_assert_uint_eq(in(LSR), 0x60);
    ck_assert_uint_eq(counter("bytes-lost"), 1);
}
END_TEST

/* 8.1, bits 0 and 1. */
START_TEST(word_length)
{
    static const char *const sent[] = {"\x1f", "\x3f", "\x7f", "\xff"};

    for (unsigned i = 0; i < 4; i++) {
        out(LCR, i);
        out(DATA, 0xff);
        ck_assert_str_eq(left(), sent[i]);
        arrive("\xff");
        ck_assert_uint_eq(in(DATA), (unsigned char)sent[i][0]);
    }
}
END_TEST

/* 8.6.7: the low bits tell what has changed since the register was read; TERI only of the end of a ring. */
START_TEST(modem_deltas)
{
    ck_assert_uint_eq(in(MSR), 0xb0);
    stream_connect(&line, false);
    ck_assert_uint_eq(in(MSR), 0x0b);
    ck_assert_uint_eq(in(MSR), 0x00);
    stream_connect(&line, true);
    stream_connect(&line, false);
    ck_assert_uint_eq(in(MSR), 0x0b); /* there and back is a change too */
}
END_TEST

/* 8.6.6, bit 4: DTR is seen as DSR, RTS as CTS, OUT1 as RI, OUT2 as DCD, and interrupts as if from outside. */
START_TEST(loop_back_modem)
{
    out(MCR, 0x10);
    ck_assert_uint_eq(in(MSR), 0x0b); /* the real ones are off */
    out(MCR, 0x11);
    ck_assert_uint_eq(in(MSR), 0x22);
    out(MCR, 0x12);
    ck_assert_uint_eq(in(MSR), 0x13);
    out(MCR, 0x14);
    ck_assert_uint_eq(in(MSR), 0x41); /* the beginning of a ring counts for nothing */
    out(MCR, 0x18);
    ck_assert_uint_eq(in(MSR), 0x8c);
    out(IER, 0x08);
    out(MCR, 0x10);
    ck_assert_uint_eq(in(IIR), MODEM);
    ck_assert_uint_eq(in(MSR), 0x08);
    stream_connect(&line, true);
    ck_assert_uint_eq(in(MSR), 0x00);
    out(MCR, 0x00);
    ck_assert_uint_eq(in(MSR), 0xbb);
}
END_TEST

/* 8.6.6, bit 4: what is sent is received, and nothing goes out or comes in. */
START_TEST(loop_back_data)
{
    out(FCR, 0x01);
    out(MCR, 0x10);
    arrive("no");
    out(DATA, 'a');
    out(DATA, 'b');
    ck_assert_uint_eq(in(LSR), 0x61);
    ck_assert_uint_eq(in(DATA), 'a');
    ck_assert_uint_eq(in(DATA), 'b');
    ck_assert_uint_eq(in(LSR), 0x60);
    ck_assert_str_eq(left(), "");
    ck_assert_uint_eq(line.in_read, 0);
    out(MCR, 0x00);
    ck_assert(stream_turn(&line));
    ck_assert_uint_eq(in(DATA), 'n');
}
END_TEST

/* 8.6.3, bit 1: a full FIFO stays as it is. */
START_TEST(overrun)
{
    out(FCR, 0x01);
    out(MCR, 0x10);
    for (unsigned i = 0; i < 18; i++) {
        out(DATA, i);
    }
    ck_assert_uint_eq(in(LSR), 0x63);
    ck_assert_uint_eq(in(LSR), 0x61);
    for (unsigned i = 0; i < 16; i++) {
        ck_assert_uint_eq(in(DATA), i);
    }
    ck_assert_uint_eq(in(LSR), 0x60);
    ck_assert_uint_eq(counter("overruns"), 2);
}
END_TEST

/* 8.6.3, bit 1: without FIFOs the next byte takes the place of the one that was not read. */
START_TEST(overrun_without_fifos)
{
    out(MCR, 0x10);
    out(DATA, 'a');
    out(DATA, 'b');
    ck_assert_uint_eq(in(LSR), 0x63);
    ck_assert_uint_eq(in(DATA), 'b');
    ck_assert_uint_eq(in(LSR), 0x60);
}
END_TEST

/* 8.6.3, bits 3, 4 and 7: an error shows when its byte is the next one; before, the FIFO tells that it has one. */
START_TEST(break_in_fifo)
{
    out(FCR, 0x01);
    out(MCR, 0x10);
    out(DATA, 'a');
    out(LCR, 0x43);
    out(LCR, 0x43); /* still the same break: one byte */
    out(LCR, 0x03);
    out(DATA, 'b');
    ck_assert_uint_eq(in(LSR), 0xe1);
    ck_assert_uint_eq(in(DATA), 'a');
    ck_assert_uint_eq(in(LSR), 0xf9);
    ck_assert_uint_eq(in(LSR), 0x61);
    ck_assert_uint_eq(in(DATA), 0);
    ck_assert_uint_eq(in(DATA), 'b');
    ck_assert_uint_eq(in(LSR), 0x60);
}
END_TEST

/* 8.6.3, bit 7: always 0 in the 16450 mode. */
START_TEST(break_without_fifos)
{
    out(LCR, 0x43);
    ck_assert_uint_eq(in(LSR), 0x60); /* nothing of it is heard outside */
    out(MCR, 0x10);
    ck_assert_uint_eq(in(LSR), 0x79);
    ck_assert_uint_eq(in(DATA), 0);
}
END_TEST

/* 8.6.4, bits 1 and 2. */
START_TEST(fifo_reset)
{
    out(FCR, 0x81);
    out(IER, 0x03);
    (void)in(IIR);
    line.room = 0;
    arrive("abc");
    out(DATA, 'x');
    out(FCR, 0x83);
    ck_assert_uint_eq(in(LSR), 0x00);
    out(FCR, 0x85);
    ck_assert_uint_eq(in(LSR), 0x60);
    ck_assert_uint_eq(in(IIR), 0xc0 | EMPTY);
    ck_assert_uint_eq(counter("bytes-lost"), 1);
    ck_assert_uint_eq(in(IIR), 0xc0 | NONE); /* the bits have cleared themselves */
    line.room = LINE_BYTES;
    stream_turn(&line);
    ck_assert_str_eq(left(), "");
}
END_TEST

/* 8.6.4, bit 0: going from one mode to the other clears both. */
START_TEST(mode_change_clears)
{
    out(FCR, 0x81);
    line.room = 0;
    arrive("abc");
    out(DATA, 'x');
    out(FCR, 0x00);
    ck_assert_uint_eq(in(LSR), 0x60);
}
END_TEST

/* 8.1 and 8.3: a byte takes its bits' time, and the transmitter is idle when the last one has left. */
START_TEST(paced)
{
    out(FCR, 0x01);
    out(IER, 0x02);
    (void)in(IIR);
    out(DATA, 'a');
    ck_assert_uint_eq(in(LSR), 0x20); /* in the shift register */
    ck_assert_uint_eq(in(IIR), 0xc0 | EMPTY);
    out(DATA, 'b');
    ck_assert_uint_eq(in(LSR), 0x00);
    pass(CHARACTER - 1000);
    ck_assert_str_eq(left(), "");
    pass(1001);
    ck_assert_str_eq(left(), "a");
    ck_assert_uint_eq(in(LSR), 0x20);
    pass(CHARACTER);
    ck_assert_str_eq(left(), "b");
    ck_assert_uint_eq(in(LSR), 0x60);
    ck_assert(!pending());
}
END_TEST

START_TEST(paced_late)
{
    out(FCR, 0x01);
    for (unsigned i = 0; i < 10; i++) {
        out(DATA, 'a' + i);
    }
    pass(CHARACTER * 5 + 1000); /* a timer that is late makes up for it */
    ck_assert_str_eq(left(), "abcde");
    line.room = 0;
    pass(CHARACTER * 3);
    ck_assert_str_eq(left(), "");
    ck_assert(!pending()); /* the stream tells */
    line.room = LINE_BYTES;
    ck_assert(stream_turn(&line));
    ck_assert_str_eq(left(), "f");
    pass(CHARACTER);
    ck_assert_str_eq(left(), "g");
}
END_TEST

/* 8.1, table II: bits and stop bits; 8.2: the divisor. */
START_TEST(character_times)
{
    static const struct {
        unsigned control, divisor, halves;
    } times[] = {{0x00, 1, 14}, {0x04, 1, 15}, {0x03, 1, 20}, {0x07, 1, 22}, {0x0b, 12, 22}, {0x03, 0, 20}};

    for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        unsigned divisor = times[i].divisor == 0 ? 0x10000 : times[i].divisor;
        uint64_t time = UINT64_C(1000000000) * times[i].halves * divisor / (2 * 115200);

        out(LCR, 0x80);
        out(DATA, times[i].divisor);
        out(IER, times[i].divisor >> 8);
        out(LCR, times[i].control);
        out(DATA, 'a');
        pass(time - 10);
        ck_assert_str_eq(left(), "");
        pass(20);
        ck_assert_uint_eq(strlen(left()), 1);
    }
}
END_TEST

TCase *serial_line_cases(void)
{
    TCase *group = tcase_create("line");

    tcase_add_checked_fixture(group, setup_serial, teardown);
    tcase_add_test(group, nothing_is_taken_without_room);
    tcase_add_test(group, the_guest_has_time_for_itself);
    tcase_add_test(group, request_to_send);
    tcase_add_test(group, without_fifos);
    tcase_add_test(group, full_line);
    tcase_add_test(group, nobody_there);
    tcase_add_test(group, leaves_while_full);
    tcase_add_test(group, word_length);
    tcase_add_test(group, modem_deltas);
    tcase_add_test(group, loop_back_modem);
    tcase_add_test(group, loop_back_data);
    tcase_add_test(group, overrun);
    tcase_add_test(group, overrun_without_fifos);
    tcase_add_test(group, break_in_fifo);
    tcase_add_test(group, break_without_fifos);
    tcase_add_test(group, fifo_reset);
    tcase_add_test(group, mode_change_clears);
    return group;
}

TCase *serial_pace_cases(void)
{
    TCase *group = tcase_create("pace");

    tcase_add_checked_fixture(group, setup_paced, teardown);
    tcase_add_test(group, paced);
    tcase_add_test(group, paced_late);
    tcase_add_test(group, character_times);
    return group;
}
