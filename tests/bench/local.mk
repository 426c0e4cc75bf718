# SPDX-License-Identifier: BSD-2-Clause
# Programs that scripts/bench counts and times.
check_PROGRAMS += tests/bench/bench-access-cost
tests_bench_bench_access_cost_SOURCES = tests/bench/access_cost.c
tests_bench_bench_access_cost_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
tests_bench_bench_access_cost_LDADD = libioreqd-worker.la libioreqd-device.la libioreqd-bridge.la libioreqd-sim.la \
	libioreqd-config.la $(EVENT_LIBS)
