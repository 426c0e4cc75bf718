# SPDX-License-Identifier: BSD-2-Clause
# The documents of doc/: what they show is right, and what they quote is there.
doc_tests = tests/doc/check-device tests/doc/check-troubleshooting tests/doc/check-tutorial
TESTS += $(doc_tests)
EXTRA_DIST += $(doc_tests) tests/doc/blocks.sh tests/doc/missing-messages
