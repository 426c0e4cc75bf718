# SPDX-License-Identifier: BSD-2-Clause
if HAVE_CHECK
hypervisor_tests = test-slot test-sim test-sim-guest test-sim-protocol
check_PROGRAMS += $(hypervisor_tests)
TESTS += $(hypervisor_tests)

test_slot_SOURCES = tests/hypervisor/test_slot.c
test_slot_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_slot_LDADD = libioreqd-sim.la $(CHECK_LIBS)

test_sim_SOURCES = tests/hypervisor/test_sim.c
test_sim_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_sim_LDADD = libioreqd-sim.la $(CHECK_LIBS)

test_sim_guest_SOURCES = tests/hypervisor/test_sim_guest.c
test_sim_guest_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_sim_guest_LDADD = libioreqd-sim.la $(CHECK_LIBS)

test_sim_protocol_SOURCES = tests/hypervisor/test_sim_protocol.c
test_sim_protocol_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_sim_protocol_LDADD = libioreqd-sim.la $(CHECK_LIBS)
endif
