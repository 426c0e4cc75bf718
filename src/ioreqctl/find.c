/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding an ioreqd's socket, see find.h. */
#include "ioreqctl/find.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit_status.h"

/* The domains that have sockets, in order. */
struct domains {
    unsigned *id;
    size_t count;
    size_t refused; /* whose sockets this user may not use */
};

static bool is_number(const char *text)
{
    return text[0] != 0 && text[strspn(text, "0123456789")] == 0;
}

static int compare(const void *a, const void *b)
{
    unsigned first = *(const unsigned *)a, second = *(const unsigned *)b;

    return first < second ? -1 : first > second;
}

/* 5.sock and 5.monitor.sock -> 5, once. */
static void list_domains(const char *folder, struct domains *domains)
{
    DIR *directory = opendir(folder);
    const struct dirent *entry;

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        unsigned id, *grown;
        int end = 0;
        size_t i = 0;

        if (sscanf(entry->d_name, "%9u%n", &id, &end) != 1 ||
            (strcmp(entry->d_name + end, ".sock") != 0 && strcmp(entry->d_name + end, ".monitor.sock") != 0)) {
            continue;
        }
        while (i < domains->count && domains->id[i] != id) {
            i++;
        }
        grown = i == domains->count ? realloc(domains->id, (i + 1) * sizeof(*grown)) : NULL;
        if (grown != NULL) {
            domains->id = grown;
            domains->id[domains->count++] = id;
        }
    }
    if (directory != NULL) {
        closedir(directory);
    }
    if (domains->count > 0) {
        qsort(domains->id, domains->count, sizeof(domains->id[0]), compare);
    }
}

/* NULL with errno: EACCES where there are sockets, but not for this user. */
static struct connection *open_domain(const char *folder, unsigned id)
{
    bool refused = false;
    int error = ENOENT;

    for (unsigned i = 0; i < 2; i++) {
        char path[PATH_MAX];
        struct connection *connection;

        snprintf(path, sizeof(path), i == 0 ? "%s/%u.sock" : "%s/%u.monitor.sock", folder, id);
        connection = connection_open(path);
        if (connection != NULL) {
            return connection;
        }
        error = errno;
        refused = refused || error == EACCES || error == EPERM;
    }
    errno = refused ? EACCES : error;
    return NULL;
}

static int no_right(struct ctl_error *error, const char *folder)
{
    return ctl_fail(
        error, EXIT_STATUS_REFUSED,
        "%s: you may not use the sockets there: run ioreqctl as root, or have yourself made a member of the "
        "group that the monitor sockets belong to",
        folder);
}

int find_all(const char *folder, int (*call)(void *context, struct connection *connection), void *context,
             struct ctl_error *error)
{
    struct domains domains = {0};
    size_t found = 0;
    int rc = 0;

    list_domains(folder, &domains);
    for (size_t i = 0; rc == 0 && i < domains.count; i++) {
        struct connection *connection = open_domain(folder, domains.id[i]);

        if (connection != NULL) {
            found++;
            rc = call(context, connection);
        } else {
            domains.refused += errno == EACCES;
        }
    }
    free(domains.id);
    if (rc == 0 && found == 0 && domains.refused > 0) {
        return no_right(error, folder);
    }
    return rc;
}

/* ---- one ---- */

struct choice {
    const char *domain; /* a name, or NULL */
    struct connection *connection;
    unsigned candidates;
    char list[200];
    size_t used;
};

static int offer(void *context, struct connection *connection)
{
    struct choice *choice = context;
    struct ctl_error ignored;
    struct json_object *status = connection_call(connection, "status", NULL, &ignored);
    const char *name = member_text(status, "name");
    bool fits = status != NULL && (choice->domain == NULL || strcmp(name, choice->domain) == 0);

    if (fits) {
        choice->candidates++;
        if (choice->used < sizeof(choice->list) - 64) {
            choice->used +=
                (size_t)snprintf(choice->list + choice->used, sizeof(choice->list) - choice->used, "%s%llu%s%.40s%s",
                                 choice->used != 0 ? ", " : "", member_number(status, "domain"),
                                 name[0] != 0 ? " (" : "", name, name[0] != 0 ? ")" : "");
        }
    }
    json_object_put(status);
    if (fits && choice->connection == NULL) {
        choice->connection = connection;
    } else {
        connection_close(connection);
    }
    return 0;
}

struct connection *find_one(const char *folder, const char *domain, struct ctl_error *error)
{
    struct choice choice = {.domain = domain};

    if (domain != NULL && is_number(domain)) {
        unsigned long id = strtoul(domain, NULL, 10);
        struct connection *connection = id <= INT_MAX ? open_domain(folder, (unsigned)id) : NULL;

        if (connection == NULL && id <= INT_MAX && errno == EACCES) {
            no_right(error, folder);
        } else if (connection == NULL) {
            ctl_fail(
                error, EXIT_STATUS_NO_DOMAIN,
                "--domain %.40s: no ioreqd serves it: %s has no socket of it at which one listens; `xl list` shows "
                "the domains",
                domain, folder);
        }
        return connection;
    }
    if (find_all(folder, offer, &choice, error) != 0) {
        return NULL;
    }
    if (choice.candidates == 1) {
        return choice.connection;
    }
    connection_close(choice.connection);
    if (choice.candidates > 1) {
        ctl_fail(error, EXIT_STATUS_CONFIGURATION, "--domain %s: give the number of one of those that there are: %s",
                 domain != NULL ? domain : "is missing", choice.list);
    } else if (domain != NULL) {
        ctl_fail(error, EXIT_STATUS_NO_DOMAIN, "--domain %.60s: no ioreqd serves a domain of that name, see `xl list`",
                 domain);
    } else {
        ctl_fail(error, EXIT_STATUS_NO_DOMAIN, "no ioreqd runs here: %s has no socket at which one listens", folder);
    }
    return NULL;
}

struct connection *find_at(const char *path, struct ctl_error *error)
{
    struct connection *connection = connection_open(path);

    if (connection == NULL) {
        ctl_fail(error, errno == EACCES || errno == EPERM ? EXIT_STATUS_REFUSED : EXIT_STATUS_NO_DOMAIN,
                 "--socket %.100s: %s%s", path, strerror(errno),
                 errno == ECONNREFUSED ? ": the ioreqd that made it has ended" : "");
    }
    return connection;
}
