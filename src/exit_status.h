/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The exit statuses of ioreqd. They are part of its interface (ioreqd(8)): toolstacks and unit files tell by them
 * whether another try can help, so a number never changes its meaning.
 */
#ifndef IOREQD_EXIT_STATUS_H
#define IOREQD_EXIT_STATUS_H

enum exit_status {
    EXIT_STATUS_DONE = 0,          /* the guest is gone, a signal asked for the end, or help was printed */
    EXIT_STATUS_FAILED = 1,        /* failed while running */
    EXIT_STATUS_CONFIGURATION = 2, /* the command line or configuration is wrong */
    EXIT_STATUS_NO_DOMAIN = 3,     /* the domain does not exist */
    EXIT_STATUS_REFUSED = 4        /* Xen or a permission refused */
};

#endif
