/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Becoming a daemon, see daemon.h. One fork, not two: everything that could be a terminal is opened with O_NOCTTY, so
 * that being the leader of the session brings none, and the first process can tell by waitpid(2) how the daemon ended.
 * The daemon stays in the folder that it was started in: what its options name relative to it is named again later.
 */
#define _GNU_SOURCE /* pipe2() */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exit_status.h"
#include "log.h"

struct daemon {
    int ready; /* the end of the pipe that is written to; -1 once it was */
};

static int wait_for(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

/* Ends this process by the signal, as if the daemon had never been between it and whoever sent it. */
static _Noreturn void end_by(int signal_number)
{
    sigset_t all;

    signal(signal_number, SIG_DFL);
    raise(signal_number);
    sigemptyset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    _exit(EXIT_STATUS_FAILED);
}

static _Noreturn void end_as(pid_t pid)
{
    int status = wait_for(pid);

    if (WIFEXITED(status)) {
        /* Done without having been ready: nobody may take that for readiness. */
        _exit(WEXITSTATUS(status) != EXIT_STATUS_DONE ? WEXITSTATUS(status) : EXIT_STATUS_FAILED);
    }
    log_line(LOG_ERROR, NULL, "the daemon was ended by a signal before it was ready: %s", strsignal(WTERMSIG(status)));
    _exit(EXIT_STATUS_FAILED);
}

/* The first process. signals are blocked; a signal that it was started with ignored (nohup) does not come. */
static _Noreturn void wait_until_ready(pid_t pid, int ready, const sigset_t *signals)
{
    struct pollfd wait[] = {{.fd = ready, .events = POLLIN},
                            {.fd = signalfd(-1, signals, SFD_CLOEXEC), .events = POLLIN}};
    struct signalfd_siginfo got;
    int asked = 0;
    char byte;

    for (;;) {
        if (poll(wait, 2, -1) < 0) {
            continue; /* EINTR, of signals that are not ours */
        }
        if ((wait[1].revents & POLLIN) != 0 && read(wait[1].fd, &got, sizeof(got)) == (ssize_t)sizeof(got)) {
            asked = (int)got.ssi_signo;
            kill(pid, asked);
        }
        if (wait[0].revents != 0) {
            ssize_t length = read(ready, &byte, 1);

            if (length < 0 && errno == EINTR) {
                continue;
            }
            if (asked != 0) {
                wait_for(pid);
                end_by(asked);
            }
            if (length == 1) {
                _exit(EXIT_STATUS_DONE);
            }
            end_as(pid);
        }
    }
}

static int to_null(int descriptor)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int rc = null < 0 ? -1 : dup2(null, descriptor);

    if (null >= 0 && null != descriptor) {
        close(null);
    }
    return rc < 0 ? -1 : 0;
}

struct daemon *daemon_begin(void)
{
    struct daemon *daemon = calloc(1, sizeof(*daemon));
    pid_t parent = getpid(), pid;
    sigset_t signals, before;
    int ends[2];

    if (daemon == NULL || pipe2(ends, O_CLOEXEC) != 0) {
        free(daemon);
        return NULL;
    }
    /* Blocked before the fork, so that none is lost between it and the wait. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, &before);
    pid = fork();
    if (pid < 0) {
        int saved_errno = errno;

        close(ends[0]);
        close(ends[1]);
        sigprocmask(SIG_SETMASK, &before, NULL);
        free(daemon);
        errno = saved_errno;
        return NULL;
    }
    if (pid > 0) {
        close(ends[1]);
        wait_until_ready(pid, ends[0], &signals);
    }
    close(ends[0]);
    daemon->ready = ends[1];
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent || setsid() < 0 || to_null(STDIN_FILENO) != 0 || to_null(STDOUT_FILENO) != 0) {
        _exit(EXIT_STATUS_FAILED);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return daemon;
}

void daemon_ready(struct daemon *daemon, bool keep_stderr)
{
    prctl(PR_SET_PDEATHSIG, 0); /* before the first process may end */
    if (!keep_stderr) {
        to_null(STDERR_FILENO);
    }
    while (write(daemon->ready, "", 1) < 0 && errno == EINTR) {
    }
    close(daemon->ready);
    daemon->ready = -1;
}

void daemon_end(struct daemon *daemon)
{
    if (daemon != NULL && daemon->ready >= 0) {
        close(daemon->ready);
    }
    free(daemon);
}
