/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program by which a tap picks the queue of a packet for the guest (TUNSETSTEERINGEBPF, Linux 4.16), and its map;
 * network_tap_steering_program.c has its instructions. The kernel runs it for every packet, on whatever processor sends
 * it; what it looks at is the one element of a map that is also in memory of ours, and is written there, on the main
 * thread: no call is needed for that later, whatever rights are left then. A packet that comes while it is written may
 * go to a queue that neither the old nor the new table means for it; the kernel keeps it to queues that there are.
 */
#include "device/network_tap_steering.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_tun.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "device/network_tap_steering_program.h"

struct tap_steering {
    int map;
    int program;
    struct steering *shared; /* with the kernel */
};

static int bpf(int command, union bpf_attr *attributes)
{
    long rc = syscall(SYS_bpf, command, attributes, sizeof(*attributes));

    return rc >= 0 ? (int)rc : -errno;
}

static int create_map(void)
{
    union bpf_attr attributes;

    memset(&attributes, 0, sizeof(attributes));
    attributes.map_type = BPF_MAP_TYPE_ARRAY;
    attributes.key_size = sizeof(uint32_t);
    attributes.value_size = sizeof(struct steering);
    attributes.max_entries = 1;
    attributes.map_flags = BPF_F_MMAPABLE;
    memcpy(attributes.map_name, "ioreqd_rss", sizeof("ioreqd_rss"));
    return bpf(BPF_MAP_CREATE, &attributes);
}

static int load_program(int map)
{
    struct bpf_insn insns[TAP_STEERING_INSNS];
    union bpf_attr attributes;

    memset(&attributes, 0, sizeof(attributes));
    attributes.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
    attributes.insn_cnt = tap_steering_assemble(insns, map);
    attributes.insns = (uint64_t)(uintptr_t)insns;
    attributes.license = (uint64_t)(uintptr_t) "BSD";
    memcpy(attributes.prog_name, "ioreqd_rss", sizeof("ioreqd_rss"));
    return bpf(BPF_PROG_LOAD, &attributes);
}

int tap_steering_open(struct tap_steering **opened)
{
    struct tap_steering *steering = calloc(1, sizeof(*steering));
    void *shared;
    int rc;

    *opened = NULL;
    if (steering == NULL) {
        return -ENOMEM;
    }
    steering->program = -1;
    rc = steering->map = create_map();
    if (rc < 0) {
        goto fail;
    }
    shared = mmap(NULL, sizeof(struct steering), PROT_READ | PROT_WRITE, MAP_SHARED, steering->map, 0);
    if (shared == MAP_FAILED) {
        rc = -errno;
        goto fail;
    }
    steering->shared = shared;
    rc = steering->program = load_program(steering->map);
    if (rc < 0) {
        goto fail;
    }
    *opened = steering;
    return 0;

fail:
    tap_steering_close(steering);
    return rc;
}

void tap_steering_close(struct tap_steering *steering)
{
    if (steering == NULL) {
        return;
    }
    if (steering->shared != NULL) {
        munmap(steering->shared, sizeof(*steering->shared));
    }
    if (steering->program >= 0) {
        close(steering->program);
    }
    if (steering->map >= 0) {
        close(steering->map);
    }
    free(steering);
}

void tap_steering_set(struct tap_steering *steering, const struct ioreqd_network_steering *wanted)
{
    steering_fill(steering->shared, wanted);
}

int tap_steering_program(const struct tap_steering *steering)
{
    return steering->program;
}

int tap_steer(int descriptor, const struct tap_steering *steering)
{
    int program = steering != NULL ? steering->program : -1;

    return ioctl(descriptor, TUNSETSTEERINGEBPF, &program) == 0 ? 0 : -errno;
}
