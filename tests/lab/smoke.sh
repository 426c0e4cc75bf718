# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# The lab itself, without ioreqd: a PVH and an HVM guest start, run commands, give statuses and output back, and end.
# timeout: 300

for kind in pvh hvm; do
    guest_create "$kind" "$kind"
    guest_unpause "$kind"
    measure start_ms guest_wait_up "$kind"
    note "$kind guest: from unpause to its first command in $(seconds_of "$start_ms") s"

    step "running commands in $kind"
    expect_equal "output of a command" "$(guest_run "$kind" 'echo "one  two"; echo three >&2; printf four')" "one  two
three
four"
    status=0
    guest_run "$kind" 'exit 7' || status=$?
    expect_equal "status of a command" "$status" 7
    measure run_ms guest_run "$kind" 'uname -r; lspci -n'
    echo "  a command takes $(seconds_of "$run_ms") s"
    # The kernel's messages share the console with the answers.
    guest_check "$kind" "many lines among kernel messages" \
        'for i in $(seq 1 20); do echo "<4>message $i" >/dev/kmsg; seq 1 40; done'
    expect_equal "lines of output" "$(wc -l <"$OUTPUT")" 800

    expect_equal "free IOREQ servers" "$(xen_servers "$kind")" "$([ "$kind" = pvh ] && echo 8 || echo 7)"
    guest_shutdown "$kind"
    guest_wait_gone "$kind" 10
done
