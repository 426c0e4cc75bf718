# SPDX-License-Identifier: BSD-2-Clause
# Device models for tests alone: built with all else, as the lab takes them, and never installed.
check_LTLIBRARIES += tests/modules/every-bar.la
tests_modules_every_bar_la_SOURCES = tests/modules/every_bar.c
# An -rpath makes libtool link a shared object though it is never installed.
tests_modules_every_bar_la_LDFLAGS = $(device_ldflags) -rpath $(abs_top_builddir)/tests/modules
