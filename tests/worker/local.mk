# SPDX-License-Identifier: BSD-2-Clause
# The worker and the whole stack above a simulated hypervisor, with real modules.
if HAVE_CHECK
check_PROGRAMS += tests/worker/test-worker
TESTS += tests/worker/test-worker

tests_worker_test_worker_SOURCES = \
	tests/bridge/board.c tests/bridge/board.h \
	tests/worker/changes.c \
	tests/worker/console.c \
	tests/worker/rng.c \
	tests/worker/disk.c tests/worker/disk.h \
	tests/worker/disk_features.c \
	tests/worker/end.c \
	tests/worker/enumeration.c \
	tests/worker/host.c \
	tests/worker/io.c \
	tests/worker/layouts.c \
	tests/worker/legacy.c \
	tests/worker/main.c \
	tests/worker/requests.c \
	tests/worker/reset.c \
	tests/worker/serial.c \
	tests/worker/vsock.c
if HAVE_LIBNBD
tests_worker_test_worker_SOURCES += \
	tests/device/nbd_negotiation.c tests/device/nbd_negotiation.h \
	tests/device/nbd_server.c tests/device/nbd_server.h \
	tests/worker/disk_nbd.c
endif
tests_worker_test_worker_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_worker_test_worker_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS)
tests_worker_test_worker_LDADD = libioreqd-drv.la libioreqd-worker.la libioreqd-device.la libioreqd-bridge.la \
	libioreqd-sim.la libioreqd-config.la $(CHECK_LIBS) $(EVENT_LIBS)
EXTRA_tests_worker_test_worker_DEPENDENCIES = devices/serial.la devices/virtio-blk.la \
	devices/virtio-console.la devices/virtio-rng.la devices/virtio-vsock.la

# What a request costs. It takes the place of malloc() and traces threads, so it is a program of its own.
check_PROGRAMS += tests/worker/test-cost
TESTS += tests/worker/test-cost
tests_worker_test_cost_SOURCES = \
	tests/worker/cost.h \
	tests/worker/cost_allocations.c \
	tests/worker/cost_disk.c \
	tests/worker/cost_main.c \
	tests/worker/cost_network.c \
	tests/worker/cost_trace.c
tests_worker_test_cost_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_worker_test_cost_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS)
tests_worker_test_cost_LDADD = libioreqd-drv.la libioreqd-worker.la libioreqd-device.la libioreqd-bridge.la \
	libioreqd-sim.la libioreqd-config.la $(CHECK_LIBS) $(EVENT_LIBS)
EXTRA_tests_worker_test_cost_DEPENDENCIES = devices/virtio-blk.la devices/virtio-net.la

# Resets and rubbish while requests are under way.
check_PROGRAMS += tests/worker/test-storm
TESTS += tests/worker/test-storm
tests_worker_test_storm_SOURCES = \
	tests/worker/storm.c tests/worker/storm.h tests/worker/storm_private.h \
	tests/worker/storm_kinds.c \
	tests/worker/storm_queues.c \
	tests/worker/storm_steps.c
tests_worker_test_storm_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_worker_test_storm_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS)
tests_worker_test_storm_LDADD = libioreqd-drv.la libioreqd-worker.la libioreqd-device.la libioreqd-bridge.la \
	libioreqd-sim.la libioreqd-config.la $(CHECK_LIBS) $(EVENT_LIBS)
EXTRA_tests_worker_test_storm_DEPENDENCIES = devices/virtio-blk.la devices/virtio-console.la devices/virtio-net.la \
	devices/virtio-rng.la devices/virtio-vsock.la
endif
