# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # read by the other parts of the lab; set by them, or by the caller
# SPDX-License-Identifier: BSD-2-Clause
#
# The lab on arm64: QEMU's machine `virt` with EL2, Debian's packages for arm64, and Xen built from Debian's source package, as
# Debian's own has no IOREQ servers on Arm. What runs in the machine is cross-built here. arch-x86_64.sh says the same things.
# Sourced by scripts/lab behind contents.sh.

# As Debian, the kernel's makefiles, and GNU call it.
debs_arch=arm64
kernel_arch=arm64
gnu_arch=aarch64-linux-gnu
kernel_flavour=arm64

# Which Debian Xen, dom0 and guests are of: this machine's, with 12 Xen 4.17, or 13's with Xen 4.20.
case ${IOREQD_LAB_XEN:-} in
'') ;;
13)
    debs_release=trixie
    variant=arm64-13
    ;;
*) die_usage "IOREQD_LAB_XEN=$IOREQD_LAB_XEN: it is 13, for Debian 13's Xen, or not set, for that of this machine's Debian" ;;
esac

# dom0 needs the kernel with everything: that for clouds has no 9p.
image_packages+=(xen-system-arm64 linux-image-arm64 device-tree-compiler)
other_kernel_package=linux-image-cloud-arm64
# The machine's own devices are virtio-mmio's.
dom0_modules+=(virtio_mmio)
dom0_files+=(usr/bin/dtc)

host_packages_images+=(gcc-aarch64-linux-gnu make gcc libc6-dev bison flex)
host_packages_run+=(qemu-system-arm)
host_packages_tree+=(gcc-aarch64-linux-gnu)
host_packages_tools+=(gcc-aarch64-linux-gnu)

# Guest programs of tests/ that are made of another architecture's instructions.
guest_programs_elsewhere=(mmio-latency odd-access)

qemu_cpus=${IOREQD_LAB_CPUS:-auto}
qemu_memory=${IOREQD_LAB_MEMORY:-3072}
dom0_memory=${IOREQD_LAB_DOM0_MEMORY:-1024}

# hypervisor_version LIST: prints the version of the package with Debian's own hypervisor.
hypervisor_version() {
    sed -n 's/^xen-hypervisor-[0-9][^_]*_\(.*\)_arm64\.deb$/\1/p' "$1"
}

# arch_image_inputs LIST: prints what the images depend on beside the packages of LIST and what all architectures have in common.
arch_image_inputs() {
    declare -f arch_make_hypervisor arch_make_kernel arch_finish_dom0
    hypervisor_key "$(hypervisor_version "$1")"
}

# arch_make_hypervisor ROOT FILE: Xen as the machine wants it.
arch_make_hypervisor() {
    ensure_hypervisor "$(hypervisor_version "$images_list")"
    cp "$hypervisor" "$2"
}

# arch_make_kernel VMLINUZ FILE: the kernel as Xen's tools start guests from it fastest: as it is, an image that nobody packed.
arch_make_kernel() {
    ln -sf "$(basename "$1")" "$2"
}

# arch_finish_dom0 ROOT DOM0 XEN: what only this architecture's dom0 has.
arch_finish_dom0() {
    :
}

# arch_toolchain: sets `compiler`, `tool_prefix` and `configure_words`: what the tree and the tests' programs are built with. Also
# `sysroot`.
arch_toolchain() {
    ensure_sysroot "$debs_arch"
    tool_prefix=$gnu_arch-
    compiler=("${tool_prefix}gcc" "--sysroot=$sysroot")
    configure_words=(
        "--host=$gnu_arch" "CC=${compiler[*]}" PKG_CONFIG=pkg-config "PKG_CONFIG_SYSROOT_DIR=$sysroot"
        "PKG_CONFIG_LIBDIR=$sysroot/usr/lib/$gnu_arch/pkgconfig"
    )
}

# arch_linked_libraries PROGRAM...: prints the paths, in the sysroot, of the libraries that these and libnbd are linked with. libnbd is
# loaded by ioreqd, and named in none.
arch_linked_libraries() {
    local queue=("$@") file soname folder=$sysroot/usr/lib/$gnu_arch
    local -A seen=()
    queue+=("$folder/libnbd.so.0")
    echo "$folder/libnbd.so.0"
    while [ "${#queue[@]}" -gt 0 ]; do
        file=${queue[-1]}
        unset 'queue[-1]'
        while read -r soname; do
            if [ -n "${seen[$soname]:-}" ] || [ ! -e "$folder/$soname" ]; then continue; fi
            seen[$soname]=1
            echo "$folder/$soname"
            queue+=("$folder/$soname")
        done < <(needed_libraries "$file")
    done
}

# arch_machine_command XEN-WORDS DOM0-WORDS RESULTS: sets the array `machine`. The guest-loader devices put dom0's kernel and initramfs
# into memory and tell Xen of them in the device tree. The folders' devices are virtio-mmio's: dom0 has interrupts
# for those without the GIC's ITS, which Xen would have to give it.
arch_machine_command() {
    local folder="security_model=none,multidevs=remap"
    # shellcheck disable=SC2054  # the commas are QEMU's
    machine=(
        qemu-system-aarch64 -name ioreqd-lab -nodefaults -no-user-config
        -machine "virt,virtualization=on,gic-version=3" -cpu cortex-a57 -accel tcg,thread=multi
        -smp "$qemu_cpus" -m "$qemu_memory" -display none -net none -no-reboot
        -global virtio-mmio.force-legacy=false
        -kernel "$images/xen" -append "console=dtuart $1"
        -device "guest-loader,addr=0x4a000000,kernel=$images/vmlinuz,bootargs=${2//,/,,}"
        -device "guest-loader,addr=0x50000000,initrd=$stage_dir/dom0.cpio"
        -fsdev "local,id=results,path=$3,$folder" -device virtio-9p-device,fsdev=results,mount_tag=results
        -fsdev "local,id=images,path=$images,readonly=on,$folder" -device virtio-9p-device,fsdev=images,mount_tag=images
    )
}

# arch_choose_cpus: sets `qemu_cpus`, unless given. Two, as the reasons for one on x86 are of SVM's emulation; but one where QEMU has
# but one of this computer's: two that wait for each other there take guests three times as long to start.
arch_choose_cpus() {
    local available
    [ "$qemu_cpus" = auto ] || return 0
    if [ -n "$host_cpus" ]; then available=$(taskset --cpu-list "$host_cpus" nproc); else available=$(nproc); fi
    qemu_cpus=$((available > 1 ? 2 : 1))
}
