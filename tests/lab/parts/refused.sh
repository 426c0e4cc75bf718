# shellcheck shell=sh disable=SC2154 # variables of tests/lab/lib.sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Shared by the scenarios of what ioreqd refuses.

# refused STATUS GUEST PATTERN... -- COMMAND...: the command ends with STATUS and says something that matches each PATTERN; the guest has as
# many free IOREQ servers as before.
refused() {
    refused_status=$1 refused_guest=$2
    shift 2
    : >"$WORK/patterns"
    while [ "$1" != -- ]; do
        printf '%s\n' "$1" >>"$WORK/patterns"
        shift
    done
    shift
    refused_before=$(xen_servers "$refused_guest")
    expect_status "$refused_status" timeout 30 "$@"
    while read -r refused_pattern; do
        expect_match "$refused_pattern"
    done <"$WORK/patterns"
    expect_equal "free IOREQ servers of $refused_guest" "$(xen_servers "$refused_guest")" "$refused_before"
}
