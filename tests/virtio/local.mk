# The virtio library and virtio-blk against a host in memory.
if HAVE_CHECK
check_PROGRAMS += tests/virtio/test-virtio
TESTS += tests/virtio/test-virtio
tests_virtio_test_virtio_SOURCES = \
	tests/virtio/driver.c tests/virtio/driver.h \
	tests/virtio/fake_host.c tests/virtio/fake_host.h \
	tests/virtio/probe.c tests/virtio/probe.h \
	tests/virtio/fixture.c tests/virtio/suites.h \
	tests/virtio/blk.c tests/virtio/blk.h \
	tests/virtio/test_blk.c \
	tests/virtio/test_blk_cache.c \
	tests/virtio/test_blk_config.c \
	tests/virtio/test_blk_legacy.c \
	tests/virtio/test_blk_queues.c \
	tests/virtio/test_blk_ranges.c \
	tests/virtio/test_blk_resize.c \
	tests/virtio/test_large.c \
	tests/virtio/test_life.c \
	tests/virtio/test_order.c \
	tests/virtio/test_packed.c \
	tests/virtio/test_registers.c \
	tests/virtio/test_ring.c \
	tests/virtio/test_split.c \
	tests/virtio/test_virtio.c \
	$(devices_virtio_blk_la_SOURCES)
tests_virtio_test_virtio_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_virtio_test_virtio_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_virtio_test_virtio_LDADD = libioreqd-virtio-pic.la $(CHECK_LIBS)

check_PROGRAMS += tests/virtio/test-virtio-conformance
TESTS += tests/virtio/test-virtio-conformance
tests_virtio_test_virtio_conformance_SOURCES = \
	tests/virtio/conformance.c \
	tests/virtio/conformance_basic.c \
	tests/virtio/conformance_features.c \
	tests/virtio/conformance_interrupt.c \
	tests/virtio/conformance_legacy.c \
	tests/virtio/conformance_pci.c \
	tests/virtio/driver.c tests/virtio/driver.h \
	tests/virtio/fake_host.c tests/virtio/fake_host.h \
	tests/virtio/fixture.c tests/virtio/suites.h \
	tests/virtio/probe.c tests/virtio/probe.h
tests_virtio_test_virtio_conformance_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_virtio_test_virtio_conformance_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_virtio_test_virtio_conformance_LDADD = libioreqd-virtio-pic.la $(CHECK_LIBS)
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
	tests/virtio/threads.c tests/virtio/threads.h \
	$(devices_virtio_blk_la_SOURCES)
tests_virtio_test_virtio_threads_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_virtio_test_virtio_threads_CFLAGS = $(AM_CFLAGS) -pthread
tests_virtio_test_virtio_threads_LDADD = libioreqd-virtio-pic.la

check_PROGRAMS += tests/virtio/test-virtio-blk-threads
TESTS += tests/virtio/test-virtio-blk-threads
tests_virtio_test_virtio_blk_threads_SOURCES = \
	tests/virtio/driver.c tests/virtio/driver.h \
	tests/virtio/fake_host.c tests/virtio/fake_host.h \
	tests/virtio/test_blk_threads.c \
	tests/virtio/threads.c tests/virtio/threads.h \
	$(devices_virtio_blk_la_SOURCES)
tests_virtio_test_virtio_blk_threads_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_virtio_test_virtio_blk_threads_CFLAGS = $(AM_CFLAGS) -pthread
tests_virtio_test_virtio_blk_threads_LDADD = libioreqd-virtio-pic.la

# Each model is a library of its own here, as both export a function of one name.
check_LTLIBRARIES += tests/virtio/libconsole.la tests/virtio/librng.la
tests_virtio_libconsole_la_SOURCES = $(devices_virtio_console_la_SOURCES)
tests_virtio_libconsole_la_CPPFLAGS = $(AM_CPPFLAGS) -Dioreqd_module=console_module
tests_virtio_librng_la_SOURCES = devices/virtio-rng.c
tests_virtio_librng_la_CPPFLAGS = $(AM_CPPFLAGS) -Dioreqd_module=rng_module

check_PROGRAMS += tests/virtio/test-virtio-console
TESTS += tests/virtio/test-virtio-console
tests_virtio_test_virtio_console_SOURCES = \
	tests/virtio/console_bench.c tests/virtio/console_bench.h \
	tests/virtio/driver.c tests/virtio/driver.h \
	tests/virtio/fake_host.c tests/virtio/fake_host.h \
	tests/virtio/test_console.c \
	tests/virtio/test_console_control.c \
	tests/virtio/test_console_life.c tests/virtio/test_console_verbs.c \
	tests/virtio/test_rng.c
tests_virtio_test_virtio_console_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_virtio_test_virtio_console_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_virtio_test_virtio_console_LDADD = tests/virtio/libconsole.la tests/virtio/librng.la libioreqd-virtio-pic.la \
	$(CHECK_LIBS)

check_PROGRAMS += tests/virtio/test-virtio-console-threads
TESTS += tests/virtio/test-virtio-console-threads
tests_virtio_test_virtio_console_threads_SOURCES = \
	tests/virtio/driver.c tests/virtio/driver.h \
	tests/virtio/fake_host.c tests/virtio/fake_host.h \
	tests/virtio/test_console_threads.c \
	tests/virtio/threads.c tests/virtio/threads.h \
	$(devices_virtio_console_la_SOURCES)
tests_virtio_test_virtio_console_threads_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_virtio_test_virtio_console_threads_CFLAGS = $(AM_CFLAGS) -pthread
tests_virtio_test_virtio_console_threads_LDADD = libioreqd-virtio-pic.la

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
	tests/virtio/test_net_legacy.c \
	tests/virtio/test_net_life.c \
	tests/virtio/test_net_moderation.c \
	tests/virtio/test_net_parts.c \
	tests/virtio/test_net_receive.c \
	tests/virtio/test_net_send.c \
	tests/virtio/test_net_steering.c \
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
	tests/virtio/threads.c tests/virtio/threads.h \
	$(virtio_net_sources)
tests_virtio_test_virtio_net_threads_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_virtio_test_virtio_net_threads_CFLAGS = $(AM_CFLAGS) -pthread
tests_virtio_test_virtio_net_threads_LDADD = libioreqd-virtio-pic.la
endif

EXTRA_DIST += tests/fuzz/fuzz_virtio_blk.c tests/fuzz/fuzz_virtio_console.c tests/fuzz/fuzz_virtio_net.c \
	tests/fuzz/fuzz_virtio_vsock.c
EXTRA_DIST += tests/virtio/README.md tests/virtio/CONFORMANCE.md tests/virtio/CONSOLE_CONFORMANCE.md \
	tests/virtio/BLK_CONFORMANCE.md tests/virtio/NET_CONFORMANCE.md tests/virtio/VSOCK_CONFORMANCE.md
