/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streams on the terminal that ioreqd was started in, see stream_private.h.
 *
 * The terminal is opened anew, so that it does not block us while whoever started us goes on to share standard input with
 * it blocking, and so that a lock of that description keeps a second user out, be it one of this process. Keys go to the
 * device as they are, with one exception that the kernel looks after: Ctrl-] raises SIGINT, which ends ioreqd in good
 * order. What the terminal was like comes back when the stream is closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "device/stream_private.h"

#define KEY_TO_END 0x1d /* Ctrl-] */

struct screen {
    int terminal;
    int resized; /* signalfd of SIGWINCH */
    struct ioreqd_watch *watch;
    struct termios before;
    bool changed;
};

/* The terminal's name, or as stream_refuse(). */
static const char *find_terminal(char *reason, size_t size)
{
    struct stat input, output;
    const char *name;
    pid_t foreground;

    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || fstat(STDIN_FILENO, &input) != 0 ||
        fstat(STDOUT_FILENO, &output) != 0 || input.st_rdev != output.st_rdev) {
        stream_refuse(reason, size, ENOTTY,
                      "standard input and output are no terminal: start ioreqd in one with --foreground, or give pty "
                      "or unix:PATH");
        return NULL;
    }
    foreground = tcgetpgrp(STDIN_FILENO); /* -1: it is not our controlling terminal, which stops nobody */
    if (foreground >= 0 && foreground != getpgrp()) {
        stream_refuse(reason, size, ENOTTY,
                      "ioreqd runs in the background: start it in the foreground of its terminal");
        return NULL;
    }
    name = ttyname(STDIN_FILENO);
    if (name == NULL) {
        stream_refuse(reason, size, errno, "the terminal has no name: %s: give pty or unix:PATH", strerror(errno));
    }
    return name;
}

/* Of this thread, and so of all that will be started. A signal that nobody blocks would be dropped by the kernel. */
static int watch_resizes(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    return pthread_sigmask(SIG_BLOCK, &set, NULL) == 0 ? signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC) : -1;
}

static void free_screen(struct screen *screen)
{
    watch_free(screen->watch);
    if (screen->changed) {
        tcsetattr(screen->terminal, TCSANOW, &screen->before);
    }
    if (screen->resized >= 0) {
        close(screen->resized);
    }
    if (screen->terminal >= 0) {
        close(screen->terminal);
    }
    free(screen);
}

static int set_up(struct screen *screen, const char *name, char *reason, size_t size)
{
    struct termios raw;

    screen->terminal = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (screen->terminal < 0) {
        return stream_refuse(reason, size, errno, "%s cannot be opened: %s: %s", name, strerror(errno),
                             stream_remedy(errno));
    }
    if (flock(screen->terminal, LOCK_EX | LOCK_NB) != 0) {
        return stream_refuse(reason, size, errno,
                             "another device or process has this terminal: give stdio once, and pty or unix:PATH to "
                             "the others");
    }
    screen->resized = watch_resizes();
    if (screen->resized < 0 || tcgetattr(screen->terminal, &screen->before) != 0) {
        return stream_refuse(reason, size, errno, "%s cannot be set up: %s", name, strerror(errno));
    }
    raw = screen->before;
    cfmakeraw(&raw);
    raw.c_lflag |= ISIG;
    raw.c_cc[VINTR] = KEY_TO_END;
    raw.c_cc[VQUIT] = _POSIX_VDISABLE;
    raw.c_cc[VSUSP] = _POSIX_VDISABLE;
    if (tcsetattr(screen->terminal, TCSANOW, &raw) != 0) {
        return stream_refuse(reason, size, errno, "%s cannot be set up: %s", name, strerror(errno));
    }
    screen->changed = true;
    return 0;
}

static int open_it(struct ioreqd_stream *stream, const char *argument, bool check, char *reason, size_t size)
{
    const char *name = find_terminal(reason, size);
    struct screen *screen;
    int error;

    (void)argument;
    if (name == NULL || check) {
        return name == NULL ? -1 : 0;
    }
    stream->place = strdup(name);
    screen = calloc(1, sizeof(*screen));
    if (stream->place == NULL || screen == NULL) {
        free(screen);
        free(stream->place);
        return stream_refuse(reason, size, ENOMEM, "out of memory");
    }
    screen->terminal = screen->resized = -1;
    if (set_up(screen, stream->place, reason, size) != 0) {
        error = errno;
        free_screen(screen);
        free(stream->place);
        errno = error;
        return -1;
    }
    stream->own = screen;
    return 0;
}

static void close_it(struct ioreqd_stream *stream)
{
    free_screen(stream->own);
}

static void on_resized(void *argument, unsigned events)
{
    struct ioreqd_stream *stream = argument;
    struct signalfd_siginfo signals[8];

    (void)events;
    while (read(((struct screen *)stream->own)->resized, signals, sizeof(signals)) > 0) {
    }
    stream_size_changed(stream);
}

static int attach(struct ioreqd_stream *stream)
{
    struct screen *screen = stream->own;
    int rc = watch_make(stream->loop, screen->resized, on_resized, stream, &screen->watch);

    if (rc == 0) {
        watch_arm(screen->watch, IOREQD_READABLE);
        rc = stream_peer_came(stream, screen->terminal);
    }
    if (rc != 0) {
        watch_free(screen->watch);
        screen->watch = NULL;
    }
    return rc;
}

static ssize_t write_it(struct ioreqd_stream *stream, const void *from, size_t length)
{
    return write(stream->descriptor, from, length);
}

/* The terminal has hung up: nobody comes back. */
static void ended(struct ioreqd_stream *stream)
{
    stream_peer_ended(stream);
}

static int size_of(const struct ioreqd_stream *stream, uint16_t *columns, uint16_t *rows)
{
    return stream_size_of(((const struct screen *)stream->own)->terminal, columns, rows);
}

const struct stream_kind stream_stdio = {
    .name = "stdio",
    .form = "stdio",
    .no_argument = true,
    .open = open_it,
    .attach = attach,
    .write = write_it,
    .ended = ended,
    .broken = ended,
    .size = size_of,
    .tells_size = true,
    .close = close_it,
};
