/* SPDX-License-Identifier: BSD-2-Clause */
/* An NBD server for tests, see nbd_server.h: what it does with commands. Numbers are big-endian on the wire. */
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

#include "tests/device/nbd_negotiation.h"

#define REQUEST_MAGIC 0x25609513u
#define SIMPLE_MAGIC  0x67446698u
#define DEFERRED      16u /* flushes at most */
#define HELD          16u /* writes, to be done in another order */
#define LOOK          5   /* milliseconds, while there are some */

enum command { COMMAND_READ, COMMAND_WRITE, COMMAND_DISCONNECT, COMMAND_FLUSH, COMMAND_TRIM, COMMAND_ZEROES = 6 };

struct command_sent {
    enum command command;
    uint64_t cookie, offset;
    uint32_t length;
    uint8_t *data; /* NBD_LARGEST; of a write */
};

uint8_t *nbd_server_image;
atomic_uint nbd_server_silent, nbd_server_error, nbd_server_error_of;
atomic_bool nbd_server_defers, nbd_server_reverses;
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
static struct command_sent held[HELD];
static unsigned held_count;

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

    return nbd_put(fd, &reply, sizeof(reply));
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

static bool receive(int fd, struct command_sent *sent)
{
    struct {
        uint32_t magic;
        uint16_t flags, type;
        uint64_t cookie, offset;
        uint32_t length;
    } __attribute__((packed)) request;

    if (!nbd_get(fd, &request, sizeof(request)) || be32toh(request.magic) != REQUEST_MAGIC) {
        return false;
    }
    sent->command = (enum command)be16toh(request.type);
    sent->cookie = request.cookie;
    sent->offset = be64toh(request.offset);
    sent->length = be32toh(request.length);
    if (sent->command == COMMAND_DISCONNECT || sent->offset > export.size ||
        sent->length > export.size - sent->offset || (sent->command <= COMMAND_WRITE && sent->length > NBD_LARGEST) ||
        (sent->command == COMMAND_WRITE && !nbd_get(fd, sent->data, sent->length))) {
        return false;
    }
    atomic_fetch_add(&nbd_server_received, 1);
    return true;
}

static bool carry_out(int fd, const struct command_sent *sent)
{
    uint32_t error = fails(sent->command) ? atomic_load(&nbd_server_error) : 0;

    if (error == 0 && atomic_load(&nbd_server_silent) < 2) {
        perform(sent->command, sent->offset, sent->length, sent->data);
    }
    if (sent->command == COMMAND_FLUSH && error == 0 && atomic_load(&nbd_server_defers) && deferred_count < DEFERRED) {
        deferred[deferred_count++] = sent->cookie;
        return true;
    }
    if (atomic_load(&nbd_server_silent) != 0) {
        return true;
    }
    return reply(fd, sent->cookie, error) &&
           (sent->command != COMMAND_READ || error != 0 || nbd_put(fd, nbd_server_image + sent->offset, sent->length));
}

/* Does what was held, newest first. */
static bool release(int fd)
{
    bool good = true;

    while (held_count > 0) {
        struct command_sent *sent = &held[--held_count];

        good = good && carry_out(fd, sent);
        free(sent->data);
    }
    return good;
}

/* A copy, to be done later. */
static void hold(const struct command_sent *sent)
{
    held[held_count] = *sent;
    held[held_count].data = malloc(sent->length);
    if (sent->command == COMMAND_WRITE) {
        memcpy(held[held_count].data, sent->data, sent->length);
    }
    held_count++;
}

static bool serve_one(int fd, struct command_sent *sent)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    if (!catch_up(fd)) {
        return false;
    }
    if (held_count == HELD || (held_count > 0 && poll(&ready, 1, LOOK) == 0)) {
        return release(fd);
    }
    if (!receive(fd, sent)) {
        return false;
    }
    if (atomic_load(&nbd_server_reverses) && (sent->command == COMMAND_WRITE || sent->command == COMMAND_ZEROES)) {
        hold(sent);
        return true;
    }
    return release(fd) && carry_out(fd, sent);
}

static void *thread_main(void *argument)
{
    struct command_sent sent = {.data = malloc(NBD_LARGEST)};

    (void)argument;
    while (!atomic_load(&stopping)) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

        if (fd < 0) {
            break;
        }
        atomic_store(&client, fd);
        deferred_count = 0;
        if (!atomic_load(&stopping) && nbd_negotiate(fd, &export)) {
            while (serve_one(fd, &sent)) {
                continue;
            }
        }
        atomic_store(&client, -1);
        while (held_count > 0) {
            free(held[--held_count].data);
        }
        close(fd);
    }
    free(sent.data);
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
