/* SPDX-License-Identifier: BSD-2-Clause */
/* A mapped file that grows, see writer.h. */
#include "recording/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PIECE ((size_t)1 << 20) /* mapped at a time: a multiple of every page size */

struct writer {
    int fd;
    char *piece; /* NULL: none */
    off_t begin; /* of the piece in the file */
    size_t used; /* of the piece */
    int error;
};

struct writer *writer_open(const char *path)
{
    struct writer *writer = calloc(1, sizeof(*writer));

    if (writer == NULL) {
        return NULL;
    }
    writer->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (writer->fd < 0) {
        free(writer);
        return NULL;
    }
    writer->used = PIECE;
    writer->begin = -(off_t)PIECE;
    return writer;
}

/* The room is taken from the disk first: a disk that is full must show here and not as a signal at a store. */
static int next_piece(struct writer *writer)
{
    off_t begin = writer->begin + (off_t)PIECE;
    int error = posix_fallocate(writer->fd, begin, (off_t)PIECE);
    void *piece;

    if (error != 0) {
        return -error;
    }
    piece = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_SHARED, writer->fd, begin);
    if (piece == MAP_FAILED) {
        return -errno;
    }
    if (writer->piece != NULL) {
        munmap(writer->piece, PIECE);
    }
    writer->piece = piece;
    writer->begin = begin;
    writer->used = 0;
    return 0;
}

int writer_add(struct writer *writer, const char *data, size_t length)
{
    while (length != 0 && writer->error == 0) {
        size_t here;

        if (writer->used == PIECE) {
            writer->error = next_piece(writer);
            continue;
        }
        here = length < PIECE - writer->used ? length : PIECE - writer->used;
        memcpy(writer->piece + writer->used, data, here);
        writer->used += here;
        data += here;
        length -= here;
    }
    return writer->error;
}

void writer_close(struct writer *writer)
{
    if (writer == NULL) {
        return;
    }
    if (writer->piece != NULL) {
        munmap(writer->piece, PIECE);
    }
    /* Should it fail, zeros are left at the end, which readers do not mind. */
    if (ftruncate(writer->fd, writer->begin + (off_t)writer->used) != 0) {
        errno = 0;
    }
    close(writer->fd);
    free(writer);
}
