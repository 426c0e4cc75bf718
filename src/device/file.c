/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of devices, see file.h.
 */
#define _GNU_SOURCE
#include "device/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

struct ioreqd_file {
    int fd;
    uint64_t size;
    bool read_only;
};

/* Sets the reason and errno. */
static int refuse(char *reason, size_t size, int error, const char *text)
{
    snprintf(reason, size, "%s", text);
    errno = error;
    return -1;
}

static int measure(struct ioreqd_file *file, char *reason, size_t size)
{
    struct stat status;

    if (fstat(file->fd, &status) != 0) {
        return refuse(reason, size, errno, strerror(errno));
    }
    if (S_ISREG(status.st_mode)) {
        file->size = (uint64_t)status.st_size;
        return 0;
    }
    if (S_ISBLK(status.st_mode)) {
        return ioctl(file->fd, BLKGETSIZE64, &file->size) == 0 ? 0 : refuse(reason, size, errno, strerror(errno));
    }
    return refuse(reason, size, EINVAL, "it is neither a regular file nor a block device");
}

/* A lock of the open file, which ends with it whatever happens to us. */
static int lock(struct ioreqd_file *file, char *reason, size_t size)
{
    struct flock whole = {.l_type = file->read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};

    if (fcntl(file->fd, F_OFD_SETLK, &whole) == 0) {
        return 0;
    }
    if (errno == EAGAIN || errno == EACCES) {
        return refuse(reason, size, EBUSY,
                      "another process has it in use: end that one, or open it in both with readonly=on");
    }
    return errno == ENOLCK || errno == EOPNOTSUPP ? 0 : refuse(reason, size, errno, strerror(errno));
}

struct ioreqd_file *file_open(const char *path, bool read_only, char *reason, size_t size)
{
    struct ioreqd_file *file = calloc(1, sizeof(*file));
    int error;

    if (file == NULL) {
        refuse(reason, size, ENOMEM, "out of memory");
        return NULL;
    }
    file->read_only = read_only;
    /* Without O_NONBLOCK the opening of a FIFO would wait for a writer. */
    file->fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (file->fd < 0) {
        error = errno;
        snprintf(reason, size, "cannot be opened for %s: %s: %s", read_only ? "reading" : "reading and writing",
                 strerror(error),
                 error == ENOENT   ? "create it, or correct the path"
                 : error == EACCES ? "give ioreqd's user access to it"
                 : error == EROFS  ? "open it with readonly=on"
                                   : "name a regular file or a block device");
        free(file);
        errno = error;
        return NULL;
    }
    if (measure(file, reason, size) != 0 || lock(file, reason, size) != 0) {
        error = errno;
        file_close(file);
        errno = error;
        return NULL;
    }
    return file;
}

void file_close(struct ioreqd_file *file)
{
    if (file != NULL) {
        close(file->fd);
        free(file);
    }
}

int file_descriptor(const struct ioreqd_file *file)
{
    return file->fd;
}

uint64_t file_size(const struct ioreqd_file *file)
{
    return file->size;
}

bool file_read_only(const struct ioreqd_file *file)
{
    return file->read_only;
}
