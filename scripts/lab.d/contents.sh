# shellcheck shell=bash
# shellcheck disable=SC2034  # read by the other parts of the lab
# SPDX-License-Identifier: BSD-2-Clause
#
# What the lab's images are made of on every architecture; arch-ARCH.sh adds its own. Sourced by scripts/lab.

# The Debian packages that are unpacked into the images; apt adds what they depend on.
image_packages=(xenstore-utils busybox-static kmod e2fsprogs strace pciutils util-linux libc6 libgcc-s1)
# Programs for guests and dom0 that scenarios use with `tool`, on a disk of their own: what is not used costs nothing.
tool_packages=(
    fio iperf3 socat rng-tools-debian kexec-tools iputils-ping ethtool iproute2 passt nbdkit util-linux e2fsprogs
)
# systemd, for a scenario that runs it in a namespace of dom0, on a disk of its own too.
systemd_packages=(systemd)
# The kernel of another Debian, for guests with kernel=13: a release; its package is the architecture's.
other_kernel_release=trixie

# Kernel modules of the images; those they depend on are added. Names that a kernel has built in are skipped.
dom0_modules=(
    xen-privcmd xen-evtchn xen-gntdev xen-gntalloc xenfs
    virtio_pci virtio_blk 9pnet_virtio 9p
    loop ext4 overlay tun bridge veth vhost_vsock
)
guest_modules=(
    virtio_pci virtio_blk virtio_net virtio_console virtio-rng vmw_vsock_virtio_transport
    ext4 crc32c_generic uio_pci_generic 8250_pci
)

# Files of dom0, and programs of Xen's own folder, /usr/lib/xen-VERSION/bin.
dom0_files=(
    usr/bin/busybox usr/bin/strace usr/bin/flock usr/bin/lspci usr/bin/setpci usr/share/misc/pci.ids
    usr/sbin/{mke2fs,mkfs.ext4,e2fsck,fsck.ext4,debugfs,dumpe2fs} etc/mke2fs.conf
    etc/xen/scripts etc/xen/xl.conf
)
dom0_xen_programs=(xl xenstored xenconsoled xenconsole xen-init-dom0 libxl-save-helper xenctx)
