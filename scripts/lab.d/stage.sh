# shellcheck shell=bash
# shellcheck disable=SC2154  # set by scripts/lab, settings.sh and contents.sh, or by the caller
# SPDX-License-Identifier: BSD-2-Clause
#
# What a run adds to the images: the tree as `make install` gives it, the programs of tests/guest/ and tests/lab/tools/, the
# scenarios and their library. It is made anew for each run, so a change in the tree never touches the images.

# make_stage RESULTS FILE...: leaves stage_dir/dom0.cpio, the image with all of this behind it, and with the kernel modules that the
# scenarios FILE ask for. Logs go to RESULTS.
make_stage() {
    local results=$1
    shift
    mkdir -p "$stage_dir"/{dom0,guest}
    need_packages "${host_packages_tools[@]}"
    arch_toolchain

    if [ -n "${IOREQD_LAB_NO_TREE:-}" ]; then
        progress "IOREQD_LAB_NO_TREE is set: the tree is left out"
    else
        need_packages "${host_packages_tree[@]}"
        build_tree "$results"
    fi

    compile_guest_programs "$results"
    compile_drivers "$results" "$@"
    install -D -m 755 "$top/tests/lab/guest/init" "$stage_dir/guest/init"
    install -D -m 755 "$top/tests/lab/guest/tool" "$stage_dir/guest/usr/bin/tool"
    install -D -m 755 "$top/tests/lab/guest/tool" "$stage_dir/dom0/usr/bin/tool"
    pack "$stage_dir/guest" "$stage_dir/guest.cpio"

    compile_dom0_tools "$results"
    install -m 755 "$top/tests/lab/dom0/init" "$stage_dir/dom0/init"
    mkdir -p "$stage_dir/dom0/lab/parts"
    cp "$top"/tests/lab/parts/*.sh "$stage_dir/dom0/lab/parts/"
    cp -r "$top/tests/lab/lspci" "$stage_dir/dom0/lab/"
    cp "$top/tests/lab/arch/$arch.sh" "$stage_dir/dom0/lab/arch.sh"
    cp "$top/tests/lab/lib.sh" "$top/tests/lab/dom0/run-plan" "$top/tests/lab/dom0/profile" \
        "$top/tests/lab/dom0/shell-profile" "$stage_dir/dom0/lab/"
    # The kernel takes archives one after the other; a later file replaces an earlier one.
    cat "$images/guest.cpio.zst" "$stage_dir/guest.cpio" >"$stage_dir/dom0/lab/initrd"
    if grep -q 'kernel=13' "$@"; then
        cat "$images/guest-other.cpio.zst" "$stage_dir/guest.cpio" >"$stage_dir/dom0/lab/initrd-13"
    fi
    add_linked_libraries
    pack "$stage_dir/dom0" "$stage_dir/overlay.cpio"
    cat "$images/dom0.cpio" "$stage_dir/overlay.cpio" >"$stage_dir/dom0.cpio"
    rm -rf "$stage_dir"/{dom0,guest,overlay.cpio,guest.cpio}
}

# drop_stage: at the end of the run.
drop_stage() {
    rm -rf "$stage_dir"
}

# build_tree RESULTS: configure and make out of the source tree, and make install into the stage.
build_tree() {
    local results=$1 build_dir=$top/build/lab
    [ "$variant" = x86_64 ] || build_dir+=-$variant
    mkdir -p "$build_dir"
    exec 7>"$build_dir.lock"
    flock --nonblock 7 || timed "waiting for another build in $build_dir" flock 7
    if [ ! -x "$top/configure" ]; then
        timed "making configure" logged "$results/autoreconf.log" autoreconf -fi "$top" || die "autoreconf failed (see above)"
    fi
    # Another compiler or sysroot than last time means another build.
    if [ ! -e "$build_dir/Makefile" ] || [ "$(cat "$build_dir/lab-words" 2>/dev/null)" != "${configure_words[*]}" ]; then
        find "$build_dir" -mindepth 1 -delete
        timed "configuring the tree in $build_dir" logged "$results/configure.log" in_folder "$build_dir" \
            "$top/configure" --prefix=/usr --sysconfdir=/etc --localstatedir=/var --runstatedir=/run \
            --with-systemdsystemunitdir=/usr/lib/systemd/system CFLAGS='-O2 -g' \
            "${configure_words[@]}" || die "configure failed (see above)"
        printf '%s\n' "${configure_words[*]}" >"$build_dir/lab-words"
    fi
    timed "building the tree" logged "$results/make.log" make -C "$build_dir" -j "$(nproc)" || die "make failed (see above)"
    logged "$results/make-install.log" make -C "$build_dir" install DESTDIR="$stage_dir/dom0" ||
        die "make install failed (see above)"
    # Models for tests alone are never installed: scenarios name them by their path.
    logged "$results/make-test-models.log" make -C "$build_dir" tests/modules/every-bar.la || die "a test model cannot be built (see above)"
    install -D -m 755 "$build_dir/tests/modules/.libs/every-bar.so" "$stage_dir/dom0/usr/lib/ioreqd/tests/every-bar.so"
    exec 7>&-
    rm -rf "$stage_dir/dom0/usr/share/man" "$stage_dir/dom0/usr/share/doc" "$stage_dir/dom0/usr/include"
}

in_folder() {
    local folder=$1
    shift
    (cd "$folder" && "$@")
}

# compile_guest_programs RESULTS: tests/guest/NAME.c and tests/lab/guest/NAME.c -> /bin/NAME in the guests, static. Those of
# tests/lab/guest/ are in dom0 as well. One that does not compile is left out;
# the scenario that wants it then fails and says so.
compile_guest_programs() {
    local source name
    mkdir -p "$stage_dir/guest/usr/bin"
    for source in "$top"/tests/guest/*.c "$top"/tests/lab/guest/*.c; do
        [ -e "$source" ] || continue
        name=$(basename "$source" .c)
        [[ " ${guest_programs_elsewhere[*]} " != *" $name "* ]] || continue
        logged "$1/compile-$name.log" "${compiler[@]}" -std=gnu11 -static -O2 -Wall -I "$top/include" \
            -o "$stage_dir/guest/usr/bin/$name" "$source" || progress "guest program $name is left out"
    done
}

# compile_dom0_tools RESULTS: tests/lab/tools/NAME.c -> /usr/bin/NAME in dom0.
compile_dom0_tools() {
    local source name
    mkdir -p "$stage_dir/dom0/usr/bin"
    for source in "$top"/tests/lab/guest/*.c; do
        name=$(basename "$source" .c)
        cp "$stage_dir/guest/usr/bin/$name" "$stage_dir/dom0/usr/bin/" || die "tests/lab/guest/$name.c does not compile (see above)"
    done
    for source in "$top"/tests/lab/tools/*.c; do
        [ -e "$source" ] || continue
        name=$(basename "$source" .c)
        logged "$1/compile-$name.log" "${compiler[@]}" -std=gnu11 -O2 -Wall -o "$stage_dir/dom0/usr/bin/$name" "$source" \
            -lxendevicemodel -lxenforeignmemory -lxenevtchn -lxenctrl -lxenstore -lxentoollog -lxentoolcore ||
            die "tests/lab/tools/$name.c does not compile (see above)"
    done
}

# add_linked_libraries: what the staged programs were linked with here and the image does not have.
add_linked_libraries() {
    local library programs
    mapfile -t programs < <(find "$stage_dir/dom0/usr" -type f \( -perm -u+x -o -name '*.so*' \))
    arch_linked_libraries "${programs[@]}" | sort -u | while read -r library; do
        if ! grep -q "/$(basename "$library")\$" "$images/dom0.list" && [ ! -e "$stage_dir/dom0$library" ]; then
            install -D -m 755 "$library" "$stage_dir/dom0/usr/lib/$(basename "$(dirname "$library")")/$(basename "$library")"
        fi
    done
}

# stage_scenarios RESULTS FILE...: puts the scenarios where dom0 finds them.
stage_scenarios() {
    local results=$1 file
    shift
    mkdir -p "$results/scenarios"
    for file in "$@"; do
        cp "$file" "$results/scenarios/"
    done
}
