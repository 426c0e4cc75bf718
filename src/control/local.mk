# SPDX-License-Identifier: BSD-2-Clause
# The control sockets. The schema and the words of requests know nothing of devices: ioreqctl has them too.
noinst_LTLIBRARIES += libioreqd-schema.la libioreqd-control.la
libioreqd_schema_la_SOURCES = \
	src/control/request.c src/control/request.h \
	src/control/schema.c src/control/schema.h \
	src/control/schema_table.c
libioreqd_schema_la_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
libioreqd_schema_la_LIBADD = $(JSON_LIBS)

libioreqd_control_la_SOURCES = \
	src/control/client.c \
	src/control/control.c src/control/control.h src/control/control_private.h \
	src/control/events.c \
	src/control/methods.c \
	src/control/stats.c \
	src/control/survey.c \
	src/control/verb.c
libioreqd_control_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(JSON_CFLAGS)
libioreqd_control_la_LIBADD = libioreqd-schema.la $(EVENT_LIBS) $(JSON_LIBS)
