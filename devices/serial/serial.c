/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serial: a PCI card with one serial port, a 16550A (uart.h), whose line is a stream of the host. All of it runs on
 * the main loop of the device.
 *
 * The ids are those of a MosChip MCS9900 with one port. The drivers of stock systems take any 16550 on a PCI card by
 * its class, but Linux uses MSI with those cards only that it knows to have it working, and falls back to INTx where
 * the guest has no MSI (drivers/tty/serial/8250/8250_pci.c: pci_use_msi, since 5.5). Of these the MCS9900 has its port
 * in I/O space at BAR 0, where everybody looks, needs no other register, and is known to other systems too. The
 * subsystem ids are part of the match, and the programming interface 2, 16550, tells the driver that there is one
 * port. A guest without PCI's interrupt lines, as a PVH guest is, needs the MSI.
 *
 * OUT2 of the modem control register, which gates the interrupt on an ISA card, does not here: PCI cards share their
 * line by the interrupt enable register alone, and drivers of PCI cards do not all set it.
 *
 * Bytes to be sent leave at once, or, with pace=on, one in each character's time. When the stream has no room they stay
 * where they are, and the guest sees a transmitter that is not empty yet: no byte is lost, and nobody waits.
 */
#include <errno.h>
#include <ioreqd/device.h>
#include <stdbool.h>

#include "uart.h"

#define BAR_BYTES 8u

#define TIMEOUT_CHARACTERS 4u /* PC16550D 8.7 */

struct serial {
    struct ioreqd_device *device;
    struct ioreqd_stream *property_stream; /* NULL: nobody at the other end, ever */
    uint8_t property_pace;

    struct uart uart;

    struct ioreqd_timer *timeout; /* of the receive FIFO */
    bool timeout_set;
    struct ioreqd_timer *shift; /* end of the byte in the shift register */
    uint64_t shifted_at;        /* when that is; 0: when there is room */
    bool full;                  /* the stream: it tells when it has room */
    unsigned wanted;            /* of the stream */
    unsigned cause;             /* enum uart_cause, when it was last looked at */
    bool rose;                  /* there was an edge since the host was last told */
    bool told;                  /* of an edge that the guest has not looked for yet */
    int line;                   /* the level that the host knows; -1: none */
    bool quiet;                 /* nothing is moved */
    uint64_t counted_lost;      /* of those in uart */
    uint64_t counted_overruns;

    _Atomic uint64_t bytes_from_guest;
    _Atomic uint64_t bytes_to_guest;
    _Atomic uint64_t bytes_lost;
    _Atomic uint64_t overruns;
};

static const struct ioreqd_host *host;

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
    bool heard = serial->property_stream != NULL && host->stream_connected(serial->property_stream);
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
        sent = (unsigned)host->stream_write(serial->property_stream, on_line, length);
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
    uint64_t now = host->now(serial->device);
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
    host->timer_set(serial->shift, uart->shifting != 0 && !serial->full ? serial->shifted_at : 0);
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
        host->intx(serial->device, line);
    }
    if (serial->rose && line != 0 && !serial->told && host->msi_enabled(serial->device)) {
        serial->told = true;
        host->msi(serial->device, 0);
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
        host->stream_want(serial->property_stream, events);
    }
}

static void wait_for_timeout(struct serial *serial)
{
    struct uart *uart = &serial->uart;
    bool set = uart_awaits_timeout(uart) && !serial->quiet;

    if (set && (uart->touched || !serial->timeout_set)) {
        host->timer_set(serial->timeout, host->now(serial->device) + TIMEOUT_CHARACTERS * uart_character_time(uart));
    } else if (!set && serial->timeout_set) {
        host->timer_set(serial->timeout, 0);
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

/* Does what the registers ask for, and tells the guest: from the registers alone, so a successor goes on with it. */
static void settle(struct serial *serial)
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
    want(serial, (uart_room(&serial->uart) > 0 ? IOREQD_READABLE : 0) | (serial->full ? IOREQD_WRITABLE : 0));
    tell_guest(serial);
}

/* Somebody at the other end is ready to send and to receive, and holds the carrier. */
static void follow_peer(struct serial *serial)
{
    bool there = serial->property_stream != NULL && host->stream_connected(serial->property_stream);

    uart_modem(&serial->uart, there ? UART_CTS | UART_DSR | UART_DCD : 0);
}

static void on_stream(void *argument, unsigned events)
{
    struct serial *serial = argument;
    struct uart *uart = &serial->uart;

    serial->told = false;
    if ((events & IOREQD_CONNECTED) != 0) {
        follow_peer(serial);
    }
    if ((events & IOREQD_WRITABLE) != 0) {
        serial->full = false;
    }
    if ((events & IOREQD_READABLE) != 0 && !serial->quiet) {
        uint8_t byte[UART_FIFO];
        size_t length = host->stream_read(serial->property_stream, byte, uart_room(uart));

        for (size_t i = 0; i < length; i++) {
            uart_receive(uart, byte[i]);
        }
        count(&serial->bytes_to_guest, length);
    }
    settle(serial);
}

static void on_timeout(void *argument)
{
    struct serial *serial = argument;

    if (serial->timeout_set) {
        serial->timeout_set = false;
        serial->told = false;
        uart_time_out(&serial->uart);
        settle(serial);
    }
}

static void on_shifted(void *argument)
{
    struct serial *serial = argument;

    serial->told = false;
    settle(serial);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Registers
 */

static uint64_t serial_read(struct ioreqd_device *device, void *state, unsigned bar, uint64_t offset, unsigned size)
{
    struct serial *serial = state;
    uint8_t value = uart_read(&serial->uart, (unsigned)offset);

    (void)device;
    (void)bar;
    (void)size; /* 1, as the BAR's table says */
    serial->told = false;
    settle(serial);
    return value;
}

static void serial_write(struct ioreqd_device *device, void *state, unsigned bar, uint64_t offset, unsigned size,
                         uint64_t value)
{
    struct serial *serial = state;
    struct uart *uart = &serial->uart;
    bool transmitter = uart_is_transmitter(uart, (unsigned)offset);
    uint64_t lost = uart->lost;

    (void)bar;
    (void)size;
    if (!transmitter) {
        serial->told = false;
    }
    uart_write(uart, (unsigned)offset, (uint8_t)value);
    if (transmitter && uart->lost != lost) {
        host->guest_error(device, "a byte was written to a transmitter that is full");
    }
    settle(serial);
}

/* ------------------------------------------------------------------------------------------------------------------
 * The device
 */

static void stop(struct serial *serial)
{
    host->timer_set(serial->timeout, 0);
    host->timer_set(serial->shift, 0);
    serial->timeout_set = false;
    want(serial, 0);
}

static void destroy(struct ioreqd_device *device, void *state)
{
    struct serial *serial = state;

    (void)device;
    if (serial->timeout != NULL) {
        host->timer_destroy(serial->timeout);
        serial->timeout = NULL;
    }
    if (serial->shift != NULL) {
        host->timer_destroy(serial->shift);
        serial->shift = NULL;
    }
}

static int create(struct ioreqd_device *device, void *state, struct ioreqd_description *description)
{
    struct serial *serial = state;
    struct ioreqd_loop *loop = host->main_loop(device);
    int error;

    (void)description;
    serial->device = device;
    serial->cause = UART_NO_CAUSE;
    serial->line = -1;
    serial->quiet = true; /* until the first reset */
    uart_reset(&serial->uart);
    error = host->timer_create(device, loop, on_timeout, serial, &serial->timeout);
    if (error == 0) {
        error = host->timer_create(device, loop, on_shifted, serial, &serial->shift);
    }
    if (error == 0 && serial->property_stream != NULL) {
        error = host->stream_watch(device, loop, serial->property_stream, on_stream, serial);
    }
    if (error != 0) {
        destroy(device, serial);
    }
    return error;
}

/* Bytes that were not sent are lost with the transmitter's FIFO. */
static void reset(struct ioreqd_device *device, void *state, enum ioreqd_reset_kind kind)
{
    struct serial *serial = state;

    (void)device;
    (void)kind;
    stop(serial);
    follow_peer(serial);
    uart_reset(&serial->uart);
    serial->shifted_at = 0;
    serial->full = false;
    serial->cause = UART_NO_CAUSE;
    serial->rose = false;
    serial->told = false;
    serial->line = -1;
    serial->quiet = false;
    settle(serial);
}

/* Nothing is ever in flight. Bytes that wait to be sent are in the registers. */
static void quiesce(struct ioreqd_device *device, void *state)
{
    struct serial *serial = state;

    serial->quiet = true;
    stop(serial);
    host->quiesced(device);
}

static void resume(struct ioreqd_device *device, void *state)
{
    struct serial *serial = state;

    (void)device;
    serial->quiet = false;
    serial->full = false; /* found out anew */
    follow_peer(serial);
    settle(serial);
}

/* Edges before the change went to nobody. */
static void interrupt_mode(struct ioreqd_device *device, void *state, enum ioreqd_interrupt_mode mode)
{
    struct serial *serial = state;

    (void)device;
    (void)mode;
    serial->line = -1;
    serial->rose = true;
    serial->told = false;
    tell_guest(serial);
}

/* ------------------------------------------------------------------------------------------------------------------
 * What it says of itself
 */

static const struct ioreqd_description description = {
    .struct_size = sizeof(description),
    .vendor = 0x9710,
    .device = 0x9900,
    .subsystem_vendor = 0xa000,
    .subsystem = 0x1000,
    .class_code = {0x07, 0x00, 0x02}, /* communication, serial, 16550 */
    .intx = 1,
    .bar = {{.kind = IOREQD_BAR_IO, .min_access = 1, .max_access = 1, .size = BAR_BYTES}},
    .msi = 1,
};

static const struct ioreqd_property properties[] = {
    {.name = "stream",
     .fallback = "pty",
     .help = "its line: pty, pty:LINK, unix:PATH, file:PATH or none",
     .kind = IOREQD_PROPERTY_STREAM,
     .offset = offsetof(struct serial, property_stream)},
    {.name = "pace",
     .fallback = "off",
     .help = "send no faster than the baud rate that the guest has set",
     .kind = IOREQD_PROPERTY_BOOL,
     .offset = offsetof(struct serial, property_pace)},
    {.name = NULL},
};

#define FIELD(number, member, elements)                                                                                \
    {                                                                                                                  \
        .tag = (number), .kind = IOREQD_FIELD_U8, .since = 1, .offset = offsetof(struct serial, uart.member),          \
        .count = (elements)                                                                                            \
    }

static const struct ioreqd_field fields[] = {
    FIELD(1, interrupt_enable, 1),
    FIELD(2, fifo_control, 1),
    FIELD(3, line_control, 1),
    FIELD(4, modem_control, 1),
    FIELD(5, line_errors, 1),
    FIELD(6, modem_inputs, 1),
    FIELD(7, modem_lines, 1),
    FIELD(8, modem_deltas, 1),
    FIELD(9, scratch, 1),
    FIELD(10, divisor, 2),
    FIELD(11, empty_pending, 1),
    FIELD(12, timeout, 1),
    FIELD(13, shifting, 1),
    FIELD(14, shift, 1),
    FIELD(15, received.byte, UART_FIFO),
    FIELD(16, received.error, UART_FIFO),
    FIELD(17, received.count, 1),
    FIELD(18, to_send.byte, UART_FIFO),
    FIELD(19, to_send.count, 1),
    {.tag = 0},
};

static const struct ioreqd_counter counters[] = {
    {.name = "bytes-from-guest", .unit = "bytes", .offset = offsetof(struct serial, bytes_from_guest)},
    {.name = "bytes-to-guest", .unit = "bytes", .offset = offsetof(struct serial, bytes_to_guest)},
    {.name = "bytes-lost", .unit = "bytes", .offset = offsetof(struct serial, bytes_lost)},
    {.name = "overruns", .unit = "bytes", .offset = offsetof(struct serial, overruns)},
    {.name = NULL},
};

static const struct ioreqd_model model = {
    .struct_size = sizeof(model),
    .abi = IOREQD_ABI,
    .name = "serial",
    .summary = "PCI card with a 16550A serial port",
    .state_size = sizeof(struct serial),
    .state_version = 1,
    .description = &description,
    .property = properties,
    .field = fields,
    .counter = counters,
    .create = create,
    .destroy = destroy,
    .read = serial_read,
    .write = serial_write,
    .reset = reset,
    .quiesce = quiesce,
    .resume = resume,
    .interrupt_mode = interrupt_mode,
};

const struct ioreqd_model *const *ioreqd_module(const struct ioreqd_host *given)
{
    static const struct ioreqd_model *const models[] = {&model, NULL};

    if (!IOREQD_HAS(given, stream_connected)) {
        return NULL; /* older than streams */
    }
    host = given;
    return models;
}
