/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Help for people, see help.h. The tables of keys are made from the models' own tables, so they cannot disagree with
 * what is accepted.
 */
#include "config/help.h"

#include <string.h>

#include "config/config.h"
#include "config/file_keys.h"
#include "config/value.h"

enum column { COLUMN_KEY, COLUMN_TYPE, COLUMN_DEFAULT, COLUMN_RANGE, COLUMN_REQUIRED, COLUMN_MEANING, COLUMNS };

struct row {
    const char *cell[COLUMNS];
    struct value_text range; /* where cell[COLUMN_RANGE] of a property points to */
};

static const char usage[] = "Usage: ioreqd --domain ID|NAME --device MODEL[,KEY=VALUE]... [OPTION]...\n"
                            "       ioreqd --config FILE [OPTION]...\n"
                            "       ioreqd --domain ID|NAME [OPTION]...\n"
                            "\n"
                            "Emulates PCI devices for a Xen guest: alone for a PVH or Arm guest, beside QEMU for an\n"
                            "HVM guest. Start it while the guest is paused; it runs until the guest is gone.\n"
                            "\n"
                            "  --domain ID|NAME     the guest to serve, as `xl list` shows it\n"
                            "  --config FILE        read settings, bridges and devices from FILE, see ioreqd.conf(5).\n"
                            "                       The default without any --device: NAME.conf, or UUID.conf, of\n"
                            "                       the domain, in the folder that ioreqd.conf(5) names\n"
                            "  --device MODEL[,KEY=VALUE]...\n"
                            "                       a device for the guest; may be given several times.\n"
                            "                       A comma inside a value is written twice.\n"
                            "  --device help        list the models and exit\n"
                            "  --device MODEL,help  list a model's keys with type, default and meaning, and exit\n"
                            "  --bridge NAME[,KEY=VALUE]...\n"
                            "                       a further PCI Express host bridge, which a device names in\n"
                            "                       bridge=NAME; may be given several times. Its keys:\n"
                            "    ecam=ADDRESS         its configuration space, 1 MiB a bus; required on x86\n"
                            "    memory=ADDRESS+SIZE[@BUS]\n"
                            "                         its memory below 4 GiB; required on x86. @BUS: where that\n"
                            "                         begins on the bus, if not at ADDRESS\n"
                            "    memory64=ADDRESS+SIZE[@BUS]\n"
                            "                         memory for 64-bit BARs\n"
                            "    io=[memory:]ADDRESS+SIZE[@BUS]\n"
                            "                         its ports; with memory: the processor reaches them as memory\n"
                            "    segment=N            from 1; the default is the first that is free\n"
                            "    buses=FIRST-LAST     in hexadecimal; the default is 00-00\n"
                            "    intx=DEV|off         the device of bus 0 whose interrupt lines it uses; the\n"
                            "                         default is off\n"
                            "  --describe acpi|dts|human\n"
                            "                       print the bridges as ACPI tables, as device tree source, or\n"
                            "                       bridges and devices as a table for people, and exit\n"
                            "  --interrupts KEY=VALUE[,KEY=VALUE]...\n"
                            "                       which interrupts (SPIs) devices of an Arm guest raise:\n"
                            "    intx=FIRST-LAST|off  those of their lines; the default is 44-47\n"
                            "    msi=FIRST-LAST|off   those of their messages; the default is 48-63\n"
                            "    frame=ADDRESS        where messages go; the default is 0xa000000\n"
                            "  --machine x86|arm    what guest to check or describe for; the default is ioreqd's own\n"
                            "  --attach             serve an Arm guest that runs already\n"
                            "  --record FILE        record the guest's accesses in FILE\n"
                            "  --foreground         stay in the foreground; without it ioreqd returns once the\n"
                            "                       devices are ready, and serves them in the background\n"
                            "  --pidfile FILE       write the process id to FILE once the devices are ready\n"
                            "  --log stderr|syslog|journal|FILE\n"
                            "                       where messages go once the devices are ready; the default is\n"
                            "                       stderr with --foreground, and syslog without\n"
                            "  --check              check command line and file without a guest and exit\n"
                            "  --control-socket PATH|none\n"
                            "                       where ioreqctl reaches this ioreqd; the default is\n"
                            "                       " RUN_DIRECTORY "/ID.sock, with the domain's ID\n"
                            "  --monitor-socket PATH|none\n"
                            "                       the same for those who may only look; the default is\n"
                            "                       " RUN_DIRECTORY "/ID.monitor.sock\n"
                            "  --module-dir DIR     look for models in DIR\n"
                            "  --log-level LEVEL    write error, warning, info (the default) or debug messages\n"
                            "                       and what is graver to standard error\n"
                            "  --version            print the version and exit\n"
                            "  --help               print this text and exit\n"
                            "\n"
                            "Examples:\n"
                            "  A disk for a PVH guest. Its kernel needs pci=noacpi on its command line.\n"
                            "    xl create -p guest.cfg\n"
                            "    ioreqd --domain guest --device virtio-blk,file=disk.img --pidfile /run/guest.pid\n"
                            "  and in another terminal, once /run/guest.pid is there:\n"
                            "    xl unpause guest\n"
                            "\n"
                            "  The same for an HVM guest, in a slot that its QEMU leaves free, for reading only:\n"
                            "    ioreqd --domain guest --device virtio-blk,file=disk.img,readonly=on,addr=10 \\\n"
                            "           --pidfile /run/guest.pid\n"
                            "\n"
                            "Exit status: 0 done; 1 failed while running; 2 the command line or the file is wrong;\n"
                            "3 the domain does not exist; 4 Xen or a permission refused. ioreqd(8) tells more.\n";

static const char *type_of(const struct ioreqd_property *property)
{
    switch (property->kind) {
    case IOREQD_PROPERTY_BOOL:
        return "on or off";
    case IOREQD_PROPERTY_U32:
    case IOREQD_PROPERTY_U64:
        return "number";
    case IOREQD_PROPERTY_SIZE:
        return "size";
    case IOREQD_PROPERTY_STRING:
        return "text";
    case IOREQD_PROPERTY_STREAM:
        return "stream";
    case IOREQD_PROPERTY_NETWORK:
        return "network";
    default:
        return "path";
    }
}

static void property_row(const struct ioreqd_property *property, struct row *row)
{
    const char *range = value_range(property, &row->range);

    row->cell[COLUMN_KEY] = property->name;
    row->cell[COLUMN_TYPE] = type_of(property);
    row->cell[COLUMN_DEFAULT] = property->fallback != NULL && property->fallback[0] != 0 ? property->fallback : "-";
    row->cell[COLUMN_RANGE] = range[0] != 0 ? range : "-";
    row->cell[COLUMN_REQUIRED] = (property->flags & IOREQD_PROPERTY_REQUIRED) != 0 ? "yes" : "no";
    row->cell[COLUMN_MEANING] = property->help;
}

static void common_row(const struct config_common_key *key, struct row *row)
{
    row->cell[COLUMN_KEY] = key->name;
    row->cell[COLUMN_TYPE] = key->type;
    row->cell[COLUMN_DEFAULT] = key->fallback;
    row->cell[COLUMN_RANGE] = key->range;
    row->cell[COLUMN_REQUIRED] = "no";
    row->cell[COLUMN_MEANING] = key->help;
}

static const struct row heading = {.cell = {"Key", "Type", "Default", "Range", "Required", "Meaning"}};

static void widen(const struct row *row, int width[COLUMNS])
{
    for (int i = 0; i < COLUMNS; i++) {
        int length = (int)strlen(row->cell[i]);

        width[i] = length > width[i] ? length : width[i];
    }
}

static void print_row(FILE *out, const struct row *row, const int width[COLUMNS])
{
    for (int i = 0; i < COLUMN_MEANING; i++) {
        fprintf(out, "%-*s  ", width[i], row->cell[i]);
    }
    fprintf(out, "%s\n", row->cell[COLUMN_MEANING]);
}

static void widen_by(const struct config_common_key *key, int width[COLUMNS])
{
    struct row row;

    for (; key->name != NULL; key++) {
        common_row(key, &row);
        widen(&row, width);
    }
}

static void print_keys(FILE *out, const struct config_common_key *key, const int width[COLUMNS])
{
    struct row row;

    for (; key->name != NULL; key++) {
        common_row(key, &row);
        print_row(out, &row, width);
    }
}

void help_usage(FILE *out)
{
    fputs(usage, out);
}

void help_models(FILE *out, const struct ioreqd_model *const *model, size_t count)
{
    int width = 0;

    for (size_t i = 0; i < count; i++) {
        int length = (int)strlen(model[i]->name);

        width = length > width ? length : width;
    }
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%-*s  %s\n", width, model[i]->name, model[i]->summary);
    }
    fprintf(out, "\n--device MODEL,help lists the keys of a model.\n");
}

void help_model(FILE *out, const struct ioreqd_model *model)
{
    bool has_own = model->property != NULL && model->property->name != NULL;
    int width[COLUMNS] = {0};
    struct row row;

    widen(&heading, width);
    for (const struct ioreqd_property *at = model->property; at != NULL && at->name != NULL; at++) {
        property_row(at, &row);
        widen(&row, width);
    }
    if (config_has_files(model)) {
        widen_by(config_file_key, width);
    }
    widen_by(config_common_key, width);

    fprintf(out, "%s: %s\n\n", model->name, model->summary);
    if (!has_own) {
        fprintf(out, "It has no keys of its own, only those of every device.\n\n");
    }
    print_row(out, &heading, width);
    for (const struct ioreqd_property *at = model->property; at != NULL && at->name != NULL; at++) {
        property_row(at, &row);
        print_row(out, &row, width);
    }
    if (config_has_files(model)) {
        fprintf(out, "\nKeys of every device with a file:\n");
        print_keys(out, config_file_key, width);
    }
    if (has_own) {
        fprintf(out, "\nKeys of every device:\n");
    }
    print_keys(out, config_common_key, width);
}
