# The daemon, from small libraries that tests link too.
noinst_LTLIBRARIES += libioreqd-host-config.la libioreqd-bridge.la libioreqd-device.la libioreqd-worker.la libioreqd-xen.la

# Which host bridges can be: all that the command line needs of the bridge.
libioreqd_host_config_la_SOURCES = \
	src/bridge/host_config.c src/bridge/host_config.h \
	src/bridge/machine.c src/bridge/machine.h

libioreqd_bridge_la_SOURCES = \
	src/bridge/address_map.c src/bridge/address_map.h \
	src/bridge/bar.c \
	src/bridge/bridge.c src/bridge/bridge.h \
	src/bridge/bus.c src/bridge/bus.h \
	src/bridge/capabilities.c \
	src/bridge/config_space.c src/bridge/config_space.h \
	src/bridge/description.c \
	src/bridge/frame.c src/bridge/frame.h \
	src/bridge/function.c src/bridge/function.h \
	src/bridge/host.c \
	src/bridge/lines.c \
	src/bridge/msi.c src/bridge/msi.h \
	src/bridge/msix.c src/bridge/msix.h \
	src/bridge/pci_registers.h \
	src/bridge/placement.c \
	src/bridge/port.c src/bridge/port.h \
	src/bridge/survey.c src/bridge/survey.h
libioreqd_bridge_la_LIBADD = libioreqd-host-config.la

libioreqd_device_la_SOURCES = \
	src/device/device.c src/device/device.h src/device/device_private.h \
	src/device/bounce.c src/device/bounce.h \
	src/device/file.c src/device/file.h src/device/file_options.h src/device/file_private.h \
	src/device/file_facts.c \
	src/device/file_helper.c src/device/file_helper.h \
	src/device/file_nbd.h \
	src/device/file_operation.c src/device/file_operation.h \
	src/device/file_request.c \
	src/device/file_ring.c src/device/file_ring.h \
	src/device/granted_memory.c src/device/granted_memory.h \
	src/device/file_size.c \
	src/device/file_tally.c src/device/file_tally.h \
	src/device/guest_memory.c src/device/guest_memory.h \
	src/device/heartbeat.c src/device/heartbeat.h \
	src/device/host.c src/device/host.h \
	src/device/loop.c src/device/loop.h \
	src/device/module.c src/device/module.h \
	src/device/network.c src/device/network.h src/device/network_private.h \
	src/device/network_interface.c src/device/network_interface.h \
	src/device/network_socket.c \
	src/device/network_steering.c src/device/network_steering.h \
	src/device/network_tap.c src/device/network_tap.h \
	src/device/network_tap_link.c \
	src/device/network_tap_queue.c \
	src/device/network_tap_steering.c src/device/network_tap_steering.h \
	src/device/network_tap_steering_program.c src/device/network_tap_steering_program.h \
	src/device/sockets.c src/device/sockets.h \
	src/device/statistics.c src/device/statistics.h \
	src/device/statistics_backends.c \
	src/device/stream.c src/device/stream.h src/device/stream_private.h \
	src/device/stream_file.c \
	src/device/stream_pty.c \
	src/device/stream_socket.c \
	src/device/stream_stdio.c \
	src/device/tally.h \
	src/device/throttle.c src/device/throttle.h \
	src/device/timer.c src/device/timer.h \
	src/device/trouble.c src/device/trouble.h \
	src/device/verbs.c \
	src/device/unix_listener.c src/device/unix_listener.h \
	src/device/watch.c src/device/watch.h
libioreqd_device_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(URING_CFLAGS) $(NBD_CFLAGS)
libioreqd_device_la_LIBADD = $(EVENT_LIBS) $(URING_LIBS)
if HAVE_LIBNBD
libioreqd_device_la_SOURCES += \
	src/device/file_nbd.c \
	src/device/file_nbd_call.c \
	src/device/file_nbd_connection.c src/device/file_nbd_connection.h \
	src/device/file_nbd_journal.c src/device/file_nbd_journal.h \
	src/device/file_nbd_library.c src/device/file_nbd_library.h \
	src/device/file_nbd_private.h \
	src/device/file_nbd_replay.c \
	src/device/file_nbd_request.c \
	src/device/file_nbd_return.c \
	src/device/file_nbd_room.c
else
libioreqd_device_la_SOURCES += src/device/file_nbd_absent.c
endif

# Recordings of accesses: the format, and the file.
noinst_LTLIBRARIES += libioreqd-recording.la
libioreqd_recording_la_SOURCES = \
	src/recording/header.c \
	src/recording/keywords.c src/recording/keywords.h \
	src/recording/line.h \
	src/recording/parse.c \
	src/recording/print.c \
	src/recording/print_header.c \
	src/recording/recording.c src/recording/recording.h \
	src/recording/text.c src/recording/text.h \
	src/recording/words.c src/recording/words.h \
	src/recording/writer.c src/recording/writer.h

libioreqd_worker_la_SOURCES = \
	src/worker/dispatch.c src/worker/dispatch.h \
	src/worker/recorder.c src/worker/recorder.h src/worker/recorder_private.h \
	src/worker/recorder_devices.c \
	src/worker/recorder_file.c src/worker/recorder_file.h \
	src/worker/trace.c src/worker/trace.h \
	src/worker/worker.c src/worker/worker.h src/worker/worker_private.h \
	src/worker/worker_layout.c \
	src/worker/worker_platform.c \
	src/worker/worker_turn.c \
	src/worker/worker_view.c
libioreqd_worker_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
libioreqd_worker_la_LIBADD = libioreqd-recording.la

# The only objects that call the Xen libraries.
libioreqd_xen_la_SOURCES = \
	src/hypervisor/hypervisor.h src/hypervisor/toolstack.h \
	src/hypervisor/slot.c src/hypervisor/slot.h \
	src/hypervisor/xen/domain_info.c \
	src/hypervisor/xen/grants.c src/hypervisor/xen/grants.h \
	src/hypervisor/xen/arch.h \
	src/hypervisor/xen/qemu_functions.c \
	src/hypervisor/xen/toolstack.c \
	src/hypervisor/xen/xen.c src/hypervisor/xen/xen.h
libioreqd_xen_la_CFLAGS = $(AM_CFLAGS) $(XEN_CFLAGS) $(JSON_CFLAGS)
libioreqd_xen_la_LIBADD = $(XEN_LIBS) $(JSON_LIBS)
if HOST_ARM64
libioreqd_xen_la_SOURCES += src/hypervisor/arm_layout.h src/hypervisor/xen/arm.c
else
libioreqd_xen_la_SOURCES += src/hypervisor/xen/x86.c
endif

sbin_PROGRAMS += ioreqd
ioreqd_SOURCES = \
	src/control_mode.c src/control_mode.h \
	src/daemon.c src/daemon.h \
	src/describe_mode.c src/describe_mode.h \
	src/life.c src/life.h \
	src/main.c \
	src/models.c src/models.h \
	src/pidfile.c src/pidfile.h \
	src/places.c src/places.h \
	src/readiness.c src/readiness.h \
	src/record.c src/record.h
ioreqd_CPPFLAGS = $(AM_CPPFLAGS) -DMODULE_DIRECTORY='"$(moduledir)"' -DCONFIG_DIRECTORY='"$(sysconfdir)/ioreqd"' \
	-DRUN_DIRECTORY='"$(runstatedir)/ioreqd"'
ioreqd_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(URING_CFLAGS)
ioreqd_LDADD = libioreqd-control.la libioreqd-worker.la libioreqd-device.la libioreqd-describe.la libioreqd-bridge.la \
	libioreqd-config.la libioreqd-xen.la

include src/bridge/describe/local.mk
include src/config/local.mk
include src/control/local.mk
include src/virtio/local.mk
include src/hypervisor/sim/local.mk
include src/ioreqctl/local.mk
include src/launcher/local.mk
include src/replay/local.mk
