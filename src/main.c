/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ioreqd: serves emulated PCI devices to one Xen guest. main() puts the parts together in an order that finds every
 * mistake of the user before the guest or Xen is touched: the command line, the models, files and properties, then the
 * domain, then the functions; and that takes all of it back when a later step fails.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "config/config.h"
#include "config/help.h"
#include "config/property.h"
#include "config/search.h"
#include "control_mode.h"
#include "daemon.h"
#include "describe_mode.h"
#include "device/device.h"
#include "device/file.h"
#include "device/network.h"
#include "device/sockets.h"
#include "device/stream.h"
#include "exit_status.h"
#include "hypervisor/toolstack.h"
#include "hypervisor/xen/xen.h"
#include "life.h"
#include "log.h"
#include "models.h"
#include "pidfile.h"
#include "places.h"
#include "readiness.h"
#include "record.h"
#include "worker/worker.h"

#define FUNCTIONS_PER_BUS 256u

struct instance {
    struct config config;
    struct config_error error;
    struct config_faults faults; /* when there are several: error is not used */
    struct models *models;
    struct worker *worker;
    struct toolstack *toolstack;
    struct life *life;
    struct recorder_file *recording; /* NULL: none is made */
    struct ioreqd_device **device;   /* of the configuration, in its order; NULL: the worker has it, or a root port */
    uint8_t *devfn;
    struct event *event[4];
    size_t events;
    struct readiness *readiness;
    struct daemon *daemon; /* NULL: we stay in the foreground */
    struct control_mode control;
};

static int fail_as(struct instance *instance, const struct hypervisor_error *error)
{
    static const enum exit_status status[] = {
        [HYPERVISOR_NO_DOMAIN] = EXIT_STATUS_NO_DOMAIN,
        [HYPERVISOR_UNSUITABLE] = EXIT_STATUS_CONFIGURATION,
        [HYPERVISOR_REFUSED] = EXIT_STATUS_REFUSED,
    };

    return config_error_set(&instance->error, status[error->failure], "%s", error->text);
}

/* ---- devices ---- */

struct opener {
    struct instance *instance;
    const struct config_device *config;
    struct ioreqd_device *device;
};

/* Why a value cannot be opened, with errno as the reason of it. */
static int cannot_open(const struct opener *opener, const char *property, const char *value, const char *reason,
                       struct config_error *error)
{
    bool refused = errno == EACCES || errno == EPERM;

    config_error_device(error, opener->config, property, value, "%s", reason);
    error->exit_status = refused ? EXIT_STATUS_REFUSED : EXIT_STATUS_CONFIGURATION;
    return -1;
}

static int open_file(void *context, const char *property, const char *path, const struct file_options *options,
                     struct ioreqd_file **file, struct config_error *error)
{
    struct opener *opener = context;
    char reason[256];

    *file = file_open_with(path, options, reason, sizeof(reason));
    if (*file == NULL) {
        return cannot_open(opener, property, path, reason, error);
    }
    if (device_keep_file(opener->device, *file) != 0) {
        file_close(*file);
        return config_error_memory(error);
    }
    return 0;
}

static int open_stream(void *context, const char *property, const char *value, struct ioreqd_stream **stream,
                       struct config_error *error)
{
    struct opener *opener = context;
    bool check = opener->instance->config.mode == CONFIG_CHECK;
    char reason[256];

    if (stream_open(value, check, stream, reason, sizeof(reason)) != 0) {
        return cannot_open(opener, property, value, reason, error);
    }
    if (*stream == NULL) {
        return 0;
    }
    if (device_keep_stream(opener->device, *stream) != 0) {
        stream_close(*stream);
        return config_error_memory(error);
    }
    /* The one that a device is all about needs no name. */
    if (strcmp(property, "stream") == 0) {
        log_line(LOG_INFO, NULL, "%s is at %s", opener->config->id, stream_place(*stream));
    } else {
        log_line(LOG_INFO, NULL, "%s %s is at %s", opener->config->id, property, stream_place(*stream));
    }
    return 0;
}

static int open_sockets(void *context, const char *property, const char *path, struct ioreqd_sockets **sockets,
                        struct config_error *error)
{
    struct opener *opener = context;
    bool check = opener->instance->config.mode == CONFIG_CHECK;
    char reason[256];

    if (sockets_open(path, check, sockets, reason, sizeof(reason)) != 0) {
        return cannot_open(opener, property, path, reason, error);
    }
    if (*sockets != NULL && device_keep_sockets(opener->device, *sockets) != 0) {
        sockets_close(*sockets);
        return config_error_memory(error);
    }
    return 0;
}

static int open_network(void *context, const char *property, const char *value, struct ioreqd_network **network,
                        struct config_error *error)
{
    struct opener *opener = context;
    bool check = opener->instance->config.mode == CONFIG_CHECK;
    char reason[256];

    if (network_open(value, check, network, reason, sizeof(reason)) != 0) {
        return cannot_open(opener, property, value, reason, error);
    }
    if (*network != NULL && device_keep_network(opener->device, *network) != 0) {
        network_close(*network);
        return config_error_memory(error);
    }
    return 0;
}

static const char *value_of(const struct config_device *config, const char *key)
{
    for (size_t i = 0; key != NULL && i < config->pairs; i++) {
        if (strcmp(config->pair[i].key, key) == 0) {
            return config->pair[i].value;
        }
    }
    return NULL;
}

static int make_device(struct instance *instance, const struct config_device *config, struct ioreqd_device **made)
{
    const struct ioreqd_model *model = models_find(instance->models, config->model, &instance->error);
    const char *property, *reason;
    struct ioreqd_device *device;

    if (model == NULL) {
        config_error_move_device(&instance->error, config, "model", config->model);
        return -1;
    }
    device = device_create(model, config->id, worker_environment(instance->worker));
    if (device == NULL) {
        return config_error_memory(&instance->error);
    }
    *made = device;

    struct opener context = {.instance = instance, .config = config, .device = device};
    struct property_opener opener = {.open_file = open_file,
                                     .open_stream = open_stream,
                                     .open_sockets = open_sockets,
                                     .open_network = open_network,
                                     .context = &context};

    if (property_parse(model, config, device_state(device), &opener, &instance->error) != 0) {
        return -1;
    }
    if (device_configure(device, &property, &reason) != 0) {
        return config_error_device(&instance->error, config, property, value_of(config, property), "%s", reason);
    }
    return 0;
}

static int make_devices(struct instance *instance)
{
    const struct config *config = &instance->config;

    instance->device = calloc(config->devices + 1, sizeof(instance->device[0]));
    instance->devfn = calloc(config->devices + 1, sizeof(instance->devfn[0]));
    if (instance->device == NULL || instance->devfn == NULL) {
        return config_error_memory(&instance->error);
    }
    for (size_t i = 0; i < config->devices; i++) {
        if (config->device[i].root_port) {
            continue; /* a part of the bridge */
        }
        if (make_device(instance, &config->device[i], &instance->device[i]) != 0) {
            config_faults_add(&instance->faults, &instance->error);
            if (config->mode != CONFIG_CHECK) {
                return -1;
            }
        }
    }
    return instance->faults.count == 0 ? 0 : -1;
}

/* Hands bridges, ports and devices to the worker. */
static int place_all(struct instance *instance)
{
    const struct config *config = &instance->config;

    if (places_choose(config, instance->toolstack, instance->devfn, &instance->error) != 0) {
        return -1;
    }
    worker_set_interrupts(instance->worker, &config->interrupts);
    for (size_t i = 0; i < config->bridges; i++) {
        if (worker_add_host(instance->worker, &config->bridge[i]) != 0) {
            return config_error_memory(&instance->error);
        }
    }
    for (size_t i = 0; i < config->devices; i++) {
        const struct config_device *device = &config->device[i];
        int rc = device->root_port
                     ? worker_add_port(instance->worker, device->id, device->bridge, instance->devfn[i], device->slot)
                     : worker_add_device(instance->worker, instance->device[i], device->bridge, instance->devfn[i]);

        if (rc != 0) {
            return config_error_memory(&instance->error);
        }
        instance->device[i] = NULL;
    }
    return 0;
}

/* ---- running ---- */

/*
 * An Arm guest aborts when it reaches what nobody has claimed, so it must not run before ioreqd does. One that Xen
 * itself made at its start (dom0less) runs as soon as ioreqd can: who attaches to it sees to it that it waits.
 */
static int check_guest(struct instance *instance)
{
    const struct hypervisor_guest *guest = toolstack_guest(instance->toolstack);
    const struct config *config = &instance->config;
    enum bridge_machine machine = guest->memory_only ? BRIDGE_MACHINE_ARM : BRIDGE_MACHINE_X86;

    if (config->machine != machine) {
        return config_error_set(&instance->error, EXIT_STATUS_CONFIGURATION,
                                "--machine %s: domain %u is an %s guest: leave --machine out",
                                bridge_machine_name(config->machine), guest->domain, bridge_machine_name(machine));
    }
    if (guest->memory_only && config->record != NULL) {
        return config_error_set(&instance->error, EXIT_STATUS_CONFIGURATION,
                                "--record %s: an Arm guest cannot be repeated from a recording: leave it out",
                                config->record);
    }
    if (guest->memory_only && !guest->paused && !config->attach) {
        return config_error_set(&instance->error, EXIT_STATUS_CONFIGURATION,
                                "domain %u runs already, and may have looked for its devices, which an Arm guest does "
                                "not survive: make it with `xl create -p`, start ioreqd, then `xl unpause` it; for a "
                                "guest that waits by itself, add --attach",
                                guest->domain);
    }
    return 0;
}

/* Before anything is done: what cannot be made later, when the guest waits for it. */
static int check_pidfile(struct instance *instance)
{
    const char *path = instance->config.pidfile;
    pid_t owner = path != NULL ? pidfile_owner(path) : 0;

    if (owner > 0) {
        return config_error_setting(&instance->error, &instance->config, "pidfile", path,
                                    "process %d has it: end that one, or name another file", (int)owner);
    }
    if (owner < 0) {
        config_error_setting(&instance->error, &instance->config, "pidfile", path, "cannot be read: %s",
                             strerror((int)-owner));
        instance->error.exit_status = EXIT_STATUS_FAILED;
        return -1;
    }
    return 0;
}

static void on_alive(void *argument)
{
    readiness_alive(argument);
}

/* A daemon that writes messages there, because whoever started it wants them there. */
static bool keeps_stderr(const struct instance *instance)
{
    return instance->config.log != NULL && strcmp(instance->config.log, "stderr") == 0;
}

/* Whoever started us is told that the devices answer. From here on messages go where --log says. */
static int announce(struct instance *instance)
{
    const struct config *config = &instance->config;
    const char *log = config->log != NULL ? config->log : instance->daemon != NULL ? "syslog" : "stderr";
    int rc = toolstack_announce(instance->toolstack);
    char name[256];

    if (rc != 0) {
        return config_error_set(&instance->error, EXIT_STATUS_FAILED,
                                "cannot tell xenstore that the devices answer: %s", strerror(-rc));
    }
    rc = log_set_target(log, toolstack_name(instance->toolstack, name, sizeof(name)) ? name : config->domain);
    if (rc != 0) {
        config_error_setting(&instance->error, config, "log", log, "cannot be opened: %s", strerror(-rc));
        instance->error.exit_status = EXIT_STATUS_FAILED;
        return -1;
    }
    rc = readiness_announce(instance->readiness);
    if (rc != 0) {
        config_error_setting(&instance->error, config, "pidfile", config->pidfile, "cannot be written: %s",
                             strerror(-rc));
        instance->error.exit_status = EXIT_STATUS_FAILED;
        return -1;
    }
    return 0;
}

static int start(struct instance *instance)
{
    const struct config *config = &instance->config;
    uint16_t function[FUNCTIONS_PER_BUS];
    size_t functions;
    struct hypervisor_error error;
    struct hypervisor *hypervisor;
    unsigned watchdog = readiness_watchdog(instance->readiness);

    instance->toolstack = toolstack_open(config->domain_is_id ? NULL : config->domain, config->domain_id, &error);
    if (instance->toolstack == NULL) {
        return fail_as(instance, &error);
    }
    if (check_guest(instance) != 0 || place_all(instance) != 0) {
        return -1;
    }
    if (config->record != NULL) {
        instance->recording = record_open(config, instance->models, &instance->error);
        if (instance->recording == NULL) {
            return -1;
        }
        worker_record(instance->worker, recorder_file_recorder(instance->recording));
    }
    if (watchdog != 0 && worker_watch_loops(instance->worker, watchdog, on_alive, instance->readiness) != 0) {
        return config_error_memory(&instance->error);
    }
    hypervisor = xen_open(toolstack_guest(instance->toolstack), &error);
    if (hypervisor == NULL || worker_start(instance->worker, hypervisor, &error) != 0) {
        return fail_as(instance, &error);
    }
    functions = places_of_bus_0(config, instance->toolstack, instance->devfn, function);
    if (toolstack_claim(instance->toolstack, xen_server(hypervisor), function, functions, &error) != 0 ||
        worker_serve(instance->worker, &error) != 0) {
        return fail_as(instance, &error);
    }
    if (control_mode_start(&instance->control, config, instance->worker, instance->toolstack, xen_server(hypervisor),
                           &instance->error) != 0 ||
        announce(instance) != 0) {
        return -1;
    }
    for (size_t i = 0; i < config->devices; i++) {
        const struct config_device *device = &config->device[i];

        log_line(LOG_INFO, NULL, "%s %s is at %02x.%u of bridge %s", device->model, device->id,
                 instance->devfn[i] >> 3 & 0x1fu, instance->devfn[i] & 7u,
                 device->bridge != NULL ? device->bridge : CONFIG_BRIDGE_PCI);
    }
    log_line(LOG_INFO, NULL, "domain %u: %zu device%s ready (IOREQ server %u)",
             toolstack_guest(instance->toolstack)->domain, config->devices, config->devices == 1 ? "" : "s",
             xen_server(hypervisor));
    return 0;
}

static void on_signal(evutil_socket_t signal, short what, void *argument)
{
    struct instance *instance = argument;

    (void)what;
    log_line(LOG_INFO, NULL, "%s: ending", strsignal((int)signal));
    worker_end(instance->worker, false);
}

/* Takes over an event, which may be NULL. */
static int add_event(struct instance *instance, struct event *event)
{
    if (event == NULL || event_add(event, NULL) != 0) {
        return config_error_memory(&instance->error);
    }
    instance->event[instance->events++] = event;
    return 0;
}

/* Before Xen is touched: a signal that comes while we start is seen when the loop runs, and ends us in good order. */
static int watch_signals(struct instance *instance)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    struct event_base *base = loop_event_base(worker_loop(instance->worker));

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        if (add_event(instance, evsignal_new(base, signals[i], on_signal, instance)) != 0) {
            return -1;
        }
    }
    return 0;
}

static int run(struct instance *instance)
{
    if (make_devices(instance) != 0) {
        return -1;
    }
    if (instance->config.mode == CONFIG_CHECK) {
        log_line(LOG_INFO, NULL, "the configuration is good");
        return 0;
    }
    if (instance->config.mode == CONFIG_DESCRIBE) {
        return describe_mode(&instance->config, instance->device, &instance->error);
    }
    if (watch_signals(instance) != 0 || start(instance) != 0) {
        return -1;
    }
    instance->life = life_watch(instance->worker, instance->toolstack);
    if (instance->life == NULL) {
        return config_error_memory(&instance->error);
    }
    if (instance->daemon != NULL) {
        daemon_ready(instance->daemon, keeps_stderr(instance));
    }
    if (!worker_run(instance->worker)) {
        /*
         * A transfer still has memory of the guest and of ours. Only the end of the process takes that back from the
         * kernel in good order; the guest's requests are answered and its server is gone.
         */
        readiness_withdraw(instance->readiness);
        control_mode_stop(&instance->control);
        toolstack_close(instance->toolstack);
        /* The recording is left as it is: a thread may still add to it. */
        _exit(EXIT_STATUS_DONE);
    }
    return 0;
}

static void tidy(struct instance *instance)
{
    for (size_t i = 0; i < instance->events; i++) {
        event_free(instance->event[i]);
    }
    life_free(instance->life);
    readiness_withdraw(instance->readiness);
    for (size_t i = 0; instance->device != NULL && i < instance->config.devices; i++) {
        device_destroy(instance->device[i]);
    }
    free(instance->device);
    free(instance->devfn);
    control_mode_stop(&instance->control);
    worker_destroy(instance->worker);
    recorder_file_close(instance->recording);
    toolstack_close(instance->toolstack);
    models_close(instance->models);
    readiness_destroy(instance->readiness);
    daemon_end(instance->daemon);
    config_free(&instance->config);
}

static int help(struct instance *instance)
{
    const struct ioreqd_model *model;
    size_t count;

    switch (instance->config.mode) {
    case CONFIG_HELP:
        help_usage(stdout);
        break;
    case CONFIG_VERSION:
        printf("ioreqd %s (device interface %u)\n", PACKAGE_VERSION, IOREQD_ABI);
        break;
    case CONFIG_LIST_MODELS: {
        const struct ioreqd_model *const *all = models_all(instance->models, &count);

        help_models(stdout, all, count);
        break;
    }
    default:
        model = models_find(instance->models, instance->config.help_model, &instance->error);
        if (model == NULL) {
            return -1;
        }
        help_model(stdout, model);
        break;
    }
    if (fflush(stdout) != 0) {
        return config_error_set(&instance->error, EXIT_STATUS_FAILED, "cannot write to standard output: %s",
                                strerror(errno));
    }
    return 0;
}

/* What xenstore knows of a domain; nothing where it cannot be read, which a run tells of later. */
static void find_names(void *context, const struct config *config, struct config_names *names)
{
    (void)context;
    if (config->mode == CONFIG_RUN) {
        toolstack_names(config->domain_is_id ? NULL : config->domain, config->domain_id, names->name,
                        sizeof(names->name), names->uuid, sizeof(names->uuid));
    }
}

static int load(struct instance *instance, int argc, char **argv)
{
    struct config_search search = {.directory = CONFIG_DIRECTORY, .names = find_names};
    const struct config_finder finder = {.find = config_search, .context = &search};

    return config_load(argc, argv, &finder, &instance->config, &instance->faults);
}

static int tell_faults(struct instance *instance)
{
    if (instance->faults.count == 0) {
        config_faults_add(&instance->faults, &instance->error);
    }
    for (size_t i = 0; i < instance->faults.count; i++) {
        log_line(LOG_ERROR, NULL, "%s", instance->faults.fault[i].text);
    }
    if (instance->faults.more) {
        log_line(LOG_ERROR, NULL, "there are more mistakes: mend these first");
    }
    return instance->faults.fault[0].exit_status;
}

/* What is done before there is an event loop, which a fork would break. */
static int prepare(struct instance *instance)
{
    bool run = instance->config.mode == CONFIG_RUN;

    if (run && check_pidfile(instance) != 0) {
        return -1;
    }
    if (run && !instance->config.foreground) {
        instance->daemon = daemon_begin();
        if (instance->daemon == NULL) {
            return config_error_set(&instance->error, EXIT_STATUS_FAILED, "cannot become a daemon: %s",
                                    strerror(errno));
        }
    }
    instance->readiness = run ? readiness_create(instance->config.pidfile) : NULL;
    return run && instance->readiness == NULL ? config_error_memory(&instance->error) : 0;
}

int main(int argc, char **argv)
{
    struct instance instance = {0};
    int rc = load(&instance, argc, argv);
    int status = EXIT_STATUS_DONE;

    if (rc == 0) {
        log_set_level(instance.config.log_level);
        signal(SIGPIPE, SIG_IGN);
        rc = prepare(&instance);
    }
    if (rc == 0) {
        instance.models = models_open(instance.config.module_dir);
        instance.worker = worker_create();
        if (instance.models == NULL || instance.worker == NULL) {
            rc = config_error_set(&instance.error, EXIT_STATUS_FAILED, "cannot start an event loop: %s",
                                  strerror(errno));
        } else if (instance.config.mode == CONFIG_RUN || instance.config.mode == CONFIG_CHECK ||
                   instance.config.mode == CONFIG_DESCRIBE) {
            rc = run(&instance);
        } else {
            rc = help(&instance);
        }
    }
    if (rc != 0) {
        status = tell_faults(&instance);
    }
    tidy(&instance);
    return status;
}
