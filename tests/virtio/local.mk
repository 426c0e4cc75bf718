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

check_PROGRAMS += tests/virtio/test-virtio-vsock
TESTS += tests/virtio/test-virtio-vsock
tests_virtio_test_virtio_vsock_SOURCES = \
	tests/virtio/driver.c tests/virtio/driver.h \
	tests/virtio/fake_host.c tests/virtio/fake_host.h \
	tests/virtio/test_vsock.c tests/virtio/test_vsock.h \
	tests/virtio/test_vsock_close.c \
	tests/virtio/test_vsock_connect.c \
	tests/virtio/test_vsock_data.c \
	tests/virtio/test_vsock_life.c \
	tests/virtio/test_vsock_queues.c \
	tests/virtio/vsock_bench.c tests/virtio/vsock_bench.h \
	$(virtio_vsock_sources)
tests_virtio_test_virtio_vsock_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_virtio_test_virtio_vsock_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_virtio_test_virtio_vsock_LDADD = libioreqd-virtio-pic.la $(CHECK_LIBS)

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
endif

EXTRA_DIST += tests/fuzz/fuzz_virtio_blk.c tests/fuzz/fuzz_virtio_vsock.c tests/virtio/VSOCK_CONFORMANCE.md
