/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ioreqd-replay: repeats recordings of ioreqd --record, one after the other, on a guest in memory, and tells what
 * differs. See ioreqd-replay(1).
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/device_option.h"
#include "replay/report.h"

#define STATUS_SAME      0
#define STATUS_DIFFERENT 1
#define STATUS_WRONG     2
#define MILLISECONDS     1000u
#define MILLISECONDS_MAX 600000ul
#define FILE_MAX         ((off_t)1 << 30)

struct options {
    struct replay_options replay;
    const char *module_dir;
    bool update;
    bool quiet;
    char **file; /* the rest of the arguments */
    int files;
};

static const char usage[] = "Usage: ioreqd-replay [OPTION]... FILE...\n"
                            "\n"
                            "Repeats what ioreqd --record wrote, on a guest in memory, and prints what differs.\n"
                            "\n"
                            "  --update          write what was got into FILE\n"
                            "  --quiet           print nothing but errors; the exit status tells\n"
                            "  --fast            do not keep to the recorded times\n"
                            "  --wait MS         wait MS milliseconds for what a request causes (1000)\n"
                            "  --device MODEL,id=ID[,KEY=VALUE]...\n"
                            "                    make the device ID of the recording so instead\n"
                            "  --module-dir DIR  look for models in DIR\n"
                            "  --version         print the version and exit\n"
                            "  --help            print this text and exit\n"
                            "\n"
                            "Exit status: 0 nothing differs; 1 something differs; 2 a file or the command line is "
                            "wrong.\n";

static int complain(const char *what, const char *value, const char *remedy)
{
    fprintf(stderr, "ioreqd-replay: error: %s%s%s: %s\n", what, value[0] != '\0' ? " " : "", value, remedy);
    return -1;
}

static int add_override(struct guest_options *guest, const char *value)
{
    struct guest_override *grown = realloc(guest->override, (guest->overrides + 1) * sizeof(*grown));
    struct config_error error;
    bool help;

    if (grown == NULL) {
        return complain("--device", value, "out of memory");
    }
    guest->override = grown;
    grown[guest->overrides] = (struct guest_override){.used = false};
    guest->overrides++;
    if (config_device_parse(value, &grown[guest->overrides - 1].device, &help, &error) != 0) {
        return complain("--device", "", error.text);
    }
    if (grown[guest->overrides - 1].device.id == NULL) {
        return complain("--device", value, "id= is missing: give that of the recording's device");
    }
    return 0;
}

static int set_wait(struct options *options, const char *value)
{
    char *end;
    unsigned long milliseconds = strtoul(value, &end, 10);

    if (*end != '\0' || value[0] < '0' || value[0] > '9' || milliseconds > MILLISECONDS_MAX) {
        return complain("--wait", value, "not a time: give milliseconds, 0 to 600000");
    }
    options->replay.milliseconds = (unsigned)milliseconds;
    return 0;
}

static int set_value(struct options *options, const char *name, const char *value)
{
    if (strcmp(name, "--module-dir") == 0) {
        options->module_dir = value;
        return 0;
    }
    return strcmp(name, "--wait") == 0 ? set_wait(options, value) : add_override(&options->replay.guest, value);
}

/* 1: done, nothing is to be replayed; -1: wrong. */
static int parse(int argc, char **argv, struct options *options)
{
    static const char *const with_value[] = {"--device", "--module-dir", "--wait"};
    int i = 1;

    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        char *name = argv[i], *value = strchr(name, '=');
        size_t known = 0;

        if (strcmp(name, "--") == 0) {
            i++;
            break;
        }
        if (strcmp(name, "--help") == 0) {
            fputs(usage, stdout);
            return 1;
        }
        if (strcmp(name, "--version") == 0) {
            printf("ioreqd-replay %s (device interface %u)\n", PACKAGE_VERSION, IOREQD_ABI);
            return 1;
        }
        if (strcmp(name, "--update") == 0 || strcmp(name, "--quiet") == 0 || strcmp(name, "--fast") == 0) {
            options->update = options->update || name[2] == 'u';
            options->quiet = options->quiet || name[2] == 'q';
            options->replay.fast = options->replay.fast || name[2] == 'f';
            continue;
        }
        if (value != NULL) {
            *value++ = '\0';
        }
        while (known < sizeof(with_value) / sizeof(with_value[0]) && strcmp(with_value[known], name) != 0) {
            known++;
        }
        if (known == sizeof(with_value) / sizeof(with_value[0])) {
            return complain(name, "", "unknown option: see ioreqd-replay --help");
        }
        if (value == NULL && i + 1 < argc) {
            value = argv[++i];
        }
        if (value == NULL || value[0] == '\0') {
            return complain(name, "", "the value is missing: see ioreqd-replay --help");
        }
        if (set_value(options, name, value) != 0) {
            return -1;
        }
    }
    options->file = argv + i;
    options->files = argc - i;
    return i < argc ? 0 : complain("FILE is missing", "", "give the recordings to repeat, see ioreqd-replay --help");
}

/* The whole file, which the caller frees; NULL with errno set. */
static char *load(const char *path, size_t *length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    char *data = NULL;
    ssize_t got = 1;

    *length = 0;
    if (fd < 0) {
        return NULL;
    }
    if (fstat(fd, &status) == 0) {
        if (!S_ISREG(status.st_mode) || status.st_size > FILE_MAX) {
            errno = S_ISREG(status.st_mode) ? EFBIG : EINVAL;
        } else {
            data = malloc((size_t)status.st_size + 1);
        }
    }
    while (data != NULL && got > 0 && *length < (size_t)status.st_size) {
        got = read(fd, data + *length, (size_t)status.st_size - *length);
        *length += got > 0 ? (size_t)got : 0;
    }
    if (got < 0) {
        free(data);
        data = NULL;
    }
    close(fd);
    return data;
}

static int tell(const struct options *options, const struct replay *replay, const char *path)
{
    FILE *nowhere = options->quiet ? fopen("/dev/null", "we") : NULL;
    size_t differences = report_print(replay, path, nowhere != NULL ? nowhere : stdout);
    int rc;

    if (nowhere != NULL) {
        fclose(nowhere);
    }
    if (!options->quiet) {
        printf("%s: %zu requests, %zu difference%s\n", path, replay->requests, differences,
               differences == 1 ? "" : "s");
    }
    rc = options->update ? report_update(replay, path) : 0;
    if (rc != 0) {
        fprintf(stderr, "ioreqd-replay: error: %s: cannot be written: %s\n", path, strerror(-rc));
        return STATUS_WRONG;
    }
    return differences == 0 ? STATUS_SAME : STATUS_DIFFERENT;
}

static int replay_file(const struct options *options, const char *path)
{
    struct recording_error wrong;
    struct recording recording;
    struct config_error error;
    struct replay replay;
    int status = STATUS_WRONG;
    size_t length;
    char *data = load(path, &length);

    if (data == NULL) {
        fprintf(stderr, "ioreqd-replay: error: %s: cannot be read: %s\n", path, strerror(errno));
        return STATUS_WRONG;
    }
    if (recording_read(data, length, &recording, &wrong) != 0) {
        if (wrong.line == 0) {
            fprintf(stderr, "%s: error: %s\n", path, wrong.text);
        } else {
            fprintf(stderr, "%s:%zu: error: %s\n", path, wrong.line, wrong.text);
        }
        free(data);
        return STATUS_WRONG;
    }
    free(data);
    if (replay_run(&replay, &recording, &options->replay, &error) != 0) {
        fprintf(stderr, "ioreqd-replay: error: %s: %s\n", path, error.text);
    } else {
        status = tell(options, &replay, path);
    }
    replay_free(&replay);
    recording_free(&recording);
    return status;
}

static void free_options(struct options *options)
{
    for (size_t i = 0; i < options->replay.guest.overrides; i++) {
        config_device_free(&options->replay.guest.override[i].device);
    }
    free(options->replay.guest.override);
    models_close(options->replay.guest.models);
}

int main(int argc, char **argv)
{
    struct options options = {.replay = {.milliseconds = MILLISECONDS}};
    int rc = parse(argc, argv, &options);
    int status = rc < 0 ? STATUS_WRONG : STATUS_SAME;

    log_set_level(LOG_ERROR);
    if (rc == 0) {
        options.replay.guest.models = models_open(options.module_dir);
        if (options.replay.guest.models == NULL) {
            status = STATUS_WRONG;
            options.files = 0;
        }
    }
    for (int i = 0; rc == 0 && i < options.files; i++) {
        int one = replay_file(&options, options.file[i]);

        status = one > status ? one : status;
    }
    for (size_t i = 0; rc == 0 && i < options.replay.guest.overrides && status != STATUS_WRONG; i++) {
        if (!options.replay.guest.override[i].used) {
            complain("--device", options.replay.guest.override[i].device.id, "no recording has a device of this id");
            status = STATUS_WRONG;
        }
    }
    free_options(&options);
    return status;
}
