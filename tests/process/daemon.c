/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Becoming a daemon: what the process that was started ends with, and that neither outlives the other before readiness.
 */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/process/process.h"

/* What the daemon under test does; it has standard error, and a pipe that shows that it lives. */
typedef void role(struct daemon *daemon);

struct started {
    pid_t pid;
    int alive;  /* reads the end of the file when the daemon is gone too */
    int errors; /* what standard error was */
};

static struct started start(role *play)
{
    struct started started;
    int alive[2], errors[2];

    ck_assert_int_eq(pipe(alive), 0);
    ck_assert_int_eq(pipe(errors), 0);
    started.pid = fork();
    ck_assert_int_ge(started.pid, 0);
    if (started.pid == 0) {
        close(alive[0]);
        close(errors[0]);
        signal(SIGTERM, SIG_DFL); /* check's own handlers would end the test */
        signal(SIGINT, SIG_DFL);
        dup2(errors[1], STDERR_FILENO);
        close(errors[1]);
        struct daemon *daemon = daemon_begin();
        if (daemon == NULL) {
            _exit(99);
        }
        play(daemon);
        _exit(0);
    }
    close(alive[1]);
    close(errors[1]);
    started.alive = alive[0];
    started.errors = errors[0];
    return started;
}

static int end_of(const struct started *started)
{
    int status;

    ck_assert_int_eq(waitpid(started->pid, &status, 0), started->pid);
    return status;
}

static bool daemon_lives(const struct started *started)
{
    struct pollfd wait = {.fd = started->alive, .events = POLLIN};

    return poll(&wait, 1, 0) == 0;
}

static void wait_daemon_gone(const struct started *started)
{
    char byte;

    ck_assert_int_eq(read(started->alive, &byte, 1), 0);
}

static void finish(struct started *started)
{
    close(started->alive);
    close(started->errors);
}

static void serve(struct daemon *daemon)
{
    daemon_ready(daemon, false);
    daemon_end(daemon);
    /* It has lost the caller's descriptors 0 to 2, and has a session of its own. */
    bool good = getsid(0) == getpid() && write(STDERR_FILENO, "late\n", 5) == 5 && open("/dev/tty", O_RDWR) < 0;
    sleep(good ? 5 : 0);
}

START_TEST(ready)
{
    struct started started = start(serve);
    char text[8];
    int status = end_of(&started);

    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    /* Nothing keeps the caller's standard error open, though the daemon lives. */
    ck_assert_int_eq(read(started.errors, text, sizeof(text)), 0);
    ck_assert(daemon_lives(&started));
    finish(&started);
}
END_TEST

static void serve_aloud(struct daemon *daemon)
{
    daemon_ready(daemon, true);
    daemon_end(daemon);
    dprintf(STDERR_FILENO, "late");
}

START_TEST(standard_error_is_kept)
{
    struct started started = start(serve_aloud);
    char text[8] = "";

    ck_assert_int_eq(end_of(&started), 0);
    ck_assert_int_eq(read(started.errors, text, sizeof(text)), 4);
    ck_assert_str_eq(text, "late");
    finish(&started);
}
END_TEST

static void fail_with_4(struct daemon *daemon)
{
    dprintf(STDERR_FILENO, "why");
    daemon_end(daemon);
    _exit(4);
}

static void end_too_soon(struct daemon *daemon)
{
    daemon_end(daemon);
    _exit(0);
}

static void crash(struct daemon *daemon)
{
    (void)daemon;
    kill(getpid(), SIGKILL);
}

static const struct {
    role *play;
    int status;
    const char *says;
} failures[] = {
    {fail_with_4, 4, "why"},
    {end_too_soon, 1, ""},
    {crash, 1, "ioreqd: error: the daemon was ended by a signal before it was ready: Killed\n"},
};

START_TEST(failure_is_told)
{
    struct started started = start(failures[_i].play);
    char text[256] = "";
    int status = end_of(&started);

    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), failures[_i].status);
    ck_assert_int_ge(read(started.errors, text, sizeof(text) - 1), 0);
    ck_assert_str_eq(text, failures[_i].says);
    wait_daemon_gone(&started);
    finish(&started);
}
END_TEST

static void take_long(struct daemon *daemon)
{
    (void)daemon;
    dprintf(STDERR_FILENO, "!");
    for (;;) {
        pause();
    }
}

/* As main() does it: a signal is noted, and the start goes on to its end. */
static volatile sig_atomic_t noted;

static void note(int signal_number)
{
    noted = signal_number;
}

static void be_ready_in_spite(struct daemon *daemon)
{
    signal(SIGINT, note);
    signal(SIGTERM, note);
    dprintf(STDERR_FILENO, "!");
    while (noted == 0) {
        usleep(1000);
    }
    daemon_ready(daemon, false);
}

static const struct {
    role *play;
    int signal;
} interruptions[] = {{take_long, SIGTERM}, {take_long, SIGINT}, {take_long, SIGHUP}, {be_ready_in_spite, SIGINT}};

START_TEST(a_signal_before_readiness_ends_both)
{
    struct started started = start(interruptions[_i].play);
    char byte;
    int status;

    ck_assert_int_eq(read(started.errors, &byte, 1), 1);
    kill(started.pid, interruptions[_i].signal);
    status = end_of(&started);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), interruptions[_i].signal);
    wait_daemon_gone(&started);
    finish(&started);
}
END_TEST

START_TEST(killed_before_readiness)
{
    struct started started = start(take_long);
    char byte;

    ck_assert_int_eq(read(started.errors, &byte, 1), 1);
    kill(started.pid, SIGKILL);
    ck_assert(WIFSIGNALED(end_of(&started)));
    wait_daemon_gone(&started);
    finish(&started);
}
END_TEST

TCase *daemon_tests(void)
{
    TCase *group = tcase_create("daemon");

    tcase_add_test(group, ready);
    tcase_add_test(group, standard_error_is_kept);
    tcase_add_loop_test(group, failure_is_told, 0, sizeof(failures) / sizeof(failures[0]));
    tcase_add_loop_test(group, a_signal_before_readiness_ends_both, 0,
                        sizeof(interruptions) / sizeof(interruptions[0]));
    tcase_add_test(group, killed_before_readiness);
    return group;
}
