# shellcheck shell=bash
# shellcheck disable=SC2154  # set by scripts/lab, settings.sh and images.sh, or by the caller
# SPDX-License-Identifier: BSD-2-Clause
#
# Kernel modules of our own for the guests: tests/lab/driver/NAME.c -> /lib/lab/NAME.ko, built with the headers of the very kernel
# that the images have. Only those that a scenario of the run asks for with a line `# driver: NAME`, as the headers are
# 14 MB to fetch at first. Headers and modules are kept in the cache, the latter under a hash of what they are made from.

# wanted_drivers FILE...: the names that these scenarios ask for. (-s: lines are counted in each.)
wanted_drivers() {
    sed -s -n '1,30s/^# driver: *\([A-Za-z0-9_]*\).*/\1/p' "$@" | sort -u
}

# compile_drivers RESULTS FILE...: puts what the scenarios FILE ask for into the guests' stage. A module that cannot be built is left
# out: the scenario that loads it then fails, and the log in RESULTS says why.
compile_drivers() {
    local results=$1 name
    shift
    while read -r name; do
        # In a shell of its own, as it may end with die.
        if ! (compile_driver "$results" "$name"); then
            progress "kernel module $name is left out: the scenarios that load it will fail"
        fi
    done < <(wanted_drivers "$@")
}

# compile_driver RESULTS NAME
compile_driver() {
    local results=$1 name=$2 source=$top/tests/lab/driver/$2.c headers image key module work
    # errexit is off here, see logged.
    [ -f "$source" ] || die "a scenario asks for the driver $name, but there is no $source"
    image=$(grep -E '^linux-image-[0-9][^_]*_' "$images/packages.list" | head -n 1)
    [ -n "$image" ] || die "the images have no kernel of a package linux-image-VERSION, so it is unknown what to build $name for"
    key=$({ echo "$image" && "$gnu_arch-gcc" --version && cat "$source" "$top/scripts/lab.d/driver.sh"; } | sha256sum | cut -c1-16)
    module=$cache_dir/drivers/$key/$name.ko
    mkdir -p "$cache_dir/drivers"
    exec 6>"$cache_dir/drivers/lock"
    flock 6
    if [ ! -e "$module" ]; then
        headers=$cache_dir/headers/${image%.deb}
        ensure_headers "$image" "$headers"
        work=$cache_dir/drivers/$key
        rm -rf "$work"
        mkdir -p "$work"
        cp "$source" "$work/"
        echo "obj-m := $name.o" >"$work/Kbuild"
        # The headers name their own release's compiler; that which is here will do, if it is not older.
        timed "building the kernel module $name" logged "$results/compile-$name.log" \
            make -C "$(find "$headers/usr/src" -maxdepth 1 -name "linux-headers-*-$kernel_flavour")" \
            M="$work" "ARCH=$kernel_arch" "CROSS_COMPILE=$gnu_arch-" "CC=$gnu_arch-gcc" CONFIG_DEBUG_INFO_BTF_MODULES= modules || die "tests/lab/driver/$name.c does not compile (see above)"
    fi
    touch "$cache_dir/drivers/$key"
    drop_old_drivers
    install -D -m 644 "$module" "$stage_dir/guest/usr/lib/lab/$name.ko" || die "$module cannot be copied"
    "$gnu_arch-strip" --strip-debug "$stage_dir/guest/usr/lib/lab/$name.ko"
    flock -u 6
}

# drop_old_drivers: keeps the few that checkouts of the tree switch between, and the headers of two kernels.
drop_old_drivers() {
    local folder kept
    for folder in drivers:10 headers:2; do
        kept=${folder#*:}
        folder=$cache_dir/${folder%:*}
        [ -d "$folder" ] || continue
        find "$folder" -mindepth 1 -maxdepth 1 -type d -printf '%T@ %p\n' | sort -rn | cut -d' ' -f2- |
            tail -n "+$((kept + 1))" | while read -r folder; do rm -rf "$folder"; done
    done
}

# ensure_headers IMAGE FOLDER: what is needed to build modules for the kernel of the package file IMAGE, unpacked in FOLDER. The
# packages also depend on the compiler of their release, which is why apt does not choose them.
ensure_headers() {
    local image=$1 folder=$2 version release files=() file name kbuild='' libelf
    [ ! -e "$folder/complete" ] || return 0
    version=${image#*_}
    release=${image%%_*}
    release=${release#linux-image-}
    files=("linux-headers-${release}_$version")
    fetch_headers "${files[0]}"
    # linux-kbuild's name differs from one Debian to the next.
    while read -r name; do
        case $name in
        *-common*) files+=("${name}_${version%_*}_all.deb") ;;
        *) kbuild=${name}_${version%_*}_$(dpkg --print-architecture).deb ;;
        esac
    done < <(dpkg-deb -f "$cache_dir/debs/${files[0]}" Depends | tr ',|' '\n\n' | sed 's/^ *//; s/ .*//' |
        grep -E '^linux-(headers-.*-common|kbuild-)' | sort -u)
    if [ "${#files[@]}" -ne 2 ] || [ -z "$kbuild" ]; then
        die "${files[0]} should depend on linux-headers-*-common and linux-kbuild-*, but has: ${files[*]:1} $kbuild"
    fi
    fetch_headers "${files[1]}"
    # Programs, which are run here: of this machine's architecture, whatever the modules are of.
    (
        # shellcheck disable=SC2034 # for scripts/lib/debs.sh
        debs_arch=''
        fetch_headers "$kbuild"
    )
    files+=("$kbuild")

    # linux-kbuild's objtool, which every module goes through, is linked with it.
    for file in "${files[@]}"; do
        libelf=$(dpkg-deb -f "$cache_dir/debs/$file" Depends | grep -oE 'libelf1[a-z0-9]*' | head -n 1)
        [ -z "$libelf" ] || need_packages make "$libelf"
    done

    progress "unpacking the headers of Linux $release"
    rm -rf "$folder"
    mkdir -p "$folder"
    printf '%s\n' "${files[@]}" >"$folder/packages.list"
    unpack_packages "$folder/packages.list" "$folder"
    # The only absolute paths: links between the packages are relative.
    sed -i "s|/usr/src/|$folder/usr/src/|g" "$folder/usr/src/linux-headers-$release/Makefile" ||
        die "$folder has no usr/src/linux-headers-$release/Makefile; its package may have changed"
    touch "$folder/complete"
}

# fetch_headers FILE...: these packages into the cache.
fetch_headers() {
    local list
    list=$(mktemp)
    printf '%s\n' "$@" >"$list"
    # Once more with new lists; after that the archive has replaced the kernel.
    fetch_packages "$list" || fetch_packages "$list" ||
        die "the archive no longer has $*, which the kernel of the images needs for modules: run scripts/lab build, and this again"
    rm -f "$list"
}
