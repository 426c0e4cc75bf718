/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ioreqd-dm: what an HVM guest's configuration names as device_model_override=. libxl starts it in QEMU's place, before
 * the guest runs; it starts the guest's ioreqd, waits until its devices answer, and becomes QEMU, with the arguments, the
 * descriptors and the process id that libxl gave it. When ioreqd cannot serve the guest it fails, and with it libxl.
 *
 * Whatever is no start of a guest's device model goes to QEMU as it came.
 */
#define _GNU_SOURCE /* close_range() */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exit_status.h"
#include "launcher/arguments.h"

#define PATH_SIZE 4096

/* To standard error, which libxl has made /var/log/xen/qemu-dm-NAME.log. */
static void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void complain(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fprintf(stderr, "ioreqd-dm: error: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
}

/* What is not found where it was when this was built is where the environment says. */
static const char *setting(const char *variable, const char *built_in)
{
    const char *value = getenv(variable);

    return value != NULL && value[0] != 0 ? value : built_in;
}

/* ---- QEMU ---- */

/* Where Xen's own builds and distributions have the QEMU that libxl would have taken. */
static const char *find_qemu(void)
{
    static const char *const places[] = {
        QEMU,
        "/usr/libexec/xen-qemu-system-i386", /* Debian 12 */
        "/usr/lib/xen/bin/qemu-system-i386", /* Xen's own build with the prefix /usr */
        "/usr/local/lib/xen/bin/qemu-system-i386",
        "/usr/libexec/xen/bin/qemu-system-i386",
        "/usr/bin/qemu-system-i386",
    };
    const char *set = setting("IOREQD_DM_QEMU", NULL);

    for (size_t i = 0; set == NULL && i < sizeof(places) / sizeof(places[0]); i++) {
        if (places[i][0] != 0 && access(places[i], X_OK) == 0) {
            set = places[i];
        }
    }
    return set;
}

static int become_qemu(char **argv)
{
    const char *qemu = find_qemu();

    if (qemu == NULL) {
        complain("there is no QEMU for Xen: install it (Debian: qemu-system-xen), or name it in IOREQD_DM_QEMU");
        return EXIT_STATUS_FAILED;
    }
    execv(qemu, argv);
    complain("%s cannot be run: %s", qemu, strerror(errno));
    return EXIT_STATUS_FAILED;
}

/* ---- ioreqd ---- */

/*
 * With dm_restrict=1 libxl has limited what QEMU may do by the time that we run (libxl_linux.c,
 * libxl__local_dm_preexec_restrict()): no file over 256 KiB, no memory locked. ioreqd writes disks, and is not QEMU.
 */
static void lift_limits(void)
{
    static const int resources[] = {RLIMIT_FSIZE, RLIMIT_MEMLOCK};
    const struct rlimit none = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

    for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++) {
        struct rlimit present;

        if (getrlimit((__rlimit_resource_t)resources[i], &present) == 0 && present.rlim_cur != RLIM_INFINITY) {
            setrlimit((__rlimit_resource_t)resources[i], &none); /* refused unless we are root, as libxl is */
        }
    }
}

/* libxl hands QEMU the listening socket of its monitor: nobody else may keep that open. */
static void close_the_rest(void)
{
    if (close_range(STDERR_FILENO + 1, ~0u, 0) == 0) {
        return;
    }
    for (int fd = STDERR_FILENO + 1; fd < (int)sysconf(_SC_OPEN_MAX) && fd < 65536; fd++) {
        close(fd); /* Linux before 5.9 */
    }
}

static _Noreturn void become_ioreqd(const struct arguments *arguments, const char *config)
{
    const char *daemon = setting("IOREQD_DM_DAEMON", DAEMON);
    char domain[16];

    snprintf(domain, sizeof(domain), "%u", arguments->domain);
    lift_limits();
    close_the_rest();
    execl(daemon, "ioreqd", "--domain", domain, "--config", config, (char *)NULL);
    complain("%s cannot be run: %s", daemon, strerror(errno));
    _exit(EXIT_STATUS_FAILED);
}

/* Returns once the devices answer: 0, or the status to end with, and then somebody has said why. */
static int start_ioreqd(const struct arguments *arguments, const char *config)
{
    int status;
    pid_t pid = fork();

    if (pid < 0) {
        complain("cannot start ioreqd: %s", strerror(errno));
        return EXIT_STATUS_FAILED;
    }
    if (pid == 0) {
        become_ioreqd(arguments, config);
    }
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            complain("cannot wait for ioreqd: %s", strerror(errno));
            return EXIT_STATUS_FAILED;
        }
    }
    if (WIFSIGNALED(status)) {
        complain("ioreqd of domain %u was ended by a signal: %s", arguments->domain, strsignal(WTERMSIG(status)));
        return EXIT_STATUS_FAILED;
    }
    if (WEXITSTATUS(status) != EXIT_STATUS_DONE) {
        complain("ioreqd of domain %u is not ready (status %d): the guest is not started", arguments->domain,
                 WEXITSTATUS(status));
    }
    return WEXITSTATUS(status);
}

/* The guest's configuration of ioreqd: 1, 0 if it has none, or -1 if nobody can tell. */
static int find_config(const struct arguments *arguments, char path[PATH_SIZE])
{
    const char *directory = setting("IOREQD_DM_CONFIG_DIR", CONFIG_DIRECTORY);
    int length;

    if (!arguments_name_is_file(arguments)) {
        return 0;
    }
    length = snprintf(path, PATH_SIZE, "%s/%.*s.conf", directory, (int)arguments->name_length, arguments->name);
    if (length < 0 || length >= PATH_SIZE) {
        complain("the name of the guest's configuration is too long: %s/NAME.conf", directory);
        return -1;
    }
    if (access(path, F_OK) == 0) {
        return 1;
    }
    if (errno == ENOENT || errno == ENOTDIR) {
        return 0;
    }
    /* A guest is not to run without its disks because a file system is away. */
    complain("%s cannot be looked at: %s", path, strerror(errno));
    return -1;
}

int main(int argc, char **argv)
{
    char config[PATH_SIZE];
    struct arguments arguments;
    int found, status;

    arguments_read(&arguments, argc, argv);
    found = arguments.starts_guest ? find_config(&arguments, config) : 0;
    if (found < 0) {
        return EXIT_STATUS_FAILED;
    }
    if (found > 0) {
        if (arguments.incoming) {
            complain("domain %u has devices of ioreqd, which cannot be restored or migrated: start the guest anew, "
                     "with xl create",
                     arguments.domain);
            return EXIT_STATUS_CONFIGURATION;
        }
        status = start_ioreqd(&arguments, config);
        if (status != EXIT_STATUS_DONE) {
            return status;
        }
    }
    return become_qemu(argv);
}
