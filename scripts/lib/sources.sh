# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # read by the caller; set by debs.sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Debian's source packages as raw material: the tarball that a package's binaries were made from, out of the same archives. apt on
# this machine need not know any deb-src: the lists are our own. Sourced, not run; needs messages.sh and debs.sh.

# debian_archives: prints the archives of Debian's main that packages come from, as "URI SUITE"; see debs_release.
debian_archives() {
    # shellcheck disable=SC2016 # names that apt fills in
    apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
        awk -v release="$debs_release" '$3 != "main" || seen[$1 $2]++ { next }
            release == "" { print $1, $2 }
            release != "" && $2 !~ /-/ { print $1, release; exit }'
}

# apt_for_sources COMMAND...: apt-get or apt-cache, as if it knew the archives' sources and nothing else.
apt_for_sources() {
    local state=$cache_dir/apt/${debs_release}source
    mkdir -p "$state"/{lists,archives}/partial "$state/sources"
    : >"$state/status"
    "$1" -o "Dir::State::status=$state/status" -o "Dir::State::lists=$state/lists" -o "Dir::Cache=$state" \
        -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$state/sources" \
        -o Acquire::Languages=none -o APT::Sandbox::User=root "${@:2}"
}

# update_source_lists: fetches the lists of the archives' sources.
update_source_lists() {
    local uri suite folder=$cache_dir/apt/${debs_release}source/sources
    mkdir -p "$folder"
    debian_archives | while read -r uri suite; do
        printf 'Types: deb-src\nURIs: %s\nSuites: %s\nComponents: main\n' "$uri" "$suite"
        printf 'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n'
    done >"$folder/archives.sources"
    apt_for_sources apt-get update -q >/dev/null
}

# source_tarballs NAME SERIES VERSION: prints "VERSION CHECKSUM FILE" of the tarballs of source package NAME, of the versions that begin with
# SERIES and a dot: VERSION first, then the others, newest first.
source_tarballs() {
    apt_for_sources apt-cache showsrc --only-source "$1" 2>/dev/null |
        awk '/^Version: / { version = $2 } /^[A-Z]/ { sums = /^Checksums-Sha256:/ } sums && /\.orig\.tar\.[a-z0-9]+$/ { print version, $1, $3 }' |
        awk -v series="$2." -v wanted="$3" 'index($1, series) == 1 { print ($1 == wanted), $0 }' |
        sort -k1,1nr -k2,2Vr -u | cut -d' ' -f2-
}

# fetch_source NAME SERIES VERSION: sets `source_archive` to the tarball in the cache's sources/ that source package NAME of VERSION is made
# from, and `source_version` to that version. Where no archive has its files, as happens to superseded ones, the newest that begins with
# SERIES, as 4.17, will do.
fetch_source() {
    local name=$1 series=$2 version=${3%+b[0-9]}
    mkdir -p "$cache_dir/sources"
    if ! fetch_listed_source "$name" "$series" "$version"; then
        timed "fetching the lists of source packages" update_source_lists || die "apt-get update failed (see above)"
        fetch_listed_source "$name" "$series" "$version" || die "no archive has the source of $name $series." \
            "Missing is one with such a line for apt and with the package's files behind it:" \
            "$(debian_archives | sed 's/.*/"deb-src & main"/' | paste -sd' '); another mirror of Debian in apt's sources may have it"
    fi
    [ "$source_version" = "$version" ] ||
        progress "the archives have no files of the source of $name $version: $source_version is taken"
}

# fetch_listed_source NAME SERIES VERSION: the same with the lists that are there; false if none of theirs can be had.
fetch_listed_source() {
    local checksum file
    while read -r source_version checksum file; do
        source_archive=$cache_dir/sources/$file
        # apt also wants the package's other files, and fails without them.
        [ -s "$source_archive" ] || (cd "$cache_dir/sources" &&
            apt_for_sources apt-get -qq source --only-source --download-only "$1=$source_version" >/dev/null 2>&1 </dev/null) || true
        if sha256sum --check --status <<<"$checksum  $source_archive" 2>/dev/null; then return 0; fi
        rm -f "$source_archive"
    done < <(source_tarballs "$@")
    return 1
}
