/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A driver for the model serial that works as Linux's does: serial8250_interrupt() with its limit of passes,
 * serial8250_handle_irq(), rx_chars() with its limit of bytes, and tx_chars() with a FIFO of 16. It moves a megabyte
 * each way, by INTx and by messages, of which it gets each at most once; if the device ever leaves it without one that
 * it needs, nothing moves any more.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/devices/serial_host.h"

#define BYTES (1024u * 1024u)

static struct {
    uint8_t *to_send, *received;
    size_t sent, to_send_length, received_length;
    unsigned enabled;
    unsigned limit;   /* of passes */
    unsigned turn_in; /* stream turns within reads of the guest: another thread's time */
} driver;

static void enable(unsigned bits)
{
    driver.enabled = bits;
    out(IER, bits);
}

static unsigned receive(unsigned status)
{
    unsigned limit = 256;

    do {
        if ((status & 0x01) != 0) {
            if (driver.received_length == BYTES) {
                ck_abort_msg("more bytes came than were sent");
            }
            driver.received[driver.received_length++] = in(DATA);
        }
        if ((status & 0x9e) != 0) {
            ck_abort_msg("errors on the line: %#x", status);
        }
        if (driver.turn_in != 0 && driver.received_length % driver.turn_in == 0) {
            stream_turn(&line);
        }
        status = in(LSR);
    } while ((status & 0x01) != 0 && --limit > 0);
    return status;
}

static void transmit(void)
{
    for (unsigned count = 16; count > 0 && driver.sent < driver.to_send_length; count--) {
        out(DATA, driver.to_send[driver.sent++]);
    }
    if (driver.sent == driver.to_send_length) {
        enable(driver.enabled & ~0x02u);
    }
}

static bool handle(void)
{
    unsigned identification = in(IIR);
    unsigned status;

    if ((identification & 0x01) != 0) {
        return false;
    }
    status = in(LSR);
    if ((status & 0x11) != 0) {
        status = receive(status);
    }
    (void)in(MSR);
    if ((status & 0x20) != 0 && (driver.enabled & 0x02) != 0) {
        transmit();
    }
    return true;
}

static void interrupt(void)
{
    for (unsigned passes = 0; handle() && passes < driver.limit; passes++) {
    }
}

/* One interrupt, if there is one. */
static bool take_interrupt(void)
{
    if (world.msi_on) {
        if (world.messages == 0) {
            return false;
        }
        world.messages = 0; /* one that comes meanwhile is kept */
    } else if (world.line == 0) {
        return false;
    }
    interrupt();
    return true;
}

static uint64_t noise(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static uint8_t *bytes(bool filled)
{
    uint8_t *all = malloc(BYTES);
    uint64_t seed = 88172645463325252;

    ck_assert_ptr_nonnull(all);
    for (unsigned i = 0; i < BYTES; i++) {
        all[i] = filled ? (uint8_t)noise(&seed) : 0;
    }
    return all;
}

static void open_port(bool messages)
{
    setup_serial();
    memset(&driver, 0, sizeof(driver));
    driver.limit = 512;
    driver.to_send = bytes(true);
    driver.received = bytes(false);
    world.msi_on = messages;
    out(FCR, 0x01);
    out(FCR, 0x07);
    out(FCR, 0x00);
    (void)in(LSR), (void)in(DATA), (void)in(IIR), (void)in(MSR);
    out(LCR, 0x03);
    out(MCR, 0x08);
    enable(0x00);
    (void)in(LSR), (void)in(DATA), (void)in(IIR), (void)in(MSR);
    out(LCR, 0x83);
    out(DATA, 1);
    out(IER, 0);
    out(LCR, 0x03);
    out(FCR, 0x81);
    enable(0x05);
}

static void close_port(void)
{
    enable(0x00);
    free(driver.to_send);
    free(driver.received);
    teardown();
}

/* serial8250_start_tx() */
static void start(void)
{
    driver.to_send_length = BYTES;
    enable(driver.enabled | 0x02u);
}

static const bool by_message[] = {false, true};

START_TEST(loop_back)
{
    open_port(by_message[_i]);
    out(MCR, 0x1b);
    enable(0x0d);
    start();
    for (unsigned idle = 0; idle < 4;) {
        if (take_interrupt()) {
            idle = 0;
        } else {
            idle++;
            pass(10 * MILLISECOND);
        }
    }
    ck_assert_uint_eq(driver.received_length, BYTES);
    ck_assert_mem_eq(driver.received, driver.to_send, BYTES);
    ck_assert_uint_eq(counter("overruns"), 0);
    close_port();
}
END_TEST

static bool done(void)
{
    return driver.received_length == BYTES && line.out_length == BYTES;
}

static size_t grown(size_t length, size_t more)
{
    return length + more < BYTES ? length + more : BYTES;
}

/* Both ways at once; the other end takes and gives as much as it likes, while the guest is at it and while it is not. */
static void pump(unsigned limit, unsigned turn_in)
{
    uint8_t *sent = bytes(true);
    uint8_t *arrived = bytes(false);
    uint64_t seed = 1;

    driver.limit = limit;
    driver.turn_in = turn_in;
    line.in = sent;
    line.out = arrived;
    line.room = 0;
    start();
    for (unsigned idle = 0; idle < 1000 && !done(); idle++) {
        size_t before = driver.received_length + line.out_length;

        take_interrupt();
        if (noise(&seed) % 3 == 0) {
            line.room = grown(line.room, noise(&seed) % 700);
            line.in_length = grown(line.in_length, noise(&seed) % 700);
        }
        stream_turn(&line);
        pass(100000); /* what stays below the trigger level comes by the time-out */
        if (driver.received_length + line.out_length != before) {
            idle = 0;
        }
    }
    ck_assert_uint_eq(driver.received_length, BYTES);
    ck_assert_mem_eq(driver.received, sent, BYTES);
    ck_assert_uint_eq(line.out_length, BYTES);
    ck_assert_mem_eq(arrived, driver.to_send, BYTES);
    ck_assert_uint_eq(counter("bytes-lost"), 0);
    ck_assert_uint_eq(counter("overruns"), 0);
    ck_assert_uint_eq(world.guest_errors, 0);
    free(sent);
    free(arrived);
}

START_TEST(stream_both_ways)
{
    open_port(by_message[_i]);
    pump(512, 0);
    close_port();
}
END_TEST

/* Bytes come in while the guest reads, so that it meets its limits. */
START_TEST(stream_during_handler)
{
    open_port(by_message[_i]);
    pump(512, 1);
    close_port();
}
END_TEST

START_TEST(one_pass_each)
{
    open_port(by_message[_i]);
    pump(1, 3);
    close_port();
}
END_TEST

TCase *serial_driver_cases(void)
{
    TCase *group = tcase_create("driver");

    tcase_set_timeout(group, 120);
    tcase_add_loop_test(group, loop_back, 0, 2);
    tcase_add_loop_test(group, stream_both_ways, 0, 2);
    tcase_add_loop_test(group, stream_during_handler, 0, 2);
    tcase_add_loop_test(group, one_pass_each, 0, 2);
    return group;
}
