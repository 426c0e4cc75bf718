# SPDX-License-Identifier: BSD-2-Clause
# What runs the tests, and programs that scripts/test runs besides them.
LOG_COMPILER = $(top_srcdir)/tests/tools/run-test
AM_TESTS_ENVIRONMENT = EMULATOR='$(EMULATOR)'; export EMULATOR;
EXTRA_DIST += tests/tools/run-test

if HAVE_CHECK
check_PROGRAMS += tests/tools/dump-config
tests_tools_dump_config_SOURCES = \
	src/models.c src/models.h \
	tests/tools/dump_config.c
tests_tools_dump_config_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) -DMODULE_DIRECTORY='"$(abs_top_builddir)/devices/.libs"'
tests_tools_dump_config_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
tests_tools_dump_config_LDADD = libioreqd-drv.la libioreqd-worker.la libioreqd-device.la libioreqd-bridge.la \
	libioreqd-sim.la libioreqd-config.la $(EVENT_LIBS) -lpthread
endif
