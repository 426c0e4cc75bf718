/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest with a virtio-net, and the program at the other end of its socket, on one thread: packets from the guest, or to
 * it, so many under way. The driver uses EVENT_IDX and sleeps until an interrupt when it has nothing to do.
 */
#define _GNU_SOURCE /* accept4() */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/drv/virtio.h"
#include "tests/worker/cost.h"

#define MEMORY   (UINT64_C(8) << 20)
#define RINGS    UINT64_C(0x100000)
#define BUFFERS  UINT64_C(0x200000)
#define BUFFER   2048u
#define SIZE     128u
#define DEVICE   0x1041
#define HEADER   12u /* struct virtio_net_hdr (virtio 1.4 §5.1.6) */
#define PACKET   1000u
#define FRAME    (4 + PACKET) /* its length goes before it */
#define PATIENCE 20000        /* ms */

static struct stack stack;
static struct vcpu vcpu;
static struct pci_function function;
static struct virtio virtio;
static struct virtio_queue queue[2]; /* receive, transmit */
static int peer = -1;
static uint8_t frames[SIZE * FRAME];
static uint64_t came, wrong_bytes; /* at the peer */

static uint64_t buffer_at(unsigned of, unsigned head)
{
    return BUFFERS + (uint64_t)(of * SIZE + head) * BUFFER;
}

static uint8_t *view(uint64_t address)
{
    return sim_memory(stack.sim, address, BUFFER);
}

/* ---- the beginning ---- */

static const char *open_stack(const char *value)
{
    struct stack_options options = {
        .sim = {.memory = MEMORY, .vcpus = 1}, .module = "virtio-net", .key = "network", .value = value};
    struct pci_space space;

    if (!stack_open(&stack, &options)) {
        return stack.error;
    }
    cost_watch(&stack);
    if (!stack_run(&stack)) {
        return stack.error;
    }
    vcpu = stack_vcpu(&stack, 0);
    space = stack_space(&stack);
    return virtio_find(&vcpu, DEVICE, &function, &space) && virtio_probe(&virtio, &vcpu, &function)
               ? NULL
               : "there is no virtio-net";
}

static bool give(unsigned head)
{
    const struct virtio_segment segment = {buffer_at(0, head), BUFFER, true};

    return virtio_queue_add(&queue[0], &segment, 1, 0) == (int)head;
}

static const char *start(void)
{
    if (!virtio_reset(&virtio, &vcpu) || !virtio_negotiate(&virtio, &vcpu, VIRTIO_F_EVENT_IDX)) {
        return "the features are refused";
    }
    pci_msix_set(&vcpu, &function, 0, 0xfee00000, 0x41);
    pci_msix_enable(&vcpu, &function, true);
    for (uint16_t i = 0; i < 2; i++) {
        if (!virtio_queue_open(&queue[i], &virtio, &vcpu, i, SIZE, RINGS + i * virtio_queue_bytes(SIZE), 0)) {
            return "a queue cannot be had";
        }
    }
    for (unsigned i = 0; i < SIZE; i++) {
        if (!give(i)) {
            return "the receive queue is full";
        }
        memset(view(buffer_at(1, i)), 0, HEADER);
        memset(view(buffer_at(1, i)) + HEADER, 0xff, PACKET); /* to all */
    }
    virtio_driver_ok(&virtio, &vcpu);
    virtio_queue_notify(&queue[0], &vcpu);
    for (unsigned i = 0; i < SIZE; i++) {
        const uint32_t length = htonl(PACKET);

        memcpy(frames + i * FRAME, &length, 4);
        memset(frames + i * FRAME + 4, 0xff, PACKET);
    }
    return NULL;
}

static const char *open_network(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct pollfd ready = {.fd = listener, .events = POLLIN};
    const char *wrong;
    char value[80];

    snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/ioreqd-cost-%d", (int)getpid());
    snprintf(value, sizeof(value), "unix:%s", address.sun_path);
    unlink(address.sun_path);
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(listener, 1) != 0) {
        return "the socket cannot be made";
    }
    wrong = open_stack(value);
    wrong = wrong != NULL ? wrong : start();
    if (wrong == NULL && poll(&ready, 1, PATIENCE) == 1) {
        peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
    close(listener);
    unlink(address.sun_path);
    return wrong != NULL ? wrong : peer < 0 ? "nobody connects" : NULL;
}

/* ---- from the guest ---- */

/* What is there of the frames, each the same. */
static void drain(void)
{
    uint8_t bytes[16384];
    ssize_t count;

    while ((count = recv(peer, bytes, sizeof(bytes), 0)) > 0) {
        for (ssize_t i = 0; i < count; i++) {
            wrong_bytes += bytes[i] != frames[(came + (uint64_t)i) % FRAME];
        }
        came += (uint64_t)count;
    }
}

static const char *send_packets(unsigned depth, unsigned packets)
{
    const uint64_t end = came + (uint64_t)packets * FRAME;
    struct sim_interrupt interrupt;
    unsigned made = 0, done = 0, idle_turns = 0;

    while (done < packets || came < end) {
        unsigned before = done;
        uint32_t written;

        while (made < packets && made - done < depth) {
            const struct virtio_segment segment = {buffer_at(1, queue[1].free_head), HEADER + PACKET, false};

            if (virtio_queue_add(&queue[1], &segment, 1, 0) < 0) {
                return "the transmit queue is full";
            }
            made++;
        }
        if (virtio_queue_needs_kick(&queue[1])) {
            virtio_queue_notify(&queue[1], &vcpu);
        }
        while (virtio_queue_take(&queue[1], &written) >= 0) {
            done++;
        }
        drain();
        if (done == before && virtio_queue_listen(&queue[1])) {
            /* The last bytes may come when all buffers have come back: that is no interrupt. */
            (void)sim_interrupt_wait(stack.sim, done < packets ? 100 : 1, &interrupt);
            idle_turns++;
        } else {
            idle_turns = 0;
        }
        if (idle_turns > PATIENCE) {
            return "packets were not sent";
        }
    }
    return wrong_bytes == 0 ? NULL : "what was sent is not what came";
}

/* ---- to the guest ---- */

static const char *receive_packets(unsigned depth, unsigned packets)
{
    struct sim_interrupt interrupt;
    unsigned sent = 0, done = 0;

    while (done < packets) {
        unsigned before = done, more = depth - (sent - done);
        uint32_t written;
        int head;

        more = more < packets - sent ? more : packets - sent;
        if (more > 0 && send(peer, frames, more * FRAME, MSG_NOSIGNAL) != (ssize_t)(more * FRAME)) {
            return "the socket is full";
        }
        sent += more;
        while ((head = virtio_queue_take(&queue[0], &written)) >= 0) {
            if (written != HEADER + PACKET || view(buffer_at(0, (unsigned)head))[HEADER + PACKET - 1] != 0xff) {
                return "what came is not what was sent";
            }
            view(buffer_at(0, (unsigned)head))[HEADER + PACKET - 1] = 0;
            done++;
            if (!give((unsigned)head)) {
                return "the receive queue is full";
            }
        }
        if (virtio_queue_needs_kick(&queue[0])) {
            virtio_queue_notify(&queue[0], &vcpu);
        }
        if (done == before && virtio_queue_listen(&queue[0]) && !sim_interrupt_wait(stack.sim, PATIENCE, &interrupt)) {
            return "no interrupt came";
        }
    }
    return NULL;
}

const char *cost_network(const void *what)
{
    const struct cost_network *network = what;
    const char *(*run)(unsigned, unsigned) = network->receive ? receive_packets : send_packets;
    const char *wrong = open_network();

    wrong = wrong != NULL ? wrong : run(network->depth, network->requests / 10);
    if (wrong == NULL) {
        cost_begin(network->requests);
        wrong = run(network->depth, network->requests);
        cost_end();
    }
    close(peer);
    stack_end(&stack);
    if (stack_close(&stack) != 0 && wrong == NULL) {
        wrong = "something is left behind";
    }
    return wrong;
}
