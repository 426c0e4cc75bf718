# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What the tests of scripts share: a folder, checks that count, and programs that stand in for those of a Xen machine.
checks=0
failures=0
work=$(mktemp -d)
bin=$work/bin
mkdir "$bin"

# stand_in NAME: a program of that name, from standard input.
stand_in() {
    { echo '#!/bin/sh'; cat; } >"$bin/$1"
    chmod +x "$bin/$1"
}

# expect STATUS NAME COMMAND...: it ends with that status; what it prints goes to $work/out and $work/err.
expect() {
    local wanted=$1 name=$2 status=0
    shift 2
    "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
    holds "$name: status $status is $wanted" [ "$status" -eq "$wanted" ]
    [ "$status" -eq "$wanted" ] || sed 's/^/    /' "$work/err"
}

# holds NAME COMMAND...: the command succeeds.
holds() {
    checks=$((checks + 1))
    if ! "${@:2}"; then
        failures=$((failures + 1))
        echo "FAILED: $1 (${*:2})"
    fi
}

# says NAME TEXT [FILE]: the last command's messages, or the file, have the text.
says() {
    holds "$1 says: $2" grep -qF -- "$2" "${3:-$work/err}"
}

# wait_until COMMAND...: for as long as a slow machine may need.
wait_until() {
    local tries
    for tries in $(seq 600); do
        if "$@"; then return 0; fi
        [ "$tries" -lt 600 ] || return 1
        sleep 0.1
    done
}

finish() {
    echo "100%: Checks: $checks, Failures: $failures, Errors: 0"
    [ "$failures" -eq 0 ]
}
