# SPDX-License-Identifier: BSD-2-Clause
# The examples of include/examples, built and used as outside of the tree.
if HAVE_CHECK
check_PROGRAMS += tests/examples/watchdog
tests_examples_watchdog_SOURCES = tests/examples/watchdog.c
tests_examples_watchdog_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_examples_watchdog_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_examples_watchdog_LDADD = libioreqd-drv.la libioreqd-worker.la libioreqd-device.la libioreqd-bridge.la \
	libioreqd-sim.la libioreqd-config.la $(CHECK_LIBS) $(EVENT_LIBS)
TESTS += tests/examples/check-examples
endif
EXTRA_DIST += tests/examples/check-examples
