/* SPDX-License-Identifier: BSD-2-Clause */
/* The protocol's fixed newstyle, see nbd_negotiation.h; numbers are big-endian on the wire. */
#define _GNU_SOURCE
#include "tests/device/nbd_negotiation.h"

#include <endian.h>
#include <stdint.h>
#include <sys/socket.h>

#define MAGIC           UINT64_C(0x4e42444d41474943) /* NBDMAGIC */
#define OPTION_MAGIC    UINT64_C(0x49484156454f5054) /* IHAVEOPT */
#define REPLY_MAGIC     UINT64_C(0x0003e889045565a9)
#define OPTION_ABORT    2u
#define OPTION_GO       7u
#define REPLY_ACK       1u
#define REPLY_INFO      3u
#define REPLY_UNKNOWN   0x80000001u
#define INFO_EXPORT     0
#define INFO_BLOCK_SIZE 3
#define PREFERRED_BLOCK 4096u

bool nbd_get(int fd, void *to, size_t length)
{
    return length == 0 || recv(fd, to, length, MSG_WAITALL) == (ssize_t)length;
}

bool nbd_put(int fd, const void *from, size_t length)
{
    const uint8_t *at = from;

    while (length > 0) {
        ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);

        if (sent <= 0) {
            return false;
        }
        at += sent;
        length -= (size_t)sent;
    }
    return true;
}

static bool reply_to_option(int fd, uint32_t option, uint32_t type, const void *data, uint32_t length)
{
    struct {
        uint64_t magic;
        uint32_t option, type, length;
    } __attribute__((packed)) reply = {htobe64(REPLY_MAGIC), htobe32(option), htobe32(type), htobe32(length)};

    return nbd_put(fd, &reply, sizeof(reply)) && nbd_put(fd, data, length);
}

static bool tell_export(int fd, const struct nbd_server_options *export)
{
    struct {
        uint16_t type;
        uint64_t size;
        uint16_t flags;
    } __attribute__((packed))
    about = {htobe16(INFO_EXPORT), htobe64(export->size), htobe16((uint16_t)(1u | export->abilities))};
    struct {
        uint16_t type;
        uint32_t minimum, preferred, maximum;
    } __attribute__((packed))
    blocks = {htobe16(INFO_BLOCK_SIZE), htobe32(export->minimum_block), htobe32(PREFERRED_BLOCK), htobe32(NBD_LARGEST)};

    return reply_to_option(fd, OPTION_GO, REPLY_INFO, &about, sizeof(about)) &&
           (export->minimum_block == 0 || reply_to_option(fd, OPTION_GO, REPLY_INFO, &blocks, sizeof(blocks))) &&
           reply_to_option(fd, OPTION_GO, REPLY_ACK, NULL, 0);
}

bool nbd_negotiate(int fd, const struct nbd_server_options *export)
{
    struct {
        uint64_t magic, option_magic;
        uint16_t flags;
    } __attribute__((packed)) hello = {htobe64(MAGIC), htobe64(OPTION_MAGIC), htobe16(3)};
    uint32_t flags;

    if (!nbd_put(fd, &hello, sizeof(hello)) || !nbd_get(fd, &flags, sizeof(flags))) {
        return false;
    }
    for (;;) {
        struct {
            uint64_t magic;
            uint32_t option, length;
        } __attribute__((packed)) option;
        uint8_t data[4096];

        if (!nbd_get(fd, &option, sizeof(option)) || be32toh(option.length) > sizeof(data) ||
            !nbd_get(fd, data, be32toh(option.length))) {
            return false;
        }
        if (be32toh(option.option) == OPTION_GO) {
            return tell_export(fd, export);
        }
        if (be32toh(option.option) == OPTION_ABORT ||
            !reply_to_option(fd, be32toh(option.option), REPLY_UNKNOWN, NULL, 0)) {
            return false;
        }
    }
}
