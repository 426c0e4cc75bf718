# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# A disk for an HVM guest, beside QEMU: with 1 and with 2 vCPUs, ext4, 24 MB of data (blk-pvh has 64), MSI-X, and the guest's end.
# timeout: 420

# shellcheck source=/dev/null
. /lab/parts/blk.sh
# shellcheck disable=SC2034  # read by blk_round
BLK_MB=24

blk_round hvm1 hvm 1 10 00:10.0
blk_round hvm2 hvm 2 10 00:10.0
