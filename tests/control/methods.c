/* SPDX-License-Identifier: BSD-2-Clause */
/* What the methods tell, of a guest with a disk. That results fit the schema, peer_result() sees for each. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "event.h"
#include "log.h"
#include "tests/control/served.h"

static struct peer peer;

static void open_peer(void)
{
    served_open();
    peer_open(&peer, control_path);
}

static void close_peer(void)
{
    peer_close(&peer);
    served_close();
}

START_TEST(schema)
{
    struct json_object *result = peer_result(&peer, "schema", NULL), *here = schema_describe();

    ck_assert_uint_eq(get_number(result, "version"), SCHEMA_VERSION);
    ck_assert(json_object_equal(result, here));
    json_object_put(here);
    json_object_put(result);
}
END_TEST

START_TEST(status)
{
    struct json_object *result = peer_result(&peer, "status", NULL);

    ck_assert_uint_eq(get_number(result, "domain"), 5);
    ck_assert_str_eq(get_text(result, "name"), "guest");
    ck_assert_uint_eq(get_number(result, "server"), 3);
    ck_assert_uint_eq(get_number(result, "pid"), (uint64_t)getpid());
    ck_assert_uint_eq(get_number(result, "devices"), 1);
    ck_assert_uint_eq(get_number(result, "clients"), 1);
    ck_assert_uint_lt(get_number(result, "uptime"), 300);
    ck_assert_str_eq(get_text(result, "state"), "serving");
    ck_assert(!json_object_get_boolean(get(result, "monitor")));
    ck_assert_str_eq(get_text(get(result, "sockets"), "control"), control_path);
    ck_assert_str_eq(get_text(get(result, "sockets"), "monitor"), monitor_path);
    json_object_put(result);
}
END_TEST

START_TEST(devices)
{
    struct json_object *result = peer_result(&peer, "devices", NULL), *disk, *verb;

    ck_assert_uint_eq(json_object_array_length(get(result, "devices")), 1);
    disk = json_object_array_get_idx(get(result, "devices"), 0);
    ck_assert_str_eq(get_text(disk, "id"), "disk0");
    ck_assert_str_eq(get_text(disk, "model"), "virtio-blk");
    ck_assert_str_eq(get_text(disk, "bridge"), "pci");
    ck_assert_str_eq(get_text(disk, "place"), "0000:00:01.0");
    ck_assert_str_eq(get_text(disk, "state"), "running");
    verb = json_object_array_get_idx(get(disk, "verbs"), 0);
    ck_assert_str_eq(get_text(verb, "name"), "resize");
    json_object_put(result);
}
END_TEST

START_TEST(bridges)
{
    struct json_object *result = peer_result(&peer, "bridges", NULL), *bridge, *function;
    size_t count;

    ck_assert_uint_eq(json_object_array_length(get(result, "bridges")), 1);
    bridge = json_object_array_get_idx(get(result, "bridges"), 0);
    ck_assert_str_eq(get_text(bridge, "name"), "pci");
    ck_assert_uint_eq(get_number(bridge, "last"), 255);
    count = json_object_array_length(get(bridge, "functions"));
    ck_assert_uint_eq(count, 2); /* a guest without QEMU has a host bridge of ours */
    function = json_object_array_get_idx(get(bridge, "functions"), 0);
    ck_assert_str_eq(get_text(function, "kind"), "bridge");
    function = json_object_array_get_idx(get(bridge, "functions"), 1);
    ck_assert_str_eq(get_text(function, "kind"), "device");
    ck_assert_str_eq(get_text(function, "id"), "disk0");
    ck_assert_str_eq(get_text(function, "ids"), "1af4:1042");
    ck_assert_str_eq(get_text(function, "class"), "010000");
    ck_assert_uint_gt(get_number(function, "bars"), 0);
    json_object_put(result);
}
END_TEST

START_TEST(stats_count_what_the_guest_does)
{
    struct json_object *before = peer_result(&peer, "stats", NULL), *after;
    uint64_t reads, misfits;

    for (unsigned i = 0; i < 10; i++) {
        vcpu_load(&vcpu[0], blk.pci.bar[4].address + VIRTIO_NUM_QUEUES, 2);
    }
    vcpu_load(&vcpu[0], blk.pci.bar[4].address + VIRTIO_NUM_QUEUES + 1, 4); /* not aligned */
    after = peer_result(&peer, "stats", "{\"device\":\"disk0\"}");
    reads = get_counter(after, "register-reads") - get_counter(before, "register-reads");
    misfits = get_number(get(after, "bridge"), "misfit") - get_number(get(before, "bridge"), "misfit");
    ck_assert_uint_eq(reads, 10);
    ck_assert_uint_eq(misfits, 1);
    ck_assert_uint_eq(get_number(get(after, "requests"), "memory") - get_number(get(before, "requests"), "memory"), 11);
    json_object_put(before);
    json_object_put(after);
    peer_refused(&peer, "stats", "{\"device\":\"disk1\"}", -32002, "no device \"disk1\"");
}
END_TEST

static uint64_t timed(struct json_object *stats, const char *name)
{
    struct json_object *times = get(json_object_array_get_idx(get(stats, "devices"), 0), name);
    uint64_t sum = 0;

    for (size_t i = 0; i < json_object_array_length(times); i++) {
        sum += json_object_get_uint64(json_object_array_get_idx(times, i));
    }
    return sum;
}

static struct json_object *gauges(struct json_object *stats)
{
    return get(json_object_array_get_idx(get(stats, "devices"), 0), "gauges");
}

static uint64_t of_bridge(struct json_object *stats, const char *name)
{
    return get_number(get(stats, "bridge"), name);
}

START_TEST(stats_while_a_disk_works)
{
    struct disk_load load = {.vcpu = &vcpu[0], .seed = 11, .parts = 1, .requests = 3000};
    uint64_t last = 0;
    pthread_t thread;

    disk_start(DISK_FEATURES, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, disk_thread, &load), 0);
    for (unsigned i = 0; i < 200; i++) {
        struct json_object *result = peer_result(&peer, "stats", NULL);
        uint64_t now = get_counter(result, "reads") + get_counter(result, "writes");

        ck_assert_uint_ge(now, last);
        last = now;
        json_object_put(result);
    }
    pthread_join(thread, NULL);
    ck_assert_msg(load.wrong == NULL, "%s", load.wrong);

    struct json_object *result = peer_result(&peer, "stats", NULL);

    ck_assert_uint_gt(get_counter(result, "doorbells"), 0);
    ck_assert_uint_gt(get_counter(result, "interrupts"), 0);
    ck_assert_uint_ge(get_counter(result, "dma-from-guest"), get_counter(result, "bytes-written"));
    ck_assert_uint_ge(get_counter(result, "dma-to-guest"), get_counter(result, "bytes-read"));
    ck_assert_uint_eq(get_counter(result, "dma-errors"), 0);
    ck_assert_uint_gt(get_counter(result, "bytes-read"), 0);
    /* What the model says of its requests, and the host of those to the file. */
    ck_assert_uint_eq(get_counter(result, "file-bytes-read"), get_counter(result, "bytes-read"));
    ck_assert_uint_eq(get_counter(result, "file-bytes-written"), get_counter(result, "bytes-written"));
    ck_assert_uint_eq(get_counter(result, "file-reads"), get_counter(result, "reads"));
    ck_assert_uint_eq(get_counter(result, "file-writes"), get_counter(result, "writes"));
    ck_assert_uint_eq(get_counter(result, "file-flushes"), get_counter(result, "flushes"));
    ck_assert_uint_eq(get_counter(result, "file-errors"), 0);
    ck_assert_uint_eq(get_number(gauges(result), "file-under-way"), 0);
    ck_assert_uint_ge(get_number(gauges(result), "file-under-way-most"), 1);
    ck_assert_uint_eq(timed(result, "file-times"), 0);
    json_object_put(result);
}
END_TEST

START_TEST(configuration_accesses_are_counted)
{
    struct json_object *before = peer_result(&peer, "stats", NULL), *after;

    for (unsigned i = 0; i < 7; i++) {
        pci_get(&vcpu[0], blk.pci.number, 0, 4);
    }
    pci_put(&vcpu[0], blk.pci.number, 0x0c, 1, 0);
    after = peer_result(&peer, "stats", NULL);
    ck_assert_uint_eq(get_counter(after, "config-reads") - get_counter(before, "config-reads"), 7);
    ck_assert_uint_eq(get_counter(after, "config-writes") - get_counter(before, "config-writes"), 1);
    ck_assert_uint_eq(of_bridge(after, "config-reads") - of_bridge(before, "config-reads"), 7);
    ck_assert_uint_eq(of_bridge(after, "config-writes") - of_bridge(before, "config-writes"), 1);
    json_object_put(before);
    json_object_put(after);
}
END_TEST

START_TEST(the_log)
{
    struct json_object *result, *last;

    for (unsigned i = 0; i < 300; i++) {
        log_line(LOG_WARNING, "here", "line %u\x1b", i);
    }
    result = peer_result(&peer, "log", "{\"lines\":5}");
    ck_assert_uint_eq(json_object_array_length(get(result, "lines")), 5);
    last = json_object_array_get_idx(get(result, "lines"), 4);
    ck_assert_str_eq(get_text(last, "text"), "warning: here: line 299\\x1b");
    ck_assert_str_eq(get_text(last, "level"), "warning");
    json_object_put(result);
    result = peer_result(&peer, "log", "{\"lines\":99999}");
    ck_assert_uint_eq(json_object_array_length(get(result, "lines")), LOG_RECENT);
    json_object_put(result);
    result = peer_result(&peer, "log", "{\"lines\":-1}");
    ck_assert_uint_eq(json_object_array_length(get(result, "lines")), 0);
    json_object_put(result);
}
END_TEST

START_TEST(the_level_of_the_log)
{
    struct json_object *result;

    ck_assert(!log_wants(LOG_DEBUG));
    json_object_put(peer_result(&peer, "log-level", "{\"level\":\"debug\"}"));
    ck_assert(log_wants(LOG_DEBUG));
    json_object_put(peer_result(&peer, "log-level", "{\"level\":\"error\"}"));
    ck_assert(!log_wants(LOG_WARNING));
    result = peer_result(&peer, "log", NULL);
    ck_assert_str_eq(get_text(result, "level"), "error");
    json_object_put(result);
}
END_TEST

START_TEST(trace)
{
    uint64_t address = blk.pci.bar[4].address + VIRTIO_NUM_QUEUES;
    struct json_object *result, *entry;
    uint8_t sector[BLK_SECTOR];

    vcpu_load(&vcpu[0], address, 2);
    result = peer_result(&peer, "trace", NULL);
    ck_assert(!json_object_get_boolean(get(result, "on")));
    ck_assert_uint_eq(json_object_array_length(get(result, "requests")), 0);
    json_object_put(result);
    result = peer_result(&peer, "stats", NULL);
    ck_assert_uint_eq(timed(result, "times"), 0);
    json_object_put(result);

    json_object_put(peer_result(&peer, "trace-switch", "{\"on\":true}"));
    ck_assert_uint_eq(vcpu_load(&vcpu[1], address, 2), 1);
    vcpu_store(&vcpu[0], blk.pci.bar[4].address + 8, 4, 0x12345678);
    result = peer_result(&peer, "trace", NULL);
    ck_assert_uint_eq(json_object_array_length(get(result, "requests")), 2);
    entry = json_object_array_get_idx(get(result, "requests"), 0);
    ck_assert_uint_eq(get_number(entry, "vcpu"), 1);
    ck_assert_str_eq(get_text(entry, "kind"), "memory");
    ck_assert(!json_object_get_boolean(get(entry, "write")));
    ck_assert_uint_eq(get_number(entry, "address"), address);
    ck_assert_uint_eq(get_number(entry, "size"), 2);
    ck_assert_uint_eq(get_number(entry, "count"), 1);
    ck_assert_uint_eq(get_number(entry, "data"), 1);
    ck_assert_uint_ge(get_number(entry, "age"), get_number(entry, "took"));
    entry = json_object_array_get_idx(get(result, "requests"), 1);
    ck_assert(json_object_get_boolean(get(entry, "write")));
    ck_assert_uint_eq(get_number(entry, "data"), 0x12345678);
    json_object_put(result);
    result = peer_result(&peer, "stats", NULL);
    ck_assert_uint_eq(timed(result, "times"), 2);
    ck_assert_uint_eq(timed(result, "file-times"), 0);
    json_object_put(result);

    for (unsigned i = 0; i < 2 * TRACE_ENTRIES; i++) {
        vcpu_load(&vcpu[0], address, 2);
    }
    result = peer_result(&peer, "trace", "{\"count\":1000000}");
    ck_assert_uint_eq(json_object_array_length(get(result, "requests")), TRACE_ENTRIES);
    json_object_put(result);
    disk_start(DISK_FEATURES, 0);
    ck_assert_int_eq(blk_do(&blk, &vcpu[0], BLK_IN, 0, sector, sizeof(sector)), 0);
    result = peer_result(&peer, "stats", NULL);
    ck_assert_uint_eq(timed(result, "file-times"), 1);
    json_object_put(result);
    json_object_put(peer_result(&peer, "trace-switch", "{\"on\":false}"));
    ck_assert_int_eq(blk_do(&blk, &vcpu[0], BLK_IN, 0, sector, sizeof(sector)), 0);
    result = peer_result(&peer, "stats", NULL);
    ck_assert_uint_eq(timed(result, "file-times"), 1);
    json_object_put(result);
    result = peer_result(&peer, "trace", NULL);
    ck_assert_uint_eq(json_object_array_length(get(result, "requests")), 0);
    json_object_put(result);
}
END_TEST

START_TEST(events)
{
    struct json_object *event, *params;
    struct peer other;
    char reason[128];

    peer_open(&other, monitor_path);
    json_object_put(peer_result(&other, "events", NULL));
    json_object_put(peer_result(&other, "events", NULL)); /* asking twice is hearing once */
    event_tell("virtio-blk disk0", "file-stopped", "{\"error\": 28}");
    event_tell(NULL, "plain", NULL);
    event_tell(NULL, "odd", "[1");
    for (unsigned i = 0; i < 3; i++) {
        event = peer_next(&other);
        params = get(event, "params");
        ck_assert_msg(schema_check(schema_event, params, reason, sizeof(reason)), "%s", reason);
        ck_assert_str_eq(get_text(event, "method"), "event");
        ck_assert_str_eq(get_text(params, "name"), i == 0 ? "file-stopped" : i == 1 ? "plain" : "odd");
        ck_assert_int_eq(get(params, "device") != NULL, i == 0);
        ck_assert_int_eq(get(params, "data") != NULL, i == 0);
        if (i == 0) {
            ck_assert_str_eq(get_text(params, "device"), "disk0");
            ck_assert_uint_eq(get_number(get(params, "data"), "error"), 28);
        }
        json_object_put(event);
    }
    json_object_put(peer_result(&other, "status", NULL)); /* nothing more has come */
    peer_close(&other);
}
END_TEST

TCase *method_tests(void)
{
    TCase *group = tcase_create("methods");

    tcase_add_checked_fixture(group, open_peer, close_peer);
    tcase_add_test(group, schema);
    tcase_add_test(group, status);
    tcase_add_test(group, devices);
    tcase_add_test(group, bridges);
    tcase_add_test(group, stats_count_what_the_guest_does);
    tcase_add_test(group, stats_while_a_disk_works);
    tcase_add_test(group, configuration_accesses_are_counted);
    tcase_add_test(group, the_log);
    tcase_add_test(group, the_level_of_the_log);
    tcase_add_test(group, trace);
    tcase_add_test(group, events);
    return group;
}
