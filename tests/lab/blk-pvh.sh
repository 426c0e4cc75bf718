# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# A disk for a PVH guest, which has no other emulator: with 1 and with 2 vCPUs, ext4, 64 MB of data, MSI-X, and the guest's end.
# arch: x86_64 arm64
# timeout: 360

# shellcheck source=/dev/null
. /lab/parts/blk.sh

blk_round pvh1 pvh 1 1 00:01.0
blk_round pvh2 pvh 2 1 00:01.0
