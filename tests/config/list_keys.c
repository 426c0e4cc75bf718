/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints the keys that a configuration file can have, by section, from the tables that accept them: for a test of the
 * manual.
 */
#include <stdio.h>
#include <string.h>

#include "config/bridge_option.h"
#include "config/config.h"
#include "config/file_keys.h"
#include "config/setting.h"

int main(void)
{
    const struct config_option *option;
    const char *key;

    for (size_t i = 0; (option = config_option_at(i)) != NULL; i++) {
        if (config_option_in_file(option)) {
            printf("guest %s\n", option->name + strlen("--"));
        }
    }
    for (size_t i = 0; (key = config_bridge_key(i)) != NULL; i++) {
        printf("bridge %s\n", key);
    }
    printf("device model\n");
    for (const struct config_common_key *at = config_common_key; at->name != NULL; at++) {
        printf("device %s\n", at->name);
    }
    for (const struct config_common_key *at = config_file_key; at->name != NULL; at++) {
        printf("device %s\n", at->name);
    }
    return 0;
}
