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

# The whole of ioreqd for a guest on Arm.
check_PROGRAMS += tests/hypervisor/test-arm
TESTS += tests/hypervisor/test-arm
tests_hypervisor_test_arm_SOURCES = tests/hypervisor/test_arm.c
tests_hypervisor_test_arm_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_hypervisor_test_arm_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS)
tests_hypervisor_test_arm_LDADD = libioreqd-drv.la libioreqd-worker.la libioreqd-device.la libioreqd-bridge.la \
	libioreqd-sim.la libioreqd-config.la $(CHECK_LIBS) $(EVENT_LIBS)
EXTRA_tests_hypervisor_test_arm_DEPENDENCIES = devices/virtio-blk.la
endif
