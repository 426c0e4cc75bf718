/* SPDX-License-Identifier: BSD-2-Clause */
/* libnbd, see file_nbd_library.h. */
#include "device/file_nbd_library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define LIBRARY "libnbd.so.0"

struct nbd_library nbd_library;

struct entry {
    const char *name;
    size_t offset;
};

#define ENTRY(name) {"nbd_" #name, offsetof(struct nbd_library, name)},

static const struct entry entries[] = {NBD_LIBRARY_FUNCTIONS(ENTRY)};

int nbd_library_load(char *reason, size_t size)
{
    struct nbd_library found;
    void *library;

    if (nbd_library.create != NULL) {
        return 0;
    }
    library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL) {
        snprintf(reason, size, "%s cannot be loaded: install the package libnbd0 (%s)", LIBRARY, dlerror());
        return -1;
    }
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        void *function = dlsym(library, entries[i].name);

        if (function == NULL) {
            snprintf(reason, size, "%s has no %s: install libnbd 1.12 or later", LIBRARY, entries[i].name);
            dlclose(library);
            return -1;
        }
        memcpy((char *)&found + entries[i].offset, &function, sizeof(function));
    }
    nbd_library = found;
    dlclose(library); /* it stays */
    return 0;
}
