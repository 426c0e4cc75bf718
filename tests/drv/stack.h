/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole of ioreqd but its command line, on a simulated hypervisor: worker, bridge, device layer, and one device,
 * by default a virtio-blk from its real module on an image in a temporary folder. Opened and closed by the test's main
 * thread; the worker's loop runs on a thread of its own.
 */
#ifndef TESTS_DRV_STACK_H
#define TESTS_DRV_STACK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "device/module.h"
#include "tests/drv/pci.h"
#include "tests/drv/vcpu.h"
#include "worker/recorder_file.h"
#include "worker/worker.h"

#define STACK_FUNCTION (1u << 3)

/*
 * Where the device sits. The worker's users see no difference, and the same tests run over all of them: the host
 * bridge that is always there; the same, with the device's queues on the main loop instead of on two threads; a root port
 * of it; a host bridge with ECAM and apertures in a segment of its own, a root port of that; the last of four such host
 * bridges, whose addresses on the bus are not the processor's.
 */
enum stack_layout {
    STACK_PORTS,
    STACK_MAIN_LOOP,
    STACK_ROOT_PORT,
    STACK_ECAM,
    STACK_ECAM_ROOT_PORT,
    STACK_FOURTH,
    STACK_LAYOUTS
};

/* What stack_open() takes where its options do not say; STACK_PORTS at the beginning. */
extern enum stack_layout stack_default_layout;

struct stack_options {
    enum stack_layout layout; /* STACK_PORTS: stack_default_layout */
    struct sim_options sim;
    uint64_t sectors;                 /* of the image; 0: 2048 */
    const struct ioreqd_model *model; /* instead of the module's; gets an image too if it needs a file */
    const char *module;               /* instead of virtio-blk; NULL: that */
    const char *key, *value;          /* one more property, or NULL */
    const char *id;                   /* NULL: disk0 */
    const char *bus;                  /* host bridge or port; NULL: the one that is always there */
    uint8_t devfn;                    /* 0: STACK_FUNCTION */
    const char *file;                 /* instead of an image that is made; NULL: that */
    const char *record;               /* file for a recording, or NULL */
};

struct stack {
    struct hypervisor *sim;
    struct hypervisor_ops ops; /* the simulation's, but it is not closed before it was looked at */
    const struct hypervisor_ops *sim_ops;
    struct module *module;
    struct worker *worker;
    struct recorder_file *recording; /* NULL: none */
    struct ioreqd_device *device;
    struct ioreqd_work end;
    bool guest_gone; /* what worker_end() is told */
    bool rested;     /* what worker_run() returned */
    bool running;
    pthread_t thread;
    enum stack_layout layout;
    char folder[32];
    char image[64];
    char error[1024];
};

/* A vCPU of the guest that reaches the device's configuration space, and where BARs can be placed. */
struct vcpu stack_vcpu(const struct stack *stack, unsigned index);
struct pci_space stack_space(const struct stack *stack);

/* Makes all of it; nothing is served before stack_run(). False with the error. */
bool stack_open(struct stack *stack, const struct stack_options *options);
/* Places the devices, without running. False with the error. */
bool stack_serve(struct stack *stack);
/* Places the devices and runs the loop. False with the error. */
bool stack_run(struct stack *stack);
/* Runs the loop after stack_serve(). */
void stack_start_thread(struct stack *stack);

/* Has the worker end, and waits for it. */
void stack_end(struct stack *stack);
/* Only asks it to. */
void stack_ask_end(struct stack *stack);
/* Ends it if it runs and frees all. Returns how many violations, mappings and lost answers were left behind. */
unsigned stack_close(struct stack *stack);

#endif
