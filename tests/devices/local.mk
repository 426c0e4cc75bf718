# SPDX-License-Identifier: BSD-2-Clause
# Models that need no library, each against a host of its own in memory.
if HAVE_CHECK
check_PROGRAMS += tests/devices/test-edu
TESTS += tests/devices/test-edu
tests_devices_test_edu_SOURCES = \
	tests/devices/edu_dma.c \
	tests/devices/edu_host.c tests/devices/edu_host.h \
	tests/devices/edu_life.c \
	tests/devices/edu_registers.c \
	tests/devices/model_host.c tests/devices/model_host.h \
	tests/devices/test_edu.c \
	devices/edu.c
tests_devices_test_edu_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_devices_test_edu_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_devices_test_edu_LDADD = $(CHECK_LIBS)

check_PROGRAMS += tests/devices/test-serial
TESTS += tests/devices/test-serial
tests_devices_test_serial_SOURCES = \
	tests/devices/model_host.c tests/devices/model_host.h \
	tests/devices/serial_driver.c \
	tests/devices/serial_host.c tests/devices/serial_host.h \
	tests/devices/serial_interrupts.c \
	tests/devices/serial_life.c \
	tests/devices/serial_line.c \
	tests/devices/serial_registers.c \
	tests/devices/test_serial.c \
	devices/serial/port.c \
	devices/serial/serial.c devices/serial/serial.h \
	devices/serial/uart.c devices/serial/uart.h
tests_devices_test_serial_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_devices_test_serial_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_devices_test_serial_LDADD = $(CHECK_LIBS)
endif
