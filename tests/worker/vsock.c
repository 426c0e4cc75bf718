/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio-vsock on the whole stack: the real module, real sockets, and a guest's driver. The test's thread is the vCPU
 * and, between its accesses, the programs of the host; worker and queues have threads of their own.
 */
#define _GNU_SOURCE /* accept4() */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/drv/virtio.h"
#include "tests/worker/disk.h"

#define QUEUES    3u
#define SIZE      32u
#define BYTES     (512u * 1024)
#define GUEST_CID 3u
#define CREDIT    20000u
#define BUFFER    4096u
#define HEADER    44u
#define PATIENCE  50000u /* looks of 100 us each */

enum { REQUEST = 1, RESPONSE, RST, SHUTDOWN, RW, CREDIT_UPDATE, CREDIT_REQUEST };

struct packet {
    uint64_t src_cid, dst_cid;
    uint32_t src_port, dst_port, length;
    uint16_t type, operation;
    uint32_t flags, buf_alloc, fwd_cnt;
} __attribute__((packed));

static struct virtio virtio;
static struct pci_function pci;
static struct virtio_queue queue[QUEUES];
static uint64_t buffers[2]; /* guest memory of rx and tx: SIZE buffers each */
static char path[64];

static uint32_t sent, received, told_fwd, told_buffer;

static uint64_t lay_out(void)
{
    return DRIVER_AT + QUEUES * virtio_queue_bytes(SIZE);
}

static uint8_t *view(uint64_t address)
{
    return sim_memory(stack.sim, address, BUFFER);
}

static void give(uint64_t address)
{
    struct virtio_segment segment = {.address = address, .length = BUFFER, .device_writes = true};

    ck_assert_int_ge(virtio_queue_add(&queue[0], &segment, 1, 0), 0);
}

static void kick(unsigned index)
{
    if (virtio_queue_needs_kick(&queue[index])) {
        virtio_queue_notify(&queue[index], &vcpu[0]);
    }
}

static uint64_t address_of[SIZE]; /* of what is in the receive queue, by head */

static void start(void)
{
    ck_assert(virtio_reset(&virtio, &vcpu[0]));
    ck_assert(virtio_negotiate(&virtio, &vcpu[0], 1));
    for (uint16_t i = 0; i < QUEUES; i++) {
        ck_assert(
            virtio_queue_open(&queue[i], &virtio, &vcpu[0], i, SIZE, DRIVER_AT + i * virtio_queue_bytes(SIZE), 0xffff));
    }
    for (unsigned i = 0; i < SIZE; i++) {
        address_of[i] = buffers[0] + i * BUFFER; /* heads are given out in order */
        give(address_of[i]);
    }
    virtio_driver_ok(&virtio, &vcpu[0]);
    kick(0);
    sent = received = 0;
}

static void begin(void)
{
    struct pci_space space = {.ports = 0xc000, .memory = 0xf0000000};
    struct stack_options options = {.sim = {.memory = DISK_MEMORY, .vcpus = 1}, .module = "virtio-vsock"};
    struct pci_function function[PCI_FUNCTIONS];
    unsigned count;

    snprintf(path, sizeof(path), "/tmp/ioreqd-sockets-%d", (int)getpid());
    ck_assert_msg(stack_open(&stack, &options) && stack_run(&stack), "%s", stack.error);
    vcpu[0] = (struct vcpu){.sim = stack.sim};
    count = pci_enumerate(&vcpu[0], function, PCI_FUNCTIONS);
    pci = function[count - 1];
    ck_assert_uint_eq(pci.device, 0x1053);
    pci_place(&vcpu[0], &pci, &space);
    ck_assert(virtio_probe(&virtio, &vcpu[0], &pci));
    ck_assert_uint_eq(virtio_config(&virtio, &vcpu[0], 0, 4), GUEST_CID);
    buffers[0] = lay_out();
    buffers[1] = buffers[0] + SIZE * BUFFER;
    start();
}

static void end(void)
{
    stack_end(&stack);
    ck_assert(stack.rested);
    ck_assert_uint_eq(stack_close(&stack), 0);
    ck_assert_int_ne(access(path, F_OK), 0);
}

/* ---- the guest ---- */

static unsigned slot;

static bool put(uint16_t operation, uint32_t guest_port, uint32_t host_port, const void *data, uint32_t length)
{
    struct packet packet = {.src_cid = GUEST_CID,
                            .dst_cid = 2,
                            .src_port = guest_port,
                            .dst_port = host_port,
                            .length = length,
                            .type = 1,
                            .operation = operation,
                            .buf_alloc = CREDIT,
                            .fwd_cnt = received};
    uint64_t address = buffers[1] + slot % SIZE * BUFFER;
    struct virtio_segment segment = {.address = address, .length = HEADER + length};
    uint32_t written;

    while (virtio_queue_take(&queue[1], &written) >= 0) {
    }
    if (queue[1].free == 0) {
        return false;
    }
    memcpy(view(address), &packet, HEADER);
    if (length != 0) {
        memcpy(view(address) + HEADER, data, length);
    }
    slot++;
    ck_assert_int_ge(virtio_queue_add(&queue[1], &segment, 1, 0), 0);
    kick(1);
    return true;
}

static bool get(struct packet *packet, uint8_t *data)
{
    uint32_t written;
    int head = virtio_queue_take(&queue[0], &written);
    uint64_t address;

    if (head < 0) {
        return false;
    }
    address = address_of[head];
    memcpy(packet, view(address), HEADER);
    ck_assert_uint_eq(written, HEADER + packet->length);
    memcpy(data, view(address) + HEADER, packet->length);
    told_fwd = packet->fwd_cnt;
    told_buffer = packet->buf_alloc;
    address_of[queue[0].free_head] = address;
    give(address);
    kick(0);
    return true;
}

static struct packet await(uint16_t operation)
{
    uint8_t data[BUFFER];
    struct packet packet = {0};

    for (unsigned i = 0; i < PATIENCE && !get(&packet, data); i++) {
        usleep(100);
    }
    ck_assert_uint_eq(packet.operation, operation);
    return packet;
}

/* ---- the host ---- */

static struct sockaddr_un place(const char *suffix)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s%s", path, suffix);
    return address;
}

static int listen_at(const char *suffix)
{
    struct sockaddr_un address = place(suffix);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    unlink(address.sun_path);
    ck_assert_int_eq(bind(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(descriptor, 4), 0);
    return descriptor;
}

static int accept_one(int listener)
{
    int descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    ck_assert_int_ge(descriptor, 0);
    return descriptor;
}

static bool is_at_end(int descriptor)
{
    char byte;

    for (unsigned i = 0; i < PATIENCE; i++) {
        ssize_t count = read(descriptor, &byte, 1);

        if (count == 0 || (count < 0 && errno == ECONNRESET)) {
            return true;
        }
        usleep(100);
    }
    return false;
}

static uint8_t byte_at(uint32_t at)
{
    return (uint8_t)(at * 7 + (at >> 10));
}

/* Both sides send and receive at once; the host gives back what it gets. */
static void exchange(int far, uint32_t guest_port, uint32_t host_port, bool cut)
{
    static uint8_t echo[BYTES];
    uint32_t came = 0, gone = 0;
    uint8_t data[BUFFER];
    struct packet packet;
    ssize_t count;

    for (unsigned idle = 0; received < BYTES && idle < PATIENCE; idle++) {
        uint32_t room = told_buffer - (sent - told_fwd);

        room = room < BUFFER - HEADER ? room : BUFFER - HEADER;
        room = room < BYTES - sent ? room : BYTES - sent;
        for (uint32_t i = 0; i < room; i++) {
            data[i] = byte_at(sent + i);
        }
        if (room != 0 && put(RW, guest_port, host_port, data, room)) {
            sent += room;
            idle = 0;
        }
        count = read(far, echo + came, BYTES - came);
        came += count > 0 ? (uint32_t)count : 0;
        count = came > gone ? send(far, echo + gone, came - gone, MSG_NOSIGNAL) : 0;
        gone += count > 0 ? (uint32_t)count : 0;
        while (get(&packet, data)) {
            bool right = true;

            for (uint32_t i = 0; i < packet.length; i++) {
                right = right && data[i] == byte_at(received + i);
            }
            ck_assert(right);
            received += packet.length;
            idle = 0;
            if (packet.length != 0) {
                while (!put(CREDIT_UPDATE, guest_port, host_port, NULL, 0)) {
                }
            }
        }
        if (cut && received > BYTES / 4) {
            return;
        }
        usleep(idle > 10 ? 100 : 0);
    }
    ck_assert_uint_eq(received, BYTES);
}

START_TEST(both_ways)
{
    int listener, far;

    begin();
    put(REQUEST, 1000, 80, NULL, 0);
    await(RST); /* nobody is there */
    listener = listen_at("_80");
    put(REQUEST, 1000, 80, NULL, 0);
    await(RESPONSE);
    far = accept_one(listener);
    exchange(far, 1000, 80, false);
    close(far);
    ck_assert_uint_eq(await(SHUTDOWN).flags, 3);
    put(RST, 1000, 80, NULL, 0);
    close(listener);
    unlink(place("_80").sun_path);
    end();
}
END_TEST

START_TEST(from_the_host)
{
    struct sockaddr_un address;
    char line[32] = "", wanted[32];
    struct packet packet;
    int far;

    begin();
    address = place("");
    far = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(far, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(write(far, "CONNECT 52\n", 11), 11);
    packet = await(REQUEST);
    ck_assert_uint_eq(packet.dst_port, 52);
    put(RESPONSE, 52, packet.src_port, NULL, 0);
    snprintf(wanted, sizeof(wanted), "OK %u\n", packet.src_port);
    ck_assert_int_eq(recv(far, line, strlen(wanted), MSG_WAITALL), (int)strlen(wanted));
    ck_assert_str_eq(line, wanted);
    put(RW, 52, packet.src_port, "hi", 2);
    ck_assert_int_eq(recv(far, line, 2, MSG_WAITALL), 2);
    ck_assert_int_eq(write(far, "you", 3), 3);
    ck_assert_uint_eq(await(RW).length, 3);
    close(far);
    end();
}
END_TEST

/* A driver starts anew while bytes are under way. */
START_TEST(reset_under_load)
{
    int listener, far;

    begin();
    listener = listen_at("_80");
    for (unsigned round = 0; round < 5; round++) {
        put(REQUEST, 1000, 80, NULL, 0);
        await(RESPONSE);
        far = accept_one(listener);
        exchange(far, 1000, 80, true);
        start();
        ck_assert(is_at_end(far));
        close(far);
    }
    close(listener);
    unlink(place("_80").sun_path);
    end();
}
END_TEST

TCase *vsock_tests(void)
{
    TCase *group = tcase_create("vsock");

    tcase_set_timeout(group, 60);
    tcase_add_test(group, both_ways);
    tcase_add_test(group, from_the_host);
    tcase_add_test(group, reset_under_load);
    return group;
}
