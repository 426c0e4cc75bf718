# shellcheck shell=bash
# shellcheck disable=SC2154  # set by scripts/lab, settings.sh and contents.sh, or by the caller
# SPDX-License-Identifier: BSD-2-Clause
#
# Takes pieces out of a folder of unpacked packages into the root folder of an image: files, programs with the libraries
# they need, and kernel modules with those they depend on.

# take FROM TO PATH...: copies files, links and folders at their place (a link's target is taken too).
take() {
    local from=$1 to=$2 path target
    shift 2
    for path in "$@"; do
        [ -e "$from/$path" ] || [ -L "$from/$path" ] || die "the packages have no $path; its package may have changed"
        mkdir -p "$to/$(dirname "$path")"
        cp -a "$from/$path" "$to/$path"
        if [ -L "$from/$path" ]; then
            target=$(realpath -m --relative-to="$from" "$from/$(dirname "$path")/$(readlink "$from/$path")")
            case $(readlink "$from/$path") in /*) target=$(readlink "$from/$path") target=${target#/} ;; esac
            [ -e "$to/$target" ] || take "$from" "$to" "$target"
        fi
    done
}

# needed_libraries FILE: the sonames in its dynamic section.
needed_libraries() {
    readelf -d "$1" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}

# take_libraries FROM TO: adds every library that the programs already in TO need, until none is missing, and the loader.
take_libraries() {
    local from=$1 to=$2 file soname found multiarch
    # The loader's folder differs from one architecture to the next.
    for file in "$from"/usr/lib{,64}/ld-linux*; do
        [ ! -e "$file" ] || take "$from" "$to" "${file#"$from/"}"
    done
    local -A seen=()
    local -a queue
    multiarch=$(basename "$(dirname "$(find "$from/usr/lib" -mindepth 2 -maxdepth 2 -name 'libc.so.6' | head -n 1)")")
    mapfile -t queue < <(find "$to/usr" -type f \( -perm -u+x -o -name '*.so*' \))
    while [ "${#queue[@]}" -gt 0 ]; do
        file=${queue[-1]}
        unset 'queue[-1]'
        while read -r soname; do
            [ -n "${seen[$soname]:-}" ] && continue
            seen[$soname]=1
            found=usr/lib/$multiarch/$soname
            [ -e "$from/$found" ] || found=usr/lib64/$soname
            [ -e "$from/$found" ] || die "$soname, which ${file#"$to"} needs, is in none of the packages"
            [ -e "$to/$found" ] || take "$from" "$to" "$found"
            queue+=("$to/$(realpath --relative-to="$from" "$from/$found")")
        done < <(needed_libraries "$file")
    done
}

# take_modules FROM TO VERSION NAME...: kernel modules with their dependencies, uncompressed, and modules.dep for them.
# FROM must have a modules.dep (depmod).
take_modules() {
    local from=$1 to=$2 version=$3 name path
    shift 3
    local tree=lib/modules/$version
    mkdir -p "$to/usr/$tree"
    for name in "$@"; do
        modprobe --dirname "$from" --set-version "$version" --show-depends --ignore-install --quiet "$name" || true
    done | awk '$1 == "insmod" { print $2 }' | sort -u | while read -r path; do
        path=$(realpath --relative-to="$from/$tree" "$path")
        mkdir -p "$to/usr/$tree/$(dirname "$path")"
        case $path in
        *.xz) xz -dc "$from/$tree/$path" >"$to/usr/$tree/${path%.xz}" ;;
        *.zst) zstd -qdc "$from/$tree/$path" >"$to/usr/$tree/${path%.zst}" ;;
        *) cp "$from/$tree/$path" "$to/usr/$tree/$path" ;;
        esac
    done
    cp "$from/$tree"/modules.{builtin,builtin.modinfo,order} "$to/usr/$tree/"
    depmod -b "$to" "$version"
    # Only depmod reads these.
    rm -f "$to/usr/$tree"/modules.{builtin.modinfo,order,alias.bin,symbols,symbols.bin,dep.bin,builtin.bin,builtin.alias.bin,devname,softdep}
}

# pack FOLDER FILE: the folder as a newc cpio archive owned by root, as the kernel wants its initramfs.
pack() {
    (cd "$1" && find . -mindepth 1 -print0 | LC_ALL=C sort -z | cpio --null -o -H newc -R 0:0 --quiet) >"$2.new"
    mv "$2.new" "$2"
}
