/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * For scenarios of the lab, in dom0. Xen cannot list the IOREQ servers of a domain, so this counts the free ones by creating as
 * many as Xen allows, and destroys them again.
 *
 *   ioreq-servers DOMID            prints how many more servers the domain can have
 *   ioreq-servers DOMID --hold N   creates N servers, prints "holding N", and destroys them at the end of standard input
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* HVM_IOREQSRV_BUFIOREQ_OFF is only for tools. */
#define __XEN_TOOLS__ 1
#include <xen/hvm/dm_op.h>
#include <xen/hvm/hvm_op.h>
#include <xen/xen.h>
#include <xendevicemodel.h>

/* More than any Xen allows for one domain. */
#define MANY 64

static int create(xendevicemodel_handle *handle, domid_t domid, int wanted, ioservid_t *servers)
{
    int count = 0;

    while (count < wanted &&
           xendevicemodel_create_ioreq_server(handle, domid, HVM_IOREQSRV_BUFIOREQ_OFF, &servers[count]) == 0)
        count++;
    return count;
}

static int destroy(xendevicemodel_handle *handle, domid_t domid, int count, const ioservid_t *servers)
{
    int failed = 0;

    for (int i = 0; i < count; i++) {
        if (xendevicemodel_destroy_ioreq_server(handle, domid, servers[i]) != 0) {
            fprintf(stderr, "ioreq-servers: cannot destroy server %u of domain %u: %s\n", servers[i], domid,
                    strerror(errno));
            failed = 1;
        }
    }
    return failed;
}

/* A number from 0 to max, or -1. */
static long number(const char *text, long max)
{
    char *end;
    long value;

    errno = 0;
    value = strtol(text, &end, 10);
    return errno != 0 || end == text || *end != '\0' || value < 0 || value > max ? -1 : value;
}

int main(int argc, char **argv)
{
    ioservid_t servers[MANY];
    xendevicemodel_handle *handle;
    long domid = argc > 1 ? number(argv[1], DOMID_FIRST_RESERVED - 1) : -1;
    long hold = argc == 4 && strcmp(argv[2], "--hold") == 0 ? number(argv[3], MANY) : -1;
    int count, error, status = 0;

    if (domid < 0 || (argc != 2 && hold < 0)) {
        fprintf(stderr, "usage: ioreq-servers DOMID [--hold N]\n");
        return 2;
    }
    handle = xendevicemodel_open(NULL, 0);
    if (!handle) {
        fprintf(stderr, "ioreq-servers: cannot open Xen's device-model interface: %s\n", strerror(errno));
        return 4;
    }

    count = create(handle, (domid_t)domid, hold < 0 ? MANY : (int)hold, servers);
    error = errno;
    if (hold >= 0 && count < hold) {
        fprintf(stderr, "ioreq-servers: only %d of %ld servers of domain %ld: %s\n", count, hold, domid,
                strerror(error));
        status = 1;
    } else if (hold >= 0) {
        char byte;

        printf("holding %d\n", count);
        fflush(stdout);
        while (read(STDIN_FILENO, &byte, 1) > 0)
            ;
    } else if (error != ENOSPC) {
        /* Full is the answer that ends the count; anything else means that the count says nothing. */
        fprintf(stderr, "ioreq-servers: cannot create a server of domain %ld: %s\n", domid, strerror(error));
        status = 1;
    } else {
        printf("%d\n", count);
    }
    status |= destroy(handle, (domid_t)domid, count, servers);
    xendevicemodel_close(handle);
    return status;
}
