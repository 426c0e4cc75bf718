/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the user asked for: the command line, checked as far as that is possible without a domain and without the
 * models' tables (property.h goes on from there). Made once by the main thread before any other starts, owned by
 * main(), and only read afterwards.
 *
 * Functions that can fail return 0, or -1 with a config_error filled in. Nothing here prints.
 */
#ifndef IOREQD_CONFIG_CONFIG_H
#define IOREQD_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/host_config.h"
#include "bridge/machine.h"
#include "exit_status.h"
#include "log.h"

enum config_mode {
    CONFIG_RUN,
    CONFIG_CHECK,       /* --check: validate, touch no domain, exit */
    CONFIG_LIST_MODELS, /* --device help */
    CONFIG_MODEL_HELP,  /* --device MODEL,help: see help_model */
    CONFIG_VERSION,
    CONFIG_HELP,
    CONFIG_DESCRIBE /* --describe: print the description, touch no domain, exit */
};

/* What --describe prints. */
enum config_description { CONFIG_DESCRIPTION_ACPI, CONFIG_DESCRIPTION_DTS, CONFIG_DESCRIPTION_HUMAN };

/* The host bridge that every guest has without a --bridge of its own: on x86 segment 0 and all its buses. */
#define CONFIG_BRIDGE_PCI "pci"

/* A key of a device that only its model knows. */
struct config_pair {
    char *key;
    char *value; /* not empty */
};

struct config_device {
    char *model;       /* a model's name or, when it holds a '/', the path of a module */
    char *id;          /* unique: given, or the model's name and a number */
    bool has_addr;     /* always for a device behind a root port */
    uint16_t function; /* device << 3 | function on the bus that it sits on, with has_addr */
    char *bridge;      /* the name of a host bridge of struct config, or the id of a root port; NULL: bridge pci */
    bool root_port;    /* it is a PCI Express root port, not an instance of a model */
    uint16_t slot;     /* of a root port: its number, not 0, unique */
    bool has_bus;      /* addr had a BUS part; only until the bridges are known */
    uint8_t bus;
    struct config_pair *pair;
    size_t pairs;
};

/* Strings that were not given are NULL. In the modes that print help, domain and devices may be absent. */
struct config {
    enum config_mode mode;
    char *domain; /* as it was given */
    bool domain_is_id;
    unsigned domain_id; /* with domain_is_id */
    struct config_device *device;
    size_t devices;
    struct bridge_host_config *bridge; /* those of --bridge, in their order: pci is none of them */
    size_t bridges;
    enum bridge_machine machine; /* what the guest is; that of this ioreqd without machine_given */
    bool machine_given;
    struct bridge_interrupts interrupts; /* of an Arm guest */
    bool interrupts_given;
    bool attach; /* to a guest that runs already */
    bool foreground;
    char *pidfile;
    char *module_dir;
    char *record;
    enum config_description description; /* with CONFIG_DESCRIBE */
    char *help_model;                    /* with CONFIG_MODEL_HELP */
    enum log_level log_level;
};

struct config_error {
    char text[512];  /* what is wrong and what to do about it, without the program's name and without a newline */
    int exit_status; /* enum exit_status */
};

/* A key that every device has. */
struct config_common_key {
    const char *name;
    const char *type;
    const char *fallback;
    const char *range;
    const char *help;
};

/* Ends with a NULL name. */
extern const struct config_common_key config_common_key[];

/* Fills in *config, which config_free() frees. After an error it is empty. */
int config_from_arguments(int argc, char *const *argv, struct config *config, struct config_error *error);

/* Frees what config points to and empties it. */
void config_free(struct config *config);

/* Always returns -1. */
int config_error_set(struct config_error *error, enum exit_status exit_status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * An error of EXIT_STATUS_CONFIGURATION that begins with the place: "--device MODEL,KEY=VALUE: ". value may be NULL,
 * and key too. Always returns -1.
 */
int config_error_device(struct config_error *error, const struct config_device *device, const char *key,
                        const char *value, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The same of a host bridge: "--bridge NAME,KEY=VALUE: ". Always returns -1. */
int config_error_bridge(struct config_error *error, const char *name, const char *key, const char *value,
                        const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Always returns -1. */
int config_error_memory(struct config_error *error);

/* A user's text as messages show it: cut, so that the remedy behind it still fits. */
struct config_shown {
    char text[68];
};
const char *config_show(struct config_shown *shown, const char *text);

#endif
