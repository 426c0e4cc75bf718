/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening and closing the files of devices, see file.h. This is the one object that opens any.
 */
#define _GNU_SOURCE
#include "device/file_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device/file_nbd.h"
#include "device/timer.h"

int file_refuse(char *reason, size_t size, int error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, size, format, arguments);
    va_end(arguments);
    errno = error;
    return -1;
}

static int measure(struct ioreqd_file *file, char *reason, size_t size)
{
    struct stat status;
    uint64_t bytes;
    int rc;

    if (fstat(file->fd, &status) != 0) {
        return file_refuse(reason, size, errno, "%s", strerror(errno));
    }
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) {
        return file_refuse(reason, size, EINVAL, "it is neither a regular file nor a block device");
    }
    file->block_device = S_ISBLK(status.st_mode);
    rc = file_measure(file, &bytes);
    if (rc != 0) {
        return file_refuse(reason, size, -rc, "%s", strerror(-rc));
    }
    atomic_store(&file->size, bytes);
    return 0;
}

/* A lock of the open file, which ends with it whatever happens to us. */
static int lock(struct ioreqd_file *file, char *reason, size_t size)
{
    struct flock whole = {.l_type = file->read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};

    if (fcntl(file->fd, F_OFD_SETLK, &whole) == 0) {
        return 0;
    }
    if (errno == EAGAIN || errno == EACCES) {
        return file_refuse(reason, size, EBUSY,
                           "another process has it in use: end that one, or open it in both with readonly=on");
    }
    return errno == ENOLCK || errno == EOPNOTSUPP ? 0 : file_refuse(reason, size, errno, "%s", strerror(errno));
}

bool file_nbd_is_uri(const char *path)
{
    static const char *const scheme[] = {"nbd://", "nbds://", "nbd+unix://", "nbds+unix://"};

    for (unsigned i = 0; i < sizeof(scheme) / sizeof(scheme[0]); i++) {
        if (strncmp(path, scheme[i], strlen(scheme[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* Opens the path. -1 with the reason and errno. */
static int open_path(const char *path, bool read_only, char *reason, size_t size)
{
    /* Without O_NONBLOCK the opening of a FIFO would wait for a writer. */
    int fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    int error = errno;

    if (fd >= 0) {
        /* And with it io_uring gives up where a file system has no way to tell that it would wait. */
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
        return fd;
    }
    return file_refuse(reason, size, error, "cannot be opened for %s: %s: %s",
                       read_only ? "reading" : "reading and writing", strerror(error),
                       error == ENOENT   ? "create it, or correct the path"
                       : error == EACCES ? "give ioreqd's user access to it"
                       : error == EROFS  ? "open it with readonly=on"
                                         : "name a regular file or a block device");
}

/*
 * The same file a second time, past the page cache. The unit is at least a page: what goes directly and what goes
 * through the page cache then share no page, as long as the guest's own requests do not overlap.
 */
static int open_direct(struct ioreqd_file *file, char *reason, size_t size)
{
    uint64_t unit = file->facts.logical_block;
    long page = sysconf(_SC_PAGESIZE);
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", file->fd);
    file->direct_fd = open(path, (file->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | O_DIRECT);
    if (file->direct_fd < 0) {
        return file_refuse(reason, size, errno,
                           "cannot be read and written past the page cache: %s: give cache=writeback", strerror(errno));
    }
    file->direct_unit = unit > (uint64_t)page ? unit : (uint64_t)page;
    if ((file->direct_unit & (file->direct_unit - 1)) != 0) {
        return file_refuse(reason, size, EINVAL, "its blocks have %llu bytes, no power of 2: give cache=writeback",
                           (unsigned long long)unit);
    }
    return 0;
}

static int open_local(struct ioreqd_file *file, char *reason, size_t size)
{
    file->fd = open_path(file->name, file->read_only, reason, size);
    if (file->fd < 0 || measure(file, reason, size) != 0 || lock(file, reason, size) != 0) {
        return -1;
    }
    file_find_facts(file);
    return file->options.cache == FILE_CACHE_NONE ? open_direct(file, reason, size) : 0;
}

struct ioreqd_file *file_open_with(const char *path, const struct file_options *options, char *reason, size_t size)
{
    struct ioreqd_file *file = calloc(1, sizeof(*file));
    int error;

    if (file != NULL) {
        file->name = strdup(path);
        file->fd = -1;
        file->direct_fd = -1;
    }
    if (file == NULL || file->name == NULL) {
        free(file);
        file_refuse(reason, size, ENOMEM, "out of memory");
        return NULL;
    }
    file->options = *options;
    file->read_only = options->read_only;
    throttle_init(&file->throttle, options->iops, options->iops_burst, options->bps, options->bps_burst);
    if ((file_nbd_is_uri(path) ? file_nbd_open(file, reason, size) : open_local(file, reason, size)) != 0) {
        error = errno;
        file_close(file);
        errno = error;
        return NULL;
    }
    return file;
}

struct ioreqd_file *file_open(const char *path, bool read_only, char *reason, size_t size)
{
    const struct file_options options = {.read_only = read_only};

    return file_open_with(path, &options, reason, size);
}

void file_leave_loops(struct ioreqd_file *file)
{
    timer_free(file->look);
    file->look = NULL;
    file_nbd_leave_loop(file->nbd);
    file_free_channels(file);
}

void file_close(struct ioreqd_file *file)
{
    if (file == NULL) {
        return;
    }
    file_leave_loops(file);
    file_nbd_close(file->nbd);
    if (file->direct_fd >= 0) {
        close(file->direct_fd);
    }
    if (file->fd >= 0) {
        close(file->fd);
    }
    free(file->name);
    free(file);
}

void file_set_owner(struct ioreqd_file *file, const char *owner)
{
    file->owner = owner;
}

void file_set_timed(struct ioreqd_file *file, const atomic_bool *timed)
{
    file->timed = timed;
}

int file_descriptor(const struct ioreqd_file *file)
{
    return file->fd;
}

uint64_t file_size(const struct ioreqd_file *file)
{
    return atomic_load_explicit(&file->size, memory_order_relaxed);
}

bool file_read_only(const struct ioreqd_file *file)
{
    return file->read_only;
}
