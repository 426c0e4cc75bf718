/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the user asked for: the command line and the configuration file as one tree, checked as far as that is possible
 * without a domain and without the models' tables (property.h goes on from there). Made once by the main thread before
 * any other starts, owned by main(), and only read afterwards.
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

/* Where the user wrote something: in the configuration file or, where file is NULL, on the command line. */
struct config_place {
    const char *file; /* belongs to the struct config */
    unsigned line;    /* from 1 */
};

struct config_pair {
    char *key;
    char *value;   /* not empty */
    unsigned line; /* where it stands in the file; 0: on the command line */
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
    struct config_pair *pair;  /* the keys that only its model knows; behind them those of all devices, for messages */
    size_t pairs;              /* of the model */
    size_t common;             /* of all devices */
    struct config_place place; /* its section of the file */
    unsigned reading;          /* the line of the file that is being read; 0: none */
};

/* Instead of the path of a socket: there is to be none. */
#define CONFIG_NO_SOCKET "none"

/* Strings that were not given are NULL. In the modes that print help, domain and devices may be absent. */
struct config {
    enum config_mode mode;
    char *domain; /* as it was given */
    bool domain_is_id;
    unsigned domain_id; /* with domain_is_id */
    struct config_device *device;
    size_t devices;
    struct bridge_host_config *bridge; /* those of --bridge, in their order: pci is none of them */
    struct config_place *bridge_place; /* the section of each bridge */
    size_t bridges;
    enum bridge_machine machine; /* what the guest is; that of this ioreqd without machine_given */
    bool machine_given;
    struct bridge_interrupts interrupts; /* of an Arm guest */
    bool interrupts_given;
    bool attach; /* to a guest that runs already */
    bool foreground;
    char *pidfile;
    char *log; /* --log: stderr, syslog, journal, or a path with a '/' in it */
    char *module_dir;
    char *record;
    char *control; /* paths of the control sockets, or CONFIG_NO_SOCKET; NULL: where ioreqctl looks for them */
    char *monitor;
    enum config_description description; /* with CONFIG_DESCRIBE */
    char *help_model;                    /* with CONFIG_MODEL_HELP */
    enum log_level log_level;
    char *file;                  /* the configuration file, when there is one */
    struct config_pair *setting; /* the settings of the guest that are the file's */
    size_t settings;
    uint64_t given; /* bits: the options of the command line, by their place in the table */
};

struct config_error {
    char text[768];  /* what is wrong and what to do about it, without the program's name and without a newline */
    int exit_status; /* enum exit_status */
    size_t reason;   /* where in text it begins, behind the place of the mistake; 0: no place is told */
};

/* So many mistakes in a file are told at once. */
#define CONFIG_FAULTS 20

struct config_faults {
    struct config_error fault[CONFIG_FAULTS];
    size_t count;
    bool more; /* there were others, which are not kept */
};

/*
 * Who looks for the file when there is neither a --config nor a device. Fills in *path, to be freed, or returns -1 with
 * the error filled in.
 */
struct config_finder {
    int (*find)(void *context, const struct config *config, char **path, struct config_error *error);
    void *context;
};

/* A setting of the guest: an option of the command line, and without its -- a key of [guest] in the file. */
struct config_option {
    const char *name;
    const char *value; /* what stands for it in messages; NULL: it takes none, in the file on or off */
    bool repeatable;
    int (*apply)(struct config *config, const char *value, struct config_error *error);
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

/* The table of all options; NULL behind the last. */
const struct config_option *config_option_at(size_t index);

/*
 * Reads the command line, then the file that it names or that finder finds (NULL: there is nobody to look for one).
 * Fills in *config, which config_free() frees. Returns 0, or -1 with at least one fault, and *config empty.
 */
int config_load(int argc, char *const *argv, const struct config_finder *finder, struct config *config,
                struct config_faults *faults);

/* The same without a finder, for callers whom one fault is enough. */
int config_from_arguments(int argc, char *const *argv, struct config *config, struct config_error *error);

/* Frees what config points to and empties it. */
void config_free(struct config *config);

/* Always returns -1. */
int config_error_set(struct config_error *error, enum exit_status exit_status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* An error of EXIT_STATUS_CONFIGURATION that begins with the place: "--OPTION VALUE: ". Always returns -1. */
int config_error_option(struct config_error *error, const char *option, const char *value, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same of a setting, named without its --, which may be the file's: "FILE:LINE: NAME=VALUE: ". Always returns -1. */
int config_error_setting(struct config_error *error, const struct config *config, const char *name, const char *value,
                         const char *format, ...) __attribute__((format(printf, 5, 6)));

/*
 * The same of a device: "--device MODEL,KEY=VALUE: ", or "FILE:LINE: KEY=VALUE: ", or "FILE:LINE: [device ID]: ". value
 * may be NULL, and key too. Always returns -1.
 */
int config_error_device(struct config_error *error, const struct config_device *device, const char *key,
                        const char *value, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The same of a host bridge: "--bridge NAME,KEY=VALUE: ". Always returns -1. */
int config_error_bridge(struct config_error *error, const char *name, const char *key, const char *value,
                        const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The same of a line of the file: "FILE:LINE: [SECTION NAME]: "; section and name may be NULL. Always returns -1. */
int config_error_file(struct config_error *error, const struct config_place *place, const char *section,
                      const char *name, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Has an error tell of a place in the file, if place is one, instead of the command line. All but place may be NULL. */
void config_error_move(struct config_error *error, const struct config_place *place, const char *section,
                       const char *name, const char *key, const char *value);

/* The same of a key of a device, if the device is the file's. */
void config_error_move_device(struct config_error *error, const struct config_device *device, const char *key,
                              const char *value);

/* Keeps the error, if there is room. */
void config_faults_add(struct config_faults *faults, const struct config_error *error);

/* Always returns -1. */
int config_error_memory(struct config_error *error);

/* A user's text as messages show it: cut, so that the remedy behind it still fits. */
struct config_shown {
    char text[68];
};
const char *config_show(struct config_shown *shown, const char *text);

#endif
