/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables and registers of the model serial, and how drivers find out what it is. */
#include <stddef.h>

#include "tests/devices/serial_host.h"

START_TEST(tables)
{
    ck_assert_str_eq(model->name, "serial");
    ck_assert_ptr_null(ioreqd_module(&host)[1]);
    ck_assert_uint_eq(description.vendor, 0x9710); /* 8250_pci.c: pci_use_msi */
    ck_assert_uint_eq(description.device, 0x9900);
    ck_assert_uint_eq(description.subsystem_vendor, 0xa000);
    ck_assert_uint_eq(description.subsystem, 0x1000);
    ck_assert_uint_eq(description.class_code[0], 0x07);
    ck_assert_uint_eq(description.class_code[1], 0x00);
    ck_assert_uint_eq(description.class_code[2], 0x02);
    ck_assert_uint_eq(description.intx, 1);
    ck_assert_uint_eq(description.msi, 1);
    ck_assert_uint_eq(description.msix, 0);
    ck_assert_uint_eq(description.bar[0].kind, IOREQD_BAR_IO);
    ck_assert_uint_eq(description.bar[0].size, 8);
    ck_assert_uint_eq(description.bar[0].max_access, 1);
}
END_TEST

START_TEST(older_host)
{
    struct ioreqd_host older = host;

    older.struct_size = offsetof(struct ioreqd_host, stream_watch);
    ck_assert_ptr_null(ioreqd_module(&older));
}
END_TEST

/* 8.5, table IV. */
START_TEST(power_on)
{
    model->reset(device(), state, IOREQD_RESET_COLD);
    ck_assert_uint_eq(in(IER), 0);
    ck_assert_uint_eq(in(IIR), NONE);
    ck_assert_uint_eq(in(LCR), 0);
    ck_assert_uint_eq(in(MCR), 0);
    ck_assert_uint_eq(in(LSR), 0x60);
    ck_assert_uint_eq(in(MSR), 0xb0); /* the lines as they are, no deltas */
    ck_assert_uint_eq(in(SCR), 0);
    ck_assert(!pending());
    ck_assert_int_eq(world.line, 0);
}
END_TEST

/* Table I: bits that are 0 stay 0. */
START_TEST(bits_that_stay)
{
    static const struct {
        unsigned offset, bits;
    } registers[] = {{IER, 0x0f}, {LCR, 0x7f}, {MCR, 0x1f}, {SCR, 0xff}};

    for (unsigned i = 0; i < 4; i++) {
        out(registers[i].offset, 0xff & ~(registers[i].offset == LCR ? 0x80u : 0));
        ck_assert_uint_eq(in(registers[i].offset), registers[i].bits);
        out(registers[i].offset, 0);
        ck_assert_uint_eq(in(registers[i].offset), 0);
    }
}
END_TEST

/* 8.1, bit 7: the divisor latch access bit. */
START_TEST(divisor_latch)
{
    out(IER, 0x05);
    out(LCR, 0x83);
    out(DATA, 0x34);
    out(IER, 0x12);
    ck_assert_uint_eq(in(DATA), 0x34);
    ck_assert_uint_eq(in(IER), 0x12);
    out(LCR, 0x03);
    ck_assert_uint_eq(in(IER), 0x05);
    ck_assert_str_eq(left(), ""); /* nothing was sent */
    arrive("x");
    ck_assert_uint_eq(in(DATA), 'x');
    out(LCR, 0x83);
    ck_assert_uint_eq(in(DATA), 0x34);
}
END_TEST

/* 8.6.3: writing the line status register is for factory tests; and of the modem status nobody needs it. */
START_TEST(read_only)
{
    out(LSR, 0xff);
    out(MSR, 0xff);
    ck_assert_uint_eq(in(LSR), 0x60);
    ck_assert_uint_eq(in(MSR), 0xb0);
}
END_TEST

/* 8.6.4, bit 0, and 8.6.5, bits 6 and 7. */
START_TEST(fifo_enable)
{
    ck_assert_uint_eq(in(IIR), 0x01);
    out(FCR, 0xc0); /* the trigger level is not programmed without bit 0 */
    ck_assert_uint_eq(in(IIR), 0x01);
    out(FCR, 0x01);
    ck_assert_uint_eq(in(IIR), 0xc1);
    arrive("x");
    out(IER, 0x01);
    ck_assert_uint_eq(in(IIR), 0xc4); /* trigger level 1 */
    out(FCR, 0x00);
    ck_assert_uint_eq(in(IIR), 0x01); /* the byte is gone */
}
END_TEST

/* Nothing has been received: what is read does no harm. */
START_TEST(empty_receiver)
{
    ck_assert_uint_eq(in(DATA), 0);
    ck_assert_uint_eq(in(LSR), 0x60);
    out(FCR, 0x07);
    ck_assert_uint_eq(in(DATA), 0);
    ck_assert_uint_eq(in(LSR), 0x60);
}
END_TEST

/* What Linux's autoconfig() of 8250_port.c asks, in its order: it must say 16550A and nothing newer. */
START_TEST(linux_autoconfig)
{
    unsigned first, second;

    out(IER, 0x00);
    ck_assert_uint_eq(in(IER)&0x0f, 0x00);
    out(IER, 0x0f);
    ck_assert_uint_eq(in(IER)&0x0f, 0x0f);
    out(IER, 0x00);
    out(LCR, 0xbf);
    out(2, 0); /* the enhanced features of a 16650, which are the FIFO control here */
    out(LCR, 0x00);
    out(FCR, 0x01);
    ck_assert_uint_eq(in(IIR) >> 6, 3); /* 16550A */
    out(LCR, 0x80);
    ck_assert_uint_ne(in(2), 0); /* no 16650 */
    out(LCR, 0xbf);
    ck_assert_uint_ne(in(2), 0); /* no 16650V2 */
    out(LCR, 0x00);
    first = in(MCR);
    out(LCR, 0xe0);
    second = in(2);
    ck_assert_uint_eq((first ^ second) & 0x10, 0);
    out(LCR, 0x00);
    out(MCR, first ^ 0x10);
    out(LCR, 0xe0);
    second = in(2);
    out(LCR, 0x00);
    out(MCR, first);
    ck_assert_uint_eq((first ^ second) & 0x10, 0); /* no SuperIO of National */
    out(FCR, 0x21);
    first = in(IIR) >> 5;
    out(FCR, 0x01);
    out(LCR, 0x80);
    out(FCR, 0x21);
    second = in(IIR) >> 5;
    out(FCR, 0x01);
    out(LCR, 0x00);
    ck_assert(!(first == 6 && second == 7)); /* no 16750 */
    out(IER, 0x40);
    ck_assert_uint_eq(in(IER)&0x40, 0); /* no XScale */
    out(IER, 0x00);
}
END_TEST

/* Linux's serial8250_do_startup(): a transmitter that does not tell twice that it is empty gets a timer instead. */
START_TEST(linux_thre_test)
{
    out(FCR, 0x07);
    out(FCR, 0x00);
    (void)in(LSR), (void)in(DATA), (void)in(IIR), (void)in(MSR);
    out(MCR, 0x08);
    for (unsigned i = 0; i < 2; i++) {
        out(IER, 0x02);
        ck_assert_uint_eq(in(IIR), EMPTY);
        out(IER, 0x00);
    }
    out(IER, 0x02);
    ck_assert_uint_eq(in(LSR)&0x40, 0x40);
    ck_assert_uint_eq(in(IIR)&0x01, 0); /* else UART_BUG_TXEN */
    out(IER, 0x00);
}
END_TEST

TCase *serial_register_cases(void)
{
    TCase *group = tcase_create("registers");

    tcase_add_checked_fixture(group, setup_serial, teardown);
    tcase_add_test(group, tables);
    tcase_add_test(group, older_host);
    tcase_add_test(group, power_on);
    tcase_add_test(group, bits_that_stay);
    tcase_add_test(group, divisor_latch);
    tcase_add_test(group, read_only);
    tcase_add_test(group, fifo_enable);
    tcase_add_test(group, empty_receiver);
    tcase_add_test(group, linux_autoconfig);
    tcase_add_test(group, linux_thre_test);
    return group;
}
