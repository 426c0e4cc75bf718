/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets that listen at a path, see unix_listener.h. */
#include "device/unix_listener.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "device/stream_private.h"

/*
 * Whether a process has the socket bound, 0 or 1, or -1 with errno set. Asked with a socket of another type, which
 * the kernel refuses with EPROTOTYPE when somebody is there: a peer would disturb them.
 */
static int is_alive(const struct sockaddr_un *address)
{
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error;

    if (descriptor < 0) {
        return -1;
    }
    error = connect(descriptor, (const struct sockaddr *)address, sizeof(*address)) == 0 ? 0 : errno;
    close(descriptor);
    if (error == ECONNREFUSED || error == ENOENT) {
        return 0;
    }
    errno = error;
    return error == 0 || error == EPROTOTYPE ? 1 : -1;
}

/* Makes room at the path: what is there may be the socket of a process that has ended. */
static int make_room(const struct sockaddr_un *address, bool check, char *reason, size_t size)
{
    const char *path = address->sun_path;
    struct stat status;
    int alive;

    if (lstat(path, &status) != 0) {
        return errno == ENOENT ? 0
                               : stream_refuse(reason, size, errno, "%s: %s", strerror(errno), stream_remedy(errno));
    }
    if (!S_ISSOCK(status.st_mode)) {
        return stream_refuse(reason, size, EEXIST,
                             "something other than a socket is there: remove it, or name "
                             "another path");
    }
    alive = is_alive(address);
    if (alive < 0) {
        return stream_refuse(reason, size, errno,
                             "the socket that is there cannot be asked for its owner: %s: give "
                             "ioreqd's user access to it",
                             strerror(errno));
    }
    if (alive > 0) {
        return stream_refuse(reason, size, EADDRINUSE,
                             "another process listens there: end that one, or name another "
                             "path");
    }
    if (!check && unlink(path) != 0 && errno != ENOENT) {
        return stream_refuse(reason, size, errno,
                             "the socket of a process that has ended cannot be removed: %s: "
                             "remove it",
                             strerror(errno));
    }
    return 0;
}

static int listen_at(struct unix_listener *listener, const struct sockaddr_un *address, mode_t mode, int backlog,
                     char *reason, size_t size)
{
    struct stat status;

    listener->descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* The mode of a socket before bind() is that of the file that bind() makes, less the umask: nobody gets in between. */
    if (listener->descriptor < 0 || fchmod(listener->descriptor, mode) != 0) {
        return stream_refuse(reason, size, errno, "no socket can be made: %s", strerror(errno));
    }
    if (bind(listener->descriptor, (const struct sockaddr *)address, sizeof(*address)) != 0) {
        return stream_refuse(reason, size, errno, "cannot be made: %s: %s", strerror(errno), stream_remedy(errno));
    }
    if (chmod(address->sun_path, mode) != 0 || stat(address->sun_path, &status) != 0 ||
        listen(listener->descriptor, backlog) != 0) {
        int error = errno;

        unlink(address->sun_path);
        return stream_refuse(reason, size, error, "cannot be listened at: %s", strerror(error));
    }
    listener->device = status.st_dev;
    listener->inode = status.st_ino;
    return 0;
}

static int address_of(const char *path, struct sockaddr_un *address, char *reason, size_t size)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address->sun_path)) {
        return stream_refuse(reason, size, ENAMETOOLONG, "a socket's path has at most %zu bytes: name a shorter one",
                             sizeof(address->sun_path) - 1);
    }
    memcpy(address->sun_path, path, strlen(path) + 1);
    return 0;
}

int unix_listener_check(const char *path, char *reason, size_t size)
{
    struct sockaddr_un address;

    if (address_of(path, &address, reason, size) != 0 || make_room(&address, true, reason, size) != 0) {
        return -1;
    }
    return stream_check_place(path, reason, size);
}

int unix_listener_open(struct unix_listener *listener, const char *path, mode_t mode, int backlog, char *reason,
                       size_t size)
{
    struct sockaddr_un address;

    if (address_of(path, &address, reason, size) != 0 || make_room(&address, false, reason, size) != 0) {
        return -1;
    }
    if (listen_at(listener, &address, mode, backlog, reason, size) != 0) {
        int error = errno;

        if (listener->descriptor >= 0) {
            close(listener->descriptor);
        }
        errno = error;
        return -1;
    }
    return 0;
}

void unix_listener_close(struct unix_listener *listener, const char *path)
{
    struct stat status;

    if (lstat(path, &status) == 0 && status.st_dev == listener->device && status.st_ino == listener->inode) {
        unlink(path);
    }
    close(listener->descriptor);
}
