/* SPDX-License-Identifier: BSD-2-Clause */
/* What ioreqctl can be told, as words of its command line. */
#ifndef IOREQD_IOREQCTL_COMMANDS_H
#define IOREQD_IOREQCTL_COMMANDS_H

#include "ioreqctl/connection.h"

struct ctl_options {
    const char *folder; /* where sockets are looked for */
    const char *socket; /* NULL: there */
    const char *domain; /* NULL: the only one */
    bool json;
    unsigned watch; /* seconds between two looks; 0: one */
};

struct command {
    const char *name;
    const char *arguments; /* for people */
    const char *help;
    unsigned least, most; /* arguments */
    bool watches;         /* --watch does something */
    int (*run)(struct ctl_options *options, struct connection *connection, char *const *argument, unsigned count,
               struct ctl_error *error);
};

/* Ends with a NULL name. Besides, there are the verbs of devices. */
extern const struct command command_table[];

/* Runs a command with its arguments: 0, or -1 with the error. */
int command_run(struct ctl_options *options, char *const *argument, unsigned count, struct ctl_error *error);

/* ---- verbs.c ---- */

/* The verb of a device: argument[0] is its name. */
int verb_command(struct ctl_options *options, struct connection *connection, char *const *argument, unsigned count,
                 struct ctl_error *error);

/* Prints a result as JSON. */
int print_json(struct json_object *object, struct ctl_error *error);

#endif
