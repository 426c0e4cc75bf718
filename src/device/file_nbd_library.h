/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libnbd, loaded when the first NBD export is opened and not before: with TLS and all else that it brings along, it would
 * double the memory of a process that serves local files. The table is filled once, by the main thread before any loop
 * runs, and only read afterwards.
 */
#ifndef IOREQD_DEVICE_FILE_NBD_LIBRARY_H
#define IOREQD_DEVICE_FILE_NBD_LIBRARY_H

#include <libnbd.h>
#include <stddef.h>

#define NBD_LIBRARY_FUNCTIONS(function)                                                                                \
    function(aio_connect_uri) function(aio_flush) function(aio_get_direction) function(aio_get_fd)                     \
        function(aio_is_closed) function(aio_is_connecting) function(aio_is_dead) function(aio_is_ready)               \
            function(aio_notify_read) function(aio_notify_write) function(aio_pread) function(aio_pwrite)              \
                function(aio_trim) function(aio_zero) function(can_flush) function(can_trim) function(can_zero)        \
                    function(close) function(create) function(get_block_size) function(get_errno) function(get_error)  \
                        function(get_size) function(is_read_only) function(poll) function(set_pread_initialize)

#define NBD_LIBRARY_MEMBER(name) __typeof__(nbd_##name) *name;

struct nbd_library {
    NBD_LIBRARY_FUNCTIONS(NBD_LIBRARY_MEMBER)
};

extern struct nbd_library nbd_library;

/* 0, or -1 with the reason, for people: the library is not there, or older than what this was built with. */
int nbd_library_load(char *reason, size_t size);

#endif
