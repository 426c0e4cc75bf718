# SPDX-License-Identifier: BSD-2-Clause
# The control sockets on the whole stack above a simulated hypervisor, and ioreqctl before them.
if HAVE_CHECK
check_PROGRAMS += tests/control/test-control
TESTS += tests/control/test-control
tests_control_test_control_SOURCES = \
	tests/control/client.c \
	tests/control/devices.c \
	tests/control/main.c \
	tests/control/methods.c \
	tests/control/request.c \
	tests/control/served.c tests/control/served.h \
	tests/control/sockets.c \
	tests/control/verbs.c \
	tests/worker/disk.c tests/worker/disk.h
tests_control_test_control_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_control_test_control_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS) $(JSON_CFLAGS)
tests_control_test_control_LDADD = libioreqd-drv.la libioreqd-control.la libioreqd-worker.la libioreqd-device.la \
	libioreqd-bridge.la libioreqd-sim.la libioreqd-config.la $(CHECK_LIBS) $(EVENT_LIBS)
EXTRA_tests_control_test_control_DEPENDENCIES = devices/virtio-blk.la devices/virtio-net.la
endif

check_PROGRAMS += tests/control/serve
tests_control_serve_SOURCES = tests/control/serve.c
tests_control_serve_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_control_serve_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
tests_control_serve_LDADD = libioreqd-drv.la libioreqd-control.la libioreqd-worker.la libioreqd-device.la \
	libioreqd-bridge.la libioreqd-sim.la libioreqd-config.la $(EVENT_LIBS)
EXTRA_tests_control_serve_DEPENDENCIES = $(module_LTLIBRARIES)
TESTS += tests/control/check-ioreqctl
EXTRA_DIST += tests/control/check-ioreqctl
