# shellcheck shell=bash
# shellcheck disable=SC2154  # set by scripts/lab, settings.sh and contents.sh, or by the caller
# SPDX-License-Identifier: BSD-2-Clause
#
# Debian packages as the lab's raw material: which ones apt would install on an empty system, fetched and unpacked without
# installing anything. Uses apt as this machine has it configured.

# apt_on_empty_system COMMAND...: apt-get as if nothing were installed, with a download folder of its own.
apt_on_empty_system() {
    local state=$cache_dir/apt
    mkdir -p "$state/archives/partial"
    : >"$state/status"
    apt-get -o "Dir::State::status=$state/status" -o "Dir::Cache::archives=$state/archives" \
        -o APT::Install-Recommends=false "$@"
}

# closure_of NAME...: prints the file names of these packages and of all they depend on, as name_version_arch.deb, sorted.
closure_of() {
    apt_on_empty_system -qq --print-uris install "$@" 2>/dev/null | awk '{ print $2 }' | LC_ALL=C sort
}

# resolve_packages NAME...: closure_of, with apt's lists fetched first where there are none.
resolve_packages() {
    local closure
    if ! closure=$(closure_of "$@") || [ -z "$closure" ]; then
        timed "fetching the lists of packages" apt-get update -q >/dev/null ||
            die "apt-get update failed; the lab needs a package archive (see above)"
        closure=$(closure_of "$@") || closure=''
        [ -n "$closure" ] ||
            die "apt cannot resolve: $*; is this Debian 12 or later with main enabled? Try: apt-get --simulate install $*"
    fi
    printf '%s\n' "$closure"
}

# fetch_packages LIST: downloads the packages that the file LIST names into the cache's debs/ unless they are there.
fetch_packages() {
    local list=$1 file missing=()
    mkdir -p "$cache_dir/debs"
    while read -r file; do
        [ -s "$cache_dir/debs/$file" ] || missing+=("$file")
    done <"$list"
    [ "${#missing[@]}" -eq 0 ] && return 0
    progress "fetching ${#missing[@]} packages"
    download_packages "${missing[@]}" || {
        progress "some packages are gone from the archive: fetching its lists again"
        apt-get update -q >/dev/null || die "apt-get update failed (see above)"
        die "the lists of packages were out of date and are fetched again: run this once more"
    }
}

# download_packages FILE...: apt-get download of each name_version_arch.deb. (apt writes an epoch's colon as %3a.)
download_packages() {
    local file name version specs=()
    for file in "$@"; do
        name=${file%%_*}
        version=${file#*_}
        version=${version%_*}
        specs+=("$name=${version//%3a/:}")
    done
    # A download folder that apt's own user cannot enter gives a warning that nobody needs.
    (cd "$cache_dir/debs" && apt-get -qq -o APT::Sandbox::User=root download "${specs[@]}")
}

# unpack_packages LIST ROOT: the packages' files, without scripts of theirs being run. /bin, /lib and /sbin are links.
unpack_packages() {
    local list=$1 root=$2 file folder
    for folder in bin lib lib64 sbin; do
        mkdir -p "$root/usr/$folder"
        ln -s "usr/$folder" "$root/$folder"
    done
    while read -r file; do
        dpkg-deb --fsys-tarfile "$cache_dir/debs/$file" |
            tar -x --keep-directory-symlink --no-same-owner -C "$root" \
                --exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./usr/share/locale' ||
            die "cannot unpack $cache_dir/debs/$file; remove it and try again"
    done <"$list"
}
