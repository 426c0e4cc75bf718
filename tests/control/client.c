/* SPDX-License-Identifier: BSD-2-Clause */
/* Clients that are clumsy, slow or hostile: they harm neither the others nor the guest. */
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "event.h"
#include "log.h"
#include "tests/control/served.h"

#define STATUS "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}\n"

/* Somebody who behaves is served, and so is the guest. */
static void expect_service(void)
{
    struct peer peer;

    peer_open(&peer, control_path);
    json_object_put(peer_result(&peer, "status", NULL));
    peer_close(&peer);
    ck_assert_uint_eq(pci_get(&vcpu[0], blk.pci.number, 0, 4), 0x10421af4);
}

START_TEST(lines_in_pieces_and_in_heaps)
{
    struct json_object *answer;
    struct peer peer;

    peer_open(&peer, control_path);
    for (const char *at = STATUS; *at != 0; at++) {
        const char byte[2] = {*at};

        peer_send(&peer, byte);
    }
    answer = peer_next(&peer);
    ck_assert_ptr_nonnull(get(answer, "result"));
    json_object_put(answer);
    peer_send(&peer, STATUS STATUS STATUS "rubbish\n" STATUS);
    for (unsigned i = 0; i < 5; i++) {
        answer = peer_next(&peer);
        ck_assert_ptr_nonnull(get(answer, i == 3 ? "error" : "result"));
        json_object_put(answer);
    }
    peer_close(&peer);
}
END_TEST

START_TEST(rubbish)
{
    uint32_t seed = 1;
    struct peer peer;

    for (unsigned round = 0; round < 50; round++) {
        char text[2000];

        peer_open(&peer, round % 2 == 0 ? control_path : monitor_path);
        for (unsigned i = 0; i < sizeof(text) - 1; i++) {
            text[i] = (char)(1 + disk_random(&seed) % 255);
        }
        text[sizeof(text) - 1] = 0;
        peer_send(&peer, text);
        peer_send(&peer, "\n");
        json_object_put(peer_next(&peer));
        peer_close(&peer);
    }
    expect_service();
}
END_TEST

START_TEST(a_line_that_is_too_long)
{
    char *text = malloc(2 * CONTROL_LINE_MAX + 1);
    struct json_object *answer;
    struct peer peer;

    memset(text, ' ', 2 * CONTROL_LINE_MAX);
    text[2 * CONTROL_LINE_MAX] = 0;
    peer_open(&peer, control_path);
    peer_send(&peer, text);
    answer = peer_next(&peer);
    if (answer != NULL) { /* else the end came before the word */
        ck_assert_ptr_nonnull(strstr(get_text(get(answer, "error"), "message"), "too long"));
        json_object_put(answer);
        ck_assert_ptr_null(peer_next(&peer));
    }
    peer_close(&peer);
    free(text);
    expect_service();
}
END_TEST

/* What is asked for and not read is not served on and on: it stays in the client's socket. */
START_TEST(a_client_that_does_not_read)
{
    struct peer deaf;
    unsigned sent = 0, answers = 0;
    struct json_object *answer;

    peer_open(&deaf, control_path);
    while (sent < 100000 &&
           send(deaf.descriptor, STATUS, strlen(STATUS), MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)strlen(STATUS)) {
        sent++;
        if (sent % 64 == 0) {
            usleep(1000); /* time to serve, if it would */
        }
    }
    ck_assert_msg(sent < 100000, "all of it was taken");
    expect_service();
    shutdown(deaf.descriptor, SHUT_WR);
    while ((answer = peer_next(&deaf)) != NULL) {
        answers += get(answer, "result") != NULL;
        json_object_put(answer);
    }
    ck_assert_uint_eq(answers, sent);
    peer_close(&deaf);
}
END_TEST

START_TEST(an_answer_after_the_client_has_said_all)
{
    struct json_object *answer;
    struct peer peer;

    peer_open(&peer, monitor_path);
    peer_send(&peer, STATUS "half a line");
    shutdown(peer.descriptor, SHUT_WR);
    answer = peer_next(&peer);
    ck_assert_ptr_nonnull(get(answer, "result"));
    json_object_put(answer);
    ck_assert_ptr_null(peer_next(&peer));
    peer_close(&peer);
}
END_TEST

START_TEST(clients_that_vanish)
{
    struct peer peer;

    for (unsigned i = 0; i < 200; i++) {
        peer_open(&peer, i % 2 == 0 ? control_path : monitor_path);
        peer_send(&peer, i % 3 == 0 ? STATUS : i % 3 == 1 ? "{\"half" : "");
        peer_close(&peer);
    }
    /* They may still be waiting to be let in and to be noticed. */
    for (unsigned i = 0; i < 100; i++) {
        struct json_object *answer;

        usleep(10000);
        peer_open(&peer, control_path);
        peer_send(&peer, STATUS);
        answer = peer_next(&peer);
        peer_close(&peer);
        i = answer != NULL && get(answer, "result") != NULL && get_number(get(answer, "result"), "clients") <= 2 ? 1000
                                                                                                                 : i;
        ck_assert_uint_ne(i, 99);
        json_object_put(answer);
    }
    expect_service();
}
END_TEST

/* Those who say nothing take the places that there are, and no more: of their own socket alone. */
START_TEST(more_clients_than_there_may_be)
{
    struct peer peer[CONTROL_CLIENTS_MAX], late;
    struct json_object *answer;

    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        peer_open(&peer[i], monitor_path);
    }
    json_object_put(peer_result(&peer[CONTROL_CLIENTS_MAX - 1], "status", NULL));
    peer_open(&late, monitor_path);
    answer = peer_next(&late);
    ck_assert_ptr_nonnull(strstr(get_text(get(answer, "error"), "message"), "too many clients"));
    json_object_put(answer);
    ck_assert_ptr_null(peer_next(&late));
    peer_close(&late);
    expect_service();
    json_object_put(peer_result(&peer[0], "status", NULL));
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        peer_close(&peer[i]);
    }
}
END_TEST

START_TEST(those_who_only_look)
{
    struct json_object *status;
    struct peer peer;

    peer_open(&peer, monitor_path);
    for (unsigned i = 0; i < METHODS; i++) {
        if (!schema_method[i].changes) {
            json_object_put(peer_result(&peer, schema_method[i].name, NULL));
        }
    }
    peer_refused(&peer, "log-level", "{\"level\":\"debug\"}", -32001, "only look");
    peer_refused(&peer, "trace-switch", "{\"on\":true}", -32001, "only look");
    peer_refused(&peer, "verb", "{\"device\":\"disk0\",\"verb\":\"resize\"}", -32001, "only look");
    status = peer_result(&peer, "status", NULL);
    ck_assert(json_object_get_boolean(get(status, "monitor")));
    ck_assert(!json_object_get_boolean(get(status, "trace")));
    ck_assert_str_eq(get_text(status, "log"), "info");
    json_object_put(status);
    peer_close(&peer);
}
END_TEST

/* One who asked for events and does not read them is dropped; another one gets them all. */
START_TEST(events_that_nobody_reads)
{
    struct peer deaf, keen;
    uint64_t heard = 0;
    char json[1200];

    log_set_level(LOG_ERROR); /* 2000 lines of the log help nobody */
    peer_open(&deaf, control_path);
    peer_open(&keen, control_path);
    json_object_put(peer_result(&deaf, "events", NULL));
    json_object_put(peer_result(&keen, "events", NULL));
    snprintf(json, sizeof(json), "{\"text\":\"%01000d\"}", 1);
    for (unsigned i = 0; i < 2000; i++) {
        struct json_object *event;

        event_tell("model disk0", "test", json);
        event = peer_next(&keen);
        ck_assert_ptr_nonnull(event);
        ck_assert_str_eq(get_text(get(event, "params"), "name"), "test");
        heard++;
        json_object_put(event);
    }
    ck_assert_uint_eq(heard, 2000);
    /* What the socket holds can still be read, and then comes the end. */
    heard = 0;
    for (struct json_object *event; (event = peer_next(&deaf)) != NULL; heard++) {
        json_object_put(event);
    }
    ck_assert_uint_lt(heard, 2000);
    peer_close(&deaf);
    peer_close(&keen);
    expect_service();
}
END_TEST

static sem_t entered, leave;

static void hold_loop(void *argument)
{
    (void)argument;
    sem_post(&entered);
    sem_wait(&leave);
}

/* Too many at once, while the loop is busy: how many are missing is told with the next. */
START_TEST(events_that_come_too_fast)
{
    struct ioreqd_work work = {.run = hold_loop};
    uint64_t heard = 0, lost = 0;
    struct peer peer;

    sem_init(&entered, 0, 0);
    sem_init(&leave, 0, 0);
    log_set_level(LOG_ERROR);
    peer_open(&peer, control_path);
    json_object_put(peer_result(&peer, "events", NULL));
    loop_post(worker_loop(stack.worker), &work);
    sem_wait(&entered);
    for (unsigned i = 0; i < 3000; i++) {
        event_tell(NULL, "flood", NULL);
    }
    sem_post(&leave);
    for (struct json_object *event = NULL; lost == 0;) {
        event = peer_next(&peer);
        ck_assert_ptr_nonnull(event);
        lost = get(get(event, "params"), "lost") != NULL ? get_number(get(event, "params"), "lost") : 0;
        heard += lost == 0;
        json_object_put(event);
        if (heard == 256 && lost == 0) {
            event_tell(NULL, "last", NULL);
        }
    }
    ck_assert_uint_eq(heard, 256);
    ck_assert_uint_eq(lost, 3000 - 256);
    peer_close(&peer);
}
END_TEST

/* All of it at once, while a driver works. */
static atomic_bool over;

static void *be_a_nuisance(void *argument)
{
    const char *path = argument;
    uint32_t seed = 7;

    while (!atomic_load(&over)) {
        struct peer peer;

        peer_open(&peer, path);
        for (unsigned i = disk_random(&seed) % 40; i > 0; i--) {
            peer_send(&peer, disk_random(&seed) % 2 == 0 ? "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"stats\"}\n"
                                                         : "{\"jsonrpc\":\"2.0\",\"id\":1,\"met\n");
        }
        peer_close(&peer);
        usleep(500);
    }
    return NULL;
}

START_TEST(a_disk_works_meanwhile)
{
    struct disk_load load = {.vcpu = &vcpu[0], .seed = 3, .parts = 1, .requests = 2000};
    pthread_t thread[2];

    disk_start(DISK_FEATURES, 0);
    ck_assert_int_eq(pthread_create(&thread[0], NULL, be_a_nuisance, control_path), 0);
    ck_assert_int_eq(pthread_create(&thread[1], NULL, be_a_nuisance, monitor_path), 0);
    disk_run(&load);
    atomic_store(&over, true);
    pthread_join(thread[0], NULL);
    pthread_join(thread[1], NULL);
    ck_assert_msg(load.wrong == NULL, "%s", load.wrong);
}
END_TEST

TCase *client_tests(void)
{
    TCase *group = tcase_create("clients");

    tcase_add_checked_fixture(group, served_open, served_close);
    tcase_add_test(group, lines_in_pieces_and_in_heaps);
    tcase_add_test(group, rubbish);
    tcase_add_test(group, a_line_that_is_too_long);
    tcase_add_test(group, a_client_that_does_not_read);
    tcase_add_test(group, an_answer_after_the_client_has_said_all);
    tcase_add_test(group, clients_that_vanish);
    tcase_add_test(group, more_clients_than_there_may_be);
    tcase_add_test(group, those_who_only_look);
    tcase_add_test(group, events_that_nobody_reads);
    tcase_add_test(group, events_that_come_too_fast);
    tcase_add_test(group, a_disk_works_meanwhile);
    return group;
}
