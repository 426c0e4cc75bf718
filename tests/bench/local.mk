# SPDX-License-Identifier: BSD-2-Clause
# Programs that scripts/bench counts and times.
check_PROGRAMS += tests/bench/bench-access-cost
tests_bench_bench_access_cost_SOURCES = tests/bench/access_cost.c
tests_bench_bench_access_cost_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
tests_bench_bench_access_cost_LDADD = libioreqd-worker.la libioreqd-device.la libioreqd-bridge.la libioreqd-sim.la \
	libioreqd-config.la $(EVENT_LIBS)

check_PROGRAMS += tests/bench/bench-virtqueue-cost
tests_bench_bench_virtqueue_cost_SOURCES = tests/bench/virtqueue_cost.c tests/virtio/driver.c tests/virtio/fake_host.c \
	tests/virtio/probe.c
tests_bench_bench_virtqueue_cost_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_bench_bench_virtqueue_cost_LDADD = libioreqd-virtio-pic.la
