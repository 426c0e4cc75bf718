# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A login on a virtio console, a file through a port and through vsock, random bytes, in an HVM guest with Debian 12's kernel.
# timeout: 420

# shellcheck source=/dev/null
. /lab/parts/console.sh

console_round hvm
