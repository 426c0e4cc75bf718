# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What the project's scripts say to people: progress on stderr, and errors that name the thing, the value and the
# remedy. Sourced, not run. Set `program` before the first call.

# progress TEXT...: a line that says what is being done or how long it took.
progress() {
    printf '%s: %s\n' "${program:-script}" "$*" >&2
}

# die TEXT...: an error that ends the script.
die() {
    printf '%s: error: %s\n' "${program:-script}" "$*" >&2
    exit 1
}

# die_usage TEXT...: an error in the command line that ends the script.
die_usage() {
    printf '%s: error: %s\n' "${program:-script}" "$*" >&2
    exit 2
}

# timed WHAT COMMAND...: runs COMMAND between two progress lines, the second with the time it took.
timed() {
    local what=$1 began=$SECONDS status=0
    shift
    progress "$what ..."
    "$@" || status=$?
    if [ "$status" -eq 0 ]; then
        progress "$what: done ($((SECONDS - began)) s)"
    else
        progress "$what: failed with status $status ($((SECONDS - began)) s)"
    fi
    return "$status"
}

# logged FILE COMMAND...: runs COMMAND with its output in FILE; when it fails, shows the end of FILE. errexit is off inside
# a function that is called in a condition, so COMMAND must be a program or a function that checks for itself.
logged() {
    local file=$1 status=0
    shift
    "$@" >"$file" 2>&1 || status=$?
    if [ "$status" -ne 0 ]; then
        progress "\"$*\" failed with status $status; the end of $file:"
        tail -n 30 "$file" | sed 's/^/    /' >&2
    fi
    return "$status"
}
