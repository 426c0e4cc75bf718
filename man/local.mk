# Files of man/ that are installed or distributed.
dist_man_MANS += man/ioreqd-device.3 man/ioreqd.8 man/ioreqd-recording.5 man/ioreqd-replay.1 man/ioreqd-virtio-blk.8
