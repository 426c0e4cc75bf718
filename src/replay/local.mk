# ioreqd-replay: recordings of ioreqd --record on a guest in memory. Model authors use it, so it is installed.
bin_PROGRAMS += ioreqd-replay
ioreqd_replay_SOURCES = \
	src/models.c src/models.h \
	src/replay/guest.c src/replay/guest.h \
	src/replay/main.c \
	src/replay/memory.c src/replay/memory.h \
	src/replay/replay.c src/replay/replay.h \
	src/replay/report.c src/replay/report.h
ioreqd_replay_CPPFLAGS = $(AM_CPPFLAGS) -DMODULE_DIRECTORY='"$(moduledir)"'
ioreqd_replay_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
ioreqd_replay_LDADD = libioreqd-worker.la libioreqd-device.la libioreqd-bridge.la libioreqd-sim.la libioreqd-config.la
