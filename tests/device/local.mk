# SPDX-License-Identifier: BSD-2-Clause
# Unit tests of the device layer: guest memory, loops, files, modules.
if HAVE_CHECK
device_tests = tests/device/test-device tests/device/test-module
check_PROGRAMS += $(device_tests)
TESTS += $(device_tests)

tests_device_test_device_SOURCES = \
	tests/device/bench.c tests/device/bench.h \
	tests/device/file.c \
	tests/device/file_block.c \
	tests/device/file_clear.c \
	tests/device/file_request.c \
	tests/device/file_ring.c \
	tests/device/granted.c \
	tests/device/heartbeat.c \
	tests/device/loop.c \
	tests/device/main.c \
	tests/device/memory.c \
	tests/device/memory_race.c \
	tests/device/network_bench.c tests/device/network_bench.h \
	tests/device/network_socket.c \
	tests/device/network_steering.c \
	tests/device/pins.c \
	tests/device/sockets.c \
	tests/device/ring_bench.c tests/device/ring_bench.h \
	tests/device/stream_bench.c tests/device/stream_bench.h \
	tests/device/stream_file.c \
	tests/device/stream_pty.c \
	tests/device/stream_socket.c \
	tests/device/stream_stdio.c \
	tests/device/throttle.c \
	tests/device/timer.c \
	tests/device/trouble.c \
	tests/device/watch.c \
	tests/device/windows.c
if HAVE_LIBNBD
tests_device_test_device_SOURCES += \
	tests/device/nbd.c \
	tests/device/nbd_bench.c tests/device/nbd_bench.h \
	tests/device/nbd_damage.c \
	tests/device/nbd_journal.c \
	tests/device/nbd_negotiation.c tests/device/nbd_negotiation.h \
	tests/device/nbd_replay.c \
	tests/device/nbd_server.c tests/device/nbd_server.h
endif
tests_device_test_device_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_device_test_device_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS)
tests_device_test_device_LDADD = libioreqd-device.la libioreqd-bridge.la libioreqd-sim.la libioreqd-config.la \
	$(CHECK_LIBS) $(EVENT_LIBS)

# Taps in a namespace of networks. An emulator of another architecture's programs does not know all that they need of Linux.
check_PROGRAMS += tests/device/test-network-tap
if !EMULATED
TESTS += tests/device/test-network-tap
endif
tests_device_test_network_tap_SOURCES = \
	tests/device/bench.c tests/device/bench.h \
	tests/device/network_bench.c tests/device/network_bench.h \
	tests/device/network_tap.c \
	tests/device/tap_bench.c tests/device/tap_bench.h \
	tests/device/tap_life.c \
	tests/device/tap_pairs.c
tests_device_test_network_tap_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_device_test_network_tap_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS)
tests_device_test_network_tap_LDADD = libioreqd-device.la libioreqd-bridge.la libioreqd-sim.la libioreqd-config.la \
	$(CHECK_LIBS) $(EVENT_LIBS)

# The program that steers packets, in the kernel. It is skipped where that takes no programs.
check_PROGRAMS += tests/device/test-network-steering
TESTS += tests/device/test-network-steering
tests_device_test_network_steering_SOURCES = \
	tests/device/bench.c tests/device/bench.h \
	tests/device/network_bench.c tests/device/network_bench.h \
	tests/device/network_steering_program.c
tests_device_test_network_steering_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_device_test_network_steering_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS)
tests_device_test_network_steering_LDADD = $(tests_device_test_network_tap_LDADD)

tests_device_test_module_SOURCES = tests/device/module.c
tests_device_test_module_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_MODULE_DIRECTORY='"$(abs_top_builddir)/tests/device/.libs"'
tests_device_test_module_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_device_test_module_LDADD = libioreqd-device.la libioreqd-bridge.la libioreqd-config.la $(CHECK_LIBS)
EXTRA_tests_device_test_module_DEPENDENCIES = tests/device/bad-library.la tests/device/bad-model.la

# Modules that module_open() must refuse. An -rpath makes libtool link a shared object though it is never installed.
check_LTLIBRARIES += tests/device/bad-library.la tests/device/bad-model.la
bad_module_ldflags = $(AM_LDFLAGS) -module -avoid-version -shared -rpath $(abs_top_builddir)/tests/device
tests_device_bad_library_la_SOURCES = tests/device/bad_library.c
tests_device_bad_library_la_LDFLAGS = $(bad_module_ldflags)
tests_device_bad_model_la_SOURCES = tests/device/bad_model.c
tests_device_bad_model_la_LDFLAGS = $(bad_module_ldflags)
endif
