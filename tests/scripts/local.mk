# SPDX-License-Identifier: BSD-2-Clause
# The launcher and the helper with stand-ins for xl, QEMU and ioreqd: no Xen is needed.
TESTS += tests/scripts/check-launcher tests/scripts/check-create
EXTRA_DIST += tests/scripts/check-launcher tests/scripts/check-create tests/scripts/stand-ins.sh
