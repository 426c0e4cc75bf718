# shellcheck shell=bash
# shellcheck disable=SC2154  # set by scripts/lab, settings.sh and contents.sh, or by the caller
# SPDX-License-Identifier: BSD-2-Clause
#
# The lab's images: Xen, a kernel, dom0's and the guests' initramfs without anything of the tree. Made from Debian packages alone, and
# cached under a hash of what they are made from.

# images_current: sets `images` to the folder of the images for the present inputs, and `images_list` to the list of their packages; true
# if they are complete.
images_current() {
    local list=$cache_dir/$variant/packages.list key
    mkdir -p "$cache_dir/$variant"
    resolve_packages "${image_packages[@]}" >"$list.new"
    mv "$list.new" "$list"
    resolve_packages "${tool_packages[@]}" >"$list.tools"
    resolve_packages "${systemd_packages[@]}" >"$list.systemd"
    (
        # shellcheck disable=SC2034 # for scripts/lib/debs.sh
        debs_release=$other_kernel_release
        # Of a kernel nothing else is needed.
        resolve_packages "$other_kernel_package" | grep '^linux-image-[0-9]' >"$list.other"
    )
    key=$({
        cat "$list" "$list.tools" "$list.systemd" "$list.other" "$top"/scripts/lab.d/{pieces,images}.sh "$top/scripts/lib/debs.sh"
        declare -p dom0_files dom0_xen_programs dom0_modules guest_modules
        arch_image_inputs "$list"
    } | sha256sum | cut -c1-16)
    images_list=$list images=$cache_dir/$variant/$key
    [ -e "$images/complete" ]
}

# ensure_images: sets `images`, and makes them if they are not there.
ensure_images() {
    local began=$SECONDS
    need_packages "${host_packages_images[@]}"
    mkdir -p "$cache_dir/$variant"
    exec 8>"$cache_dir/$variant/lock"
    flock 8
    if images_current; then
        progress "images are up to date: $images"
    else
        progress "making images: $images"
        make_images
        progress "images are made ($((SECONDS - began)) s)"
    fi
    touch "$images/complete"
    drop_old_images
    flock -u 8
}

drop_old_images() {
    local old
    find "$cache_dir/$variant" -mindepth 1 -maxdepth 1 -type d -printf '%T@ %p\n' | sort -rn | cut -d' ' -f2- |
        tail -n "+$((images_kept + 1))" | while read -r old; do
        [ "$old" = "$images" ] || rm -rf "$old"
    done
}

make_images() {
    local list=$images_list work=$images.work kernel
    rm -rf "$work" "$images"
    mkdir -p "$work/root" "$work/images"
    fetch_packages "$list" || die "the lists of packages were out of date and are fetched again: run this once more"
    timed "unpacking $(wc -l <"$list") packages" unpack_packages "$list" "$work/root"

    kernel=$(basename "$(find "$work/root/usr/lib/modules" -mindepth 1 -maxdepth 1 -type d | head -n 1)")
    depmod -b "$work/root" "$kernel"
    cp "$work/root/boot/vmlinuz-$kernel" "$work/images/vmlinuz"
    arch_make_hypervisor "$work/root" "$work/images/xen"

    timed "making dom0's initramfs" make_dom0_image "$work" "$kernel"
    timed "making the guests' initramfs" make_guest_image "$work" "$work/root" "$kernel"
    timed "making the guests' initramfs for another kernel" make_other_kernel "$work" "$list.other"
    timed "making the disk of tools" make_tools "$work" "$list.tools"
    timed "making the disk with systemd" make_systemd "$work" "$list.systemd"
    (cd "$work/dom0" && find . -mindepth 1 -printf '%P\n') | sort >"$work/images/dom0.list"
    cp "$list" "$work/images/packages.list"
    mv "$work/images" "$images"
    rm -rf "$work"
}

# make_dom0_image WORK KERNEL: images/dom0.cpio from root/.
make_dom0_image() {
    local root=$1/root dom0=$1/dom0 kernel=$2 path xen
    xen=$(basename "$(find "$root/usr/lib" -maxdepth 1 -name 'xen-[0-9]*' | head -n 1)")
    mkdir -p "$dom0"/{dev,proc,sys,run,tmp,root,results,etc/xen,usr/bin,usr/sbin,usr/lib,usr/lib64} \
        "$dom0"/var/{log/xen,lib/xen,lib/xenstored,tmp}
    for path in bin sbin lib lib64; do ln -s "usr/$path" "$dom0/$path"; done
    ln -s /run "$dom0/var/run"
    ln -s /run/lock "$dom0/var/lock"
    ln -s "$xen" "$dom0/usr/lib/xen"

    take "$root" "$dom0" "${dom0_files[@]}"
    ln -s busybox "$dom0/usr/bin/sh"
    for path in "${dom0_xen_programs[@]}"; do take "$root" "$dom0" "usr/lib/$xen/bin/$path"; done
    for path in "$root"/usr/bin/xenstore-*; do take "$root" "$dom0" "usr/bin/$(basename "$path")"; done
    # glibc opens it by name when a thread is cancelled.
    take "$root" "$dom0" "usr/lib/$(basename "$(dirname "$(find "$root/usr/lib" -name libgcc_s.so.1)")")/libgcc_s.so.1"
    mkdir -p "$dom0/lab"
    arch_finish_dom0 "$root" "$dom0" "$xen"
    take_libraries "$root" "$dom0"
    take_modules "$root" "$dom0" "$kernel" "${dom0_modules[@]}"

    printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$dom0/etc/passwd"
    printf 'root:x:0:\nnogroup:x:65534:\n' >"$dom0/etc/group"
    cp "$1/images/vmlinuz" "$dom0/lab/vmlinuz"
    arch_make_kernel "$dom0/lab/vmlinuz" "$dom0/lab/vmlinux"
    pack "$dom0" "$1/images/dom0.cpio"
}

# make_guest_image WORK MODULES KERNEL [SUFFIX]: images/guestSUFFIX.cpio.zst from root/, with the modules of another root.
make_guest_image() {
    local root=$1/root modules=$2 kernel=$3 suffix=${4:-} guest path
    guest=$1/guest$suffix
    mkdir -p "$guest"/{dev,proc,sys,run,tmp,root,mnt,etc,usr/bin,usr/sbin,usr/lib,usr/lib64}
    for path in bin sbin lib lib64; do ln -s "usr/$path" "$guest/$path"; done
    take "$root" "$guest" usr/bin/busybox usr/bin/lspci usr/bin/setpci usr/sbin/{mke2fs,mkfs.ext4} etc/mke2fs.conf
    take_libraries "$root" "$guest"
    take_modules "$modules" "$guest" "$kernel" "${guest_modules[@]}"
    # A boot loader in an emulated guest reads this, so every megabyte counts.
    find "$guest/usr/lib/modules" -name '*.ko' -exec "$gnu_arch-strip" --strip-debug {} +
    pack "$guest" "$1/images/guest$suffix.cpio"
    zstd -q -15 --rm "$1/images/guest$suffix.cpio" -o "$1/images/guest$suffix.cpio.zst"
    # The kernel takes the next archive at a multiple of 4 bytes.
    truncate -s %4 "$1/images/guest$suffix.cpio.zst"
}

# make_other_kernel WORK LIST: images/vmlinuz-other, vmlinux-other and guest-other.cpio.zst, from the kernel's package in LIST.
make_other_kernel() {
    local work=$1 list=$2 kernel
    (
        # shellcheck disable=SC2034 # for scripts/lib/debs.sh
        debs_release=$other_kernel_release
        fetch_packages "$list" || die "the lists of packages were out of date and are fetched again: run this once more"
        unpack_packages "$list" "$work/other"
    )
    kernel=$(basename "$(find "$work/other/usr/lib/modules" -mindepth 1 -maxdepth 1 -type d | head -n 1)")
    depmod -b "$work/other" "$kernel"
    cp "$work/other/boot/vmlinuz-$kernel" "$work/images/vmlinuz-other"
    arch_make_kernel "$work/images/vmlinuz-other" "$work/images/vmlinux-other"
    make_guest_image "$work" "$work/other" "$kernel" -other
}

# make_tools WORK LIST: images/tools.img, a file system with the packages of LIST as they are, without what scenarios never use.
make_tools() {
    local work=$1 list=$2
    fetch_packages "$list" || die "the lists of packages were out of date and are fetched again: run this once more"
    unpack_packages "$list" "$work/tools"
    find "$work/tools/usr/lib" -type d \( -name python3\* -o -name systemd -o -name perl\* -o -name gconv \) -prune -exec rm -rf {} +
    rm -rf "$work"/tools/{etc,var} "$work"/tools/usr/share/{doc,perl,perl5,zoneinfo,i18n,bash-completion}
    make_disk "$work/tools" "$work/images/tools.img"
}

# make_systemd WORK LIST: images/systemd.img, the same of the packages of systemd, without what it would start by itself: nothing in dom0 is
# its to set up.
make_systemd() {
    local work=$1 list=$2
    fetch_packages "$list" || die "the lists of packages were out of date and are fetched again: run this once more"
    unpack_packages "$list" "$work/systemd"
    rm -rf "$work"/systemd/usr/lib/systemd/{system,user,user-environment}-generators \
        "$work"/systemd/usr/{lib/udev,share/{doc,i18n,zoneinfo,bash-completion,zsh},lib/*/{gconv,perl*}} "$work"/systemd/var
    find "$work/systemd/usr/lib/systemd/system" -path '*.wants/*' ! -name 'systemd-journald*' -delete
    make_disk "$work/systemd" "$work/images/systemd.img"
}

# make_disk FOLDER FILE: a file system with what is in the folder.
make_disk() {
    local size
    size=$(($(du -sm "$1" | cut -f1) * 5 / 4 + 16))M
    mke2fs -q -t ext4 -O ^has_journal,^metadata_csum,^metadata_csum_seed,^orphan_file -d "$1" "$2" "$size" >/dev/null 2>&1 ||
        mke2fs -q -t ext4 -O ^has_journal,^metadata_csum -d "$1" "$2" "$size"
}
