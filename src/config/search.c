/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration file of a guest, see search.h. Names come from the user and from the toolstack, and are not to lead
 * out of the directory.
 */
#include "config/search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE 1024

/* Whether there is something at DIRECTORY/NAME.conf, which is looked_for then. */
static bool look(const char *directory, const char *name, char looked_for[PATH_SIZE])
{
    if (name[0] == 0 || strchr(name, '/') != NULL ||
        (size_t)snprintf(looked_for, PATH_SIZE, "%s/%s.conf", directory, name) >= PATH_SIZE) {
        looked_for[0] = 0;
        return false;
    }
    return access(looked_for, F_OK) == 0;
}

int config_search(void *context, const struct config *config, char **path, struct config_error *error)
{
    const struct config_search *search = context;
    struct config_names names = {.name = ""};
    char by_name[PATH_SIZE] = "";
    char by_uuid[PATH_SIZE] = "";
    const char *found = NULL;

    /* Whose name is given needs nobody to be asked, and may not exist yet. */
    if (!config->domain_is_id && look(search->directory, config->domain, by_name)) {
        found = by_name;
    } else if (search->names != NULL) {
        search->names(search->context, config, &names);
    }
    if (found == NULL && config->domain_is_id && look(search->directory, names.name, by_name)) {
        found = by_name;
    }
    if (found == NULL && look(search->directory, names.uuid, by_uuid)) {
        found = by_uuid;
    }
    if (found == NULL && by_name[0] == 0 && by_uuid[0] == 0) {
        snprintf(by_name, sizeof(by_name), "%s/NAME.conf", search->directory);
    }
    if (found == NULL) {
        return config_error_setting(error, config, "domain", config->domain,
                                    "there is no --device, and no configuration file: looked for %s%s%s: make one, or "
                                    "give --config FILE or --device MODEL",
                                    by_name, by_name[0] != 0 && by_uuid[0] != 0 ? " and " : "", by_uuid);
    }
    *path = strdup(found);
    return *path != NULL ? 0 : config_error_memory(error);
}
