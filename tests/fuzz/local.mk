# SPDX-License-Identifier: BSD-2-Clause
# Fuzzers: `make fuzz FUZZ_SECONDS=n` runs each for n seconds. They are compiled whole, apart from all else, so that the
# code under test is instrumented too; that takes clang. Inputs that broke something are left in tests/fuzz/found.
FUZZ_SECONDS = 60
FUZZ_FLAGS = -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FUZZ_CPPFLAGS = $(DEFAULT_INCLUDES) $(AM_CPPFLAGS) -I$(top_srcdir) -DMODULE_BUILD_DIRECTORY='"."' $(EVENT_CFLAGS) \
	$(URING_CFLAGS)
FUZZ_LIBS = $(EVENT_LIBS) $(URING_LIBS) -lpthread $(LIBS)

fuzz_headers = $(wildcard $(top_srcdir)/include/ioreqd/*.h $(top_srcdir)/src/*.h $(top_srcdir)/src/*/*.h \
	$(top_srcdir)/src/*/*/*.h $(top_srcdir)/tests/*/*.h)
# Sources of libraries, for one list without headers.
fuzz_bridge = $(filter %.c,$(libioreqd_bridge_la_SOURCES)) src/log.c
fuzz_virtio = $(filter %.c,$(virtio_sources)) devices/virtio-blk.c
fuzz_stack = $(fuzz_bridge) $(fuzz_virtio) $(filter %.c,$(libioreqd_device_la_SOURCES) $(libioreqd_worker_la_SOURCES) \
	$(libioreqd_sim_la_SOURCES) $(libioreqd_drv_la_SOURCES) $(libioreqd_config_la_SOURCES))

fuzz_config_sources = tests/fuzz/fuzz_config.c $(fuzz_bridge)
fuzz_requests_sources = tests/fuzz/fuzz_requests.c $(fuzz_stack)
fuzz_virtio_blk_sources = tests/fuzz/fuzz_virtio_blk.c tests/virtio/fake_host.c tests/virtio/driver.c $(fuzz_virtio)

fuzzers = tests/fuzz/fuzz_config tests/fuzz/fuzz_requests tests/fuzz/fuzz_virtio_blk
EXTRA_DIST += tests/fuzz/fuzz_config.c tests/fuzz/fuzz_requests.c tests/fuzz/corpus
CLEANFILES += $(fuzzers)

.PHONY: fuzz
fuzz:
	@if ! $(CC) --version | grep -q clang; then echo "make fuzz needs clang: configure with CC=clang" >&2; exit 1; fi
	$(MAKE) $(AM_MAKEFLAGS) $(fuzzers)
	@mkdir -p tests/fuzz/found; for fuzzer in $(fuzzers); do \
		name=$${fuzzer##*/fuzz_}; work=tests/fuzz/corpus-$$name; seeds=$(srcdir)/tests/fuzz/corpus/$$name; \
		mkdir -p $$work; test -d $$seeds || seeds=; \
		echo "== $$fuzzer, $(FUZZ_SECONDS) seconds"; \
		$$fuzzer -max_total_time=$(FUZZ_SECONDS) -timeout=30 -rss_limit_mb=4096 -print_final_stats=1 \
			-artifact_prefix=tests/fuzz/found/$$name- $$work $$seeds || exit 1; \
	done

fuzz_build = $(AM_V_CCLD)mkdir -p tests/fuzz && $(CC) $(FUZZ_FLAGS) $(FUZZ_CPPFLAGS) -o $@ $(filter %.c,$^) $(FUZZ_LIBS)

tests/fuzz/fuzz_config: $(addprefix $(top_srcdir)/,$(sort $(fuzz_config_sources))) $(fuzz_headers)
	$(fuzz_build)

tests/fuzz/fuzz_requests: $(addprefix $(top_srcdir)/,$(sort $(fuzz_requests_sources))) $(fuzz_headers)
	$(fuzz_build)

tests/fuzz/fuzz_virtio_blk: $(addprefix $(top_srcdir)/,$(sort $(fuzz_virtio_blk_sources))) $(fuzz_headers)
	$(fuzz_build)

clean-local: clean-fuzz
.PHONY: clean-fuzz
clean-fuzz:
	rm -rf tests/fuzz/corpus-* tests/fuzz/found
