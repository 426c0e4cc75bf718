/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the configuration file of a guest is, when none was named: DIRECTORY/NAME.conf or else DIRECTORY/UUID.conf. Main
 * thread; no state.
 */
#ifndef IOREQD_CONFIG_SEARCH_H
#define IOREQD_CONFIG_SEARCH_H

#include "config/config.h"

/* What a domain is called; empty: it cannot be told. */
struct config_names {
    char name[256];
    char uuid[37];
};

struct config_search {
    const char *directory;
    /* Fills in what is known of the domain beside what config says; NULL: nobody knows more. */
    void (*names)(void *context, const struct config *config, struct config_names *names);
    void *context;
};

/* The find() of a struct config_finder, whose context is a struct config_search. */
int config_search(void *search, const struct config *config, char **path, struct config_error *error);

#endif
