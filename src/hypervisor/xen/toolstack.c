/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The toolstack as seen through xenstore, see toolstack.h.
 *
 * What ioreqd writes lies below ioreqd/<domain>/<server> in its own domain's home:
 *     pid, started    the process, and its start time, by which a later one with its number is told from it
 *     functions       the functions it serves, as "00:10.0 00:11.0"
 *     state           "running" once the devices answer
 * A directory whose process is gone is what a crash left: it claims nothing, and is removed.
 */
#include "hypervisor/toolstack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <xenstore.h>

#include "hypervisor/xen/arch.h"
#include "hypervisor/xen/xen.h"
#include "log.h"

#define PATH_SIZE     384
#define RELEASE_WATCH "@releaseDomain"
#define FUNCTION_TEXT 16

struct toolstack {
    struct xs_handle *store;
    struct domain_info *info;
    struct hypervisor_guest guest;
    uint8_t handle[16];
    char home[64];        /* of the domain that ioreqd runs in */
    char path[PATH_SIZE]; /* our directory, empty until it is written */
    bool qemu_asked;
    bool qemu_known;
    uint8_t qemu[32];
};

/* ---- small tools over xenstore ---- */

static void make_path(char path[PATH_SIZE], const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Paths of xenstore end at 3072 bytes, ours far below PATH_SIZE; a longer one would name nothing. */
static void make_path(char path[PATH_SIZE], const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(path, PATH_SIZE, format, arguments);
    va_end(arguments);
}

static char *read_text(struct toolstack *toolstack, xs_transaction_t transaction, const char *path)
{
    unsigned length;

    return xs_read(toolstack->store, transaction, path, &length);
}

static bool read_number(struct toolstack *toolstack, xs_transaction_t transaction, const char *path, int base,
                        unsigned long long *number)
{
    char *text = read_text(toolstack, transaction, path);
    char *end = NULL;
    bool good = false;

    if (text != NULL) {
        errno = 0;
        *number = strtoull(text, &end, base);
        good = errno == 0 && end != text && *end == '\0';
    }
    free(text);
    return good;
}

static bool write_text(struct toolstack *toolstack, xs_transaction_t transaction, const char *directory,
                       const char *key, const char *text)
{
    char path[PATH_SIZE];

    make_path(path, "%s/%s", directory, key);
    return xs_write(toolstack->store, transaction, path, text, (unsigned)strlen(text));
}

/* ---- the domain ---- */

/* By its name, or its UUID as `xl list --verbose` shows it: its vm is then /vm/UUID. */
static bool find_by_name(struct toolstack *toolstack, const char *name, unsigned *domain)
{
    unsigned count = 0;
    char **directory = xs_directory(toolstack->store, XBT_NULL, "/local/domain", &count);
    bool found = false;

    for (unsigned i = 0; directory != NULL && i < count && !found; i++) {
        char path[PATH_SIZE];
        char *text;

        make_path(path, "/local/domain/%s/name", directory[i]);
        text = read_text(toolstack, XBT_NULL, path);
        found = text != NULL && strcmp(text, name) == 0;
        free(text);
        if (!found) {
            make_path(path, "/local/domain/%s/vm", directory[i]);
            text = read_text(toolstack, XBT_NULL, path);
            found = text != NULL && strncmp(text, "/vm/", 4) == 0 && strcasecmp(text + 4, name) == 0;
            free(text);
        }
        if (found) {
            *domain = (unsigned)strtoul(directory[i], NULL, 10);
        }
    }
    free(directory);
    return found;
}

static int find_domain(struct toolstack *toolstack, const char *name, unsigned domain, struct hypervisor_error *error)
{
    struct domain_facts facts;
    int rc;

    if (name != NULL && !find_by_name(toolstack, name, &domain)) {
        return xen_error(error, HYPERVISOR_NO_DOMAIN, "there is no domain with the name \"%s\": see `xl list`", name);
    }
    rc = domain_info_get(toolstack->info, domain, &facts);
    if (rc != 0) {
        return xen_error(error, HYPERVISOR_REFUSED, "domain %u: Xen tells nothing of it: %s", domain, strerror(-rc));
    }
    if (!facts.exists || facts.dying) {
        return xen_error(error, HYPERVISOR_NO_DOMAIN, "there is no domain %u: see `xl list`", domain);
    }
    if (!facts.virtualised) {
        return xen_error(error, HYPERVISOR_UNSUITABLE,
                         "domain %u is a PV guest, which has no emulated devices: give it type=\"pvh\" or \"hvm\"",
                         domain);
    }
    memcpy(toolstack->handle, facts.handle, sizeof(toolstack->handle));
    toolstack->guest = (struct hypervisor_guest){.domain = domain, .paused = facts.paused};
    arch_describe_guest(&toolstack->guest, &facts);
    return 0;
}

static void copy_text(struct toolstack *toolstack, const char *path, const char *prefix, char *to, size_t size)
{
    char *text = read_text(toolstack, XBT_NULL, path);

    if (text != NULL && strncmp(text, prefix, strlen(prefix)) == 0 && strlen(text) - strlen(prefix) < size) {
        memcpy(to, text + strlen(prefix), strlen(text) - strlen(prefix) + 1);
    }
    free(text);
}

void toolstack_names(const char *name, unsigned domain, char *found, size_t found_size, char *uuid, size_t uuid_size)
{
    struct toolstack toolstack = {.store = xs_open(0)};
    char path[PATH_SIZE];

    found[0] = '\0';
    uuid[0] = '\0';
    if (toolstack.store == NULL) {
        return;
    }
    if (name == NULL || find_by_name(&toolstack, name, &domain)) {
        make_path(path, "/local/domain/%u/name", domain);
        copy_text(&toolstack, path, "", found, found_size);
        /* libxl's domains have the path /vm/UUID there. */
        make_path(path, "/local/domain/%u/vm", domain);
        copy_text(&toolstack, path, "/vm/", uuid, uuid_size);
    }
    xs_close(toolstack.store);
}

struct toolstack *toolstack_open(const char *name, unsigned domain, struct hypervisor_error *error)
{
    struct toolstack *toolstack = calloc(1, sizeof(*toolstack));
    unsigned long long own = 0;

    if (toolstack == NULL) {
        xen_error(error, HYPERVISOR_REFUSED, "out of memory");
        return NULL;
    }
    toolstack->info = domain_info_open(error);
    if (toolstack->info == NULL) {
        goto fail;
    }
    toolstack->store = xs_open(0);
    if (toolstack->store == NULL) {
        xen_error(error, HYPERVISOR_REFUSED, "cannot open xenstore: %s: is xenstored running, and are you root?",
                  strerror(errno));
        goto fail;
    }
    read_number(toolstack, XBT_NULL, "domid", 10, &own);
    snprintf(toolstack->home, sizeof(toolstack->home), "/local/domain/%llu", own);
    /* The watch before the look: what changes in between is then seen. */
    if (!xs_watch(toolstack->store, RELEASE_WATCH, "release")) {
        xen_error(error, HYPERVISOR_REFUSED, "cannot watch xenstore for the end of domains: %s", strerror(errno));
        goto fail;
    }
    if (find_domain(toolstack, name, domain, error) != 0) {
        goto fail;
    }
    return toolstack;

fail:
    toolstack_close(toolstack);
    return NULL;
}

bool toolstack_name(struct toolstack *toolstack, char *name, size_t size)
{
    char path[PATH_SIZE];
    char *text;

    make_path(path, "/local/domain/%u/name", toolstack->guest.domain);
    text = read_text(toolstack, XBT_NULL, path);
    snprintf(name, size, "%s", text != NULL ? text : "");
    free(text);
    return name[0] != 0;
}

/* Takes our directory away, and the one above it when no other ioreqd serves the domain. */
static void withdraw(struct toolstack *toolstack)
{
    char parent[PATH_SIZE];
    xs_transaction_t transaction;
    unsigned count;
    char **servers;

    make_path(parent, "%s/ioreqd/%u", toolstack->home, toolstack->guest.domain);
    do {
        transaction = xs_transaction_start(toolstack->store);
        if (transaction == XBT_NULL) {
            return;
        }
        xs_rm(toolstack->store, transaction, toolstack->path);
        count = 0;
        servers = xs_directory(toolstack->store, transaction, parent, &count);
        free(servers);
        if (count == 0) {
            xs_rm(toolstack->store, transaction, parent);
        }
    } while (!xs_transaction_end(toolstack->store, transaction, false) && errno == EAGAIN);
}

void toolstack_close(struct toolstack *toolstack)
{
    if (toolstack == NULL) {
        return;
    }
    if (toolstack->store != NULL) {
        if (toolstack->path[0] != '\0') {
            withdraw(toolstack);
        }
        xs_close(toolstack->store);
    }
    domain_info_close(toolstack->info);
    free(toolstack);
}

const struct hypervisor_guest *toolstack_guest(const struct toolstack *toolstack)
{
    return &toolstack->guest;
}

int toolstack_life_fd(const struct toolstack *toolstack)
{
    return xs_fileno(toolstack->store);
}

enum guest_life toolstack_life(struct toolstack *toolstack)
{
    struct domain_facts facts;
    char **event;

    while ((event = xs_check_watch(toolstack->store)) != NULL) {
        free(event);
    }
    if (domain_info_get(toolstack->info, toolstack->guest.domain, &facts) != 0) {
        return GUEST_ALIVE;
    }
    /* A domain with our number but another UUID is a successor. */
    if (!facts.exists || facts.dying || memcmp(facts.handle, toolstack->handle, sizeof(facts.handle)) != 0) {
        return GUEST_GONE;
    }
    if (facts.suspended) {
        return GUEST_SUSPENDED;
    }
    if (facts.resetting) {
        return GUEST_RESETTING;
    }
    return facts.shut_down ? GUEST_GONE : GUEST_ALIVE;
}

/* ---- who has a function ---- */

static void function_text(uint16_t function, char text[FUNCTION_TEXT])
{
    snprintf(text, FUNCTION_TEXT, "%02x:%02x.%x", function >> 8, function >> 3 & 0x1fu, function & 7u);
}

/* The time a process started, in clock ticks since boot: field 22 of /proc/PID/stat (proc(5)). 0: no such process. */
static unsigned long long process_started(unsigned long long pid)
{
    char path[64], stat[1024];
    unsigned long long started = 0;
    ssize_t length = -1;
    char *at;
    int fd;

    snprintf(path, sizeof(path), "/proc/%llu/stat", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        length = read(fd, stat, sizeof(stat) - 1);
        close(fd);
    }
    if (length <= 0) {
        return 0;
    }
    stat[length] = '\0';
    at = strrchr(stat, ')'); /* the name before it may hold anything */
    for (unsigned field = 2; at != NULL && field < 22; field++) {
        at = strchr(at + 1, ' ');
    }
    if (at != NULL) {
        started = strtoull(at + 1, NULL, 10);
    }
    return started;
}

/* Whether the process that wrote this directory still runs. */
static bool owner_lives(struct toolstack *toolstack, xs_transaction_t transaction, const char *directory,
                        unsigned long long *pid)
{
    unsigned long long started = 0;
    char path[PATH_SIZE];

    make_path(path, "%s/pid", directory);
    if (!read_number(toolstack, transaction, path, 10, pid)) {
        return false;
    }
    make_path(path, "%s/started", directory);
    return read_number(toolstack, transaction, path, 10, &started) && started != 0 && process_started(*pid) == started;
}

/* An ioreqd that has the function: its process, or 0. Removes what dead ones left. */
static unsigned long long other_ioreqd(struct toolstack *toolstack, xs_transaction_t transaction, uint16_t function)
{
    char parent[PATH_SIZE], directory[PATH_SIZE], path[PATH_SIZE], wanted[FUNCTION_TEXT];
    unsigned long long pid = 0, owner = 0;
    unsigned count = 0;
    char **servers;

    function_text(function, wanted);
    make_path(parent, "%s/ioreqd/%u", toolstack->home, toolstack->guest.domain);
    servers = xs_directory(toolstack->store, transaction, parent, &count);
    for (unsigned i = 0; servers != NULL && i < count; i++) {
        make_path(directory, "%s/%s", parent, servers[i]);
        if (!owner_lives(toolstack, transaction, directory, &pid)) {
            xs_rm(toolstack->store, transaction, directory);
            continue;
        }
        make_path(path, "%s/functions", directory);
        char *functions = read_text(toolstack, transaction, path);

        if (functions != NULL && pid != (unsigned long long)getpid() && strstr(functions, wanted) != NULL) {
            owner = pid;
        }
        free(functions);
    }
    free(servers);
    return owner;
}

/* What libxl writes for a guest's pci= (libxl_pci.c): dev-N the real function, vdevfn-N where the guest sees it. */
static bool passed_through(struct toolstack *toolstack, uint16_t function, char *real, size_t size)
{
    char path[PATH_SIZE];
    unsigned long long count = 0;
    bool found = false;

    if (toolstack->guest.memory_only) {
        return false; /* vPCI gives such a guest a host bridge of its own, whose functions are none of ours */
    }
    make_path(path, "%s/backend/pci/%u/0/num_devs", toolstack->home, toolstack->guest.domain);
    if (!read_number(toolstack, XBT_NULL, path, 10, &count)) {
        return false;
    }
    for (unsigned long long i = 0; i < count && i < 256 && !found; i++) {
        unsigned long long virtual = 0;
        char *device;

        make_path(path, "%s/backend/pci/%u/0/vdevfn-%llu", toolstack->home, toolstack->guest.domain, i);
        if (!read_number(toolstack, XBT_NULL, path, 16, &virtual) || virtual != function) {
            continue;
        }
        make_path(path, "%s/backend/pci/%u/0/dev-%llu", toolstack->home, toolstack->guest.domain, i);
        device = read_text(toolstack, XBT_NULL, path);
        snprintf(real, size, "%s", device != NULL ? device : "a real device");
        free(device);
        found = true;
    }
    return found;
}

static bool has_qemu_function(struct toolstack *toolstack, uint16_t function)
{
    if (!toolstack->guest.host_bridge || function >= 256) {
        return false;
    }
    if (!toolstack->qemu_asked) {
        int rc = qemu_functions(toolstack->guest.domain, toolstack->qemu);

        toolstack->qemu_asked = true;
        toolstack->qemu_known = rc == 0;
        if (rc != 0) {
            log_line(LOG_WARNING, NULL,
                     "domain %u: its QEMU does not tell which functions it has (%s): addr= is not checked against it",
                     toolstack->guest.domain, strerror(-rc));
        }
    }
    return toolstack->qemu_known && (toolstack->qemu[function / 8] >> (function % 8) & 1) != 0;
}

static bool function_taken(struct toolstack *toolstack, xs_transaction_t transaction, uint16_t function, char *who,
                           size_t size)
{
    unsigned long long pid = other_ioreqd(toolstack, transaction, function);
    char real[64];

    if (pid != 0) {
        snprintf(who, size, "another ioreqd (process %llu)", pid);
        return true;
    }
    if (passed_through(toolstack, function, real, sizeof(real))) {
        snprintf(who, size, "passthrough: the guest's configuration gives it %s", real);
        return true;
    }
    if (has_qemu_function(toolstack, function)) {
        snprintf(who, size, "the guest's QEMU");
        return true;
    }
    return false;
}

bool toolstack_function_taken(struct toolstack *toolstack, uint16_t function, char *who, size_t size)
{
    return function_taken(toolstack, XBT_NULL, function, who, size);
}

int toolstack_claim(struct toolstack *toolstack, unsigned server, const uint16_t *function, size_t count,
                    struct hypervisor_error *error)
{
    char functions[256 * FUNCTION_TEXT + 1], text[FUNCTION_TEXT], who[160], number[32];
    xs_transaction_t transaction;
    size_t length;
    bool written;

    make_path(toolstack->path, "%s/ioreqd/%u/%u", toolstack->home, toolstack->guest.domain, server);
    do {
        transaction = xs_transaction_start(toolstack->store);
        if (transaction == XBT_NULL) {
            break;
        }
        length = 0;
        functions[0] = '\0';
        for (size_t i = 0; i < count && length + FUNCTION_TEXT < sizeof(functions); i++) {
            function_text(function[i], text);
            if (function_taken(toolstack, transaction, function[i], who, sizeof(who))) {
                xs_transaction_end(toolstack->store, transaction, true);
                toolstack->path[0] = '\0';
                if (function[i] == 0 && !toolstack->guest.host_bridge) {
                    return xen_error(error, HYPERVISOR_UNSUITABLE,
                                     "domain %u: its host bridge is that of %s, which has to serve all of its devices",
                                     toolstack->guest.domain, who);
                }
                return xen_error(error, HYPERVISOR_UNSUITABLE,
                                 "domain %u: function %s belongs to %s: choose another addr=", toolstack->guest.domain,
                                 text, who);
            }
            length += (size_t)snprintf(functions + length, sizeof(functions) - length, "%s%s", i > 0 ? " " : "", text);
        }
        snprintf(number, sizeof(number), "%d", getpid());
        written = write_text(toolstack, transaction, toolstack->path, "pid", number);
        snprintf(number, sizeof(number), "%llu", process_started((unsigned long long)getpid()));
        written = written && write_text(toolstack, transaction, toolstack->path, "started", number) &&
                  write_text(toolstack, transaction, toolstack->path, "functions", functions) &&
                  write_text(toolstack, transaction, toolstack->path, "state", "starting");
        if (xs_transaction_end(toolstack->store, transaction, !written)) {
            if (written) {
                return 0;
            }
            break;
        }
    } while (errno == EAGAIN);
    toolstack->path[0] = '\0';
    return xen_error(error, HYPERVISOR_REFUSED, "cannot write below %s/ioreqd in xenstore: %s", toolstack->home,
                     strerror(errno));
}

int toolstack_announce(struct toolstack *toolstack)
{
    return write_text(toolstack, XBT_NULL, toolstack->path, "state", "running") ? 0 : -errno;
}
