/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio-console on the whole stack: the real module, a socket, and a guest's driver that looks at its rings. The test's
 * thread is the vCPU and, between its accesses, the peer; the worker and the device's queues have threads of their own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/drv/virtio.h"
#include "tests/worker/disk.h"

#define BYTES     (512u * 1024u) /* more than a socket holds */
#define PIECE     1000u
#define SIZE      16
#define MEMORY    0x100000u
#define BUFFERS   (MEMORY + 0x10000u)
#define EMERGENCY 8u
#define TRIES     2000000u

static uint8_t to_guest[BYTES], to_peer[BYTES], at_guest[BYTES], at_peer[BYTES];
static size_t sent_to_guest, sent_to_peer, came_to_guest, came_to_peer;
static struct pci_function function;
static struct virtio virtio;
static struct virtio_queue receive, transmit;
static int peer;

static uint8_t *guest_memory(uint64_t address)
{
    return sim_memory(stack.sim, address, PIECE);
}

static uint64_t buffer_of(const struct virtio_queue *queue, int head)
{
    return BUFFERS + ((uint64_t)queue->index * SIZE + (unsigned)head) * 1024;
}

static void give(int head)
{
    const struct virtio_segment segment = {buffer_of(&receive, head), PIECE, true};

    ck_assert_int_eq(virtio_queue_add(&receive, &segment, 1, 0), head);
}

static void start_driver(void)
{
    ck_assert(virtio_reset(&virtio, &vcpu[0]) && virtio_negotiate(&virtio, &vcpu[0], 0));
    ck_assert(virtio_queue_open(&receive, &virtio, &vcpu[0], 0, SIZE, MEMORY, 0));
    ck_assert(virtio_queue_open(&transmit, &virtio, &vcpu[0], 1, SIZE, MEMORY + 0x8000, 0));
    for (int i = 0; i < SIZE; i++) {
        give(i);
    }
    virtio_driver_ok(&virtio, &vcpu[0]);
}

static void open_console(char *path, size_t size)
{
    struct stack_options options = {
        .sim = {.memory = DISK_MEMORY, .vcpus = 1}, .module = "virtio-console", .key = "stream"};
    struct pci_space space;
    char value[128];

    snprintf(path, size, "/tmp/test-console-%ld", (long)getpid());
    snprintf(value, sizeof(value), "unix:%s", path);
    options.value = value;
    ck_assert_msg(stack_open(&stack, &options) && stack_run(&stack), "%s", stack.error);
    vcpu[0] = stack_vcpu(&stack, 0);
    space = stack_space(&stack);
    ck_assert(virtio_find(&vcpu[0], 0x1043, &function, &space));
    ck_assert(virtio_probe(&virtio, &vcpu[0], &function));
    pci_msix_enable(&vcpu[0], &function, true);
}

static void connect_peer(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    memcpy(address.sun_path, path, strlen(path) + 1);
    peer = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(peer, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void be_the_peer(void)
{
    ssize_t count = send(peer, to_guest + sent_to_guest, BYTES - sent_to_guest, MSG_NOSIGNAL);

    sent_to_guest += count > 0 ? (size_t)count : 0;
    count = recv(peer, at_peer + came_to_peer, BYTES - came_to_peer, 0);
    came_to_peer += count > 0 ? (size_t)count : 0;
}

static void be_the_guest(void)
{
    uint32_t written;
    int head;

    while ((head = virtio_queue_take(&receive, &written)) >= 0) {
        if (came_to_guest + written > BYTES) {
            ck_abort_msg("more came than was sent");
        }
        memcpy(at_guest + came_to_guest, guest_memory(buffer_of(&receive, head)), written);
        came_to_guest += written;
        give(head);
    }
    if (virtio_queue_needs_kick(&receive)) {
        virtio_queue_notify(&receive, &vcpu[0]);
    }
    while (virtio_queue_take(&transmit, &written) >= 0) {
    }
    /* Nobody is there before the first byte has come from them. */
    while (came_to_guest > 0 && sent_to_peer < BYTES && transmit.free > 0) {
        uint32_t length = (uint32_t)(BYTES - sent_to_peer < PIECE ? BYTES - sent_to_peer : PIECE);
        uint64_t at = buffer_of(&transmit, transmit.free_head);
        const struct virtio_segment segment = {at, length, false};

        memcpy(guest_memory(at), to_peer + sent_to_peer, length);
        sent_to_peer += length;
        if (virtio_queue_add(&transmit, &segment, 1, 0) < 0) {
            ck_abort_msg("no room in the ring");
        }
    }
    if (virtio_queue_needs_kick(&transmit)) {
        virtio_queue_notify(&transmit, &vcpu[0]);
    }
}

static void close_console(const char *path)
{
    close(peer);
    stack_end(&stack);
    ck_assert(stack.rested);
    ck_assert_uint_eq(stack_close(&stack), 0);
    ck_assert_int_ne(access(path, F_OK), 0);
}

START_TEST(both_ways)
{
    char path[108];

    for (unsigned i = 0; i < BYTES; i++) {
        to_guest[i] = (uint8_t)(i * 7 + i / 256);
        to_peer[i] = (uint8_t)(i * 5 + i / 256);
    }
    open_console(path, sizeof(path));
    start_driver();
    connect_peer(path);
    for (unsigned i = 0; i < TRIES && (came_to_guest < BYTES || came_to_peer < BYTES); i++) {
        be_the_peer();
        be_the_guest();
    }
    ck_assert_uint_eq(came_to_guest, BYTES);
    ck_assert_uint_eq(came_to_peer, BYTES);
    ck_assert_mem_eq(at_guest, to_guest, BYTES);
    ck_assert_mem_eq(at_peer, to_peer, BYTES);
    close_console(path);
}
END_TEST

/* The peer reads nothing: a reset, emergency output and the end do not wait for it. */
START_TEST(slow_peer)
{
    uint64_t config;
    char path[108];

    open_console(path, sizeof(path));
    start_driver();
    connect_peer(path);
    ck_assert_int_eq(send(peer, "x", 1, MSG_NOSIGNAL), 1);
    for (unsigned i = 0; i < TRIES && transmit.free != 0; i++) {
        be_the_guest();
    }
    ck_assert_uint_eq(came_to_guest, 1);
    ck_assert_uint_eq(transmit.free, 0);
    start_driver();
    for (unsigned i = 0; i < 2000; i++) {
        be_the_guest();
    }
    config = function.bar[virtio.config.bar].address + virtio.config.offset;
    vcpu_store(&vcpu[0], config + EMERGENCY, 4, 'e');
    close_console(path);
}
END_TEST

START_TEST(emergency_before_all_else)
{
    char path[108], got = 0;

    open_console(path, sizeof(path));
    connect_peer(path);
    for (unsigned i = 0; i < 200 && got == 0; i++) { /* those to nobody are lost */
        uint64_t config = function.bar[virtio.config.bar].address + virtio.config.offset;

        vcpu_store(&vcpu[0], config + EMERGENCY, 4, 'e');
        usleep(1000);
        (void)recv(peer, &got, 1, 0);
    }
    ck_assert_int_eq(got, 'e');
    close_console(path);
}
END_TEST

TCase *console_tests(void)
{
    TCase *group = tcase_create("virtio-console");

    tcase_add_test(group, both_ways);
    tcase_add_test(group, slow_peer);
    tcase_add_test(group, emergency_before_all_else);
    tcase_set_timeout(group, 60);
    return group;
}
