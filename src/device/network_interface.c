/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network interfaces by rtnetlink(7), see network_interface.h.
 */
#include "device/network_interface.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TYPE   0x3fffu /* the bits of an attribute's type that are no flags */
#define ANSWER 16384   /* bytes of a message about one interface, by far */
#define ROUNDS 16      /* messages that are read in one turn of the loop */

/* Messages are read and written as bytes: nothing in them need be aligned. */
static size_t aligned(size_t length)
{
    return (length + 3u) & ~(size_t)3u;
}

struct span {
    const uint8_t *at;
    size_t length;
};

/* Takes the first attribute of a row; false: there is none. */
static bool take(struct span *row, unsigned *type, struct span *value)
{
    struct rtattr header;

    if (row->length < sizeof(header)) {
        return false;
    }
    memcpy(&header, row->at, sizeof(header));
    if (header.rta_len < sizeof(header) || header.rta_len > row->length) {
        return false;
    }
    *type = header.rta_type & TYPE;
    *value = (struct span){row->at + sizeof(header), header.rta_len - sizeof(header)};
    if (aligned(header.rta_len) >= row->length) {
        row->length = 0;
    } else {
        row->at += aligned(header.rta_len);
        row->length -= aligned(header.rta_len);
    }
    return true;
}

static uint32_t number(const struct span *value)
{
    uint32_t word = 0;

    if (value->length == 1) {
        return value->at[0];
    }
    memcpy(&word, value->at, value->length < sizeof(word) ? value->length : sizeof(word));
    return word;
}

static void text(const struct span *value, char *to, size_t size)
{
    size_t length = value->length < size - 1 ? value->length : size - 1;

    memcpy(to, value->at, length);
    to[length] = 0;
}

static void take_tun(struct span row, struct network_interface *found)
{
    struct span value;
    unsigned type;

    while (take(&row, &type, &value)) {
        if (type == IFLA_TUN_TYPE) {
            found->is_tap = number(&value) == IFF_TAP;
        } else if (type == IFLA_TUN_MULTI_QUEUE) {
            found->multi_queue = number(&value) != 0;
        } else if (type == IFLA_TUN_NUM_QUEUES || type == IFLA_TUN_NUM_DISABLED_QUEUES) {
            found->queues += number(&value);
        }
    }
}

static void take_info(struct span row, struct network_interface *found)
{
    struct span value, data = {NULL, 0};
    unsigned type;

    while (take(&row, &type, &value)) {
        if (type == IFLA_INFO_KIND) {
            text(&value, found->kind, sizeof(found->kind));
        } else if (type == IFLA_INFO_DATA) {
            data = value;
        }
    }
    if (strcmp(found->kind, "tun") == 0) {
        take_tun(data, found);
    }
}

/* What a message about an interface says; false: it is none. */
static bool parse(const uint8_t *message, size_t length, struct network_interface *found)
{
    struct ifinfomsg info;
    struct span row, value;
    unsigned type;

    if (length < aligned(sizeof(info))) {
        return false;
    }
    memcpy(&info, message, sizeof(info));
    *found = (struct network_interface){.index = (unsigned)info.ifi_index};
    row = (struct span){message + aligned(sizeof(info)), length - aligned(sizeof(info))};
    while (take(&row, &type, &value)) {
        if (type == IFLA_IFNAME) {
            text(&value, found->name, sizeof(found->name));
        } else if (type == IFLA_MTU) {
            found->mtu = number(&value);
        } else if (type == IFLA_CARRIER) {
            found->carrier = number(&value) != 0;
        } else if (type == IFLA_LINKINFO) {
            take_info(value, found);
        }
    }
    found->up = (info.ifi_flags & IFF_UP) != 0 && found->carrier;
    return true;
}

static int open_socket(unsigned groups)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
    int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    int error;

    if (descriptor >= 0 && bind(descriptor, (const struct sockaddr *)&address, sizeof(address)) == 0) {
        return descriptor;
    }
    error = errno;
    if (descriptor >= 0) {
        close(descriptor);
    }
    return -error;
}

/* ---- asking ---- */

static int ask(int descriptor, unsigned index, const char *name)
{
    uint8_t bytes[128] = {0};
    struct ifinfomsg info = {.ifi_index = (int)index};
    struct nlmsghdr header = {.nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST};
    size_t length = sizeof(header) + sizeof(info);

    memcpy(bytes + sizeof(header), &info, sizeof(info));
    if (index == 0) {
        struct rtattr attribute = {.rta_type = IFLA_IFNAME};
        size_t size = strnlen(name, IF_NAMESIZE - 1) + 1;

        attribute.rta_len = (unsigned short)(sizeof(attribute) + size);
        memcpy(bytes + length, &attribute, sizeof(attribute));
        memcpy(bytes + length + sizeof(attribute), name, size - 1);
        length += aligned(attribute.rta_len);
    }
    header.nlmsg_len = (uint32_t)length;
    memcpy(bytes, &header, sizeof(header));
    return send(descriptor, bytes, length, 0) == (ssize_t)length ? 0 : -errno;
}

/* The kernel has answered when sending returns. */
static int understand(int descriptor, struct network_interface *found)
{
    uint8_t bytes[ANSWER];
    ssize_t count = recv(descriptor, bytes, sizeof(bytes), 0);
    struct nlmsghdr header;
    struct nlmsgerr failure;

    if (count < 0) {
        return -errno;
    }
    if ((size_t)count < sizeof(header)) {
        return -EPROTO;
    }
    memcpy(&header, bytes, sizeof(header));
    if (header.nlmsg_type == NLMSG_ERROR && (size_t)count >= sizeof(header) + sizeof(failure)) {
        memcpy(&failure, bytes + sizeof(header), sizeof(failure));
        return failure.error < 0 ? failure.error : -EPROTO;
    }
    if (header.nlmsg_type != RTM_NEWLINK || !parse(bytes + sizeof(header), (size_t)count - sizeof(header), found)) {
        return -EPROTO;
    }
    return 0;
}

int network_interface_find(unsigned index, const char *name, struct network_interface *found)
{
    int descriptor = open_socket(0);
    int rc = descriptor;

    if (descriptor >= 0) {
        rc = ask(descriptor, index, name);
        rc = rc == 0 ? understand(descriptor, found) : rc;
        close(descriptor);
    }
    return rc;
}

/* ---- listening ---- */

int network_interface_listen(void)
{
    return open_socket(RTMGRP_LINK);
}

static bool is_about(const uint8_t *bytes, size_t count, unsigned index, const char *name)
{
    struct network_interface found;
    struct nlmsghdr header;

    while (count >= sizeof(header)) {
        size_t length;

        memcpy(&header, bytes, sizeof(header));
        length = header.nlmsg_len;
        if (length < sizeof(header) || length > count) {
            return true;
        }
        if (parse(bytes + sizeof(header), length - sizeof(header), &found) &&
            (found.index == index || strcmp(found.name, name) == 0)) {
            return true;
        }
        length = aligned(length) < count ? aligned(length) : count;
        bytes += length;
        count -= length;
    }
    return false;
}

bool network_interface_heard(int descriptor, unsigned index, const char *name)
{
    uint8_t bytes[ANSWER];
    bool heard = false;

    for (unsigned i = 0; i < ROUNDS; i++) {
        ssize_t count = recv(descriptor, bytes, sizeof(bytes), MSG_TRUNC);

        if (count < 0 && errno == EAGAIN) {
            break;
        }
        /* Any error, as of too many messages, means that some were lost. */
        if (count < 0 || (size_t)count > sizeof(bytes) || is_about(bytes, (size_t)count, index, name)) {
            heard = true;
        }
    }
    return heard;
}
