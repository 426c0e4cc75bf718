# Files of man/ that are installed or distributed.
dist_man_MANS += man/ioreqd-device.3 man/ioreqd-virtio.3 man/ioreqctl.8 man/ioreqd.8 man/ioreqd-recording.5 man/ioreqd-replay.1
dist_man_MANS += man/ioreqd-edu.4 man/ioreqd-root-port.4 man/ioreqd-serial.4 man/ioreqd-virtio-blk.4 man/ioreqd-virtio-console.4
dist_man_MANS += man/ioreqd-virtio-net.4 man/ioreqd-virtio-rng.4 man/ioreqd-virtio-vsock.4
dist_man_MANS += man/ioreqd.conf.5
dist_man_MANS += man/ioreqd-create.8 man/ioreqd-dm.8
