# What a device author includes, and the flags to build with.
ioreqdincludedir = $(includedir)/ioreqd
ioreqdinclude_HEADERS = include/ioreqd/device.h include/ioreqd/virtio.h
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = include/ioreqd.pc
