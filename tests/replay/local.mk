# SPDX-License-Identifier: BSD-2-Clause
# Recordings: their format, and those of a simulated guest replayed.
if HAVE_CHECK
check_PROGRAMS += tests/replay/test-replay
TESTS += tests/replay/test-replay
tests_replay_test_replay_SOURCES = \
	tests/replay/differences.c \
	tests/replay/format.c \
	tests/replay/made.c \
	tests/replay/main.c \
	tests/replay/record.c \
	tests/replay/writer.c \
	src/record.c \
	tests/replay/suites.h
tests_replay_test_replay_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) \
	-DMODULE_BUILD_DIRECTORY='"$(abs_top_builddir)/devices/.libs"'
tests_replay_test_replay_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS)
tests_replay_test_replay_LDADD = libioreqd-replay.la libioreqd-drv.la libioreqd-worker.la libioreqd-device.la \
	libioreqd-bridge.la libioreqd-sim.la libioreqd-config.la $(CHECK_LIBS) $(EVENT_LIBS)
EXTRA_tests_replay_test_replay_DEPENDENCIES = devices/virtio-blk.la devices/edu.la
endif
