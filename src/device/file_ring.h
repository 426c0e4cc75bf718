/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file requests of one loop: gathered during a turn, sent out together at its end, completed on the loop. Through
 * io_uring where it is there and allowed; else by plain system calls, which hold up the queue of this loop alone.
 *
 * Owned by its loop and used on its thread. Pages mapped from a guest refuse direct I/O (they have no struct page
 * that the kernel could pin); files are therefore opened buffered, which copies to and from them.
 */
#ifndef IOREQD_DEVICE_FILE_RING_H
#define IOREQD_DEVICE_FILE_RING_H

#include <stdbool.h>

#include <event2/event.h>

#include "ioreqd/device.h"

struct file_ring;

/* try_uring: false for plain system calls even where io_uring is there. NULL with errno set. */
struct file_ring *file_ring_create(bool try_uring);
/* Whether requests go through io_uring. */
bool file_ring_uses_uring(const struct file_ring *ring);
/* Requests that are under way must have completed. */
void file_ring_destroy(struct file_ring *ring);

/* Calls back on the base when completions wait: then file_ring_acknowledge(), file_ring_turn(). 0 or -errno. */
int file_ring_watch(struct file_ring *ring, struct event_base *base, event_callback_fn callback, void *argument);
void file_ring_acknowledge(struct file_ring *ring);

/* Takes a request on the file with this descriptor; it goes out at the end of the turn. */
void file_ring_submit(struct file_ring *ring, int fd, struct ioreqd_file_request *request);

/* Sends out what was taken and runs the completions that are there. False when there was nothing to do. */
bool file_ring_turn(struct file_ring *ring);

#endif
