# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A login on a virtio console, a file through a port and through vsock, random bytes, in a PVH guest with Debian 13's kernel.
# arch: x86_64 arm64
# timeout: 420

# shellcheck source=/dev/null
. /lab/parts/console.sh

console_round pvh kernel=13
