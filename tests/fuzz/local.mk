# SPDX-License-Identifier: BSD-2-Clause
# Fuzzers: `make fuzz FUZZ_SECONDS=n` runs each for n seconds, FUZZ_JOBS at a time. They are compiled whole, apart from all
# else, so that the code under test is instrumented too; that takes clang. Inputs that broke something are left in
# tests/fuzz/found, logs in tests/fuzz.
FUZZ_SECONDS = 60
FUZZ_JOBS = $(shell nproc)
FUZZ_FLAGS = -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FUZZ_CPPFLAGS = $(DEFAULT_INCLUDES) $(AM_CPPFLAGS) -I$(top_srcdir) -DMODULE_BUILD_DIRECTORY='"."' \
	-DRUN_DIRECTORY='"."' $(EVENT_CFLAGS) $(JSON_CFLAGS) \
	$(URING_CFLAGS) $(NBD_CFLAGS)
FUZZ_LIBS = $(EVENT_LIBS) $(JSON_LIBS) $(URING_LIBS) $(NBD_LIBS) -lpthread $(LIBS)

fuzz_headers = $(wildcard $(top_srcdir)/include/ioreqd/*.h $(top_srcdir)/src/*.h $(top_srcdir)/src/*/*.h \
	$(top_srcdir)/src/*/*/*.h $(top_srcdir)/tests/*/*.h)
# Sources of libraries, for one list without headers.
fuzz_bridge = $(filter %.c,$(libioreqd_bridge_la_SOURCES) $(libioreqd_host_config_la_SOURCES)) src/event.c src/log.c \
	src/log_sink.c src/log_syslog.c
fuzz_vsock = $(filter %.c,$(virtio_sources) $(virtio_vsock_sources))
fuzz_virtio_net = $(filter %.c,$(virtio_sources) $(virtio_net_sources))
fuzz_virtio = $(filter %.c,$(virtio_sources) $(devices_virtio_blk_la_SOURCES))
fuzz_stack = $(fuzz_bridge) $(fuzz_virtio) $(filter %.c,$(libioreqd_device_la_SOURCES) $(libioreqd_worker_la_SOURCES) \
	$(libioreqd_recording_la_SOURCES) \
	$(libioreqd_sim_la_SOURCES) $(libioreqd_drv_la_SOURCES) $(libioreqd_config_la_SOURCES))

fuzz_model = $(addprefix tests/fuzz/,fuzz_model.c fuzz_guest.c fuzz_host.c fuzz_io.c fuzz_memory.c fuzz_messages.c \
	fuzz_network.c fuzz_sockets.c fuzz_tables.c) src/config/value.c src/config/error.c

# A fuzzer is what has a list of sources here. One for the registers of a model takes one line, and a second one if some
# of its properties shall not be left to the input.
fuzz_config_sources = tests/fuzz/fuzz_config.c $(fuzz_bridge)
fuzz_config_file_sources = tests/fuzz/fuzz_config_file.c tests/config/describe.c $(filter %.c,$(libioreqd_host_config_la_SOURCES)) \
	$(filter %.c,$(libioreqd_config_la_SOURCES))
fuzz_control_sources = tests/fuzz/fuzz_control.c $(filter %.c,$(libioreqd_schema_la_SOURCES))
fuzz_recording_sources = tests/fuzz/fuzz_recording.c $(filter %.c,$(libioreqd_recording_la_SOURCES))
fuzz_requests_sources = tests/fuzz/fuzz_requests.c $(fuzz_stack)
fuzz_virtio_blk_sources = tests/fuzz/fuzz_virtio_blk.c tests/virtio/fake_host.c tests/virtio/driver.c $(fuzz_virtio)
fuzz_virtio_vsock_sources = tests/fuzz/fuzz_virtio_vsock.c tests/virtio/vsock_bench.c tests/virtio/fake_host.c \
	tests/virtio/driver.c $(fuzz_vsock)
fuzz_virtio_vsock_registers_sources = $(fuzz_model) $(fuzz_vsock)
fuzz_edu_sources = $(fuzz_model) devices/edu.c
fuzz_serial_sources = $(fuzz_model) devices/serial/port.c devices/serial/serial.c devices/serial/uart.c
fuzz_virtio_net_sources = tests/fuzz/fuzz_virtio_net.c tests/virtio/fake_host.c tests/virtio/fake_network.c \
	tests/virtio/driver.c $(fuzz_virtio_net)
fuzz_virtio_net_registers_sources = $(fuzz_model) $(fuzz_virtio_net)
fuzz_virtio_net_transitional_sources = $(fuzz_model) $(fuzz_virtio_net)
fuzz_virtio_net_transitional_flags = -DFUZZ_FIXED='"transitional=on"'
fuzz_virtio_blk_registers_sources = $(fuzz_model) $(fuzz_virtio)
fuzz_virtio_blk_transitional_sources = $(fuzz_model) $(fuzz_virtio)
fuzz_virtio_blk_transitional_flags = -DFUZZ_FIXED='"transitional=on"'
fuzz_virtio_console_sources = tests/fuzz/fuzz_virtio_console.c tests/virtio/fake_host.c tests/virtio/driver.c \
	$(filter %.c,$(virtio_sources) $(devices_virtio_console_la_SOURCES))
fuzz_virtio_console_registers_sources = $(fuzz_model) $(filter %.c,$(virtio_sources) $(devices_virtio_console_la_SOURCES))
fuzz_virtio_rng_sources = $(fuzz_model) $(filter %.c,$(virtio_sources)) devices/virtio-rng.c
fuzz_tally_sources = $(fuzz_model) include/examples/tally/tally.c
fuzz_watchdog_sources = $(fuzz_model) include/examples/watchdog/watchdog.c

fuzzers = $(sort $(patsubst fuzz_%_sources,tests/fuzz/fuzz_%,$(filter fuzz_%_sources,$(.VARIABLES))))
EXTRA_DIST += tests/fuzz/README.md tests/fuzz/fuzz_config.c tests/fuzz/fuzz_config_file.c tests/fuzz/fuzz_control.c tests/fuzz/fuzz_recording.c tests/fuzz/fuzz_requests.c tests/fuzz/fuzz_host.h tests/fuzz/fuzz_input.h \
	$(filter tests/%,$(fuzz_model)) tests/fuzz/run-fuzzers tests/fuzz/corpus tests/fuzz/dictionary

.PHONY: fuzz
fuzz:
	@if ! $(CC) --version | grep -q clang; then echo "make fuzz needs clang: configure with CC=clang" >&2; exit 1; fi
	$(MAKE) $(AM_MAKEFLAGS) $(fuzzers)
	$(srcdir)/tests/fuzz/run-fuzzers $(FUZZ_SECONDS) $(FUZZ_JOBS) $(srcdir)/tests/fuzz/corpus $(fuzzers)

.SECONDEXPANSION:
$(fuzzers): tests/fuzz/fuzz_%: $$(addprefix $(top_srcdir)/,$$(sort $$(fuzz_$$*_sources))) $(fuzz_headers)
	$(AM_V_CCLD)mkdir -p tests/fuzz && \
		$(CC) $(FUZZ_FLAGS) $(FUZZ_CPPFLAGS) $(fuzz_$*_flags) -o $@ $(filter %.c,$^) $(FUZZ_LIBS)

clean-local: clean-fuzz
.PHONY: clean-fuzz
clean-fuzz:
	rm -rf $(fuzzers) tests/fuzz/corpus-* tests/fuzz/found tests/fuzz/*.log
