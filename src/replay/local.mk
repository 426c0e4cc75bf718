# ioreqd-replay: recordings of ioreqd --record on a guest in memory. Model authors use it, so it is installed.
bin_PROGRAMS += ioreqd-replay
ioreqd_replay_SOURCES = src/replay/main.c
ioreqd_replay_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
ioreqd_replay_LDADD = libioreqd-replay.la libioreqd-worker.la libioreqd-device.la libioreqd-bridge.la \
	libioreqd-sim.la libioreqd-config.la

noinst_LTLIBRARIES += libioreqd-replay.la
libioreqd_replay_la_SOURCES = \
	src/models.c src/models.h \
	src/replay/guest.c src/replay/guest.h \
	src/replay/memory.c src/replay/memory.h \
	src/replay/replay.c src/replay/replay.h \
	src/replay/report.c src/replay/report.h
libioreqd_replay_la_CPPFLAGS = $(AM_CPPFLAGS) -DMODULE_DIRECTORY='"$(moduledir)"'
