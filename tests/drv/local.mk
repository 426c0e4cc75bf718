# SPDX-License-Identifier: BSD-2-Clause
# Drivers of simulated guests, and ioreqd as one piece for them to run on.
check_LTLIBRARIES += libioreqd-drv.la
libioreqd_drv_la_SOURCES = \
	tests/drv/blk.c tests/drv/blk.h \
	tests/drv/pci.c tests/drv/pci.h \
	tests/drv/stack.c tests/drv/stack.h \
	tests/drv/vcpu.h \
	tests/drv/virtio.c tests/drv/virtio.h \
	tests/drv/virtqueue.c
libioreqd_drv_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) \
	-DMODULE_BUILD_DIRECTORY='"$(abs_top_builddir)/devices/.libs"'
