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

module_LTLIBRARIES += devices/edu.la
devices_edu_la_SOURCES = devices/edu.c
devices_edu_la_LDFLAGS = $(device_ldflags)

module_LTLIBRARIES += devices/serial.la
devices_serial_la_SOURCES = \
	devices/serial/port.c \
	devices/serial/serial.c devices/serial/serial.h \
	devices/serial/uart.c devices/serial/uart.h
devices_serial_la_LDFLAGS = $(device_ldflags)
