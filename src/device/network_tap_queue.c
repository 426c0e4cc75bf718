/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queues and offloads of a tap, by the calls of /dev/net/tun, see network_tap.h. Any thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device/network_tap.h"

/* Linux 6.2; absent from older headers. The kernel takes both together only. */
#define OFFLOAD_USO (0x20u | 0x40u)

/* ---- descriptors ---- */

static int attach_queue(int descriptor, const char *name, bool multi_queue)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
    int header = IOREQD_NETWORK_HEADER, little_endian = 1;

    if (multi_queue) {
        request.ifr_flags |= IFF_MULTI_QUEUE;
    }
    memcpy(request.ifr_name, name, strlen(name) + 1);
    return ioctl(descriptor, TUNSETIFF, &request) == 0 && ioctl(descriptor, TUNSETVNETHDRSZ, &header) == 0 &&
                   ioctl(descriptor, TUNSETVNETLE, &little_endian) == 0
               ? 0
               : -errno;
}

int tap_open_queue(const char *name, bool multi_queue)
{
    int descriptor = open(TAP_CONTROL, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    int rc;

    if (descriptor < 0) {
        return -errno;
    }
    rc = attach_queue(descriptor, name, multi_queue);
    if (rc != 0) {
        close(descriptor);
        return rc;
    }
    return descriptor;
}

int tap_use_queue(int descriptor, bool use)
{
    struct ifreq request = {.ifr_flags = use ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE};

    return ioctl(descriptor, TUNSETQUEUE, &request) == 0 ? 0 : -errno;
}

void tap_close(int descriptor)
{
    if (descriptor >= 0) {
        close(descriptor);
    }
}

/* ---- offloads ---- */

/* As the kernel has it: nothing without checksums, and ECN as an addition to TSO. */
static unsigned kernel_offloads(uint32_t offloads)
{
    unsigned flags = 0;

    if ((offloads & IOREQD_NETWORK_CHECKSUM) == 0) {
        return 0;
    }
    flags |= TUN_F_CSUM;
    flags |= (offloads & IOREQD_NETWORK_TSO4) != 0 ? TUN_F_TSO4 : 0;
    flags |= (offloads & IOREQD_NETWORK_TSO6) != 0 ? TUN_F_TSO6 : 0;
    flags |= (offloads & IOREQD_NETWORK_UFO) != 0 ? TUN_F_UFO : 0;
    flags |= (offloads & IOREQD_NETWORK_USO) != 0 ? OFFLOAD_USO : 0;
    if ((flags & (TUN_F_TSO4 | TUN_F_TSO6)) != 0 && (offloads & IOREQD_NETWORK_ECN) != 0) {
        flags |= TUN_F_TSO_ECN;
    }
    return flags;
}

int tap_offer(int descriptor, uint32_t offloads)
{
    return ioctl(descriptor, TUNSETOFFLOAD, (unsigned long)kernel_offloads(offloads)) == 0 ? 0 : -errno;
}

uint32_t tap_probe_offloads(int descriptor)
{
    static const uint32_t more[] = {IOREQD_NETWORK_TSO4, IOREQD_NETWORK_TSO6, IOREQD_NETWORK_ECN, IOREQD_NETWORK_UFO,
                                    IOREQD_NETWORK_USO};
    uint32_t offloads = IOREQD_NETWORK_CHECKSUM;

    if (tap_offer(descriptor, offloads) != 0) {
        return 0;
    }
    for (unsigned i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        if (tap_offer(descriptor, offloads | more[i]) == 0) {
            offloads |= more[i];
        }
    }
    tap_offer(descriptor, 0);
    return offloads;
}
