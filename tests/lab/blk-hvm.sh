# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# A disk for an HVM guest, beside QEMU: with 1 and with 2 vCPUs, ext4, 64 MB of data, MSI-X, and the guest's end.
# timeout: 420

# shellcheck source=/dev/null
. /lab/parts/blk.sh

blk_round hvm1 hvm 1 10 00:10.0
blk_round hvm2 hvm 2 10 00:10.0
