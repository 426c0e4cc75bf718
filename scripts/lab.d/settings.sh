# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # read by the other parts of the lab; top is set by scripts/lab
# SPDX-License-Identifier: BSD-2-Clause
#
# Where the lab keeps things, and the numbers that one may want to change. Sourced by scripts/lab, which sets `top` (the
# source tree) and `arch`. Each variable named IOREQD_LAB_* can be set in the environment.

# Images made from packages are kept in cache_dir, see scripts/lib/debs.sh: so many sets of them for each variant, the one
# in use included. An architecture's settings may have another variant of them.
images_kept=2
variant=$arch

# What `make install` and the compilers of tests/ give, of this run alone.
stage_dir=$top/build/lab-stage.$$

# One folder for each run; the last ones are kept.
results_root=$top/build/lab-results
results_kept=5

# dom0 has one vCPU of the machine's, so that guests run beside it. The machine's own CPUs and memory are the architecture's. Which of
# this computer's CPUs it runs on: see choose_cpus.
dom0_cpus=${IOREQD_LAB_DOM0_CPUS:-1}
host_cpus=${IOREQD_LAB_HOST_CPUS:-}

# Seconds. A scenario may ask for its own with a line `# timeout: N` near its top. A slow or busy computer multiplies all of them.
timeout_factor=${IOREQD_LAB_TIMEOUT_FACTOR:-auto}
boot_timeout=150
default_scenario_timeout=180
# How long dom0 gets to report a timeout by itself before the machine is taken away.
timeout_grace=40

# What is installed on this machine: to make images, to run them, and to build the tree and its test programs. The architectures
# add theirs.
host_packages_images=(cpio binutils kmod xz-utils zstd e2fsprogs)
host_packages_run=(cpio util-linux)
host_packages_tree=(make autoconf automake libtool pkg-config)
host_packages_tools=(binutils)
