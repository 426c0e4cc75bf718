/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device of the model serial, as its files see it: a UART between the guest, who reaches its registers (serial.c),
 * and the world, that is its line, time and interrupts (port.c). All of it is used on the main loop of the device.
 */
#ifndef IOREQD_DEVICES_SERIAL_SERIAL_H
#define IOREQD_DEVICES_SERIAL_SERIAL_H

#include <ioreqd/device.h>
#include <stdbool.h>

#include "uart.h"

struct serial {
    const struct ioreqd_host *host;
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
    struct ioreqd_timer *rest;  /* end of the guest's time for other work, see port_settle() */
    bool resting;
    uint64_t served_at;    /* since when the guest has bytes to fetch; 0: it has none */
    uint8_t unfetched;     /* how many those were when it was last looked */
    bool fetching;         /* it has begun to fetch them */
    unsigned cause;        /* enum uart_cause, when it was last looked at */
    bool rose;             /* there was an edge since the host was last told */
    bool told;             /* of an edge that the guest has not looked for yet */
    int line;              /* the level that the host knows; -1: none */
    bool quiet;            /* nothing is moved */
    uint64_t counted_lost; /* of those in uart */
    uint64_t counted_overruns;

    _Atomic uint64_t bytes_from_guest;
    _Atomic uint64_t bytes_to_guest;
    _Atomic uint64_t bytes_lost;
    _Atomic uint64_t overruns;
};

/* Does what the registers ask for, and tells the guest: from the registers alone, so a successor goes on with it. */
void port_settle(struct serial *serial);
/* Tells the guest of the present cause once more: who heard of it before may not be who listens now. */
void port_tell_again(struct serial *serial);
/* Looks who is at the other end. */
void port_follow_peer(struct serial *serial);
/* Nothing is waited for any more, until it is settled again. */
void port_stop(struct serial *serial);

/* What the host calls. */
void port_on_stream(void *argument, unsigned events);
void port_on_timeout(void *argument);
void port_on_shifted(void *argument);
void port_on_rested(void *argument);

#endif
