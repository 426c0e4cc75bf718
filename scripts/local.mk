# Files of scripts/ that are installed or distributed.
sbin_SCRIPTS = scripts/ioreqd-create
EXTRA_DIST += scripts/ioreqd-create scripts/systemd/ioreqd@.service.in

# Guests' configurations are where ioreqd looks for them.
install-exec-hook:
	$(AM_V_at)sed -i 's|/etc/ioreqd|$(sysconfdir)/ioreqd|g' '$(DESTDIR)$(sbindir)/ioreqd-create'

# The unit names the folder that ioreqd is installed to.
if HAVE_SYSTEMD
systemdsystemunit_DATA = scripts/systemd/ioreqd@.service
CLEANFILES += scripts/systemd/ioreqd@.service
scripts/systemd/ioreqd@.service: scripts/systemd/ioreqd@.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) scripts/systemd && \
	    sed 's|@sbindir[@]|$(sbindir)|g' $(srcdir)/scripts/systemd/ioreqd@.service.in >$@.new && mv $@.new $@
endif
