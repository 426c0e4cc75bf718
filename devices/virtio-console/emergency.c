/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Emergency output, see console.h: bytes that the driver writes to the device configuration at any time, be its queues in
 * ruins (virtio 1.4 §5.3.5). They go to port 0's stream, ahead of what its queue holds, and to the log, line by line,
 * where nobody is at the other end. The stream is the queues' loop's, so they pass a small ring; what finds it full is
 * lost.
 */
#include "console.h"

void emergency_write(struct console *console, uint8_t byte)
{
    unsigned head = atomic_load_explicit(&console->urgent.head, memory_order_relaxed);

    console_count(&console->bytes_from_guest, 1);
    if (head - atomic_load_explicit(&console->urgent.tail, memory_order_acquire) == EMERGENCY_BYTES) {
        console_count(&console->bytes_lost, 1);
        return;
    }
    console->urgent.byte[head % EMERGENCY_BYTES] = byte;
    atomic_store_explicit(&console->urgent.head, head + 1, memory_order_release);
    console->host->post(console->host->queue_loop(console->device, 0), &console->emergency);
}

static void log_byte(struct console *console, uint8_t byte)
{
    bool end = byte == '\n' || byte == '\r';

    if (!end) {
        console->line[console->line_length++] = (char)(byte >= ' ' && byte < 0x7f ? byte : '?');
    }
    if ((end && console->line_length != 0) || console->line_length == LINE_BYTES) {
        console->line[console->line_length] = 0;
        console->line_length = 0;
        console->host->log(console->device, IOREQD_LOG_WARNING, "emergency output of the guest: %s", console->line);
    }
}

void emergency_flush(void *argument)
{
    struct console *console = argument;
    struct port *port = &console->port[0];
    unsigned tail = atomic_load_explicit(&console->urgent.tail, memory_order_relaxed);

    while (!console->quiet && tail != atomic_load_explicit(&console->urgent.head, memory_order_acquire)) {
        uint8_t byte = console->urgent.byte[tail % EMERGENCY_BYTES];

        if (!port_connected(port)) {
            log_byte(console, byte);
        } else if (console->host->stream_write(port->property_stream, &byte, 1) == 0) {
            port_want(port, IOREQD_WRITABLE);
            return;
        }
        atomic_store_explicit(&console->urgent.tail, ++tail, memory_order_release);
    }
}
