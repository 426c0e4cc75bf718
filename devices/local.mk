# Device models: loadable modules, each of which exports ioreqd_module() and nothing else.
device_ldflags = $(AM_LDFLAGS) -module -avoid-version -shared -export-symbols-regex '^ioreqd_module$$'

module_LTLIBRARIES += devices/virtio-blk.la
devices_virtio_blk_la_SOURCES = \
	devices/virtio-blk/config.c \
	devices/virtio-blk/disk.h \
	devices/virtio-blk/ranges.c \
	devices/virtio-blk/request.c \
	devices/virtio-blk/virtio-blk.c
devices_virtio_blk_la_LDFLAGS = $(device_ldflags)
devices_virtio_blk_la_LIBADD = libioreqd-virtio-pic.la

module_LTLIBRARIES += devices/virtio-vsock.la
virtio_vsock_sources = \
	devices/virtio-vsock/connection.c \
	devices/virtio-vsock/packet.c devices/virtio-vsock/packet.h \
	devices/virtio-vsock/peer.c \
	devices/virtio-vsock/receive.c \
	devices/virtio-vsock/transmit.c \
	devices/virtio-vsock/vsock.c devices/virtio-vsock/vsock.h
devices_virtio_vsock_la_SOURCES = $(virtio_vsock_sources)
devices_virtio_vsock_la_LDFLAGS = $(device_ldflags)
devices_virtio_vsock_la_LIBADD = libioreqd-virtio-pic.la

module_LTLIBRARIES += devices/edu.la
devices_edu_la_SOURCES = devices/edu.c
devices_edu_la_LDFLAGS = $(device_ldflags)

module_LTLIBRARIES += devices/serial.la
devices_serial_la_SOURCES = \
	devices/serial/port.c \
	devices/serial/serial.c devices/serial/serial.h \
	devices/serial/uart.c devices/serial/uart.h
devices_serial_la_LDFLAGS = $(device_ldflags)

module_LTLIBRARIES += devices/virtio-console.la
devices_virtio_console_la_SOURCES = \
	devices/virtio-console/console.c devices/virtio-console/console.h \
	devices/virtio-console/control.c \
	devices/virtio-console/emergency.c \
	devices/virtio-console/port.c \
	devices/virtio-console/size.c \
	devices/virtio-console/verbs.c
devices_virtio_console_la_LDFLAGS = $(device_ldflags)
devices_virtio_console_la_LIBADD = libioreqd-virtio-pic.la

module_LTLIBRARIES += devices/virtio-rng.la
devices_virtio_rng_la_SOURCES = devices/virtio-rng.c
devices_virtio_rng_la_LDFLAGS = $(device_ldflags)
devices_virtio_rng_la_LIBADD = libioreqd-virtio-pic.la
module_LTLIBRARIES += devices/virtio-net.la
devices_virtio_net_la_SOURCES = $(virtio_net_sources)
devices_virtio_net_la_LDFLAGS = $(device_ldflags)
devices_virtio_net_la_LIBADD = libioreqd-virtio-pic.la
virtio_net_sources = \
	devices/virtio-net/control.c devices/virtio-net/control.h \
	devices/virtio-net/features.c devices/virtio-net/features.h \
	devices/virtio-net/filter.c devices/virtio-net/filter.h \
	devices/virtio-net/header.c devices/virtio-net/header.h \
	devices/virtio-net/link.c \
	devices/virtio-net/moderate.c \
	devices/virtio-net/negotiate.c \
	devices/virtio-net/net.h \
	devices/virtio-net/pair.c \
	devices/virtio-net/properties.c \
	devices/virtio-net/receive.c \
	devices/virtio-net/steer.c \
	devices/virtio-net/transmit.c \
	devices/virtio-net/virtio-net.c
