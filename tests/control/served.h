/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of the control sockets share: the whole of ioreqd on a simulated hypervisor with its control sockets in
 * a temporary folder, and clients of these that wait for what they want. The sockets are made and closed on the
 * worker's loop, or while it does not run.
 */
#ifndef TESTS_CONTROL_SERVED_H
#define TESTS_CONTROL_SERVED_H

#include <check.h>

#include "control/control.h"
#include "control/schema.h"
#include "tests/worker/disk.h"

extern struct control *control;
extern char control_path[64], monitor_path[64];

/* A stack with a disk, `disk0`, its driver found and placed, and sockets. */
void served_open(void);
/* Ends all of it; the test fails when something is left behind. */
void served_close(void);
/* Sockets for a stack that does not run yet. */
void served_make_sockets(void);
void served_remove_folder(void);

/* A client. */
struct peer {
    int descriptor;
    char *buffer;
    size_t size, used;
};

void peer_open(struct peer *peer, const char *path);
void peer_close(struct peer *peer);
void peer_send(const struct peer *peer, const char *text);
/* The next line as JSON; NULL: the other side has closed. The test fails when neither comes. */
struct json_object *peer_next(struct peer *peer);
/* The whole answer to a call with parameters as JSON text, or NULL for none. Notifications before it are skipped. */
struct json_object *peer_call(struct peer *peer, const char *method, const char *parameters);
/* The same, of which the result, which fits the schema, is given back; the test fails at an error. */
struct json_object *peer_result(struct peer *peer, const char *method, const char *parameters);
/* The same, of which an error is expected, with this code and text in it. */
void peer_refused(struct peer *peer, const char *method, const char *parameters, int code, const char *text);

struct json_object *get(struct json_object *object, const char *name);
uint64_t get_number(struct json_object *object, const char *name);
const char *get_text(struct json_object *object, const char *name);
/* A device's counter out of the result of stats. */
uint64_t get_counter(struct json_object *stats, const char *name);

TCase *request_tests_of_control(void);
TCase *client_tests(void);
TCase *method_tests(void);
TCase *device_tests(void);
TCase *verb_tests(void);
TCase *socket_tests(void);

#endif
