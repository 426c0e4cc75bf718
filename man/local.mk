# Files of man/ that are installed or distributed.
dist_man_MANS += man/ioreqd.8
