/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which ioreqd is meant: its socket, by the domain's number or name, or the only one there is. A program that may not
 * use the socket for those who change something gets the one for those who look.
 */
#ifndef IOREQD_IOREQCTL_FIND_H
#define IOREQD_IOREQCTL_FIND_H

#include "ioreqctl/connection.h"

/* domain: a number or a name; NULL: the only one. NULL with the error. */
struct connection *find_one(const char *folder, const char *domain, struct ctl_error *error);

/* Calls with each that answers, lowest domain first, until call() does not return 0, which it returns then; else 0. */
int find_all(const char *folder, int (*call)(void *context, struct connection *connection), void *context,
             struct ctl_error *error);

/* The sockets at a path: NULL with the error. */
struct connection *find_at(const char *path, struct ctl_error *error);

#endif
