/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of a 16550A, see uart.h. What the datasheet leaves open is told where it was decided.
 */
#include "uart.h"

#include <string.h>

/* Registers (8.0, table I). */
enum offset {
    OFFSET_DATA = 0, /* receiver buffer, transmitter holding; divisor, low */
    OFFSET_INTERRUPT_ENABLE = 1,
    OFFSET_INTERRUPT_IDENTIFICATION = 2, /* written: FIFO control */
    OFFSET_LINE_CONTROL = 3,
    OFFSET_MODEM_CONTROL = 4,
    OFFSET_LINE_STATUS = 5,
    OFFSET_MODEM_STATUS = 6,
    OFFSET_SCRATCH = 7
};

#define ENABLE_DATA   0x01u
#define ENABLE_EMPTY  0x02u
#define ENABLE_LINE   0x04u
#define ENABLE_MODEM  0x08u
#define ENABLE_BITS   0x0fu
#define IDENTIFY_FIFO 0xc0u

#define FIFO_ENABLE       0x01u
#define FIFO_CLEAR_INPUT  0x02u
#define FIFO_CLEAR_OUTPUT 0x04u
#define FIFO_TRIGGER      0xc0u

#define LINE_LENGTH  0x03u
#define LINE_STOP    0x04u
#define LINE_PARITY  0x08u
#define LINE_BREAK   0x40u
#define LINE_DIVISOR 0x80u

#define MODEM_DTR  0x01u
#define MODEM_RTS  0x02u
#define MODEM_OUT1 0x04u
#define MODEM_OUT2 0x08u
#define MODEM_LOOP 0x10u
#define MODEM_BITS 0x1fu

#define STATUS_READY      0x01u
#define STATUS_OVERRUN    0x02u
#define STATUS_PARITY     0x04u
#define STATUS_FRAMING    0x08u
#define STATUS_BREAK      0x10u
#define STATUS_EMPTY      0x20u
#define STATUS_IDLE       0x40u
#define STATUS_FIFO_ERROR 0x80u

#define CLOCK       1843200u /* hertz */
#define NANOSECONDS UINT64_C(1000000000)

static bool has_fifos(const struct uart *uart)
{
    return (uart->fifo_control & FIFO_ENABLE) != 0;
}

static unsigned capacity(const struct uart *uart)
{
    return has_fifos(uart) ? UART_FIFO : 1;
}

/* 8.6.4, bits 6 and 7. */
static unsigned trigger_level(const struct uart *uart)
{
    static const uint8_t level[] = {1, 4, 8, 14};

    return has_fifos(uart) ? level[uart->fifo_control >> 6] : 1;
}

bool uart_loops_back(const struct uart *uart)
{
    return (uart->modem_control & MODEM_LOOP) != 0;
}

static bool reaches_divisor(const struct uart *uart)
{
    return (uart->line_control & LINE_DIVISOR) != 0;
}

bool uart_is_transmitter(const struct uart *uart, unsigned offset)
{
    return offset == OFFSET_DATA && !reaches_divisor(uart);
}

static void drop_first(struct uart_fifo *fifo, unsigned count)
{
    fifo->count = (uint8_t)(fifo->count - count);
    memmove(fifo->byte, fifo->byte + count, fifo->count);
    memmove(fifo->error, fifo->error + count, fifo->count);
}

/* ---- receiver ---- */

/* Errors of a byte show in the status register when it is the next to be read (8.6.3). */
static void reveal(struct uart *uart)
{
    if (uart->received.count > 0) {
        uart->line_errors |= uart->received.error[0];
    }
}

/* A full FIFO stays as it is, a full holding register is overwritten (8.6.3, bit 1). */
static void take(struct uart *uart, uint8_t byte, uint8_t error)
{
    struct uart_fifo *fifo = &uart->received;

    uart->touched = true;
    if (fifo->count >= capacity(uart)) {
        uart->line_errors |= STATUS_OVERRUN;
        uart->overruns++;
        if (has_fifos(uart)) {
            return;
        }
        fifo->count = 0;
    }
    fifo->byte[fifo->count] = byte;
    fifo->error[fifo->count] = error;
    fifo->count++;
    if (fifo->count == 1) {
        reveal(uart);
    }
}

/*
 * A driver that is there and takes RTS back asks the other end to wait: so hardware flow control does when its buffers
 * fill. Without DTR it says nothing: simple drivers set neither and want to receive.
 */
static bool asks_to_wait(const struct uart *uart)
{
    return (uart->modem_control & (MODEM_DTR | MODEM_RTS)) == MODEM_DTR;
}

unsigned uart_room(const struct uart *uart)
{
    unsigned count = uart->received.count;

    return uart_loops_back(uart) || asks_to_wait(uart) || count >= trigger_level(uart) ? 0 : capacity(uart) - count;
}

uint8_t uart_on_line(const struct uart *uart, uint8_t byte)
{
    return byte & (uint8_t)(0xff >> (3 - (uart->line_control & LINE_LENGTH)));
}

void uart_receive(struct uart *uart, uint8_t byte)
{
    take(uart, uart_on_line(uart, byte), 0);
}

void uart_loop_back(struct uart *uart, uint8_t byte)
{
    if ((uart->line_control & LINE_BREAK) == 0) {
        take(uart, uart_on_line(uart, byte), 0);
    }
}

/* One byte of zeros stands for the whole of a break (8.6.3, bit 4); its missing stop bit is a framing error. */
static void begin_break(struct uart *uart)
{
    take(uart, 0, STATUS_BREAK | STATUS_FRAMING);
}

static bool hears_break(const struct uart *uart)
{
    return uart_loops_back(uart) && (uart->line_control & LINE_BREAK) != 0;
}

/* The next byte goes, and with it the time-out (8.7). There is none: 0, as the datasheet does not tell. */
static uint8_t read_data(struct uart *uart)
{
    uint8_t byte;

    if (uart->received.count == 0) {
        return 0;
    }
    byte = uart->received.byte[0];
    drop_first(&uart->received, 1);
    reveal(uart);
    uart->timeout = 0;
    uart->touched = true;
    return byte;
}

static void clear_received(struct uart *uart)
{
    uart->received.count = 0;
    uart->timeout = 0;
    uart->line_errors &= STATUS_OVERRUN; /* the others belong to a byte that is gone */
}

bool uart_awaits_timeout(const struct uart *uart)
{
    unsigned count = uart->received.count;

    return has_fifos(uart) && (uart->interrupt_enable & ENABLE_DATA) != 0 && uart->timeout == 0 && count > 0 &&
           count < trigger_level(uart);
}

void uart_time_out(struct uart *uart)
{
    uart->timeout = 1;
}

/* ---- transmitter ---- */

static void note_empty(struct uart *uart)
{
    if (uart->to_send.count == 0) {
        uart->empty_pending = 1;
    }
}

/* A driver that keeps to the rules never writes to a full FIFO; a holding register is overwritten (8.3). */
static void write_data(struct uart *uart, uint8_t byte)
{
    struct uart_fifo *fifo = &uart->to_send;

    uart->empty_pending = 0;
    if (fifo->count >= capacity(uart)) {
        uart->lost++;
        if (has_fifos(uart)) {
            return;
        }
        fifo->count = 0;
    }
    fifo->byte[fifo->count++] = byte;
}

unsigned uart_to_send(const struct uart *uart)
{
    return uart->to_send.count;
}

void uart_sent(struct uart *uart, unsigned count)
{
    if (count > 0) {
        drop_first(&uart->to_send, count);
        note_empty(uart);
    }
}

void uart_load(struct uart *uart)
{
    uart->shift = uart->to_send.byte[0];
    uart->shifting = 1;
    uart_sent(uart, 1);
}

static void clear_to_send(struct uart *uart)
{
    if (uart->to_send.count > 0) {
        uart->lost += uart->to_send.count;
        uart->to_send.count = 0;
        note_empty(uart);
    }
}

/* ---- modem lines ---- */

/* In loop-back the outputs take the place of the inputs (8.6.6, bit 4). */
static uint8_t present_lines(const struct uart *uart)
{
    unsigned control = uart->modem_control;

    if (!uart_loops_back(uart)) {
        return uart->modem_inputs;
    }
    return (uint8_t)(((control & MODEM_RTS) != 0 ? UART_CTS : 0) | ((control & MODEM_DTR) != 0 ? UART_DSR : 0) |
                     ((control & MODEM_OUT1) != 0 ? UART_RI : 0) | ((control & MODEM_OUT2) != 0 ? UART_DCD : 0));
}

/* The four low bits tell which lines changed; of the ring indicator only its end counts (8.6.7). */
static void follow_lines(struct uart *uart)
{
    uint8_t lines = present_lines(uart);
    uint8_t changed = lines ^ uart->modem_lines;

    if ((lines & UART_RI) != 0) {
        changed &= (uint8_t)~UART_RI;
    }
    uart->modem_deltas |= changed >> 4;
    uart->modem_lines = lines;
}

void uart_modem(struct uart *uart, uint8_t lines)
{
    uart->modem_inputs = lines;
    follow_lines(uart);
}

/* ---- registers ---- */

enum uart_cause uart_cause(const struct uart *uart)
{
    unsigned enabled = uart->interrupt_enable;

    if ((enabled & ENABLE_LINE) != 0 && uart->line_errors != 0) {
        return UART_LINE_STATUS;
    }
    if ((enabled & ENABLE_DATA) != 0 && uart->received.count >= trigger_level(uart)) {
        return UART_DATA_AVAILABLE;
    }
    if ((enabled & ENABLE_DATA) != 0 && uart->timeout != 0) {
        return UART_TIMEOUT;
    }
    if ((enabled & ENABLE_EMPTY) != 0 && uart->empty_pending != 0) {
        return UART_TRANSMITTER_EMPTY;
    }
    return (enabled & ENABLE_MODEM) != 0 && uart->modem_deltas != 0 ? UART_MODEM_STATUS : UART_NO_CAUSE;
}

/* Reading it takes back the transmitter's interrupt if that is what it tells (8.6.5, table III). */
static uint8_t read_identification(struct uart *uart)
{
    enum uart_cause cause = uart_cause(uart);

    if (cause == UART_TRANSMITTER_EMPTY) {
        uart->empty_pending = 0;
    }
    return (uint8_t)(cause | (has_fifos(uart) ? IDENTIFY_FIFO : 0));
}

static uint8_t read_line_status(struct uart *uart)
{
    uint8_t status = uart->line_errors;

    if (uart->received.count > 0) {
        status |= STATUS_READY;
    }
    if (uart->to_send.count == 0) {
        status |= STATUS_EMPTY;
        status |= uart->shifting != 0 ? 0 : STATUS_IDLE;
    }
    for (unsigned i = 0; has_fifos(uart) && i < uart->received.count; i++) {
        status |= uart->received.error[i] != 0 ? STATUS_FIFO_ERROR : 0;
    }
    uart->line_errors = 0;
    uart->received.error[0] = 0;
    return status;
}

static uint8_t read_modem_status(struct uart *uart)
{
    uint8_t status = uart->modem_lines | uart->modem_deltas;

    uart->modem_deltas = 0;
    return status;
}

uint8_t uart_read(struct uart *uart, unsigned offset)
{
    switch (offset) {
    case OFFSET_DATA:
        return reaches_divisor(uart) ? uart->divisor[0] : read_data(uart);
    case OFFSET_INTERRUPT_ENABLE:
        return reaches_divisor(uart) ? uart->divisor[1] : uart->interrupt_enable;
    case OFFSET_INTERRUPT_IDENTIFICATION:
        return read_identification(uart);
    case OFFSET_LINE_CONTROL:
        return uart->line_control;
    case OFFSET_MODEM_CONTROL:
        return uart->modem_control;
    case OFFSET_LINE_STATUS:
        return read_line_status(uart);
    case OFFSET_MODEM_STATUS:
        return read_modem_status(uart);
    case OFFSET_SCRATCH:
        return uart->scratch;
    default:
        return 0;
    }
}

/* Who enables the transmitter's interrupt while it is empty is interrupted at once: drivers begin to send with that. */
static void write_interrupt_enable(struct uart *uart, uint8_t value)
{
    uint8_t gained = value & (uint8_t)~uart->interrupt_enable;

    uart->interrupt_enable = value & ENABLE_BITS;
    if ((gained & ENABLE_EMPTY) != 0) {
        note_empty(uart);
    }
}

/* Going from one mode to the other clears both FIFOs; other bits count only along with the first one (8.6.4). */
static void write_fifo_control(struct uart *uart, uint8_t value)
{
    bool switched = ((value ^ uart->fifo_control) & FIFO_ENABLE) != 0;
    bool on = (value & FIFO_ENABLE) != 0;

    if (switched || (on && (value & FIFO_CLEAR_INPUT) != 0)) {
        clear_received(uart);
    }
    if (switched || (on && (value & FIFO_CLEAR_OUTPUT) != 0)) {
        clear_to_send(uart);
    }
    uart->fifo_control = on ? value & (FIFO_ENABLE | FIFO_TRIGGER) : 0;
}

void uart_write(struct uart *uart, unsigned offset, uint8_t value)
{
    bool heard_break = hears_break(uart);

    switch (offset) {
    case OFFSET_DATA:
        if (reaches_divisor(uart)) {
            uart->divisor[0] = value;
        } else {
            write_data(uart, value);
        }
        break;
    case OFFSET_INTERRUPT_ENABLE:
        if (reaches_divisor(uart)) {
            uart->divisor[1] = value;
        } else {
            write_interrupt_enable(uart, value);
        }
        break;
    case OFFSET_INTERRUPT_IDENTIFICATION:
        write_fifo_control(uart, value);
        break;
    case OFFSET_LINE_CONTROL:
        uart->line_control = value;
        break;
    case OFFSET_MODEM_CONTROL:
        uart->modem_control = value & MODEM_BITS;
        follow_lines(uart);
        break;
    case OFFSET_SCRATCH:
        uart->scratch = value;
        break;
    default: /* the status registers: written for factory tests only (8.6.3) */
        break;
    }
    if (!heard_break && hears_break(uart)) {
        begin_break(uart);
    }
}

/* 8.5, table IV, as of the pin MR. The modem lines stay what they are; what it leaves alone is 0, the divisor 12. */
void uart_reset(struct uart *uart)
{
    uint8_t inputs = uart->modem_inputs;
    uint64_t lost = uart->lost + uart->to_send.count + uart->shifting;
    uint64_t overruns = uart->overruns;

    memset(uart, 0, sizeof(*uart));
    uart->modem_inputs = inputs;
    uart->modem_lines = inputs;
    uart->divisor[0] = 12; /* 9600 baud, as firmware leaves it */
    uart->lost = lost;
    uart->overruns = overruns;
}

/* A start bit, 5 to 8 data bits, parity, and 1, 1.5 or 2 stop bits (8.1). A divisor of 0 counts 2^16 clocks. */
uint64_t uart_character_time(const struct uart *uart)
{
    unsigned length = 5 + (uart->line_control & LINE_LENGTH);
    unsigned stop_halves = (uart->line_control & LINE_STOP) == 0 ? 2 : length == 5 ? 3 : 4;
    unsigned halves = 2 * (1 + length + ((uart->line_control & LINE_PARITY) != 0 ? 1 : 0)) + stop_halves;
    unsigned divisor = uart->divisor[0] | (unsigned)uart->divisor[1] << 8;

    return NANOSECONDS * 8 * halves * (divisor == 0 ? 0x10000 : divisor) / CLOCK;
}
