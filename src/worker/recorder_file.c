/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of a recorder as text in a file, see recorder_file.h. Its calls come one at a time, under the recorder's lock. */
#include "worker/recorder_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "recording/writer.h"

struct recorder_file {
    struct writer *writer;
    struct recorder *recorder;
    struct text text;
    bool begun; /* the line of a request stands there without its answer and end */
    bool failed;
};

static void add(struct recorder_file *file, const char *data, size_t length)
{
    int rc = file->failed ? 0 : writer_add(file->writer, data, length);

    if (rc != 0) {
        file->failed = true;
        log_line(LOG_WARNING, NULL, "the recording ends here, its file cannot grow: %s: make room on its disk",
                 strerror(-rc));
    }
}

static void on_header(void *context, const char *text, size_t length)
{
    add(context, text, length);
}

static void on_begun(void *context, const struct recording_line *line)
{
    struct recorder_file *file = context;

    text_clear(&file->text);
    recording_print(line, &file->text);
    add(file, file->text.data, file->text.length);
    file->begun = true;
}

static void on_line(void *context, const struct recording_line *line)
{
    struct recorder_file *file = context;

    text_clear(&file->text);
    if (line->kind == RECORDING_REQUEST) {
        if (!file->begun) {
            recording_print(line, &file->text);
        }
        recording_print_answer(line, &file->text);
        file->begun = false;
    } else {
        recording_print(line, &file->text);
    }
    text_add(&file->text, "\n", 1);
    add(file, file->text.data, file->text.length);
}

/* A name that was mistyped may be that of a disk's image. */
static bool is_something_else(const char *path)
{
    char begin[sizeof("ioreqd-recording") - 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    bool other = false;

    if (fd < 0) {
        return false;
    }
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        other = true;
    } else if (status.st_size != 0) {
        other =
            read(fd, begin, sizeof(begin)) != sizeof(begin) || memcmp(begin, "ioreqd-recording", sizeof(begin)) != 0;
    }
    close(fd);
    return other;
}

struct recorder_file *recorder_file_open(const char *path)
{
    struct recorder_file *file = calloc(1, sizeof(*file));
    const struct recorder_sink sink = {.context = file, .header = on_header, .begun = on_begun, .line = on_line};

    if (file == NULL) {
        return NULL;
    }
    if (is_something_else(path)) {
        errno = EEXIST;
    } else {
        file->writer = writer_open(path);
    }
    if (file->writer == NULL) {
        int error = errno;

        free(file);
        errno = error;
        return NULL;
    }
    file->recorder = recorder_create(&sink);
    if (file->recorder == NULL) {
        recorder_file_close(file);
        errno = ENOMEM;
        return NULL;
    }
    return file;
}

void recorder_file_close(struct recorder_file *file)
{
    if (file == NULL) {
        return;
    }
    recorder_destroy(file->recorder);
    writer_close(file->writer);
    text_free(&file->text);
    free(file);
}

struct recorder *recorder_file_recorder(struct recorder_file *file)
{
    return file->recorder;
}
