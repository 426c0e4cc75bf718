/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pidfile, see pidfile.h. It is written and locked under another name and then linked to its own, which fails when
 * somebody else's is there: of two processes that replace the same old file only one has that one's lock.
 */
#define _GNU_SOURCE /* O_CLOEXEC, asprintf() */
#include "pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES 3

struct pidfile {
    int fd;
    char *path;
};

static bool is_at(int fd, const char *path)
{
    struct stat ours, there;

    return fstat(fd, &ours) == 0 && lstat(path, &there) == 0 && ours.st_dev == there.st_dev &&
           ours.st_ino == there.st_ino;
}

static int open_old(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
}

pid_t pidfile_owner(const char *path)
{
    int fd = open_old(path);
    char text[32] = "";
    long pid = 0;

    if (fd < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    if (flock(fd, LOCK_SH | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            pid = -errno;
        } else if (read(fd, text, sizeof(text) - 1) > 0) {
            pid = strtol(text, NULL, 10);
        }
        if (pid == 0) {
            pid = -EBUSY;
        }
    }
    close(fd);
    return (pid_t)pid;
}

/* Removes what a dead process left. 0, or -1 with errno set. */
static int remove_old(const char *path)
{
    int fd = open_old(path);
    int rc = 0;

    if (fd < 0) {
        return errno == ENOENT ? 0 : -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        errno = errno == EWOULDBLOCK ? EBUSY : errno;
        rc = -1;
    } else if (is_at(fd, path)) {
        rc = unlink(path); /* under its lock: a second process that replaces it fails above, or finds another file */
    }
    int saved_errno = errno;
    close(fd);
    errno = saved_errno;
    return rc;
}

struct pidfile *pidfile_create(const char *path)
{
    struct pidfile *pidfile = calloc(1, sizeof(*pidfile));
    char *unfinished = NULL;
    int saved_errno;

    if (pidfile == NULL) {
        return NULL;
    }
    pidfile->fd = -1;
    pidfile->path = strdup(path);
    if (pidfile->path == NULL || asprintf(&unfinished, "%s.%d", path, getpid()) < 0) {
        unfinished = NULL;
        goto fail;
    }
    pidfile->fd = open(unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (pidfile->fd < 0) {
        goto fail;
    }
    if (flock(pidfile->fd, LOCK_EX | LOCK_NB) != 0 || dprintf(pidfile->fd, "%d\n", getpid()) < 0) {
        goto fail_unlink;
    }
    for (int i = 0; i < TRIES; i++) {
        if (link(unfinished, path) == 0) {
            unlink(unfinished);
            free(unfinished);
            return pidfile;
        }
        if (errno != EEXIST || remove_old(path) != 0) {
            break;
        }
    }

fail_unlink:
    saved_errno = errno;
    unlink(unfinished);
    errno = saved_errno;
fail:
    saved_errno = errno;
    if (pidfile->fd >= 0) {
        close(pidfile->fd);
    }
    free(unfinished);
    free(pidfile->path);
    free(pidfile);
    errno = saved_errno;
    return NULL;
}

void pidfile_remove(struct pidfile *pidfile)
{
    if (pidfile == NULL) {
        return;
    }
    if (is_at(pidfile->fd, pidfile->path)) {
        unlink(pidfile->path);
    }
    /* The descriptor stays open: the lock ends with the process, and whoever waits for it finds all files free. */
    free(pidfile->path);
    free(pidfile);
}
