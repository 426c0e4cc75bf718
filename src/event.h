/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events: what whoever looks after the guest may want to hear of at once, as a link that went down or a disk that is
 * full. Each is a line of the log, and goes to one listener of the process besides, if there is one. As with the log,
 * any thread may tell.
 */
#ifndef IOREQD_EVENT_H
#define IOREQD_EVENT_H

/*
 * source: who it is about, a device's model and id, as in the log; NULL: ioreqd as a whole. name: lower case letters,
 * digits and '-'. json: an object, or NULL.
 */
void event_tell(const char *source, const char *name, const char *json);

/*
 * Has listen() called with each event, on the thread that tells of it, one at a time: it must not block, and tell of no
 * event. NULL ends that: once the function has returned nobody is in listen() any more.
 */
void event_listen(void (*listen)(void *context, const char *source, const char *name, const char *json), void *context);

#endif
