/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serve FOLDER DOMAIN NAME [MODEL ID [KEY VALUE]]: a guest with a device, a virtio-blk disk0 unless told otherwise, on a
 * simulated hypervisor, with its control sockets in the folder, for ioreqctl to talk to. Says "ready", does what bytes of its
 * standard input ask for, and ends with that. A driver probes the disk; other devices are as the guest finds them.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "control/control.h"
#include "tests/drv/blk.h"
#include "tests/drv/stack.h"

#define MEMORY    (UINT64_C(8) << 20)
#define DRIVER_AT (UINT64_C(1) << 20)

/* 'b': the driver breaks a rule, after which the device does nothing more; 'r': it resets the device. */
static bool act(struct blk *blk, const struct vcpu *vcpu, char what)
{
    const struct virtio_segment outside = {.address = MEMORY + 4096, .length = 64};

    if (what == 'r') {
        return virtio_reset(&blk->virtio, vcpu);
    }
    if (what != 'b') {
        return true;
    }
    if (!blk_start(blk, vcpu, BLK_F_FLUSH, 0) || virtio_queue_add(&blk->queue, &outside, 1, 0) < 0) {
        return false;
    }
    virtio_queue_notify(&blk->queue, vcpu);
    return true;
}

int main(int argc, char **argv)
{
    const struct stack_options options = {.sim = {.memory = MEMORY, .vcpus = 1},
                                          .module = argc >= 6 ? argv[4] : NULL,
                                          .id = argc >= 6 ? argv[5] : NULL,
                                          .key = argc == 8 ? argv[6] : NULL,
                                          .value = argc == 8 ? argv[7] : NULL};
    struct control_options places = {.domain = argc >= 4 ? (unsigned)atoi(argv[2]) : 0, .server = 1};
    char path[100], monitor[100], reason[256], byte;
    struct control *control = NULL;
    struct pci_space space;
    struct stack stack;
    struct vcpu vcpu;
    struct blk blk;
    bool good;

    if (argc != 4 && argc != 6 && argc != 8) {
        fprintf(stderr, "usage: serve FOLDER DOMAIN NAME [MODEL ID [KEY VALUE]]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    snprintf(path, sizeof(path), "%s/%u.sock", argv[1], places.domain);
    snprintf(monitor, sizeof(monitor), "%s/%u.monitor.sock", argv[1], places.domain);
    places.control = path;
    places.monitor = monitor;
    places.name = argv[3];
    good = stack_open(&stack, &options) && stack_serve(&stack);
    if (good) {
        control = control_open(stack.worker, &places, reason, sizeof(reason));
        stack_start_thread(&stack);
        vcpu = stack_vcpu(&stack, 0);
        space = stack_space(&stack);
        good = control != NULL && (argc > 4 || blk_probe(&blk, &vcpu, DRIVER_AT, &space));
    }
    if (good) {
        puts("ready");
        fflush(stdout);
        while (good && read(STDIN_FILENO, &byte, 1) > 0) {
            good = argc > 4 || act(&blk, &vcpu, byte);
        }
    } else {
        fprintf(stderr, "serve: %s\n", control == NULL && stack.error[0] == 0 ? reason : stack.error);
    }
    stack_end(&stack);
    control_close(control);
    return stack_close(&stack) == 0 && good ? 0 : 1;
}
