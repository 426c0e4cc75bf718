# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # read by the other parts of the lab; top is set by scripts/lab
# SPDX-License-Identifier: BSD-2-Clause
#
# Where the lab keeps things, and the numbers that one may want to change. Sourced by scripts/lab, which sets `top` (the
# source tree) and `arch`. Each variable named IOREQD_LAB_* can be set in the environment.

# Images made from packages are kept in cache_dir, see scripts/lib/debs.sh: so many sets of them for each architecture, the one
# in use included.
images_kept=2

# The tree under test: objects, and what `make install` and the compilers of tests/ give (of this run alone).
build_dir=$top/build/lab
stage_dir=$top/build/lab-stage.$$

# One folder for each run; the last ones are kept.
results_root=$top/build/lab-results
results_kept=5

# The machine: QEMU's memory, dom0's share of it, and CPUs (Xen's; dom0 has one vCPU, so that guests run beside it). See choose_cpus.
qemu_memory=${IOREQD_LAB_MEMORY:-4096}
dom0_memory=${IOREQD_LAB_DOM0_MEMORY:-1536}
qemu_cpus=${IOREQD_LAB_CPUS:-auto}
dom0_cpus=${IOREQD_LAB_DOM0_CPUS:-1}

# Seconds. A scenario may ask for its own with a line `# timeout: N` near its top. A slow or busy computer multiplies all of them.
timeout_factor=${IOREQD_LAB_TIMEOUT_FACTOR:-auto}
boot_timeout=150
default_scenario_timeout=180
# How long dom0 gets to report a timeout by itself before the machine is taken away.
timeout_grace=40

# What is installed on this machine: to make images, to run them, and to build the tree and its test programs.
host_packages_images=(cpio binutils kmod xz-utils zstd e2fsprogs grub-common grub-pc-bin)
host_packages_run=(qemu-system-x86 cpio util-linux)
host_packages_tree=(
    gcc libc6-dev make autoconf automake libtool pkg-config
    libxen-dev libevent-dev libjson-c-dev liburing-dev libnbd-dev
)
host_packages_tools=(gcc libc6-dev libxen-dev binutils)
