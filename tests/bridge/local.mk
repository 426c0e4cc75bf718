# SPDX-License-Identifier: BSD-2-Clause
# Unit tests of the virtual PCI host bridge.
if HAVE_CHECK
check_PROGRAMS += tests/bridge/test-bridge
TESTS += tests/bridge/test-bridge

tests_bridge_test_bridge_SOURCES = \
	tests/bridge/access.c \
	tests/bridge/apertures.c \
	tests/bridge/bars.c \
	tests/bridge/bells.c \
	tests/bridge/board.c tests/bridge/board.h \
	tests/bridge/bus_numbers.c \
	tests/bridge/capabilities.c \
	tests/bridge/config_access.c \
	tests/bridge/description.c \
	tests/bridge/ecam.c \
	tests/bridge/express.c \
	tests/bridge/extended.c \
	tests/bridge/failure.c \
	tests/bridge/frame.c \
	tests/bridge/header.c \
	tests/bridge/host_bridge.c \
	tests/bridge/host_config.c \
	tests/bridge/hosts.c \
	tests/bridge/intx.c \
	tests/bridge/machine.c \
	tests/bridge/main.c \
	tests/bridge/msi.c \
	tests/bridge/msix.c \
	tests/bridge/msix_race.c \
	tests/bridge/overlap.c \
	tests/bridge/port_interrupts.c \
	tests/bridge/ports.c \
	tests/bridge/power.c \
	tests/bridge/resets.c \
	tests/bridge/rom.c \
	tests/bridge/shared_spi.c \
	tests/bridge/spis.c \
	tests/bridge/windows.c
tests_bridge_test_bridge_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_bridge_test_bridge_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_bridge_test_bridge_LDADD = libioreqd-bridge.la libioreqd-config.la libioreqd-sim.la $(CHECK_LIBS)

check_PROGRAMS += tests/bridge/test-describe
TESTS += tests/bridge/test-describe

tests_bridge_test_describe_SOURCES = \
	tests/bridge/describe_acpi.c \
	tests/bridge/describe_aml.c \
	tests/bridge/describe_main.c \
	tests/bridge/describe_tests.h \
	tests/bridge/describe_text.c
tests_bridge_test_describe_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_bridge_test_describe_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_bridge_test_describe_LDADD = libioreqd-describe.la $(CHECK_LIBS)

check_PROGRAMS += tests/bridge/test-bridge-property
TESTS += tests/bridge/test-bridge-property

tests_bridge_test_bridge_property_SOURCES = \
	tests/bridge/board.c tests/bridge/board.h \
	tests/bridge/property.c tests/bridge/property.h \
	tests/bridge/property_guest.c \
	tests/bridge/reference.c tests/bridge/reference.h \
	tests/bridge/reference_events.c
tests_bridge_test_bridge_property_CPPFLAGS = $(tests_bridge_test_bridge_CPPFLAGS)
tests_bridge_test_bridge_property_CFLAGS = $(tests_bridge_test_bridge_CFLAGS)
tests_bridge_test_bridge_property_LDADD = $(tests_bridge_test_bridge_LDADD)
endif

# What --describe prints, through the tools that read it.
check_PROGRAMS += tests/bridge/test-print-description
tests_bridge_test_print_description_SOURCES = tests/bridge/print_description.c
tests_bridge_test_print_description_LDADD = libioreqd-describe.la
TESTS += tests/bridge/check-description
EXTRA_DIST += tests/bridge/check-description
