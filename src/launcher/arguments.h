/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What libxl tells a device model on its command line (libxl_dm.c, libxl__build_device_model_args_new()). The arguments
 * are QEMU's: an option is one word with one dash, and its value the next one. They are only read.
 */
#ifndef IOREQD_LAUNCHER_ARGUMENTS_H
#define IOREQD_LAUNCHER_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#define HIGHEST_DOMAIN 0x7fefu /* DOMID_FIRST_RESERVED - 1 */

struct arguments {
    bool starts_guest; /* the device model of a guest is to be started; nothing else is filled in if not */
    unsigned domain;
    const char *name; /* of the guest */
    size_t name_length;
    bool incoming; /* with the state of a guest that was saved or migrated */
};

/*
 * Not a start of a guest's device model: any line without -xen-domid, as libxl's probe of QEMU's options and what people
 * ask (--help, -version), and one with -xen-attach, which serves the PV devices of a PV or PVH guest or of a stub domain.
 */
void arguments_read(struct arguments *arguments, int argc, char *const *argv);

/* Whether the name can be a file's: neither empty nor with a slash in it, and not one that begins with a dot. */
bool arguments_name_is_file(const struct arguments *arguments);

#endif
