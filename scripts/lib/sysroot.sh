# shellcheck shell=bash
# shellcheck disable=SC2154  # set by the caller and debs.sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A folder with the libraries and headers of another architecture, to build the tree for it and to run what was built in an
# emulator. Made from Debian packages that are unpacked, not installed: the machine's own packages are left alone, and nothing
# has to be installable beside them. Sourced, not run; needs messages.sh and debs.sh.

# What the tree is built with, of the other architecture; apt adds what they depend on.
sysroot_packages=(libc6-dev libxen-dev libevent-dev libjson-c-dev liburing-dev libnbd-dev check)
# Sysroots that are kept for each architecture, the one in use included.
sysroots_kept=2

# ensure_sysroot ARCH: sets `sysroot` to a folder with the packages of Debian's architecture ARCH (and of debs_release), and makes it if
# it is not there. Kept in the cache under a hash of what it is made from.
ensure_sysroot() {
    local debs_arch=$1 folder
    folder=$cache_dir/sysroot/$debs_release$debs_arch
    mkdir -p "$folder"
    exec 6>"$folder/lock"
    flock 6
    # The archive replaces packages by newer ones; apt's lists are fetched again then, once.
    sysroot_current "$folder" || make_sysroot "$folder" ||
        { sysroot_current "$folder" || make_sysroot "$folder" || die "the packages for $debs_arch cannot be fetched (see above)"; }
    touch "$sysroot"
    drop_old_sysroots "$folder"
    exec 6>&-
}

# sysroot_current FOLDER: sets `sysroot` to the one for the present inputs; true if it is complete.
sysroot_current() {
    local folder=$1 key
    resolve_packages "${sysroot_packages[@]}" >"$folder/packages.list"
    key=$(cat "$folder/packages.list" "$top"/scripts/lib/{debs,sysroot}.sh | sha256sum | cut -c1-16)
    sysroot=$folder/$key
    [ -d "$sysroot" ]
}

# make_sysroot FOLDER: from packages.list. Fails when that is out of date.
make_sysroot() {
    local folder=$1 work=$sysroot.work
    fetch_packages "$folder/packages.list" || return 1
    rm -rf "$work"
    mkdir -p "$work"
    timed "unpacking $(wc -l <"$folder/packages.list") packages for $debs_arch" unpack_packages "$folder/packages.list" "$work"
    make_links_relative "$work"
    mv "$work" "$sysroot"
}

# make_links_relative ROOT: a link to /lib means ROOT/lib, also to a compiler and an emulator that know of no new root.
make_links_relative() {
    local root=$1 link target
    find "$root" -type l -lname '/*' -print0 | while IFS= read -r -d '' link; do
        target=$(readlink "$link")
        ln -sfnr "$root$target" "$link"
    done
}

drop_old_sysroots() {
    local folder=$1 old
    find "$folder" -mindepth 1 -maxdepth 1 -type d -printf '%T@ %p\n' | sort -rn | cut -d' ' -f2- |
        tail -n "+$((sysroots_kept + 1))" | while read -r old; do
        rm -rf "$old"
    done
}
