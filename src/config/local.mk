# The log, and the command line and device properties as one validated configuration.
noinst_LTLIBRARIES += libioreqd-config.la
libioreqd_config_la_SOURCES = \
    src/exit_status.h \
    src/log.c src/log.h \
    src/config/arm_bridges.c src/config/arm_bridges.h \
    src/config/bridge_option.c src/config/bridge_option.h \
    src/config/command_line.c \
    src/config/config.h \
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
    src/config/nearest.c src/config/nearest.h \
    src/config/property.c src/config/property.h \
    src/config/property_table.c \
    src/config/root_port.c src/config/root_port.h \
    src/config/value.c src/config/value.h
libioreqd_config_la_LIBADD = libioreqd-host-config.la
