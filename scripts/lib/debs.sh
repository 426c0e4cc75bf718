# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Debian packages as raw material: which ones apt would install on an empty system of some architecture, fetched and unpacked
# without installing anything. Uses the archives that apt on this machine is configured with. Sourced, not run; needs
# messages.sh and packages.sh.

# Packages and what is made from them: outside the tree, shared by all checkouts of it.
cache_dir=${IOREQD_LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ioreqd-lab}

# The packages' architecture, as Debian calls it; empty: this machine's own. A script that wants another one sets it.
debs_arch=''

# The release that the packages are of, as trixie; empty: those that apt on this machine knows. Comes from the same archive.
debs_release=''

# debs_are_foreign: true when the packages are not of this machine's architecture.
debs_are_foreign() {
    [ -n "$debs_arch" ] && [ "$debs_arch" != "$(dpkg --print-architecture)" ]
}

# apt_on_empty_system COMMAND...: apt-get as if nothing were installed, with a download folder of its own. For a foreign
# architecture apt's lists are our own too: dpkg need not know that architecture, and the machine's state stays as it is.
apt_on_empty_system() {
    local state=$cache_dir/apt options=()
    if debs_are_foreign || [ -n "$debs_release" ]; then
        state=$cache_dir/apt/$debs_release${debs_arch:-$(dpkg --print-architecture)}
        mkdir -p "$state/lists/partial"
        options=(-o "Dir::State::lists=$state/lists" -o "Dir::Cache=$state" -o Acquire::Languages=none)
        ! debs_are_foreign || options+=(-o "APT::Architecture=$debs_arch" -o "APT::Architectures=$debs_arch")
        [ -z "$debs_release" ] || options+=(-o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$state/sources")
    fi
    mkdir -p "$state/archives/partial"
    : >"$state/status"
    # A folder that apt's own user cannot enter gives a warning that nobody needs.
    apt-get -o "Dir::State::status=$state/status" -o "Dir::Cache::archives=$state/archives" \
        -o APT::Install-Recommends=false -o APT::Sandbox::User=root "${options[@]}" "$@"
}

# update_lists: fetches apt's lists again, those that the packages come from.
update_lists() {
    [ -z "$debs_release" ] || write_release_source
    if debs_are_foreign || [ -n "$debs_release" ]; then
        apt_on_empty_system update -q >/dev/null
    else
        one_apt apt-get update -q >/dev/null
    fi
}

# write_release_source: the archive that this machine's own release comes from, with debs_release in its place.
write_release_source() {
    local folder uri
    folder=$cache_dir/apt/$debs_release${debs_arch:-$(dpkg --print-architecture)}/sources
    # shellcheck disable=SC2016 # names that apt fills in
    uri=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
        awk '$2 !~ /-/ && $3 == "main" { print $1; exit }')
    [ -n "$uri" ] || die "apt on this machine has no source of Debian's main: packages of $debs_release cannot be found"
    mkdir -p "$folder"
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' \
        "$uri" "$debs_release" >"$folder/release.sources"
}

# closure_of NAME...: prints the file names of these packages and of all they depend on, as name_version_arch.deb, sorted.
closure_of() {
    apt_on_empty_system -qq --print-uris install "$@" 2>/dev/null | awk '{ print $2 }' | LC_ALL=C sort
}

# resolve_packages NAME...: closure_of, with apt's lists fetched first where there are none.
resolve_packages() {
    local closure
    if ! closure=$(closure_of "$@") || [ -z "$closure" ]; then
        timed "fetching the lists of packages${debs_release:+ of $debs_release}${debs_arch:+ for $debs_arch}" update_lists ||
            die "apt-get update failed; a package archive is needed (see above)"
        closure=$(closure_of "$@") || closure=''
        [ -n "$closure" ] ||
            die "apt cannot resolve: $*; is this Debian 12 or later with main enabled? Try: apt-get --simulate install $*"
    fi
    printf '%s\n' "$closure"
}

# fetch_packages LIST: downloads the packages that the file LIST names into the cache's debs/ unless they are there. Fails when
# the archive no longer has one of them; apt's lists are new then, and LIST has to be made again.
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
        update_lists || die "apt-get update failed (see above)"
        return 1
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
    (cd "$cache_dir/debs" && apt_on_empty_system -qq download "${specs[@]}")
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
