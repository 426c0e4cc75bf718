/* SPDX-License-Identifier: BSD-2-Clause */
/* ioreqctl: asks a running ioreqd how it is, and has it do things. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit_status.h"
#include "ioreqctl/commands.h"

#ifndef RUN_DIRECTORY
#error "RUN_DIRECTORY is where sockets are looked for"
#endif

static void print_help(void)
{
    printf("Usage: ioreqctl [OPTION]... VERB [ARGUMENT]...\n"
           "\n"
           "Asks the ioreqd that serves a guest how it is, and has it do things.\n"
           "\n"
           "  --domain ID|NAME   the guest, as `xl list` shows it; not needed where there is one ioreqd\n"
           "  --json             print results as JSON\n"
           "  --watch            stats: print again each second, with rates\n"
           "  --socket PATH      the control socket, if it is not where it usually is\n"
           "  --socket-dir DIR   where sockets are looked for; the default is %s\n"
           "  --version          print the version and exit\n"
           "  --help             print this text and exit\n"
           "\n"
           "Verbs:\n",
           RUN_DIRECTORY);
    for (const struct command *command = command_table; command->name != NULL; command++) {
        printf("  %-7s %-22s %s\n", command->name, command->arguments, command->help);
    }
    printf("  VERB ID [VALUE | KEY=VALUE | --FLAG]...\n"
           "                                 have a device do what `ioreqctl verbs` shows for it\n"
           "\n"
           "Examples:\n"
           "  ioreqctl devices\n"
           "  ioreqctl --domain guest stats --watch\n"
           "  ioreqctl --domain guest resize disk0 20G\n"
           "  ioreqctl --domain guest link net0 down\n"
           "\n"
           "Exit status: 0 done; 1 it failed; 2 the command line is wrong; 3 no ioreqd serves the domain;\n"
           "4 not permitted. ioreqctl(8) tells more.\n");
}

/* The value of an option, as the next argument or after an equals sign; NULL with the error. */
static const char *value_of(int argc, char **argv, int *index, struct ctl_error *error)
{
    const char *equals = strchr(argv[*index], '=');

    if (equals != NULL) {
        return equals + 1;
    }
    if (*index + 1 < argc) {
        return argv[++*index];
    }
    ctl_fail(error, EXIT_STATUS_CONFIGURATION, "%s: the value is missing", argv[*index]);
    return NULL;
}

static bool is_option(const char *argument, const char *name)
{
    size_t length = strlen(name);

    return strncmp(argument, name, length) == 0 && (argument[length] == 0 || argument[length] == '=');
}

/* Options stand anywhere; what else begins with two dashes is the verb's. Returns 1 for it, 0, or -1 with the error. */
static int take_option(struct ctl_options *options, int argc, char **argv, int *index, struct ctl_error *error)
{
    const char *argument = argv[*index];
    const char **text = is_option(argument, "--domain")       ? &options->domain
                        : is_option(argument, "--socket")     ? &options->socket
                        : is_option(argument, "--socket-dir") ? &options->folder
                                                              : NULL;

    if (text != NULL) {
        *text = value_of(argc, argv, index, error);
        return *text != NULL ? 0 : -1;
    }
    if (strcmp(argument, "--json") == 0) {
        options->json = true;
        return 0;
    }
    if (strcmp(argument, "--watch") == 0) {
        options->watch = 1;
        return 0;
    }
    return 1;
}

int main(int argc, char **argv)
{
    struct ctl_options options = {.folder = RUN_DIRECTORY};
    struct ctl_error error = {0};
    char **argument = calloc((size_t)argc + 1, sizeof(*argument));
    unsigned count = 0;
    int rc = argument != NULL ? 0 : ctl_fail(&error, EXIT_STATUS_FAILED, "out of memory");

    for (int i = 1; rc == 0 && i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            print_help();
            goto done;
        }
        if (strcmp(argv[i], "--version") == 0) {
            printf("ioreqctl %s\n", PACKAGE_VERSION);
            goto done;
        }
        rc = take_option(&options, argc, argv, &i, &error);
        if (rc == 1 && count == 0 && argv[i][0] == '-') {
            rc = ctl_fail(&error, EXIT_STATUS_CONFIGURATION, "%.60s: unknown option: see ioreqctl --help", argv[i]);
        } else if (rc == 1) {
            argument[count++] = argv[i];
            rc = 0;
        }
    }
    if (rc == 0 && count == 0) {
        rc =
            ctl_fail(&error, EXIT_STATUS_CONFIGURATION, "a verb is missing, as `ioreqctl status`: see ioreqctl --help");
    }
    if (rc == 0) {
        rc = command_run(&options, argument, count, &error);
    }
    if (rc != 0) {
        fprintf(stderr, "ioreqctl: error: %s\n", error.text);
    }
done:
    free(argument);
    return rc == 0 ? EXIT_STATUS_DONE : error.exit_status;
}
