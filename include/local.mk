# SPDX-License-Identifier: BSD-2-Clause
# What a device author includes, and the flags to build with.
ioreqdincludedir = $(includedir)/ioreqd
ioreqdinclude_HEADERS = include/ioreqd/device.h include/ioreqd/virtio.h
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = include/ioreqd.pc

# Models to begin with, built outside of this tree: see tests/examples.
tallydir = $(docdir)/examples/tally
dist_tally_DATA = \
	include/examples/tally/Makefile \
	include/examples/tally/README.md \
	include/examples/tally/tally.c
watchdogdir = $(docdir)/examples/watchdog
dist_watchdog_DATA = \
	include/examples/watchdog/Makefile \
	include/examples/watchdog/README.md \
	include/examples/watchdog/watchdog.c
