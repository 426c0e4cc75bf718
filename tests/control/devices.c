/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices that are changed while the guest works: a disk that grows, a network card whose cable is pulled. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/control/served.h"

static struct peer peer;

#define RESIZE(values) "{\"device\":\"disk0\",\"verb\":\"resize\",\"values\":" values "}"
#define LINK(state)    "{\"device\":\"disk0\",\"verb\":\"link\",\"values\":{\"state\":\"" state "\"}}"

static uint64_t size_of_image(void)
{
    struct stat status;

    ck_assert_int_eq(stat(stack.image, &status), 0);
    return (uint64_t)status.st_size;
}

START_TEST(a_disk_grows_while_it_works)
{
    struct disk_load load = {.vcpu = &vcpu[0], .seed = 5, .parts = 1, .requests = 2000};
    uint64_t bytes = DISK_SECTORS * BLK_SECTOR;
    pthread_t thread;
    char text[200];

    served_open();
    peer_open(&peer, control_path);
    disk_start(DISK_FEATURES, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, disk_thread, &load), 0);
    for (unsigned i = 1; i <= 20; i++) {
        snprintf(text, sizeof(text), RESIZE("{\"size\":%llu}"), (unsigned long long)(bytes + i * 4096));
        json_object_put(peer_result(&peer, "verb", text));
        /* At once, and not when it is next looked at. */
        ck_assert_uint_eq(blk_sectors(&blk, &vcpu[1]), (bytes + i * 4096) / BLK_SECTOR);
    }
    pthread_join(thread, NULL);
    ck_assert_msg(load.wrong == NULL, "%s", load.wrong);
    ck_assert_uint_eq(size_of_image(), bytes + 20 * 4096);
    peer_close(&peer);
    served_close();
}
END_TEST

START_TEST(what_a_disk_can_be_resized_to)
{
    uint64_t bytes = DISK_SECTORS * BLK_SECTOR;

    served_open();
    peer_open(&peer, control_path);
    peer_refused(&peer, "verb", RESIZE("{\"size\":\"512k\"}"), -32003, "allow it with shrink");
    ck_assert_uint_eq(size_of_image(), bytes);
    peer_refused(&peer, "verb", RESIZE("{\"size\":\"2000001\"}"), -32003, "a multiple of 512");
    peer_refused(&peer, "verb", RESIZE("{\"size\":\"16777215T\",\"shrink\":\"on\"}"), -32003, "");
    json_object_put(peer_result(&peer, "verb", RESIZE("{\"size\":\"2M\"}")));
    ck_assert_uint_eq(blk_sectors(&blk, &vcpu[0]), 4096);
    json_object_put(peer_result(&peer, "verb", RESIZE("{\"size\":\"1M\",\"shrink\":true}")));
    ck_assert_uint_eq(blk_sectors(&blk, &vcpu[0]), 2048);
    ck_assert_uint_eq(size_of_image(), bytes);
    /* Somebody else made it larger. */
    ck_assert_int_eq(truncate(stack.image, 3 << 20), 0);
    json_object_put(peer_result(&peer, "verb", RESIZE("{}")));
    ck_assert_uint_eq(blk_sectors(&blk, &vcpu[0]), 6144);
    peer_close(&peer);
    served_close();
}
END_TEST

/* ---- a driver that breaks the rules ---- */

static struct json_object *disk_of(struct json_object *result)
{
    return json_object_array_get_idx(get(result, "devices"), 0);
}

/* What status, devices and stats say of the disk. */
static void expect_state(const char *state, const char *reason)
{
    struct json_object *status = peer_result(&peer, "status", NULL), *result, *stuck = get(status, "stuck");

    ck_assert_uint_eq(json_object_array_length(stuck), reason != NULL ? 1 : 0);
    if (reason != NULL) {
        ck_assert_str_eq(get_text(json_object_array_get_idx(stuck, 0), "id"), "disk0");
        ck_assert_str_eq(get_text(json_object_array_get_idx(stuck, 0), "model"), "virtio-blk");
        ck_assert_str_eq(get_text(json_object_array_get_idx(stuck, 0), "state"), state);
        ck_assert_ptr_nonnull(strstr(get_text(json_object_array_get_idx(stuck, 0), "reason"), reason));
    }
    json_object_put(status);
    for (unsigned i = 0; i < 2; i++) {
        result = peer_result(&peer, i == 0 ? "devices" : "stats", NULL);
        ck_assert_str_eq(get_text(disk_of(result), "state"), state);
        ck_assert_int_eq(get(disk_of(result), "reason") != NULL, reason != NULL);
        json_object_put(result);
    }
}

START_TEST(a_disk_needs_a_reset)
{
    struct virtio_segment outside = {.address = DISK_MEMORY + 4096, .length = 64};
    struct json_object *event, *params;

    served_open();
    peer_open(&peer, control_path);
    json_object_put(peer_result(&peer, "events", NULL));
    for (unsigned round = 0; round < 2; round++) {
        disk_start(DISK_FEATURES, 0);
        expect_state("running", NULL);
        ck_assert_int_ge(virtio_queue_add(&blk.queue, &outside, 1, 0), 0);
        virtio_queue_notify(&blk.queue, &vcpu[0]);
        event = peer_next(&peer);
        params = get(event, "params");
        ck_assert_str_eq(get_text(params, "name"), "needs-reset");
        ck_assert_str_eq(get_text(params, "device"), "disk0");
        expect_state("needs-reset", get_text(get(params, "data"), "reason"));
        json_object_put(event);
        ck_assert(virtio_reset(&blk.virtio, &vcpu[0]));
        event = peer_next(&peer);
        ck_assert_str_eq(get_text(get(event, "params"), "name"), "recovered");
        ck_assert_str_eq(get_text(get(get(event, "params"), "data"), "from"), "needs-reset");
        json_object_put(event);
        expect_state("running", NULL);
    }
    peer_close(&peer);
    served_close();
}
END_TEST

/* ---- the cable ---- */

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    unlink(path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    ck_assert_int_eq(bind(descriptor, (const struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(descriptor, 4), 0);
    return descriptor;
}

static void expect_event(const char *name)
{
    struct json_object *event = peer_next(&peer);

    ck_assert_str_eq(get_text(get(event, "params"), "name"), name);
    ck_assert_str_eq(get_text(get(event, "params"), "device"), "disk0");
    json_object_put(event);
}

START_TEST(a_cable_is_pulled_and_put_back)
{
    char path[64], value[80];
    const struct stack_options options = {.module = "virtio-net", .key = "network", .value = value};
    int listener;

    snprintf(path, sizeof(path), "/tmp/test-control-net-%d", (int)getpid());
    snprintf(value, sizeof(value), "unix:%s", path);
    listener = listen_at(path);
    ck_assert_msg(stack_open(&stack, &options) && stack_serve(&stack), "%s", stack.error);
    served_make_sockets();
    stack_start_thread(&stack);
    peer_open(&peer, control_path);
    json_object_put(peer_result(&peer, "events", NULL));
    for (unsigned i = 0; i < 3; i++) {
        json_object_put(peer_result(&peer, "verb", LINK("down")));
        expect_event("link-down");
        json_object_put(peer_result(&peer, "verb", LINK("down"))); /* nothing changes */
        json_object_put(peer_result(&peer, "verb", LINK("up")));
        expect_event("link-up");
    }
    peer_refused(&peer, "verb", LINK("sideways"), -32602, "give up or down");
    peer_refused(&peer, "verb", RESIZE("{}"), -32002, "no verb \"resize\"");
    peer_close(&peer);
    stack_end(&stack);
    control_close(control);
    served_remove_folder();
    ck_assert_uint_eq(stack_close(&stack), 0);
    close(listener);
    unlink(path);
}
END_TEST

/* A device behind a root port of a host bridge of its own, before and after the guest has numbered the bus. */
START_TEST(bridges_with_ports)
{
    const struct stack_options options = {.layout = STACK_ECAM_ROOT_PORT};
    struct json_object *result, *bridge, *port, *disk;
    struct pci_function function[4];
    struct vcpu first;

    ck_assert_msg(stack_open(&stack, &options) && stack_serve(&stack), "%s", stack.error);
    served_make_sockets();
    stack_start_thread(&stack);
    first = stack_vcpu(&stack, 0);
    for (unsigned round = 0; round < 2; round++) {
        peer_open(&peer, control_path);
        result = peer_result(&peer, "bridges", NULL);
        ck_assert_uint_eq(json_object_array_length(get(result, "bridges")), 2);
        bridge = json_object_array_get_idx(get(result, "bridges"), 1);
        ck_assert_str_eq(get_text(bridge, "name"), "host0");
        ck_assert_uint_eq(json_object_array_length(get(bridge, "apertures")), 3);
        port = json_object_array_get_idx(get(bridge, "functions"), 0);
        disk = json_object_array_get_idx(get(bridge, "functions"), 1);
        ck_assert_str_eq(get_text(port, "kind"), "port");
        ck_assert_str_eq(get_text(port, "id"), "port");
        ck_assert_str_eq(get_text(disk, "behind"), get_text(port, "place"));
        ck_assert_int_eq(json_object_get_boolean(get(disk, "reachable")), round == 1);
        ck_assert_int_eq(get_number(port, "secondary") != 0, round == 1);
        json_object_put(result);
        peer_close(&peer);
        ck_assert_uint_ge(pci_enumerate(&first, function, 4), 2);
    }
    stack_end(&stack);
    control_close(control);
    served_remove_folder();
    ck_assert_uint_eq(stack_close(&stack), 0);
}
END_TEST

TCase *device_tests(void)
{
    TCase *group = tcase_create("devices");

    tcase_add_test(group, a_disk_grows_while_it_works);
    tcase_add_test(group, what_a_disk_can_be_resized_to);
    tcase_add_test(group, a_disk_needs_a_reset);
    tcase_add_test(group, a_cable_is_pulled_and_put_back);
    tcase_add_test(group, bridges_with_ports);
    return group;
}
