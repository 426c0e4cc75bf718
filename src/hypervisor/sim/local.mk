# SPDX-License-Identifier: BSD-2-Clause
# The simulated hypervisor: built for tests, benchmarks, fuzzing and ioreqd-replay, never installed.
noinst_LTLIBRARIES += libioreqd-sim.la
libioreqd_sim_la_SOURCES = \
	src/hypervisor/hypervisor.h \
	src/hypervisor/slot.c \
	src/hypervisor/slot.h \
	src/hypervisor/sim/sim.c \
	src/hypervisor/sim/sim.h \
	src/hypervisor/sim/sim_grants.c \
	src/hypervisor/sim/sim_interrupt.c \
	src/hypervisor/sim/sim_memory.c \
	src/hypervisor/sim/sim_private.h \
	src/hypervisor/sim/sim_ranges.c \
	src/hypervisor/sim/sim_ranges.h \
	src/hypervisor/sim/sim_request.c \
	src/hypervisor/sim/sim_spi.c
libioreqd_sim_la_LIBADD = -lpthread
