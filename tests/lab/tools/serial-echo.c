/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For scenarios of the lab, in dom0: the other end of a serial line whose guest sends back what it receives. Connects to
 * the UNIX socket of a serial device, sends BYTES bytes that do not repeat, and compares what comes back, byte for byte.
 *
 *   serial-echo SOCKET BYTES
 *
 * Prints how long it took; ends with 1 at the first byte that is wrong, or when nothing came for half a minute.
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PIECE         4096u
#define PATIENCE      30000 /* milliseconds */
#define SEED          UINT32_C(0x12345678)
#define MAX_IN_FLIGHT 65536u

/* The n-th byte of the line is the n-th of a generator: an omitted or doubled byte is seen at once. */
static uint8_t next_byte(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return (uint8_t)(*state >> 24);
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        perror(path);
        exit(1);
    }
    return fd;
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct line {
    int fd;
    uint64_t bytes, sent, received;
    uint32_t to_send, to_receive; /* states of the generator */
    uint8_t piece[PIECE];
    size_t piece_length, piece_sent;
};

static void send_some(struct line *line)
{
    ssize_t done;

    if (line->piece_sent == line->piece_length) {
        uint64_t left = line->bytes - line->sent;

        line->piece_length = left < PIECE ? (size_t)left : PIECE;
        line->piece_sent = 0;
        for (size_t i = 0; i < line->piece_length; i++) {
            line->piece[i] = next_byte(&line->to_send);
        }
    }
    done = write(line->fd, line->piece + line->piece_sent, line->piece_length - line->piece_sent);
    if (done < 0 && errno != EAGAIN) {
        perror("write");
        exit(1);
    }
    if (done > 0) {
        line->piece_sent += (size_t)done;
        line->sent += (uint64_t)done;
    }
}

static void receive_some(struct line *line)
{
    uint8_t bytes[PIECE];
    ssize_t done = read(line->fd, bytes, sizeof(bytes));

    if (done == 0 || (done < 0 && errno != EAGAIN)) {
        fprintf(stderr, "the line ended after %llu bytes\n", (unsigned long long)line->received);
        exit(1);
    }
    for (ssize_t i = 0; i < done; i++, line->received++) {
        uint8_t wanted = next_byte(&line->to_receive);

        if (bytes[i] != wanted) {
            printf("byte %llu came back as 0x%02x and not as 0x%02x\n", (unsigned long long)line->received, bytes[i],
                   wanted);
            exit(1);
        }
    }
}

int main(int argc, char **argv)
{
    struct line line = {.to_send = SEED, .to_receive = SEED};
    double began = seconds();

    if (argc != 3) {
        fprintf(stderr, "usage: serial-echo SOCKET BYTES\n");
        return 2;
    }
    line.fd = connect_to(argv[1]);
    line.bytes = strtoull(argv[2], NULL, 0);
    while (line.received < line.bytes) {
        int may_send = line.sent < line.bytes && line.sent - line.received < MAX_IN_FLIGHT;
        struct pollfd ready = {.fd = line.fd, .events = (short)(POLLIN | (may_send ? POLLOUT : 0))};

        if (poll(&ready, 1, PATIENCE) <= 0) {
            printf("nothing came for half a minute: %llu of %llu bytes were sent, and %llu came back\n",
                   (unsigned long long)line.sent, (unsigned long long)line.bytes, (unsigned long long)line.received);
            return 1;
        }
        if ((ready.revents & (POLLIN | POLLHUP)) != 0) {
            receive_some(&line);
        }
        if ((ready.revents & POLLOUT) != 0) {
            send_some(&line);
        }
    }
    printf("%llu bytes came back as they were sent, in %.1f s: %.0f bytes/s\n", (unsigned long long)line.bytes,
           seconds() - began, (double)line.bytes / (seconds() - began));
    return 0;
}
