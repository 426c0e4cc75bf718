/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole recording, ioreqd-recording(5): the header as what a guest is made of, and the lines as they stand in the
 * file. Read once, on one thread, and owned by who read it.
 */
#ifndef IOREQD_RECORDING_RECORDING_H
#define IOREQD_RECORDING_RECORDING_H

#include "bridge/host_config.h"
#include "recording/line.h"

#define RECORDING_FIRST_LINE "ioreqd-recording 1"

/* Bytes that a file's lines may have together once the runs are written out. */
#define RECORDING_TOTAL_MAX (UINT64_C(256) << 20)

struct recording_port {
    char id[RECORDING_NAME_SIZE];
    char host[RECORDING_NAME_SIZE];
    uint8_t devfn;
    unsigned slot;
};

struct recording_device {
    char bus[RECORDING_NAME_SIZE];
    uint8_t devfn;
    char *options; /* as --device has them, with id= */
    unsigned line; /* where it stands in the file, counted from 1 */
};

/* A file that a device's property named. */
struct recording_file {
    char device[RECORDING_NAME_SIZE];
    char property[RECORDING_NAME_SIZE];
    uint64_t size;
};

/* What is in it; zeros where nothing is told. */
struct recording_content {
    size_t file; /* its number in file[] */
    uint64_t offset;
    uint64_t length;
    uint8_t *bytes;
};

struct recording {
    struct hypervisor_guest guest;
    bool has_guest;
    struct bridge_host_config *host; /* beside the one that every guest has */
    size_t hosts;
    struct recording_port *port;
    size_t ports;
    struct recording_device *device;
    size_t devices;
    struct recording_file *file;
    size_t files;
    struct recording_content *content;
    size_t contents;

    struct recording_line *line; /* number i stands in line i + 1 of the file */
    char **text;                 /* of the line */
    size_t lines;
    uint64_t total; /* bytes of the lines so far */
};

struct recording_error {
    size_t line; /* counted from 1; 0: it is about the whole */
    char text[256];
};

/* Reads length bytes of text. 0, or -1 with the error filled in; the recording is empty then. */
int recording_read(const char *from, size_t length, struct recording *recording, struct recording_error *error);
void recording_free(struct recording *recording);

/*
 * A line of the header: 1 when the text is one, which is then in the recording, 0 when it is something else, -1 when it
 * is wrong, with the reason.
 */
int recording_parse_header(const char *from, struct recording *recording, char *reason, size_t size);

void recording_print_guest(const struct hypervisor_guest *guest, struct text *text);
void recording_print_host(const struct bridge_host_config *host, struct text *text);
void recording_print_port(const struct recording_port *port, struct text *text);
void recording_print_device(const struct recording_device *device, struct text *text);
void recording_print_file(const struct recording_file *file, struct text *text);

#endif
