/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A serial port on the whole stack: the real module, a socket, and a guest's driver that is interrupted by messages.
 * The test's thread is the vCPU and, between its accesses, the peer; the worker has a thread of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/drv/pci.h"
#include "tests/worker/disk.h"

#define BYTES   (32u * 1024u)
#define MESSAGE 0xfee00000u
#define DATA    0x41u
#define MSI     0x05

enum { RBR = 0, IER = 1, IIR = 2, FCR = 2, LCR = 3, LSR = 5, MSR = 6 };

static uint8_t to_guest[BYTES], to_peer[BYTES], at_guest[BYTES], at_peer[BYTES];
static size_t sent_to_guest, sent_to_peer, came_to_guest, came_to_peer;
static uint16_t port;
static int peer;

static uint8_t in(unsigned offset)
{
    return (uint8_t)vcpu_in(&vcpu[0], (uint16_t)(port + offset), 1);
}

static void out(unsigned offset, unsigned value)
{
    vcpu_out(&vcpu[0], (uint16_t)(port + offset), 1, value);
}

static void open_port(char *path, size_t size)
{
    struct pci_space space = {.ports = 0xc000, .memory = 0xf0000000};
    struct stack_options options = {.sim = {.memory = DISK_MEMORY, .vcpus = 1}, .module = "serial", .key = "stream"};
    struct pci_function function[PCI_FUNCTIONS];
    unsigned at, wide, count;
    char value[128];

    snprintf(path, size, "/tmp/test-serial-%ld", (long)getpid());
    snprintf(value, sizeof(value), "unix:%s", path);
    options.value = value;
    ck_assert_msg(stack_open(&stack, &options) && stack_run(&stack), "%s", stack.error);
    vcpu[0] = (struct vcpu){.sim = stack.sim};
    count = pci_enumerate(&vcpu[0], function, PCI_FUNCTIONS);
    ck_assert_uint_ge(count, 1);
    ck_assert_uint_eq(function[count - 1].number, STACK_FUNCTION);
    ck_assert_uint_eq(function[count - 1].class_code, 0x070002);
    pci_place(&vcpu[0], &function[count - 1], &space);
    port = (uint16_t)function[count - 1].bar[0].address;
    at = pci_capability(&vcpu[0], &function[count - 1], MSI, 0);
    ck_assert_uint_ne(at, 0);
    wide = (pci_get(&vcpu[0], STACK_FUNCTION, at + 2, 2) & 0x80) != 0 ? 4 : 0;
    pci_put(&vcpu[0], STACK_FUNCTION, at + 4, 4, MESSAGE);
    pci_put(&vcpu[0], STACK_FUNCTION, at + 8 + wide, 2, DATA);
    pci_put(&vcpu[0], STACK_FUNCTION, at + 2, 2, 1);
}

static void connect_peer(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    memcpy(address.sun_path, path, strlen(path) + 1);
    peer = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(peer, (struct sockaddr *)&address, sizeof(address)), 0);
    for (unsigned i = 0; i < 10000 && (in(MSR)&0x80) == 0; i++) {
    }
    ck_assert_uint_eq(in(MSR), 0xb0);
}

static void handle_interrupt(void)
{
    while ((in(IIR)&0x01) == 0) {
        unsigned status = in(LSR);

        for (; (status & 0x01) != 0 && came_to_guest < BYTES; status = in(LSR)) {
            at_guest[came_to_guest++] = in(RBR);
        }
        for (unsigned i = 0; (status & 0x20) != 0 && i < 16 && sent_to_peer < BYTES; i++) {
            out(RBR, to_peer[sent_to_peer++]);
        }
        if (sent_to_peer == BYTES) {
            out(IER, 0x01);
        }
    }
}

static void be_the_peer(void)
{
    ssize_t count = send(peer, to_guest + sent_to_guest, BYTES - sent_to_guest, MSG_NOSIGNAL);

    sent_to_guest += count > 0 ? (size_t)count : 0;
    count = recv(peer, at_peer + came_to_peer, BYTES - came_to_peer, 0);
    came_to_peer += count > 0 ? (size_t)count : 0;
}

START_TEST(both_ways_by_message)
{
    struct sim_interrupt interrupt;
    char path[108];

    open_port(path, sizeof(path));
    connect_peer(path);
    for (unsigned i = 0; i < BYTES; i++) {
        to_guest[i] = (uint8_t)(i * 7 + i / 256);
        to_peer[i] = (uint8_t)(i * 5 + i / 256);
    }
    out(LCR, 0x03);
    out(FCR, 0x81);
    out(IER, 0x03);
    while (sim_interrupt_wait(stack.sim, 1000, &interrupt)) {
        ck_assert(interrupt.is_message);
        ck_assert_uint_eq(interrupt.data, DATA);
        handle_interrupt();
        be_the_peer();
        if (came_to_guest == BYTES && came_to_peer == BYTES) {
            break;
        }
    }
    be_the_peer();
    ck_assert_mem_eq(at_guest, to_guest, BYTES);
    ck_assert_mem_eq(at_peer, to_peer, BYTES);
    close(peer);
    for (unsigned i = 0; i < 10000 && (in(MSR)&0x80) != 0; i++) {
    }
    ck_assert_uint_eq(in(MSR), 0x00);
    stack_end(&stack);
    ck_assert(stack.rested);
    ck_assert_uint_eq(stack_close(&stack), 0);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

TCase *serial_tests(void)
{
    TCase *group = tcase_create("serial");

    tcase_set_timeout(group, 60);
    tcase_add_test(group, both_ways_by_message);
    return group;
}
