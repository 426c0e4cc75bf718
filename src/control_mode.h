/* SPDX-License-Identifier: BSD-2-Clause */
/* The control sockets of the program: where they are, and what becomes of it when they cannot be had. Main thread. */
#ifndef IOREQD_CONTROL_MODE_H
#define IOREQD_CONTROL_MODE_H

#include "config/config.h"
#include "control/control.h"
#include "hypervisor/toolstack.h"

struct control_mode {
    struct control *control; /* NULL: there is none */
    char path[128];          /* of the sockets, where they are not configured */
    char monitor_path[128];
    char name[128]; /* the domain's */
};

/*
 * 0, or -1 with the error: a socket that was asked for cannot be had. Without those that nobody asked for the guest is
 * served all the same, and a warning says so.
 */
int control_mode_start(struct control_mode *mode, const struct config *config, struct worker *worker,
                       struct toolstack *toolstack, unsigned server, struct config_error *error);
/* Before the worker is destroyed; may be called without a start, and again. */
void control_mode_stop(struct control_mode *mode);

#endif
