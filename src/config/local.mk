# The log, and the command line, the configuration file and device properties as one validated configuration.
noinst_LTLIBRARIES += libioreqd-config.la
libioreqd_config_la_SOURCES = \
    src/exit_status.h \
    src/event.c src/event.h \
    src/log.c src/log.h \
    src/log_sink.c src/log_sink.h \
    src/log_syslog.c src/log_syslog.h \
    src/config/arm_bridges.c src/config/arm_bridges.h \
    src/config/bridge_option.c src/config/bridge_option.h \
    src/config/command_line.c \
    src/config/config.h \
    src/config/config_file.c src/config/config_file.h \
    src/config/device_addr.c \
    src/config/device_names.c \
    src/config/device_places.c \
    src/config/device_option.c src/config/device_option.h \
    src/config/element.c src/config/element.h \
    src/config/error.c \
    src/config/file_keys.c src/config/file_keys.h \
    src/config/help.c src/config/help.h \
    src/config/interrupts_option.c src/config/interrupts_option.h \
    src/hypervisor/arm_layout.c src/hypervisor/arm_layout.h \
    src/config/ini.c src/config/ini.h \
    src/config/merge.c src/config/merge.h \
    src/config/nearest.c src/config/nearest.h \
    src/config/property.c src/config/property.h \
    src/config/property_table.c \
    src/config/root_port.c src/config/root_port.h \
    src/config/search.c src/config/search.h \
    src/config/setting.c src/config/setting.h \
    src/config/value.c src/config/value.h
libioreqd_config_la_CPPFLAGS = $(AM_CPPFLAGS) -DRUN_DIRECTORY='"$(runstatedir)/ioreqd"'
libioreqd_config_la_LIBADD = libioreqd-host-config.la
