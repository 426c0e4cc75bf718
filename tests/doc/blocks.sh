# shellcheck shell=bash disable=SC2034 # variables for those who source it
# SPDX-License-Identifier: BSD-2-Clause
#
# Shared by the tests of doc/: a document's fenced blocks, and the book-keeping of checks. Sourced in the build's folder, with
# srcdir from make; $work is a folder for as long as the test runs.
tree=$(cd "${srcdir:-.}" && pwd)
build=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
checks=0
failures=0

# blocks DOCUMENT FOLDER: writes the Nth block to FOLDER/N, and "N LINE KIND ARGUMENT..." to FOLDER/list, for ```KIND ARGUMENT...
blocks() {
    mkdir -p "$2"
    awk -v folder="$2" '
        /^```/ && !inside { inside = 1; file = folder "/" ++count; line = NR; sub(/^``` */, ""); printf "" > file
            print count, line, ($0 == "" ? "none" : $0) > (folder "/list"); next }
        /^```/ { inside = 0; close(file); next }
        inside { print > file }
        END { exit inside }' "$1"
}

passed() { checks=$((checks + 1)); }

# failed WHAT [FILE]: FILE says why.
failed() {
    checks=$((checks + 1))
    failures=$((failures + 1))
    echo "FAILED: $1"
    [ -z "${2:-}" ] || sed 's/^/    /' "$2"
}

# must WHAT COMMAND...: it succeeds.
must() {
    local what=$1
    shift
    if "$@" >"$work/must" 2>&1; then passed; else failed "$what" "$work/must"; fi
}

finish() {
    echo "100%: Checks: $checks, Failures: $failures, Errors: 0"
    [ "$failures" -eq 0 ]
}
