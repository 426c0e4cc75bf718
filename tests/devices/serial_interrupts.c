/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts of the model serial: causes and their priority, what takes them back, the line and the messages. */
#include "tests/devices/serial_host.h"

#define BREAK 0x40

/* 8.6.5, table III: highest first, and each is taken back by what the table says. */
START_TEST(priorities)
{
    out(FCR, 0x01);
    out(IER, 0x0f);
    stream_connect(&line, false);
    out(MCR, 0x10);
    out(LCR, 0x03 | BREAK); /* received in loop-back: an error, and a byte */
    ck_assert_uint_eq(in(IIR), 0xc0 | LINE);
    (void)in(LSR);
    ck_assert_uint_eq(in(IIR), 0xc0 | AVAILABLE);
    (void)in(DATA);
    ck_assert_uint_eq(in(IIR), 0xc0 | EMPTY);
    ck_assert_uint_eq(in(IIR), 0xc0 | MODEM); /* reading took that one back */
    ck_assert_int_eq(world.line, 1);
    (void)in(MSR);
    ck_assert_uint_eq(in(IIR), 0xc0 | NONE);
    ck_assert_int_eq(world.line, 0);
}
END_TEST

/* Table III: only an IIR that tells of the empty transmitter takes that back. */
START_TEST(iir_tells_of_another)
{
    out(IER, 0x03);
    arrive("x");
    ck_assert_uint_eq(in(IIR), AVAILABLE);
    ck_assert_uint_eq(in(IIR), AVAILABLE);
    (void)in(DATA);
    ck_assert_uint_eq(in(IIR), EMPTY);
    ck_assert_uint_eq(in(IIR), NONE);
}
END_TEST

/* 8.6.6 of the IER: a cause that is not enabled does not interrupt, and is still there when it is enabled. */
START_TEST(enabled_late)
{
    arrive("x");
    stream_connect(&line, false);
    ck_assert_uint_eq(in(IIR), NONE);
    ck_assert_int_eq(world.line, 0);
    out(IER, 0x01);
    ck_assert_uint_eq(in(IIR), AVAILABLE);
    out(IER, 0x08);
    ck_assert_uint_eq(in(IIR), MODEM);
    out(IER, 0x00);
    ck_assert_int_eq(world.line, 0);
}
END_TEST

/* 8.7 and table III: the transmitter's interrupt, by the FIFO becoming empty, and by enabling it while it is. */
START_TEST(transmitter_empty)
{
    out(FCR, 0x01);
    out(IER, 0x02);
    ck_assert_uint_eq(in(IIR), 0xc0 | EMPTY);
    ck_assert_uint_eq(in(IIR), 0xc0 | NONE);
    out(IER, 0x02); /* it was enabled before */
    ck_assert_uint_eq(in(IIR), 0xc0 | NONE);
    line.room = 0;
    out(DATA, 'a');
    ck_assert_uint_eq(in(IIR), 0xc0 | NONE);
    ck_assert_uint_eq(in(LSR), 0x00);
    line.room = LINE_BYTES;
    ck_assert(stream_turn(&line));
    ck_assert_uint_eq(in(LSR), 0x60);
    ck_assert_uint_eq(in(IIR), 0xc0 | EMPTY);
    ck_assert_str_eq(left(), "a");
}
END_TEST

/* Table III: writing the transmitter takes its interrupt back; a line with room empties it at once. */
START_TEST(write_takes_back)
{
    out(IER, 0x02);
    line.room = 0;
    ck_assert_int_eq(world.line, 1);
    out(DATA, 'a');
    ck_assert_int_eq(world.line, 0);
    ck_assert_uint_eq(in(IIR), NONE);
}
END_TEST

/* 8.6.4, bits 6 and 7. */
START_TEST(trigger_levels)
{
    static const unsigned level[] = {1, 4, 8, 14};

    out(IER, 0x01);
    for (unsigned i = 0; i < 4; i++) {
        out(FCR, 0x03 | i << 6);
        for (unsigned j = 1; j <= level[i]; j++) {
            ck_assert_int_eq(world.line, 0);
            arrive("x");
        }
        ck_assert_uint_eq(in(IIR), 0xc0 | AVAILABLE);
        (void)in(DATA);
        ck_assert_uint_eq(in(IIR), 0xc0 | NONE); /* below the level again */
        ck_assert_int_eq(world.line, 0);
    }
}
END_TEST

/* 8.7: after four characters' time, from the last byte received or read, with at least one byte in the FIFO. */
START_TEST(timeout)
{
    uint64_t time = UINT64_C(4) * 10 * 12 * 1000000000 / 115200; /* 9600 baud after reset, 8 bits and no parity */

    out(FCR, 0x81);
    out(IER, 0x01);
    ck_assert(!pending());
    arrive("ab");
    pass(time - 1000);
    ck_assert_uint_eq(in(IIR), 0xc0 | NONE);
    arrive("c"); /* begins anew */
    pass(time - 1000);
    ck_assert_uint_eq(in(IIR), 0xc0 | NONE);
    pass(1001);
    ck_assert_int_eq(world.line, 1);
    ck_assert_uint_eq(in(IIR), 0xc0 | TIMEOUT);
    (void)in(LSR);
    ck_assert_uint_eq(in(IIR), 0xc0 | TIMEOUT);
    (void)in(DATA); /* takes it back, and begins anew */
    ck_assert_uint_eq(in(IIR), 0xc0 | NONE);
    pass(time);
    ck_assert_uint_eq(in(IIR), 0xc0 | TIMEOUT);
    (void)in(DATA);
    (void)in(DATA);
    pass(10 * time);
    ck_assert(!pending());
    ck_assert_uint_eq(in(IIR), 0xc0 | NONE);
}
END_TEST

/* 8.7: the time-out belongs to the FIFO mode, and to the interrupt of received data. */
START_TEST(no_timeout)
{
    arrive("x");
    ck_assert(!pending());
    out(FCR, 0x81);
    arrive("x");
    ck_assert(!pending());
    out(IER, 0x01);
    ck_assert(pending());
    out(FCR, 0x83);
    ck_assert(!pending());
}
END_TEST

/* 8.6.3: each of the errors interrupts, until the status is read. */
START_TEST(line_status)
{
    out(IER, 0x04);
    out(MCR, 0x10);
    out(DATA, 'a');
    out(DATA, 'b'); /* overruns */
    ck_assert_uint_eq(in(IIR), LINE);
    ck_assert_uint_eq(in(IIR), LINE);
    ck_assert_uint_eq(in(LSR)&0x1e, 0x02);
    ck_assert_uint_eq(in(IIR), NONE);
}
END_TEST

/* PCI cards interrupt whatever OUT2 says. */
START_TEST(out2_does_not_matter)
{
    out(IER, 0x02);
    ck_assert_int_eq(world.line, 1);
    out(MCR, 0x08);
    ck_assert_int_eq(world.line, 1);
    out(MCR, 0x00);
    ck_assert_int_eq(world.line, 1);
}
END_TEST

/* The host is told of levels when they change alone. */
START_TEST(line_levels)
{
    unsigned levels = world.levels;

    out(FCR, 0x01);
    out(IER, 0x02);
    for (unsigned i = 0; i < 16; i++) {
        out(DATA, 'a'); /* falls and rises within */
    }
    ck_assert_uint_eq(world.levels, levels + 1);
    ck_assert_uint_eq(world.messages, 0);
}
END_TEST

static void with_messages(void)
{
    setup_serial();
    world.msi_on = true;
    out(FCR, 0x81);
}

START_TEST(message_for_each_edge)
{
    out(IER, 0x01);
    for (unsigned i = 1; i <= 3; i++) {
        arrive("12345678");
        ck_assert_uint_eq(world.messages, i);
        for (unsigned j = 0; j < 8; j++) {
            ck_assert_uint_eq(in(DATA), '1' + j);
        }
        ck_assert_uint_eq(in(IIR), 0xc0 | NONE);
    }
}
END_TEST

/* A driver that deals with one cause in each interrupt hears of the next one. */
START_TEST(message_for_the_next_cause)
{
    out(IER, 0x0b);
    ck_assert_uint_eq(world.messages, 1);
    arrive("12345678");
    stream_connect(&line, false);
    ck_assert_uint_eq(world.messages, 2);
    ck_assert_uint_eq(in(IIR), 0xc0 | AVAILABLE);
    (void)in(DATA);
    ck_assert_uint_eq(world.messages, 3);
    ck_assert_uint_eq(in(IIR), 0xc0 | EMPTY);
    ck_assert_uint_eq(world.messages, 4);
    ck_assert_uint_eq(in(IIR), 0xc0 | MODEM);
    (void)in(MSR);
    ck_assert_uint_eq(world.messages, 4);
}
END_TEST

/* One message tells that the transmitter is empty, however many bytes empty at once; and one after the next look. */
START_TEST(message_while_filling)
{
    out(IER, 0x02);
    ck_assert_uint_eq(in(IIR), 0xc0 | EMPTY);
    ck_assert_uint_eq(world.messages, 1);
    for (unsigned i = 0; i < 16; i++) {
        out(DATA, 'a');
    }
    ck_assert_uint_eq(world.messages, 2);
    ck_assert_uint_eq(in(IIR), 0xc0 | EMPTY);
    ck_assert_uint_eq(world.messages, 2);
    out(DATA, 'a');
    ck_assert_uint_eq(world.messages, 3);
}
END_TEST

/* Bytes come in while the driver reads: the line must have fallen before they raise it, or no edge tells of them. */
START_TEST(message_while_reading)
{
    unsigned messages;

    out(IER, 0x01);
    for (unsigned i = 0; i < 300; i++) {
        arrive("12345678");
    }
    messages = world.messages;
    for (unsigned i = 0; i < 256; i++) { /* as many as Linux reads in one go */
        (void)in(DATA);
        stream_turn(&line);
    }
    ck_assert_int_eq(world.line, 1);
    ck_assert_uint_ge(world.messages, messages + 256 / 16);
}
END_TEST

START_TEST(change_of_mode)
{
    world.msi_on = false;
    out(IER, 0x02);
    ck_assert_int_eq(world.line, 1);
    ck_assert_uint_eq(world.messages, 0);
    world.msi_on = true;
    model->interrupt_mode(device(), state, IOREQD_INTERRUPT_MSI);
    ck_assert_uint_eq(world.messages, 1);
    world.msi_on = false;
    world.line = 0;
    model->interrupt_mode(device(), state, IOREQD_INTERRUPT_INTX);
    ck_assert_int_eq(world.line, 1);
    (void)in(IIR);
    model->interrupt_mode(device(), state, IOREQD_INTERRUPT_MSI);
    ck_assert_uint_eq(world.messages, 1);
}
END_TEST

TCase *serial_interrupt_cases(void)
{
    TCase *group = tcase_create("interrupts");

    tcase_add_checked_fixture(group, with_messages, teardown);
    tcase_add_test(group, message_for_each_edge);
    tcase_add_test(group, message_for_the_next_cause);
    tcase_add_test(group, message_while_filling);
    tcase_add_test(group, message_while_reading);
    tcase_add_test(group, change_of_mode);
    return group;
}

TCase *serial_cause_cases(void)
{
    TCase *group = tcase_create("causes");

    tcase_add_checked_fixture(group, setup_serial, teardown);
    tcase_add_test(group, priorities);
    tcase_add_test(group, iir_tells_of_another);
    tcase_add_test(group, enabled_late);
    tcase_add_test(group, transmitter_empty);
    tcase_add_test(group, write_takes_back);
    tcase_add_test(group, trigger_levels);
    tcase_add_test(group, timeout);
    tcase_add_test(group, no_timeout);
    tcase_add_test(group, line_status);
    tcase_add_test(group, out2_does_not_matter);
    tcase_add_test(group, line_levels);
    return group;
}
