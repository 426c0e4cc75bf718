# SPDX-License-Identifier: BSD-2-Clause
# The examples of include/examples, built and used as outside of the tree.
if HAVE_CHECK
example_libraries = libioreqd-drv.la libioreqd-worker.la libioreqd-device.la libioreqd-bridge.la \
	libioreqd-sim.la libioreqd-config.la $(CHECK_LIBS) $(EVENT_LIBS)
check_PROGRAMS += tests/examples/tally tests/examples/watchdog
tests_examples_tally_SOURCES = tests/examples/tally.c tests/examples/example.c tests/examples/example.h
tests_examples_tally_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_examples_tally_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_examples_tally_LDADD = $(example_libraries)
tests_examples_watchdog_SOURCES = tests/examples/watchdog.c tests/examples/example.c tests/examples/example.h
tests_examples_watchdog_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_examples_watchdog_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_examples_watchdog_LDADD = $(example_libraries)
TESTS += tests/examples/check-examples
endif
EXTRA_DIST += tests/examples/check-examples
