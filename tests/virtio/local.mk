# The virtio library and virtio-blk against a host in memory.
if HAVE_CHECK
check_PROGRAMS += tests/virtio/test-virtio
TESTS += tests/virtio/test-virtio
tests_virtio_test_virtio_SOURCES = \
	tests/virtio/driver.c tests/virtio/driver.h \
	tests/virtio/fake_host.c tests/virtio/fake_host.h \
	tests/virtio/probe.c tests/virtio/probe.h \
	tests/virtio/suites.h \
	tests/virtio/test_blk.c \
	tests/virtio/test_life.c \
	tests/virtio/test_registers.c \
	tests/virtio/test_ring.c \
	tests/virtio/test_virtio.c \
	devices/virtio-blk.c
tests_virtio_test_virtio_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_virtio_test_virtio_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_virtio_test_virtio_LDADD = libioreqd-virtio-pic.la $(CHECK_LIBS)

check_PROGRAMS += tests/virtio/test-virtio-threads
TESTS += tests/virtio/test-virtio-threads
tests_virtio_test_virtio_threads_SOURCES = \
	tests/virtio/driver.c tests/virtio/driver.h \
	tests/virtio/fake_host.c tests/virtio/fake_host.h \
	tests/virtio/test_threads.c \
	devices/virtio-blk.c
tests_virtio_test_virtio_threads_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_virtio_test_virtio_threads_CFLAGS = $(AM_CFLAGS) -pthread
tests_virtio_test_virtio_threads_LDADD = libioreqd-virtio-pic.la

check_PROGRAMS += tests/virtio/test-virtio-net
TESTS += tests/virtio/test-virtio-net
tests_virtio_test_virtio_net_SOURCES = \
	tests/virtio/driver.c tests/virtio/driver.h \
	tests/virtio/fake_host.c tests/virtio/fake_host.h \
	tests/virtio/fake_network.c tests/virtio/fake_network.h \
	tests/virtio/net_driver.c tests/virtio/net_driver.h \
	tests/virtio/test_net.c \
	tests/virtio/test_net_config.c \
	tests/virtio/test_net_control.c \
	tests/virtio/test_net_life.c \
	tests/virtio/test_net_parts.c \
	tests/virtio/test_net_receive.c \
	tests/virtio/test_net_send.c \
	$(virtio_net_sources)
tests_virtio_test_virtio_net_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_virtio_test_virtio_net_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_virtio_test_virtio_net_LDADD = libioreqd-virtio-pic.la $(CHECK_LIBS)

check_PROGRAMS += tests/virtio/test-virtio-net-threads
TESTS += tests/virtio/test-virtio-net-threads
tests_virtio_test_virtio_net_threads_SOURCES = \
	tests/virtio/driver.c tests/virtio/driver.h \
	tests/virtio/fake_host.c tests/virtio/fake_host.h \
	tests/virtio/fake_network.c tests/virtio/fake_network.h \
	tests/virtio/test_net_threads.c \
	$(virtio_net_sources)
tests_virtio_test_virtio_net_threads_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_virtio_test_virtio_net_threads_CFLAGS = $(AM_CFLAGS) -pthread
tests_virtio_test_virtio_net_threads_LDADD = libioreqd-virtio-pic.la
endif

EXTRA_DIST += tests/fuzz/fuzz_virtio_blk.c tests/fuzz/fuzz_virtio_net.c tests/virtio/NET_CONFORMANCE.md
