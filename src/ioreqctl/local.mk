# SPDX-License-Identifier: BSD-2-Clause
# The program that talks to the control sockets. It needs no Xen.
sbin_PROGRAMS += ioreqctl
ioreqctl_SOURCES = \
	src/ioreqctl/commands.c src/ioreqctl/commands.h \
	src/ioreqctl/connection.c src/ioreqctl/connection.h \
	src/ioreqctl/find.c src/ioreqctl/find.h \
	src/ioreqctl/main.c \
	src/ioreqctl/metrics.c \
	src/ioreqctl/show.c src/ioreqctl/show.h \
	src/ioreqctl/verbs.c
ioreqctl_CPPFLAGS = $(AM_CPPFLAGS) -DRUN_DIRECTORY='"$(runstatedir)/ioreqd"'
ioreqctl_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
ioreqctl_LDADD = libioreqd-schema.la libioreqd-config.la $(JSON_LIBS)

# Where bash-completion looks for what a command has no completion of its own for yet.
completionsdir = $(datadir)/bash-completion/completions
dist_completions_DATA = completions/ioreqctl
