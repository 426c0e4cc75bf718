/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration file against text of any kind: the input is the file. Each mistake is told with a line that the file
 * has. A file that is good says the same with the ends of lines that DOS has, and its devices say the same as a command
 * line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/config_file.h"
#include "config/device_option.h"
#include "tests/config/describe.h"

#define NAME         "file"
#define LARGEST_TEXT ((size_t)1 << 16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "broken: %s\n", what);
        abort();
    }
}

static void *get_memory(size_t size)
{
    void *memory = calloc(1, size);

    require(memory != NULL, "there is no memory");
    return memory;
}

/* The text is copied with the byte of room that there has to be, and no more. */
static int parse(const uint8_t *data, size_t size, struct config *config, struct config_faults *faults)
{
    char *text = get_memory(size + 1);
    int result;

    *config = (struct config){.mode = CONFIG_CHECK, .log_level = LOG_INFO, .file = strdup(NAME)};
    faults->count = 0;
    faults->more = false;
    memcpy(text, data, size);
    result = config_file_parse(config, text, size, faults);
    require((result == 0) == (faults->count == 0), "there is a fault that is not told, or none");
    free(text);
    return result;
}

static void check_fault(const struct config_error *fault, unsigned lines)
{
    unsigned line = 0;
    int end = 0;

    require(sscanf(fault->text, NAME ":%u: %n", &line, &end) == 1 && end > 0, "a fault has no place");
    require(line >= 1 && line <= lines, "a fault has a line that is not there");
    require(strlen(fault->text) > (size_t)end, "a fault says nothing");
    require(fault->exit_status == EXIT_STATUS_CONFIGURATION, "a fault has another exit status");
}

static void compare(const struct config *a, const struct config *b, const char *what)
{
    char *text = get_memory(2 * LARGEST_TEXT);

    require(strcmp(describe_config(a, text, LARGEST_TEXT), describe_config(b, text + LARGEST_TEXT, LARGEST_TEXT)) == 0,
            what);
    free(text);
}

static void compare_with_dos(const uint8_t *data, size_t size, const struct config *config)
{
    uint8_t *text = get_memory(2 * size + 1);
    struct config_faults faults;
    struct config dos;
    size_t used = 0;

    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\n' && (i == 0 || data[i - 1] != '\r')) {
            text[used++] = '\r';
        }
        text[used++] = data[i];
    }
    require(parse(text, used, &dos, &faults) == 0, "a file is wrong with other ends of lines");
    compare(config, &dos, "a file says something else with other ends of lines");
    config_free(&dos);
    free(text);
}

static size_t put(char *to, const char *text)
{
    size_t used = 0;

    for (; *text != '\0'; text++) {
        if (*text == ',') {
            to[used++] = ',';
        }
        to[used++] = *text;
    }
    to[used] = '\0';
    return used;
}

/* MODEL,KEY=VALUE,... of the device, each comma of a value twice. */
static char *option_of(const struct config_device *device)
{
    size_t size = 2 * strlen(device->model) + 1;
    size_t used;
    char *option;

    for (size_t i = 0; i < device->pairs + device->common; i++) {
        size += 2 * (strlen(device->pair[i].key) + strlen(device->pair[i].value)) + 2;
    }
    option = get_memory(size);
    used = put(option, device->model);
    for (size_t i = 0; i < device->pairs + device->common; i++) {
        if (strcmp(device->pair[i].key, "model") != 0) {
            option[used++] = ',';
            used += put(option + used, device->pair[i].key);
            option[used++] = '=';
            used += put(option + used, device->pair[i].value);
        }
    }
    return option;
}

static void compare_with_line(const struct config_device *device)
{
    char *option = option_of(device);
    struct config_device other;
    struct config_error error;
    bool help;

    require(config_device_parse(option, &other, &help, &error) == 0 && !help, "a device is wrong on a command line");
    compare(&(struct config){.device = (struct config_device *)(uintptr_t)device, .devices = 1},
            &(struct config){.device = &other, .devices = 1}, "a device is another one on a command line");
    config_device_free(&other);
    free(option);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_faults faults;
    struct config config;
    unsigned lines = 1;

    for (size_t i = 0; i < size; i++) {
        lines += data[i] == '\n';
    }
    if (parse(data, size, &config, &faults) != 0) {
        for (size_t i = 0; i < faults.count; i++) {
            check_fault(&faults.fault[i], lines);
        }
    } else {
        for (size_t i = 0; i < config.devices; i++) {
            compare_with_line(&config.device[i]);
        }
        compare_with_dos(data, size, &config);
    }
    config_free(&config);
    return 0;
}
