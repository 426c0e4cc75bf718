/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program of network_tap_steering.c, which the kernel runs: put together on the main thread, from a constant table.
 */
#ifndef IOREQD_DEVICE_NETWORK_TAP_STEERING_PROGRAM_H
#define IOREQD_DEVICE_NETWORK_TAP_STEERING_PROGRAM_H

#include <linux/bpf.h>

#define TAP_STEERING_INSNS 512u /* it has fewer */

/* The program as the kernel wants it, for a map whose one element is a struct steering; returns how many instructions. */
unsigned tap_steering_assemble(struct bpf_insn insns[TAP_STEERING_INSNS], int map);

#endif
