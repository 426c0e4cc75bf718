/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration file, see config_file.h. It is read into a struct config of its own, on which all of its settings
 * are tried, also those that the command line overrides; merge.c then puts it together with the command line's.
 */
#include "config/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/bridge_option.h"
#include "config/device_option.h"
#include "config/ini.h"
#include "config/merge.h"
#include "config/nearest.h"
#include "config/setting.h"

#define LARGEST_FILE ((size_t)1 << 20)

enum section { SECTION_NONE, SECTION_LOST, SECTION_GUEST, SECTION_BRIDGE, SECTION_DEVICE };

struct reading {
    struct config config; /* of the file alone; its file is borrowed */
    struct config_faults *faults;
    enum section section;
    uint32_t bridge_keys; /* those of the last bridge that are there */
};

static void keep(struct reading *reading, const struct config_error *error)
{
    config_faults_add(reading->faults, error);
}

static struct config_place place_at(const struct reading *reading, unsigned line)
{
    return (struct config_place){.file = reading->config.file, .line = line};
}

/* ---- [bridge NAME] and [device ID] ---- */

static enum section begin_bridge(struct reading *reading, unsigned line, const char *name)
{
    const struct config_place place = place_at(reading, line);
    struct bridge_host_config bridge;
    struct config_error error;

    if (name[0] == 0) {
        config_error_file(&error, &place, "bridge", NULL, "the name is missing: give one, as [bridge pcie1]");
        keep(reading, &error);
        return SECTION_LOST;
    }
    if (config_bridge_begin(&bridge, name, &error) < 0) {
        config_error_move(&error, &place, "bridge", name, NULL, NULL);
        keep(reading, &error);
        return SECTION_LOST;
    }
    if (config_add_bridge(&reading->config, &bridge, &place, &error) < 0) {
        keep(reading, &error);
        return SECTION_LOST;
    }
    reading->bridge_keys = 0;
    return SECTION_BRIDGE;
}

static enum section begin_device(struct reading *reading, unsigned line, const char *id)
{
    const struct config_device device = {.place = place_at(reading, line)};
    struct config *config = &reading->config;
    struct config_error error;

    if (config_add_device(config, &device, &error) < 0) {
        keep(reading, &error);
        return SECTION_LOST;
    }
    if (id[0] != 0 && config_device_set(&config->device[config->devices - 1], "id", id, line, &error) < 0) {
        keep(reading, &error);
    }
    return SECTION_DEVICE;
}

static void end_section(struct reading *reading)
{
    struct config *config = &reading->config;
    struct config_error error;

    if (reading->section == SECTION_DEVICE &&
        config_device_complete(&config->device[config->devices - 1], &error) < 0) {
        keep(reading, &error);
    }
    reading->section = SECTION_NONE;
}

/* ---- what ini.h tells ---- */

static void unknown_section(struct reading *reading, unsigned line, const char *kind)
{
    const struct config_place place = place_at(reading, line);
    struct config_shown shown;
    struct config_error error;
    struct nearest nearest;

    nearest_begin(&nearest, kind);
    nearest_offer(&nearest, "guest");
    nearest_offer(&nearest, "bridge");
    nearest_offer(&nearest, "device");
    config_error_file(&error, &place, config_show(&shown, kind), NULL, "unknown section: %s%s%s",
                      nearest.name != NULL ? "is " : "", nearest.name != NULL ? nearest.name : "",
                      nearest.name != NULL ? " meant?" : "there are [guest], [bridge NAME] and [device ID]");
    keep(reading, &error);
}

static void on_section(void *context, unsigned line, const char *text)
{
    struct reading *reading = context;
    size_t length = strcspn(text, " \t");
    const char *name = text + length + strspn(text + length, " \t");
    char kind[INI_LONGEST_LINE + 1];

    end_section(reading);
    memcpy(kind, text, length);
    kind[length] = 0;
    if (strcmp(kind, "guest") == 0 && name[0] == 0) {
        reading->section = SECTION_GUEST;
    } else if (strcmp(kind, "guest") == 0) {
        const struct config_place place = place_at(reading, line);
        struct config_error error;

        config_error_file(&error, &place, "guest", name, "the section has no name: give [guest], and domain = in it");
        keep(reading, &error);
        reading->section = SECTION_LOST;
    } else if (strcmp(kind, "bridge") == 0) {
        reading->section = begin_bridge(reading, line, name);
    } else if (strcmp(kind, "device") == 0) {
        reading->section = begin_device(reading, line, name);
    } else {
        unknown_section(reading, line, kind);
        reading->section = SECTION_LOST;
    }
}

static void on_pair(void *context, unsigned line, const char *key, const char *value)
{
    struct reading *reading = context;
    struct config *config = &reading->config;
    const struct config_place place = place_at(reading, line);
    struct config_error error;
    struct config_shown shown;
    int result = 0;

    config_show(&shown, key);
    if (reading->section == SECTION_LOST) {
        return;
    }
    if (reading->section == SECTION_NONE) {
        result = config_error_file(&error, &place, NULL, NULL,
                                   "%s: a key stands before the first section: begin one, as [guest]", shown.text);
        reading->section = SECTION_LOST;
    } else if (!config_device_is_name(key, true)) {
        result =
            config_error_file(&error, &place, NULL, NULL, "%s: a key has letters, digits, - and _ only", shown.text);
    } else if (reading->section == SECTION_GUEST) {
        result = config_setting_read(config, key, value, &place, &error);
    } else if (reading->section == SECTION_BRIDGE) {
        result = config_bridge_set(&config->bridge[config->bridges - 1], key, value, &reading->bridge_keys, &error);
        if (result < 0) {
            config_error_move(&error, &place, NULL, NULL, key, value);
        }
    } else {
        result = config_device_set(&config->device[config->devices - 1], key, value, line, &error);
    }
    if (result < 0) {
        keep(reading, &error);
    }
}

static void on_fault(void *context, unsigned line, const char *what, const char *reason)
{
    struct reading *reading = context;
    const struct config_place place = place_at(reading, line);
    struct config_shown shown;
    struct config_error error;

    config_error_file(&error, &place, NULL, NULL, "%s: %s", config_show(&shown, what), reason);
    keep(reading, &error);
}

int config_file_parse(struct config *config, char *text, size_t size, struct config_faults *faults)
{
    static const struct ini_handler handler = {.section = on_section, .pair = on_pair, .fault = on_fault};
    struct reading reading = {
        .config = {.mode = CONFIG_RUN, .log_level = LOG_INFO, .machine = config->machine, .file = config->file},
        .faults = faults,
    };
    size_t before = faults->count;
    struct config_error error;

    bridge_default_interrupts(&reading.config.interrupts);
    if (ini_read(text, size, &handler, &reading)) {
        end_section(&reading);
    }
    if (faults->count == before && config_merge(config, &reading.config, &error) < 0) {
        keep(&reading, &error);
    }
    reading.config.file = NULL;
    config_free(&reading.config);
    return faults->count == before ? 0 : -1;
}

/* ---- the file ---- */

static int cannot_read(const char *path, int number, struct config_error *error)
{
    config_error_option(error, "--config", path, "cannot be read: %s: give the path of a configuration file",
                        strerror(number));
    if (number == EACCES || number == EPERM) {
        error->exit_status = EXIT_STATUS_REFUSED;
    }
    return -1;
}

/* Reads into text[size], until the end or until it is full. */
static ssize_t read_all(int fd, char *text, size_t size)
{
    size_t used = 0;

    while (used < size) {
        ssize_t count = read(fd, text + used, size - used);

        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return -1;
        }
        if (count == 0) {
            break;
        }
        used += (size_t)count;
    }
    return (ssize_t)used;
}

int config_file_read(struct config *config, struct config_faults *faults)
{
    /* One byte more than is taken, to see that there is one. */
    char *text = malloc(LARGEST_FILE + 2);
    int fd = text == NULL ? -1 : open(config->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t size = fd < 0 ? -1 : read_all(fd, text, LARGEST_FILE + 1);
    struct config_error error;
    int result = -1;

    if (text == NULL) {
        config_error_memory(&error);
        config_faults_add(faults, &error);
    } else if (size < 0) {
        cannot_read(config->file, errno, &error);
        config_faults_add(faults, &error);
    } else if ((size_t)size > LARGEST_FILE) {
        config_error_option(&error, "--config", config->file,
                            "it has more than 1 MiB: give the path of a configuration file");
        config_faults_add(faults, &error);
    } else {
        result = config_file_parse(config, text, (size_t)size, faults);
    }
    if (fd >= 0) {
        close(fd);
    }
    free(text);
    return result;
}
