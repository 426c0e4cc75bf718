/* SPDX-License-Identifier: BSD-2-Clause */
/* An NBD server for tests, see nbd_server.h. The protocol's fixed newstyle; numbers are big-endian on the wire. */
#define _GNU_SOURCE
#include "tests/device/nbd_server.h"

#include <check.h>
#include <endian.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MAGIC           UINT64_C(0x4e42444d41474943) /* NBDMAGIC */
#define OPTION_MAGIC    UINT64_C(0x49484156454f5054) /* IHAVEOPT */
#define REPLY_MAGIC     UINT64_C(0x0003e889045565a9)
#define REQUEST_MAGIC   0x25609513u
#define SIMPLE_MAGIC    0x67446698u
#define OPTION_ABORT    2u
#define OPTION_GO       7u
#define REPLY_ACK       1u
#define REPLY_INFO      3u
#define REPLY_UNKNOWN   0x80000001u
#define INFO_EXPORT     0
#define INFO_BLOCK_SIZE 3
#define LARGEST         (32u << 20)
#define PREFERRED_BLOCK 4096u
#define DEFERRED        16u /* flushes at most */
#define LOOK            5   /* milliseconds, while there are some */

enum command { COMMAND_READ, COMMAND_WRITE, COMMAND_DISCONNECT, COMMAND_FLUSH, COMMAND_TRIM, COMMAND_ZEROES = 6 };

uint8_t *nbd_server_image;
atomic_uint nbd_server_silent, nbd_server_error, nbd_server_error_of;
atomic_bool nbd_server_defers;
atomic_uint nbd_server_reads, nbd_server_writes, nbd_server_flushes, nbd_server_trims, nbd_server_zeroes;
atomic_uint nbd_server_received;

static uint8_t *stable; /* as of the last flush */
static struct nbd_server_options export;
static struct sockaddr_un address;
static struct sockaddr_in internet; /* port 0: none yet */
static int listener;
static atomic_int client;
static atomic_bool stopping;
static pthread_t thread;
static uint64_t deferred[DEFERRED]; /* cookies */
static unsigned deferred_count;

static bool get(int fd, void *to, size_t length)
{
    return length == 0 || recv(fd, to, length, MSG_WAITALL) == (ssize_t)length;
}

static bool put(int fd, const void *from, size_t length)
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

    return put(fd, &reply, sizeof(reply)) && put(fd, data, length);
}

static bool tell_export(int fd)
{
    struct {
        uint16_t type;
        uint64_t size;
        uint16_t flags;
    } __attribute__((packed))
    about = {htobe16(INFO_EXPORT), htobe64(export.size), htobe16((uint16_t)(1u | export.abilities))};
    struct {
        uint16_t type;
        uint32_t minimum, preferred, maximum;
    } __attribute__((packed))
    blocks = {htobe16(INFO_BLOCK_SIZE), htobe32(export.minimum_block), htobe32(PREFERRED_BLOCK), htobe32(LARGEST)};

    return reply_to_option(fd, OPTION_GO, REPLY_INFO, &about, sizeof(about)) &&
           (export.minimum_block == 0 || reply_to_option(fd, OPTION_GO, REPLY_INFO, &blocks, sizeof(blocks))) &&
           reply_to_option(fd, OPTION_GO, REPLY_ACK, NULL, 0);
}

static bool negotiate(int fd)
{
    struct {
        uint64_t magic, option_magic;
        uint16_t flags;
    } __attribute__((packed)) hello = {htobe64(MAGIC), htobe64(OPTION_MAGIC), htobe16(3)};
    uint32_t flags;

    if (!put(fd, &hello, sizeof(hello)) || !get(fd, &flags, sizeof(flags))) {
        return false;
    }
    for (;;) {
        struct {
            uint64_t magic;
            uint32_t option, length;
        } __attribute__((packed)) option;
        uint8_t data[4096];

        if (!get(fd, &option, sizeof(option)) || be32toh(option.length) > sizeof(data) ||
            !get(fd, data, be32toh(option.length))) {
            return false;
        }
        if (be32toh(option.option) == OPTION_GO) {
            return tell_export(fd);
        }
        if (be32toh(option.option) == OPTION_ABORT ||
            !reply_to_option(fd, be32toh(option.option), REPLY_UNKNOWN, NULL, 0)) {
            return false;
        }
    }
}

static void perform(enum command command, uint64_t offset, uint32_t length, const uint8_t *data)
{
    switch (command) {
    case COMMAND_READ:
        atomic_fetch_add(&nbd_server_reads, 1);
        break;
    case COMMAND_WRITE:
        memcpy(nbd_server_image + offset, data, length);
        atomic_fetch_add(&nbd_server_writes, 1);
        break;
    case COMMAND_FLUSH:
        memcpy(stable, nbd_server_image, export.size);
        atomic_fetch_add(&nbd_server_flushes, 1);
        break;
    case COMMAND_TRIM:
        memset(nbd_server_image + offset, 0xdd, length);
        atomic_fetch_add(&nbd_server_trims, 1);
        break;
    default:
        memset(nbd_server_image + offset, 0, length);
        atomic_fetch_add(&nbd_server_zeroes, 1);
        break;
    }
}

static bool fails(enum command command)
{
    unsigned of = atomic_load(&nbd_server_error_of);

    return atomic_load(&nbd_server_error) != 0 && (of == 0 || (of & (1u << command)) != 0);
}

static bool reply(int fd, uint64_t cookie, uint32_t error)
{
    struct {
        uint32_t magic, error;
        uint64_t cookie;
    } __attribute__((packed)) reply = {htobe32(SIMPLE_MAGIC), htobe32(error), cookie};

    return put(fd, &reply, sizeof(reply));
}

/* Answers the flushes that were deferred, once that is wanted. False: the connection is over. */
static bool catch_up(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    while (deferred_count > 0) {
        if (!atomic_load(&nbd_server_defers)) {
            if (!reply(fd, deferred[--deferred_count], 0)) {
                return false;
            }
        } else if (poll(&ready, 1, LOOK) != 0) {
            return true;
        }
    }
    return true;
}

static bool serve_one(int fd, uint8_t *data)
{
    struct {
        uint32_t magic;
        uint16_t flags, type;
        uint64_t cookie, offset;
        uint32_t length;
    } __attribute__((packed)) request;
    enum command command;
    uint64_t offset;
    uint32_t length, error;

    if (!catch_up(fd) || !get(fd, &request, sizeof(request)) || be32toh(request.magic) != REQUEST_MAGIC) {
        return false;
    }
    command = (enum command)be16toh(request.type);
    offset = be64toh(request.offset);
    length = be32toh(request.length);
    if (command == COMMAND_DISCONNECT || offset > export.size || length > export.size - offset ||
        (command <= COMMAND_WRITE && length > LARGEST) || (command == COMMAND_WRITE && !get(fd, data, length))) {
        return false;
    }
    atomic_fetch_add(&nbd_server_received, 1);
    error = fails(command) ? atomic_load(&nbd_server_error) : 0;
    if (error == 0 && atomic_load(&nbd_server_silent) < 2) {
        perform(command, offset, length, data);
    }
    if (command == COMMAND_FLUSH && error == 0 && atomic_load(&nbd_server_defers) && deferred_count < DEFERRED) {
        deferred[deferred_count++] = request.cookie;
        return true;
    }
    if (atomic_load(&nbd_server_silent) != 0) {
        return true;
    }
    return reply(fd, request.cookie, error) &&
           (command != COMMAND_READ || error != 0 || put(fd, nbd_server_image + offset, length));
}

static void *thread_main(void *argument)
{
    uint8_t *data = malloc(LARGEST);

    (void)argument;
    while (!atomic_load(&stopping)) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

        if (fd < 0) {
            break;
        }
        atomic_store(&client, fd);
        deferred_count = 0;
        if (!atomic_load(&stopping) && negotiate(fd)) {
            while (serve_one(fd, data)) {
                continue;
            }
        }
        atomic_store(&client, -1);
        close(fd);
    }
    free(data);
    return NULL;
}

static void listen_at_path(const char *path)
{
    address = (struct sockaddr_un){.sun_family = AF_UNIX};
    strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(listener, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void listen_at_port(void)
{
    socklen_t length = sizeof(internet);
    const int on = 1;

    internet.sin_family = AF_INET;
    internet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(listener, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&internet, sizeof(internet)), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&internet, &length), 0);
}

unsigned nbd_server_port(void)
{
    return ntohs(internet.sin_port);
}

void nbd_server_start(const char *path, const struct nbd_server_options *options)
{
    export = *options;
    if (nbd_server_image == NULL) {
        nbd_server_image = calloc(1, 64 << 20);
        stable = calloc(1, 64 << 20);
    }
    if (path != NULL) {
        listen_at_path(path);
    } else {
        listen_at_port();
    }
    ck_assert_int_eq(listen(listener, 4), 0);
    atomic_store(&stopping, false);
    atomic_store(&client, -1);
    ck_assert_int_eq(pthread_create(&thread, NULL, thread_main, NULL), 0);
}

void nbd_server_stop(bool forget)
{
    int fd;

    atomic_store(&stopping, true);
    shutdown(listener, SHUT_RDWR);
    fd = atomic_load(&client);
    if (fd >= 0) {
        shutdown(fd, SHUT_RDWR);
    }
    pthread_join(thread, NULL);
    close(listener);
    if (address.sun_path[0] != '\0') {
        unlink(address.sun_path);
    }
    if (forget) {
        memcpy(nbd_server_image, stable, export.size);
    }
}
