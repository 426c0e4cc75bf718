# SPDX-License-Identifier: BSD-2-Clause
# What libxl starts as the device model of an HVM guest that has an ioreqd too.
sbin_PROGRAMS += ioreqd-dm
ioreqd_dm_SOURCES = \
	src/exit_status.h \
	src/launcher/arguments.c src/launcher/arguments.h \
	src/launcher/main.c
ioreqd_dm_CPPFLAGS = $(AM_CPPFLAGS) -DCONFIG_DIRECTORY='"$(sysconfdir)/ioreqd"' -DDAEMON='"$(sbindir)/ioreqd"' \
	-DQEMU='"$(QEMU)"'
