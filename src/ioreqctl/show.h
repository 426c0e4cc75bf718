/* SPDX-License-Identifier: BSD-2-Clause */
/* Results as people read them, to standard output. */
#ifndef IOREQD_IOREQCTL_SHOW_H
#define IOREQD_IOREQCTL_SHOW_H

#include <json-c/json.h>

void show_status(struct json_object *result);
void show_devices(struct json_object *result);
void show_bridges(struct json_object *result);
/* before: an earlier result, some seconds ago, for a column with the rates; NULL: none. */
void show_stats(struct json_object *result, struct json_object *before, double seconds);
void show_log(struct json_object *result);
void show_trace(struct json_object *result);
void show_event(struct json_object *event);
/* What the devices can be told. */
void show_verbs(struct json_object *devices);

/* As text for Prometheus: a list of objects with a "status" and the "stats" of the same ioreqd. */
void show_metrics(struct json_object *all);

#endif
