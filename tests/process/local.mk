# SPDX-License-Identifier: BSD-2-Clause
# Unit tests of what makes a process a service: the daemon, its pidfile, readiness, and where its log goes.
if HAVE_CHECK
check_PROGRAMS += tests/process/test-process
TESTS += tests/process/test-process

tests_process_test_process_SOURCES = \
	src/daemon.c src/daemon.h \
	src/pidfile.c src/pidfile.h \
	src/readiness.c src/readiness.h \
	tests/process/daemon.c \
	tests/process/log_sink.c \
	tests/process/main.c \
	tests/process/pidfile.c \
	tests/process/process.h \
	tests/process/readiness.c
tests_process_test_process_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_process_test_process_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_process_test_process_LDADD = libioreqd-config.la $(CHECK_LIBS)
endif
