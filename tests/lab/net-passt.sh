# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A network card on passt's socket, in a PVH guest: TCP both ways.

# shellcheck source=/dev/null
. /lab/parts/net.sh

net_passt pvh
