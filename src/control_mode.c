/* SPDX-License-Identifier: BSD-2-Clause */
/* The control sockets of the program, see control_mode.h. */
#include "control_mode.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

#ifndef RUN_DIRECTORY
#error "RUN_DIRECTORY is where ioreqctl looks for sockets"
#endif

/* The path of a socket as configured, or the default; NULL: none. */
static const char *path_of(const char *configured, const char *fallback)
{
    return configured == NULL ? fallback : strcmp(configured, CONFIG_NO_SOCKET) == 0 ? NULL : configured;
}

int control_mode_start(struct control_mode *mode, const struct config *config, struct worker *worker,
                       struct toolstack *toolstack, unsigned server, struct config_error *error)
{
    unsigned domain = toolstack_guest(toolstack)->domain;
    bool named = toolstack_name(toolstack, mode->name, sizeof(mode->name));
    struct control_options options = {.domain = domain, .name = named ? mode->name : NULL, .server = server};
    char reason[400];

    snprintf(mode->path, sizeof(mode->path), "%s/%u.sock", RUN_DIRECTORY, domain);
    snprintf(mode->monitor_path, sizeof(mode->monitor_path), "%s/%u.monitor.sock", RUN_DIRECTORY, domain);
    options.control = path_of(config->control, mode->path);
    options.monitor = path_of(config->monitor, mode->monitor_path);
    if (options.control == NULL && options.monitor == NULL) {
        return 0;
    }
    mode->control = control_open(worker, &options, reason, sizeof(reason));
    if (mode->control != NULL) {
        return 0;
    }
    if (config->control == NULL && config->monitor == NULL) {
        log_line(LOG_WARNING, NULL,
                 "no control socket: %s; ioreqctl does not reach this ioreqd: to have one, name another place with "
                 "--control-socket and --monitor-socket",
                 reason);
        return 0;
    }
    return config_error_set(error, errno == EACCES || errno == EPERM ? EXIT_STATUS_REFUSED : EXIT_STATUS_CONFIGURATION,
                            "control socket %s", reason);
}

void control_mode_stop(struct control_mode *mode)
{
    control_close(mode->control);
    mode->control = NULL;
}
