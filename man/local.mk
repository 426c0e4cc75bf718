# Files of man/ that are installed or distributed.
dist_man_MANS += man/ioreqd-device.3 man/ioreqd-virtio.3 man/ioreqctl.8 man/ioreqd.8 man/ioreqd-recording.5 man/ioreqd-replay.1
dist_man_MANS += man/ioreqd-virtio-blk.7 man/ioreqd-virtio-console.7 man/ioreqd-virtio-net.7 man/ioreqd-virtio-rng.7
dist_man_MANS += man/ioreqd.conf.5
dist_man_MANS += man/ioreqd-create.8 man/ioreqd-dm.8
