/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world of the UART of the model serial, see serial.h: the bytes on its line, the time that they take, and the
 * interrupts that the guest gets.
 *
 * Bytes to be sent leave at once, or, with pace=on, one in each character's time. When the stream has no room they stay
 * where they are, and the guest sees a transmitter that is not empty yet: no byte is lost, and nobody waits.
 */
#include "serial.h"

#define REST_MAX           UINT64_C(50000000) /* nanoseconds */
#define TIMEOUT_CHARACTERS 4u                 /* PC16550D 8.7 */

static void count(_Atomic uint64_t *counter, uint64_t more)
{
    atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

/* ------------------------------------------------------------------------------------------------------------------
 * The transmitter
 */

/* Moves bytes out, in loop-back into the receiver, else onto the line; returns how many there was room for. */
static unsigned emit(struct serial *serial, const uint8_t *byte, unsigned length)
{
    struct uart *uart = &serial->uart;
    uint8_t on_line[UART_FIFO];
    bool heard = serial->property_stream != NULL && serial->host->stream_connected(serial->property_stream);
    unsigned sent = length;

    if (uart_loops_back(uart)) {
        for (unsigned i = 0; i < length; i++) {
            uart_loop_back(uart, byte[i]);
        }
        serial->full = false;
        return length;
    }
    for (unsigned i = 0; i < length; i++) {
        on_line[i] = uart_on_line(uart, byte[i]);
    }
    if (serial->property_stream != NULL) {
        sent = (unsigned)serial->host->stream_write(serial->property_stream, on_line, length);
    }
    count(heard ? &serial->bytes_from_guest : &serial->bytes_lost, sent);
    serial->full = sent < length;
    return sent;
}

/* Whether the line takes nothing now; it will tell when it does again. */
static bool is_held_up(const struct serial *serial)
{
    return serial->full && !uart_loops_back(&serial->uart);
}

static void send_at_once(struct serial *serial)
{
    struct uart *uart = &serial->uart;

    if (is_held_up(serial)) {
        return;
    }
    if (uart->shifting != 0) { /* from a predecessor that was paced */
        uart->shifting = emit(serial, &uart->shift, 1) == 0;
    }
    if (uart->shifting == 0 && uart_to_send(uart) > 0) {
        uart_sent(uart, emit(serial, uart->to_send.byte, uart_to_send(uart)));
    }
}

/* A byte leaves at the end of its time. Those that are late are made up for, but not a line that was held up. */
static void send_paced(struct serial *serial)
{
    struct uart *uart = &serial->uart;
    uint64_t now = serial->host->now(serial->device);
    uint64_t time = uart_character_time(uart);

    while (!is_held_up(serial)) {
        if (uart->shifting == 0) {
            if (uart_to_send(uart) == 0) {
                break;
            }
            uart_load(uart);
            serial->shifted_at = (serial->shifted_at != 0 ? serial->shifted_at : now) + time;
        }
        if (serial->shifted_at > now || emit(serial, &uart->shift, 1) == 0) {
            break;
        }
        uart->shifting = 0;
    }
    if (uart->shifting == 0 || serial->full) {
        serial->shifted_at = 0;
    }
    serial->host->timer_set(serial->shift, uart->shifting != 0 && !serial->full ? serial->shifted_at : 0);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Interrupts
 */

/* The line of the chip: it has an edge where another cause takes over too, as not every driver asks again for that. */
static void look_for_edge(struct serial *serial)
{
    unsigned cause = uart_cause(&serial->uart);

    if (cause != UART_NO_CAUSE && cause != serial->cause) {
        serial->rose = true;
    }
    serial->cause = cause;
}

/*
 * INTx follows the line. A message tells of an edge: a driver that is told by messages has looked at everything when it
 * saw the line low once. While it fills the transmitter, which empties at once, each byte makes an edge; it is told
 * of the first one, as it will not have looked before it touches another register.
 */
static void tell_guest(struct serial *serial)
{
    int line = serial->cause != UART_NO_CAUSE;

    if (line != serial->line) {
        serial->line = line;
        serial->host->intx(serial->device, line);
    }
    if (serial->rose && line != 0 && !serial->told && serial->host->msi_enabled(serial->device)) {
        serial->told = true;
        serial->host->msi(serial->device, 0);
    }
    serial->rose = false;
}

/* ------------------------------------------------------------------------------------------------------------------
 * After each access and event
 */

static void want(struct serial *serial, unsigned events)
{
    if (serial->property_stream != NULL && serial->wanted != events) {
        serial->wanted = events;
        serial->host->stream_want(serial->property_stream, events);
    }
}

static void wait_for_timeout(struct serial *serial)
{
    struct uart *uart = &serial->uart;
    bool set = uart_awaits_timeout(uart) && !serial->quiet;

    if (set && (uart->touched || !serial->timeout_set)) {
        serial->host->timer_set(serial->timeout,
                                serial->host->now(serial->device) + TIMEOUT_CHARACTERS * uart_character_time(uart));
    } else if (!set && serial->timeout_set) {
        serial->host->timer_set(serial->timeout, 0);
    }
    serial->timeout_set = set;
    uart->touched = false;
}

static void take_counts(struct serial *serial)
{
    count(&serial->bytes_lost, serial->uart.lost - serial->counted_lost);
    count(&serial->overruns, serial->uart.overruns - serial->counted_overruns);
    serial->counted_lost = serial->uart.lost;
    serial->counted_overruns = serial->uart.overruns;
}

/*
 * A line has a speed, and a driver that is sent more while it fetches what there is never leaves its interrupt handler:
 * the bytes go on to a program that gets no time. So once the guest has begun to fetch nothing comes until it has
 * emptied the receiver, and then it has as long for itself as that took it, and REST_MAX at most.
 */
static void let_rest(struct serial *serial)
{
    uint8_t count = serial->uart.received.count;
    uint64_t now, took;

    serial->fetching = count != 0 && (serial->fetching || count < serial->unfetched);
    serial->unfetched = count;
    if (serial->served_at == 0 || count != 0) {
        return;
    }
    now = serial->host->now(serial->device);
    took = now - serial->served_at;
    serial->served_at = 0;
    if (took != 0) {
        serial->resting = true;
        serial->host->timer_set(serial->rest, now + (took < REST_MAX ? took : REST_MAX));
    }
}

void port_settle(struct serial *serial)
{
    look_for_edge(serial);
    if (serial->quiet) {
        return;
    }
    if (serial->property_pace != 0) {
        send_paced(serial);
    } else {
        send_at_once(serial);
    }
    look_for_edge(serial);
    take_counts(serial);
    wait_for_timeout(serial);
    let_rest(serial);
    want(serial, (uart_room(&serial->uart) > 0 && !serial->resting && !serial->fetching ? IOREQD_READABLE : 0) |
                     (serial->full ? IOREQD_WRITABLE : 0));
    tell_guest(serial);
}

void port_tell_again(struct serial *serial)
{
    serial->line = -1;
    serial->rose = true;
    serial->told = false;
    tell_guest(serial);
}

/* Somebody at the other end is ready to send and to receive, and holds the carrier. */
void port_follow_peer(struct serial *serial)
{
    bool there = serial->property_stream != NULL && serial->host->stream_connected(serial->property_stream);

    uart_modem(&serial->uart, there ? UART_CTS | UART_DSR | UART_DCD : 0);
}

void port_on_stream(void *argument, unsigned events)
{
    struct serial *serial = argument;
    struct uart *uart = &serial->uart;

    serial->told = false;
    if ((events & IOREQD_CONNECTED) != 0) {
        port_follow_peer(serial);
    }
    if ((events & IOREQD_WRITABLE) != 0) {
        serial->full = false;
    }
    if ((events & IOREQD_READABLE) != 0 && !serial->quiet && !serial->resting && !serial->fetching) {
        uint8_t byte[UART_FIFO];
        size_t length = serial->host->stream_read(serial->property_stream, byte, uart_room(uart));

        for (size_t i = 0; i < length; i++) {
            uart_receive(uart, byte[i]);
        }
        count(&serial->bytes_to_guest, length);
        if (length > 0 && serial->served_at == 0) {
            serial->served_at = serial->host->now(serial->device);
        }
    }
    port_settle(serial);
}

void port_on_timeout(void *argument)
{
    struct serial *serial = argument;

    if (serial->timeout_set) {
        serial->timeout_set = false;
        serial->told = false;
        uart_time_out(&serial->uart);
        port_settle(serial);
    }
}

void port_on_shifted(void *argument)
{
    struct serial *serial = argument;

    serial->told = false;
    port_settle(serial);
}

void port_on_rested(void *argument)
{
    struct serial *serial = argument;

    serial->resting = false;
    port_settle(serial);
}

void port_stop(struct serial *serial)
{
    serial->host->timer_set(serial->rest, 0);
    serial->resting = false;
    serial->fetching = false;
    serial->served_at = 0;
    serial->unfetched = 0;
    serial->host->timer_set(serial->timeout, 0);
    serial->host->timer_set(serial->shift, 0);
    serial->timeout_set = false;
    want(serial, 0);
}
