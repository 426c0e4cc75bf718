# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A network card on a tap, in a PVH guest with Debian 13's kernel.
# arch: x86_64 arm64
# timeout: 600

# shellcheck source=/dev/null
. /lab/parts/net.sh

net_round pvh kernel=13
