# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Installs the Debian packages that a script needs, and only those that are missing. Sourced, not run; needs messages.sh.

# package_installed NAME: true when the package is installed and configured.
package_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# need_packages NAME...: returns with all of them installed, or ends the script with what to do.
need_packages() {
    local name missing=()
    command -v dpkg-query >/dev/null || die "dpkg-query is not here: this script needs Debian (or a system with its packages)"
    for name in "$@"; do
        package_installed "$name" || missing+=("$name")
    done
    [ "${#missing[@]}" -eq 0 ] && return 0

    if [ "$(id -u)" -ne 0 ]; then
        die "packages are missing: ${missing[*]}; install them as root: apt-get install --no-install-recommends ${missing[*]}"
    fi
    timed "installing packages: ${missing[*]}" install_packages "${missing[@]}" ||
        die "apt-get could not install: ${missing[*]}; its messages are above"
}

# one_apt COMMAND...: runs it while no other of our scripts runs one, as apt does not wait for itself.
one_apt() {
    (
        flock 6 || die "cannot wait for apt: ${TMPDIR:-/tmp}/ioreqd-apt.lock"
        "$@" 6>&-
    ) 6>>"${TMPDIR:-/tmp}/ioreqd-apt.lock"
}

# install_packages NAME...: apt-get update and install, quiet unless something goes wrong.
install_packages() {
    local log status=0
    log=$(mktemp)
    { one_apt apt-get update -q && DEBIAN_FRONTEND=noninteractive one_apt apt-get install -qy --no-install-recommends "$@"; } \
        >"$log" 2>&1 </dev/null || status=$?
    [ "$status" -eq 0 ] || tail -n 20 "$log" >&2
    rm -f "$log"
    return "$status"
}
