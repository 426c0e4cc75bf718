# The virtio helper library: position-independent both for our own modules and, installed, for those of others.
virtio_sources = \
	src/virtio/chain.c src/virtio/chain.h \
	src/virtio/common.c src/virtio/common.h \
	src/virtio/config.c src/virtio/config.h \
	src/virtio/device.c src/virtio/device.h \
	src/virtio/features.c src/virtio/features.h \
	src/virtio/interrupt.c src/virtio/interrupt.h \
	src/virtio/packed.c \
	src/virtio/legacy.c src/virtio/legacy.h \
	src/virtio/moderation.c src/virtio/moderation.h \
	src/virtio/queue.c src/virtio/queue.h \
	src/virtio/registers.h \
	src/virtio/request.c src/virtio/request.h \
	src/virtio/ring.h \
	src/virtio/split.c \
	src/virtio/status.c src/virtio/status.h \
	src/virtio/transport.c \
	src/virtio/turn.c src/virtio/turn.h

noinst_LTLIBRARIES += libioreqd-virtio-pic.la
libioreqd_virtio_pic_la_SOURCES = $(virtio_sources)

lib_LIBRARIES += libioreqd-virtio.a
libioreqd_virtio_a_SOURCES = $(virtio_sources)
libioreqd_virtio_a_CFLAGS = $(AM_CFLAGS) -fPIC
