/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line -> struct config. Options are read here and not with getopt_long(), which prints messages of its
 * own, takes abbreviations that would change their meaning when an option is added, and keeps global state. Main
 * thread only.
 */
#include "config/config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config/bridge_option.h"
#include "config/config_file.h"
#include "config/device_option.h"
#include "config/interrupts_option.h"
#include "config/merge.h"
#include "config/nearest.h"

/* DOMID_FIRST_RESERVED - 1 of Xen's public headers: higher numbers name no domain. */
#define HIGHEST_DOMAIN 0x7fefu

static int set_string(char **string, const char *value, struct config_error *error)
{
    *string = strdup(value);
    return *string != NULL ? 0 : config_error_memory(error);
}

static int set_domain(struct config *config, const char *value, struct config_error *error)
{
    config->domain_is_id = value[strspn(value, "0123456789")] == 0;
    if (config->domain_is_id) {
        uintmax_t id = strtoumax(value, NULL, 10); /* UINTMAX_MAX when it is larger */

        if (id > HIGHEST_DOMAIN) {
            return config_error_setting(error, config, "domain", value,
                                        "out of range: a domain's id is from 0 to %u, see `xl list`", HIGHEST_DOMAIN);
        }
        config->domain_id = (unsigned)id;
    }
    return set_string(&config->domain, value, error);
}

static int add_device(struct config *config, const char *value, struct config_error *error)
{
    /* The first of several requests for help counts. */
    bool may_help = config->mode == CONFIG_RUN || config->mode == CONFIG_CHECK || config->mode == CONFIG_DESCRIBE;
    struct config_device device;
    bool help;

    if (strcmp(value, "help") == 0) {
        config->mode = may_help ? CONFIG_LIST_MODELS : config->mode;
        return 0;
    }
    if (config_device_parse(value, &device, &help, error) < 0 || config_add_device(config, &device, error) < 0) {
        config_device_free(&device);
        return -1;
    }
    if (help && may_help) {
        config->mode = CONFIG_MODEL_HELP;
        return set_string(&config->help_model, device.model, error);
    }
    return 0;
}

static int add_bridge(struct config *config, const char *value, struct config_error *error)
{
    const struct config_place place = {.file = NULL};
    struct bridge_host_config bridge;

    return config_bridge_parse(value, &bridge, error) < 0 ? -1 : config_add_bridge(config, &bridge, &place, error);
}

static int set_config(struct config *config, const char *value, struct config_error *error)
{
    return set_string(&config->file, value, error);
}

static int set_interrupts(struct config *config, const char *value, struct config_error *error)
{
    config->interrupts_given = true;
    return config_interrupts_parse(value, &config->interrupts, error);
}

static int set_machine(struct config *config, const char *value, struct config_error *error)
{
    for (enum bridge_machine machine = BRIDGE_MACHINE_X86; machine <= BRIDGE_MACHINE_ARM; machine++) {
        if (strcmp(value, bridge_machine_name(machine)) == 0) {
            config->machine = machine;
            config->machine_given = true;
            return 0;
        }
    }
    return config_error_setting(error, config, "machine", value, "not a kind of guest: give x86 or arm");
}

static int set_attach(struct config *config, const char *value, struct config_error *error)
{
    (void)value;
    (void)error;
    config->attach = true;
    return 0;
}

static int set_foreground(struct config *config, const char *value, struct config_error *error)
{
    (void)value;
    (void)error;
    config->foreground = true;
    return 0;
}

static int set_pidfile(struct config *config, const char *value, struct config_error *error)
{
    return set_string(&config->pidfile, value, error);
}

static int set_log(struct config *config, const char *value, struct config_error *error)
{
    if (strchr(value, '/') == NULL && strcmp(value, "stderr") != 0 && strcmp(value, "syslog") != 0 &&
        strcmp(value, "journal") != 0) {
        return config_error_setting(error, config, "log", value,
                                    "not a log: give stderr, syslog, journal, or a file's path with a / in it");
    }
    return set_string(&config->log, value, error);
}

static int set_check(struct config *config, const char *value, struct config_error *error)
{
    (void)value;
    (void)error;
    if (config->mode == CONFIG_RUN) {
        config->mode = CONFIG_CHECK;
    }
    return 0;
}

static int set_describe(struct config *config, const char *value, struct config_error *error)
{
    static const struct {
        const char *name;
        enum config_description description;
    } kinds[] = {
        {"acpi", CONFIG_DESCRIPTION_ACPI}, {"dts", CONFIG_DESCRIPTION_DTS}, {"human", CONFIG_DESCRIPTION_HUMAN}};
    struct config_shown shown;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(value, kinds[i].name) == 0) {
            config->description = kinds[i].description;
            if (config->mode == CONFIG_RUN || config->mode == CONFIG_CHECK) {
                config->mode = CONFIG_DESCRIBE;
            }
            return 0;
        }
    }
    return config_error_set(error, EXIT_STATUS_CONFIGURATION,
                            "--describe %s: not a kind of description: give acpi, dts or human",
                            config_show(&shown, value));
}

static int set_record(struct config *config, const char *value, struct config_error *error)
{
    return set_string(&config->record, value, error);
}

static int set_control(struct config *config, const char *value, struct config_error *error)
{
    return set_string(&config->control, value, error);
}

static int set_monitor(struct config *config, const char *value, struct config_error *error)
{
    return set_string(&config->monitor, value, error);
}

static int set_module_dir(struct config *config, const char *value, struct config_error *error)
{
    return set_string(&config->module_dir, value, error);
}

static int set_log_level(struct config *config, const char *value, struct config_error *error)
{
    static const struct {
        const char *name;
        enum log_level level;
    } levels[] = {{"error", LOG_ERROR}, {"warning", LOG_WARNING}, {"info", LOG_INFO}, {"debug", LOG_DEBUG}};

    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(value, levels[i].name) == 0) {
            config->log_level = levels[i].level;
            return 0;
        }
    }
    return config_error_setting(error, config, "log-level", value, "not a level: give error, warning, info or debug");
}

static int set_version(struct config *config, const char *value, struct config_error *error)
{
    (void)value;
    (void)error;
    config->mode = CONFIG_VERSION;
    return 0;
}

static int set_help(struct config *config, const char *value, struct config_error *error)
{
    (void)value;
    (void)error;
    config->mode = CONFIG_HELP;
    return 0;
}

static const struct config_option options[] = {
    {"--domain", "ID|NAME", false, set_domain},
    {"--config", "FILE", false, set_config},
    {"--device", "MODEL[,KEY=VALUE]...", true, add_device},
    {"--bridge", "NAME[,KEY=VALUE]...", true, add_bridge},
    {"--interrupts", "KEY=VALUE[,KEY=VALUE]...", false, set_interrupts},
    {"--machine", "x86|arm", false, set_machine},
    {"--attach", NULL, false, set_attach},
    {"--foreground", NULL, false, set_foreground},
    {"--pidfile", "FILE", false, set_pidfile},
    {"--log", "stderr|syslog|journal|FILE", false, set_log},
    {"--check", NULL, false, set_check},
    {"--describe", "acpi|dts|human", false, set_describe},
    {"--record", "FILE", false, set_record},
    {"--control-socket", "PATH|none", false, set_control},
    {"--monitor-socket", "PATH|none", false, set_monitor},
    {"--module-dir", "DIR", false, set_module_dir},
    {"--log-level", "LEVEL", false, set_log_level},
    {"--version", NULL, false, set_version},
    {"--help", NULL, false, set_help},
};

#define OPTIONS (sizeof(options) / sizeof(options[0]))

const struct config_option *config_option_at(size_t index)
{
    _Static_assert(OPTIONS <= 64, "struct config has a bit for each option");
    return index < OPTIONS ? &options[index] : NULL;
}

static int unknown_option(const char *argument, size_t name_length, struct config_error *error)
{
    struct config_shown shown;
    struct nearest nearest;
    char name[64];

    if (argument[0] != '-') {
        return config_error_set(error, EXIT_STATUS_CONFIGURATION,
                                "%s: not an option: every argument is an option and its value, as --domain ID|NAME: "
                                "see ioreqd --help",
                                config_show(&shown, argument));
    }
    if (name_length < sizeof(name)) {
        memcpy(name, argument, name_length);
        name[name_length] = 0;
        nearest_begin(&nearest, name);
        for (size_t i = 0; i < OPTIONS; i++) {
            nearest_offer(&nearest, options[i].name);
        }
        if (nearest.name != NULL) {
            return config_error_set(error, EXIT_STATUS_CONFIGURATION, "%s: unknown option: is %s meant?", name,
                                    nearest.name);
        }
    }
    return config_error_set(error, EXIT_STATUS_CONFIGURATION, "%s: unknown option: see ioreqd --help",
                            config_show(&shown, argument));
}

/* The value of the option at argv[*index], which moves on to it; NULL with an error. "" for an option without one. */
static const char *value_of(const struct config_option *option, int argc, char *const *argv, int *index,
                            struct config_error *error)
{
    const char *equals = strchr(argv[*index], '=');
    const char *value = equals != NULL ? equals + 1 : NULL;

    if (option->value == NULL) {
        if (value != NULL) {
            config_error_set(error, EXIT_STATUS_CONFIGURATION, "%s: the option takes no value: give %s alone",
                             option->name, option->name);
            return NULL;
        }
        return "";
    }
    if (value == NULL && *index + 1 < argc && strncmp(argv[*index + 1], "--", 2) != 0) {
        (*index)++;
        value = argv[*index];
    }
    if (value == NULL) {
        config_error_set(error, EXIT_STATUS_CONFIGURATION, "%s: the value is missing: give %s %s", option->name,
                         option->name, option->value);
    } else if (value[0] == 0) {
        config_error_set(error, EXIT_STATUS_CONFIGURATION, "%s: the value is empty: give %s %s", option->name,
                         option->name, option->value);
        value = NULL;
    }
    return value;
}

static int parse(int argc, char *const *argv, struct config *config, struct config_error *error)
{
    for (int index = 1; index < argc; index++) {
        size_t name_length = strcspn(argv[index], "=");
        size_t i = 0;

        while (i < OPTIONS &&
               (strlen(options[i].name) != name_length || strncmp(options[i].name, argv[index], name_length) != 0)) {
            i++;
        }
        if (i == OPTIONS) {
            return unknown_option(argv[index], name_length, error);
        }
        if ((config->given & UINT64_C(1) << i) != 0 && !options[i].repeatable) {
            return config_error_set(error, EXIT_STATUS_CONFIGURATION, "%s: the option is given twice: give it once",
                                    options[i].name);
        }
        config->given |= UINT64_C(1) << i;
        const char *value = value_of(&options[i], argc, argv, &index, error);
        if (value == NULL || options[i].apply(config, value, error) < 0) {
            return -1;
        }
        /* Whoever asks for help has it, whatever else is wrong with the line. */
        if (config->mode == CONFIG_HELP || config->mode == CONFIG_VERSION) {
            return 0;
        }
    }
    return 0;
}

/* What can only be checked once all is known. */
static int finish(struct config *config, struct config_error *error)
{
    if (config->mode == CONFIG_RUN && config->domain == NULL && config->file != NULL) {
        return config_error_option(error, "--config", config->file,
                                   "the domain is missing: give domain=ID|NAME in its section [guest], or --domain");
    }
    if (config->mode == CONFIG_RUN && config->domain == NULL) {
        return config_error_set(error, EXIT_STATUS_CONFIGURATION,
                                "--domain is missing: give --domain ID|NAME of the guest to serve, see ioreqd --help");
    }
    if (config->devices == 0 && config->mode != CONFIG_DESCRIBE && config->file != NULL) {
        return config_error_option(error, "--config", config->file,
                                   "there is no device: add a section [device ID] with model=MODEL, or give --device");
    }
    if (config->devices == 0 && config->mode != CONFIG_DESCRIBE) {
        return config_error_set(error, EXIT_STATUS_CONFIGURATION,
                                "--device is missing: give at least one --device MODEL[,KEY=VALUE]..., see --device "
                                "help for the models");
    }
    if (config->machine != BRIDGE_MACHINE_ARM && config->interrupts_given) {
        return config_error_set(error, EXIT_STATUS_CONFIGURATION,
                                "--interrupts: only Arm guests have SPIs, and this is for x86 guests: leave it out, or "
                                "add --machine arm to describe or check");
    }
    if (config_bridge_finish(config, error) < 0 || config_device_name(config, error) < 0) {
        return -1;
    }
    return config_device_place(config, error);
}

/* Help is printed whatever a file says. */
static bool reads_file(const struct config *config)
{
    return config->mode == CONFIG_RUN || config->mode == CONFIG_CHECK || config->mode == CONFIG_DESCRIBE;
}

static int find_file(const struct config_finder *finder, struct config *config, struct config_error *error)
{
    bool wanted = config->mode == CONFIG_RUN || config->mode == CONFIG_CHECK;

    if (finder == NULL || !wanted || config->file != NULL || config->devices != 0 || config->domain == NULL) {
        return 0;
    }
    return finder->find(finder->context, config, &config->file, error);
}

int config_load(int argc, char *const *argv, const struct config_finder *finder, struct config *config,
                struct config_faults *faults)
{
    struct config_error error;

    *config = (struct config){.mode = CONFIG_RUN, .log_level = LOG_INFO, .machine = bridge_machine_native()};
    bridge_default_interrupts(&config->interrupts);
    faults->count = 0;
    faults->more = false;
    if (parse(argc, argv, config, &error) < 0 || find_file(finder, config, &error) < 0) {
        config_faults_add(faults, &error);
    } else if (!reads_file(config)) {
        return 0;
    } else if ((config->file == NULL || config_file_read(config, faults) == 0) && finish(config, &error) < 0) {
        config_faults_add(faults, &error);
    }
    if (faults->count != 0) {
        config_free(config);
        return -1;
    }
    return 0;
}

int config_from_arguments(int argc, char *const *argv, struct config *config, struct config_error *error)
{
    struct config_faults faults;

    if (config_load(argc, argv, NULL, config, &faults) < 0) {
        *error = faults.fault[0];
        return -1;
    }
    return 0;
}

void config_free(struct config *config)
{
    for (size_t i = 0; i < config->devices; i++) {
        config_device_free(&config->device[i]);
    }
    for (size_t i = 0; i < config->settings; i++) {
        free(config->setting[i].key);
        free(config->setting[i].value);
    }
    free(config->setting);
    free(config->file);
    free(config->device);
    free(config->bridge);
    free(config->bridge_place);
    free(config->domain);
    free(config->pidfile);
    free(config->log);
    free(config->module_dir);
    free(config->record);
    free(config->control);
    free(config->monitor);
    free(config->help_model);
    *config = (struct config){.mode = CONFIG_RUN, .log_level = LOG_INFO};
}
