# shellcheck shell=bash
# shellcheck disable=SC2154  # set by scripts/lab, contents.sh and arch-*.sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Xen's hypervisor alone, built from Debian's source package with what Debian's own leaves out. Tools and libraries stay Debian's: the
# interface between the two belongs to their common version, 4.17. Kept in the cache under a hash of what it is made from.

# Options of Xen's configuration beside the defaults. IOREQ servers on Arm are for experts and unsupported, as far as Xen goes.
hypervisor_options=(CONFIG_EXPERT CONFIG_UNSUPPORTED CONFIG_IOREQ_SERVER)
# Builds that are kept.
hypervisors_kept=4

# hypervisor_key VERSION: prints the hash for the present inputs.
hypervisor_key() {
    { echo "$1 $kernel_arch" && "$gnu_arch-gcc" --version && cat "$top/scripts/lab.d/hypervisor.sh"; } | sha256sum | cut -c1-16
}

# ensure_hypervisor VERSION: sets `hypervisor` to Xen's image, of the source of VERSION or the nearest that the archives have.
ensure_hypervisor() {
    local version=$1 folder old
    folder=$cache_dir/xen/$(hypervisor_key "$version")
    hypervisor=$folder/xen
    if [ ! -e "$hypervisor" ]; then
        fetch_source xen "$(cut -d. -f1,2 <<<"$version")" "$version"
        mkdir -p "$folder"
        timed "building the hypervisor of Xen $source_version" logged "$folder/log" build_hypervisor "$source_archive" "$folder" ||
            die "Xen cannot be built (see above)"
    fi
    touch "$folder"
    find "$cache_dir/xen" -mindepth 1 -maxdepth 1 -type d -printf '%T@ %p\n' | sort -rn | cut -d' ' -f2- |
        tail -n "+$((hypervisors_kept + 1))" | while read -r old; do rm -rf "$old"; done
}

# build_hypervisor ARCHIVE FOLDER: leaves xen and its configuration in FOLDER. (errexit is off here, see logged.)
build_hypervisor() {
    local archive=$1 folder=$2 work=$2/work option make
    make=(make -C "$work/xen" "XEN_TARGET_ARCH=$kernel_arch" "CROSS_COMPILE=$gnu_arch-")
    rm -rf "$work"
    mkdir -p "$work" && tar -x -C "$work" --strip-components=1 -f "$archive" || return 1
    "${make[@]}" defconfig || return 1
    printf '%s=y\n' "${hypervisor_options[@]}" >>"$work/xen/.config"
    "${make[@]}" olddefconfig || return 1
    for option in "${hypervisor_options[@]}"; do
        grep -q "^$option=y" "$work/xen/.config" || { echo "this Xen has no $option" && return 1; }
    done
    "${make[@]}" -j "$(nproc)" build || return 1
    cp "$work/xen/.config" "$folder/config" && mv "$work/xen/xen" "$folder/xen" && rm -rf "$work"
}
