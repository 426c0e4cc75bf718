/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets of the fuzzing host, see fuzz_host.h: real pairs, whose far ends the input has written to, read and closed.
 * Nobody comes while the device is quiet, but what was connected before may say something then. One thread.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fuzz/fuzz_host.h"

#define FARS (sizeof(((struct ioreqd_sockets *)NULL)->far) / sizeof(int))

struct ioreqd_sockets *fuzz_sockets_open(struct ioreqd_device *device)
{
    struct ioreqd_sockets *sockets = calloc(1, sizeof(*sockets));

    sockets->device = device;
    sockets->next = device->sockets;
    memset(sockets->far, 0xff, sizeof(sockets->far));
    device->sockets = sockets;
    return sockets;
}

void fuzz_sockets_close(struct ioreqd_sockets *sockets)
{
    for (unsigned i = 0; i < FARS; i++) {
        if (sockets->far[i] >= 0) {
            close(sockets->far[i]);
        }
    }
    free(sockets);
}

/* The near end of a new pair, or -1. */
static int make_pair(struct ioreqd_sockets *sockets)
{
    int pair[2], *far = &sockets->far[sockets->next_far++ % FARS];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
        return -1;
    }
    if (*far >= 0) {
        close(*far);
    }
    *far = pair[1];
    return pair[0];
}

int fuzz_sockets_listen(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_sockets *sockets,
                        void (*came)(void *argument, int descriptor), void *argument)
{
    fuzz_entered(device, "sockets_listen");
    if (device->phase != FUZZ_CREATING || sockets->loop != NULL) {
        fuzz_violation("sockets_listen: outside of create(), or the second time");
    }
    if (fuzz_take_back(&device->input) == 0xff) {
        return -ENOMEM;
    }
    sockets->loop = loop;
    sockets->came = came;
    sockets->argument = argument;
    return 0;
}

int fuzz_sockets_connect(struct ioreqd_sockets *sockets, const char *suffix)
{
    uint8_t choice = fuzz_take_back(&sockets->device->input);
    int near;

    fuzz_acts(sockets->device, "sockets_connect");
    if (sockets->loop != NULL) {
        fuzz_entered_on(sockets->device, sockets->loop, "sockets_connect");
    }
    if (suffix[0] == 0 ||
        suffix[strspn(suffix, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")] != 0) {
        fuzz_violation("sockets_connect: the suffix %s", suffix);
    }
    near = choice % 8 == 7 ? -1 : make_pair(sockets);
    return near >= 0 ? near : (choice & 8) != 0 ? -EAGAIN : -ECONNREFUSED;
}

bool fuzz_sockets_event(struct ioreqd_device *device, unsigned what)
{
    static const char text[] = "CONNECT 1\n and more";
    struct ioreqd_sockets *sockets = device->sockets;
    int *far, near;

    if (sockets == NULL || sockets->loop == NULL) {
        return false;
    }
    far = &sockets->far[what % FARS];
    switch (what / FARS % 4) {
    case 0:
        near = make_pair(sockets);
        if (near >= 0) {
            fuzz_begin_call(device, sockets->loop);
            sockets->came(sockets->argument, near);
            fuzz_end_call(device);
        }
        break;
    case 1:
        (void)!send(*far, text, 1 + what % (sizeof(text) - 1), MSG_NOSIGNAL);
        break;
    case 2:
        (void)!send(*far, text, 10, MSG_NOSIGNAL);
        break;
    default:
        if (*far >= 0) {
            close(*far);
            *far = -1;
        }
        break;
    }
    return true;
}
