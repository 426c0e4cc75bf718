# The virtio library and virtio-blk against a host in memory.
if HAVE_CHECK
check_PROGRAMS += tests/virtio/test-virtio
TESTS += tests/virtio/test-virtio
tests_virtio_test_virtio_SOURCES = \
	tests/virtio/driver.c tests/virtio/driver.h \
	tests/virtio/fake_host.c tests/virtio/fake_host.h \
	tests/virtio/probe.c tests/virtio/probe.h \
	tests/virtio/suites.h \
	tests/virtio/blk.c tests/virtio/blk.h \
	tests/virtio/test_blk.c \
	tests/virtio/test_blk_cache.c \
	tests/virtio/test_blk_config.c \
	tests/virtio/test_blk_legacy.c \
	tests/virtio/test_blk_queues.c \
	tests/virtio/test_blk_ranges.c \
	tests/virtio/test_blk_resize.c \
	tests/virtio/test_life.c \
	tests/virtio/test_registers.c \
	tests/virtio/test_ring.c \
	tests/virtio/test_virtio.c \
	$(devices_virtio_blk_la_SOURCES)
tests_virtio_test_virtio_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_virtio_test_virtio_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_virtio_test_virtio_LDADD = libioreqd-virtio-pic.la $(CHECK_LIBS)

check_PROGRAMS += tests/virtio/test-virtio-threads
TESTS += tests/virtio/test-virtio-threads
tests_virtio_test_virtio_threads_SOURCES = \
	tests/virtio/driver.c tests/virtio/driver.h \
	tests/virtio/fake_host.c tests/virtio/fake_host.h \
	tests/virtio/test_threads.c \
	$(devices_virtio_blk_la_SOURCES)
tests_virtio_test_virtio_threads_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_virtio_test_virtio_threads_CFLAGS = $(AM_CFLAGS) -pthread
tests_virtio_test_virtio_threads_LDADD = libioreqd-virtio-pic.la
endif

EXTRA_DIST += tests/fuzz/fuzz_virtio_blk.c tests/virtio/BLK_CONFORMANCE.md
