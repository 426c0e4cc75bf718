/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding models, see models.h. The module of model NAME is NAME.so.
 */
#include "models.h"

#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/property.h"
#include "config/root_port.h"
#include "device/module.h"
#include "log.h"

#define SUFFIX    ".so"
#define PATH_SIZE 4096

struct loaded {
    char *path;
    struct module *module;
};

struct models {
    const char *directory;
    struct loaded *loaded;
    size_t modules;
    const struct ioreqd_model **all;
    size_t all_count;
};

struct models *models_open(const char *directory)
{
    struct models *models = calloc(1, sizeof(*models));

    if (models != NULL) {
        models->directory = directory != NULL ? directory : MODULE_DIRECTORY;
    }
    return models;
}

void models_close(struct models *models)
{
    if (models == NULL) {
        return;
    }
    for (size_t i = 0; i < models->modules; i++) {
        module_close(models->loaded[i].module);
        free(models->loaded[i].path);
    }
    free(models->loaded);
    free(models->all);
    free(models);
}

static struct module *load(struct models *models, const char *path, struct config_error *error)
{
    struct loaded *loaded;
    struct module *module;
    char reason[256];

    for (size_t i = 0; i < models->modules; i++) {
        if (strcmp(models->loaded[i].path, path) == 0) {
            return models->loaded[i].module;
        }
    }
    module = module_open(path, reason, sizeof(reason));
    for (size_t i = 0; module != NULL && module_models(module)[i] != NULL; i++) {
        if (property_check_table(module_models(module)[i], reason, sizeof(reason)) != 0) {
            module_close(module);
            module = NULL;
        }
    }
    if (module == NULL) {
        config_error_set(error, EXIT_STATUS_CONFIGURATION, "module %s is refused: %s", path, reason);
        return NULL;
    }
    loaded = realloc(models->loaded, (models->modules + 1) * sizeof(*loaded));
    if (loaded != NULL) {
        models->loaded = loaded;
        loaded[models->modules].path = strdup(path);
        loaded[models->modules].module = module;
    }
    if (loaded == NULL || loaded[models->modules].path == NULL) {
        module_close(module);
        config_error_memory(error);
        return NULL;
    }
    models->modules++;
    return module;
}

const struct ioreqd_model *models_find(struct models *models, const char *name, struct config_error *error)
{
    struct module *module;
    char path[PATH_SIZE];

    if (strcmp(name, config_root_port_model.name) == 0) {
        return &config_root_port_model;
    }
    if (strchr(name, '/') != NULL) {
        module = load(models, name, error);
        return module == NULL ? NULL : module_models(module)[0];
    }
    if ((size_t)snprintf(path, sizeof(path), "%s/%s" SUFFIX, models->directory, name) >= sizeof(path) ||
        access(path, F_OK) != 0) {
        config_error_option(error, "--device", name, "there is no such model in %s: `--device help` lists them",
                            models->directory);
        return NULL;
    }
    module = load(models, path, error);
    for (size_t i = 0; module != NULL && module_models(module)[i] != NULL; i++) {
        if (strcmp(module_models(module)[i]->name, name) == 0) {
            return module_models(module)[i];
        }
    }
    if (module != NULL) {
        config_error_set(error, EXIT_STATUS_CONFIGURATION, "module %s holds no model of that name", path);
    }
    return NULL;
}

static int is_module(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return length > strlen(SUFFIX) && strcmp(entry->d_name + length - strlen(SUFFIX), SUFFIX) == 0;
}

static void add(struct models *models, const struct ioreqd_model *model)
{
    const struct ioreqd_model **all = realloc(models->all, (models->all_count + 1) * sizeof(all[0]));

    if (all != NULL) {
        models->all = all;
        models->all[models->all_count++] = model;
    }
}

static int compare_names(const void *a, const void *b)
{
    const struct ioreqd_model *const *first = a, *const *second = b;

    return strcmp((*first)->name, (*second)->name);
}

const struct ioreqd_model *const *models_all(struct models *models, size_t *count)
{
    struct dirent **entry = NULL;
    int entries = scandir(models->directory, &entry, is_module, alphasort);

    for (int i = 0; i < entries; i++) {
        struct config_error error;
        char path[PATH_SIZE];
        struct module *module;

        snprintf(path, sizeof(path), "%s/%s", models->directory, entry[i]->d_name);
        free(entry[i]);
        module = load(models, path, &error);
        if (module == NULL) {
            log_line(LOG_WARNING, NULL, "%s", error.text);
            continue;
        }
        for (size_t j = 0; module_models(module)[j] != NULL; j++) {
            add(models, module_models(module)[j]);
        }
    }
    free(entry);
    add(models, &config_root_port_model);
    if (models->all != NULL) {
        qsort(models->all, models->all_count, sizeof(models->all[0]), compare_names);
    }
    *count = models->all_count;
    return models->all;
}
