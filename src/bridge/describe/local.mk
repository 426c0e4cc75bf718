# SPDX-License-Identifier: BSD-2-Clause
# Descriptions of host bridges and devices, for guests and for people.
noinst_LTLIBRARIES += libioreqd-describe.la
libioreqd_describe_la_SOURCES = \
	src/bridge/describe/acpi.c \
	src/bridge/describe/acpi_bridge.c src/bridge/describe/acpi_bridge.h \
	src/bridge/describe/aml.c src/bridge/describe/aml.h \
	src/bridge/describe/describe.h \
	src/bridge/describe/dts.c \
	src/bridge/describe/human.c \
	src/bridge/describe/resource.c src/bridge/describe/resource.h
libioreqd_describe_la_LIBADD = libioreqd-host-config.la
