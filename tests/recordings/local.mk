# SPDX-License-Identifier: BSD-2-Clause
# Recordings that stay: each is replayed by itself, see the folder's README.
recordings = \
	tests/recordings/edu-factorial.recording \
	tests/recordings/virtio-blk-probe.recording
EXTRA_DIST += $(recordings) tests/recordings/README.md tests/recordings/replay
TEST_EXTENSIONS = .recording
RECORDING_LOG_COMPILER = $(SHELL) $(top_srcdir)/tests/recordings/replay
TESTS += $(recordings)
