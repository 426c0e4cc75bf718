/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of a 16550A: National Semiconductor PC16550D, datasheet of June 1995, whose sections the comments name.
 * It knows no bus, line or clock: its owner, serial.c, brings received bytes, takes away those to be sent, tells the
 * levels of the modem lines and the passing of time. Owned by the device, on whose main loop it is used.
 */
#ifndef IOREQD_DEVICES_SERIAL_UART_H
#define IOREQD_DEVICES_SERIAL_UART_H

#include <stdbool.h>
#include <stdint.h>

#define UART_FIFO 16u

/* Interrupt identification (8.6.5, table III). */
enum uart_cause {
    UART_MODEM_STATUS = 0x0,
    UART_NO_CAUSE = 0x1,
    UART_TRANSMITTER_EMPTY = 0x2,
    UART_DATA_AVAILABLE = 0x4,
    UART_LINE_STATUS = 0x6,
    UART_TIMEOUT = 0xc
};

/* Modem lines that come in, by their bits in the modem status register (8.6.7). */
#define UART_CTS 0x10u
#define UART_DSR 0x20u
#define UART_RI  0x40u
#define UART_DCD 0x80u

struct uart_fifo {
    uint8_t byte[UART_FIFO]; /* oldest first */
    uint8_t error[UART_FIFO];
    uint8_t count;
};

/* Plain bytes, which are saved. */
struct uart {
    uint8_t interrupt_enable;
    uint8_t fifo_control; /* the bits that stay: enabled and the trigger level */
    uint8_t line_control;
    uint8_t modem_control;
    uint8_t line_errors; /* of the line status register */
    uint8_t modem_inputs;
    uint8_t modem_lines; /* as the status register shows them: those, or the outputs in loop-back */
    uint8_t modem_deltas;
    uint8_t scratch;
    uint8_t divisor[2];
    uint8_t empty_pending; /* the transmitter became empty, and nobody has been told */
    uint8_t timeout;       /* bytes were left in the receive FIFO for four characters' time */
    uint8_t shifting;      /* a byte is on its way out of the shift register */
    uint8_t shift;
    struct uart_fifo received;
    struct uart_fifo to_send;

    /* For the owner, who looks after each call. Not saved. */
    bool touched;      /* the receive FIFO was read or written: the time of the time-out begins anew */
    uint64_t lost;     /* bytes to be sent that there was no room for, or that a reset of the FIFO dropped */
    uint64_t overruns; /* received bytes that there was no room for */
};

void uart_reset(struct uart *uart);

uint8_t uart_read(struct uart *uart, unsigned offset);
void uart_write(struct uart *uart, unsigned offset, uint8_t value);

/* The cause of highest priority that is enabled. */
enum uart_cause uart_cause(const struct uart *uart);

bool uart_loops_back(const struct uart *uart);
/* Whether a write to this offset goes to the transmitter. */
bool uart_is_transmitter(const struct uart *uart, unsigned offset);

/*
 * How many bytes from outside it takes now. None while what it has is enough for an interrupt: so the interrupt falls
 * before more bytes raise it again, and whoever waits for the edge sees each one. And none while the guest holds off.
 */
unsigned uart_room(const struct uart *uart);
void uart_receive(struct uart *uart, uint8_t byte);

/* What the transmitter holds beside the shift register; the first count bytes have been sent. */
unsigned uart_to_send(const struct uart *uart);
void uart_sent(struct uart *uart, unsigned count);
/* Moves the next byte into the shift register, which is free. */
void uart_load(struct uart *uart);
/* A byte comes out of the transmitter, as it is on the line: with as many bits as the line control register says. */
uint8_t uart_on_line(const struct uart *uart, uint8_t byte);
/* The same in loop-back, into the receiver. */
void uart_loop_back(struct uart *uart, uint8_t byte);

/* The levels of the lines that come in. */
void uart_modem(struct uart *uart, uint8_t lines);

/* Whether the time-out is to be waited for, and its end. */
bool uart_awaits_timeout(const struct uart *uart);
void uart_time_out(struct uart *uart);

/* Nanoseconds that one character takes on the line. */
uint64_t uart_character_time(const struct uart *uart);

#endif
