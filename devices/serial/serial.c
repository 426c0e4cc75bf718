/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serial: a PCI card with one serial port, a 16550A (uart.h), whose line is a stream of the host (port.c). All of it
 * runs on the main loop of the device. Here are the registers, its life, and what it says of itself.
 *
 * The ids are those of a MosChip MCS9900 with one port. Drivers take any 16550 on a PCI card by its class, but Linux
 * uses MSI with those cards only that it knows to have it working (drivers/tty/serial/8250/8250_pci.c of 6.1:
 * pci_use_msi, which the subsystem ids are part of), and INTx with them where the guest has no MSI. Of these cards the
 * MCS9900 has its port where everybody looks, in I/O space at BAR 0, and Linux touches nothing else of it. The
 * programming interface 2, 16550, tells its driver that there is one port. A guest without PCI's interrupt lines, as a
 * PVH guest is, needs the MSI.
 *
 * OUT2 of the modem control register, which gates the interrupt on an ISA card, does not here: PCI cards share their
 * line by the interrupt enable register alone, and drivers of PCI cards do not all set it.
 */
#include "serial.h"

#include <errno.h>

#define BAR_BYTES 8u

static const struct ioreqd_host *host;

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
    port_settle(serial);
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
    port_settle(serial);
}

/* ------------------------------------------------------------------------------------------------------------------
 * The device
 */

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
    if (serial->rest != NULL) {
        host->timer_destroy(serial->rest);
        serial->rest = NULL;
    }
}

static int create(struct ioreqd_device *device, void *state, struct ioreqd_description *description)
{
    struct serial *serial = state;
    struct ioreqd_loop *loop = host->main_loop(device);
    int error;

    (void)description;
    serial->host = host;
    serial->device = device;
    serial->cause = UART_NO_CAUSE;
    serial->line = -1;
    serial->quiet = true; /* until the first reset */
    uart_reset(&serial->uart);
    error = host->timer_create(device, loop, port_on_timeout, serial, &serial->timeout);
    if (error == 0) {
        error = host->timer_create(device, loop, port_on_shifted, serial, &serial->shift);
    }
    if (error == 0) {
        error = host->timer_create(device, loop, port_on_rested, serial, &serial->rest);
    }
    if (error == 0 && serial->property_stream != NULL) {
        error = host->stream_watch(device, loop, serial->property_stream, port_on_stream, serial);
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
    port_stop(serial);
    port_follow_peer(serial);
    uart_reset(&serial->uart);
    serial->shifted_at = 0;
    serial->full = false;
    serial->cause = UART_NO_CAUSE;
    serial->rose = false;
    serial->told = false;
    serial->line = -1;
    serial->quiet = false;
    port_settle(serial);
}

/* Nothing is ever in flight. Bytes that wait to be sent are in the registers. */
static void quiesce(struct ioreqd_device *device, void *state)
{
    struct serial *serial = state;

    serial->quiet = true;
    port_stop(serial);
    host->quiesced(device);
}

static void resume(struct ioreqd_device *device, void *state)
{
    struct serial *serial = state;

    (void)device;
    serial->quiet = false;
    serial->full = false; /* found out anew */
    port_follow_peer(serial);
    port_settle(serial);
}

static void interrupt_mode(struct ioreqd_device *device, void *state, enum ioreqd_interrupt_mode mode)
{
    (void)device;
    (void)mode;
    port_tell_again(state);
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
