# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # read by the other parts of the lab; set by them, or by the caller
# SPDX-License-Identifier: BSD-2-Clause
#
# The lab on x86-64: QEMU's emulation of AMD's SVM, Debian's own Xen, guests with and without QEMU in dom0. Each arch-ARCH.sh says
# the same things. Sourced by scripts/lab behind contents.sh.

# As Debian, the kernel's makefiles, and GNU call it.
kernel_arch=x86
gnu_arch=x86_64-linux-gnu
kernel_flavour=amd64

image_packages+=(xen-system-amd64 qemu-system-xen seabios linux-image-amd64)
other_kernel_package=linux-image-amd64
guest_modules+=(crc32c-intel)
dom0_files+=(usr/libexec/xen-qemu-system-i386 usr/share/qemu usr/share/seabios/bios-256k.bin)
dom0_xen_programs+=(lsevtchn xen-hvmctx)

host_packages_images+=(grub-common grub-pc-bin)
host_packages_run+=(qemu-system-x86)
host_packages_tree+=(gcc libc6-dev libxen-dev libevent-dev libjson-c-dev liburing-dev libnbd-dev)
host_packages_tools+=(gcc libc6-dev libxen-dev)

# Guest programs of tests/ that are made of another architecture's instructions.
guest_programs_elsewhere=()

# The machine has one CPU unless told otherwise: with two, guests now and then end in a triple fault with a piece of the
# hypervisor's state in their registers (QEMU 7.2's emulation of SVM: 3 of 20 guests in one count, none of 26 with one CPU), and two
# that wait for each other are slow as soon as the computer has anything else to do.
qemu_cpus=${IOREQD_LAB_CPUS:-1}
qemu_memory=${IOREQD_LAB_MEMORY:-4096}
dom0_memory=${IOREQD_LAB_DOM0_MEMORY:-1536}

# Debian's Xen is all there is.
[ -z "${IOREQD_LAB_XEN:-}" ] || die_usage "IOREQD_LAB_XEN is for --arch arm64; on x86_64 there is this machine's Debian's Xen alone"

# arch_image_inputs LIST: prints what the images depend on beside the packages of LIST and what all architectures have in common.
arch_image_inputs() {
    declare -f arch_make_hypervisor arch_make_kernel unpack_at arch_finish_dom0 make_boot_code
}

# arch_make_hypervisor ROOT FILE: Xen as the machine wants it.
arch_make_hypervisor() {
    gzip -dc "$1"/boot/xen-*-amd64.gz >"$2"
}

# arch_make_kernel VMLINUZ FILE: the kernel as Xen's tools start guests from it fastest: the ELF file inside, which xz or zstd
# packed; a link to VMLINUZ where it is not.
arch_make_kernel() {
    # What follows the packed stream is not the unpacker's, which it complains of.
    unpack_at "$1" '\xfd7zXZ\x00' xz -dc --single-stream >"$2" || unpack_at "$1" '\x28\xb5\x2f\xfd' zstd -qdc >"$2" || true
    if [ "$(head -c 4 "$2" 2>/dev/null | tr -d '\177')" != ELF ]; then
        progress "the kernel cannot be unpacked: PVH guests start a few seconds slower"
        ln -sf "$(basename "$1")" "$2"
    fi
}

# unpack_at FILE MAGIC COMMAND...: what the command makes of the file from the first place on that has the magic bytes; false if none has.
unpack_at() {
    local offset
    offset=$(LC_ALL=C grep -obUaP -m 1 "$2" "$1" | head -n 1 | cut -d: -f1 || true)
    [ -n "$offset" ] || return 1
    tail -c "+$((offset + 1))" "$1" | "${@:3}" 2>/dev/null || true
}

# arch_finish_dom0 ROOT DOM0 XEN: what only this architecture's dom0 has, and what it does not need of the packages' folders.
arch_finish_dom0() {
    local root=$1 dom0=$2 xen=$3
    take "$root" "$dom0" "usr/lib/$xen/boot/hvmloader"
    find "$dom0/usr/share/qemu" -type f \( -name 'opensbi*' -o -name '*ppc*' -o -name '*sparc*' -o -name 'skiboot*' \
        -o -name 's390*' -o -name 'hppa*' -o -name '*.dtb' -o -name 'palcode*' -o -name 'slof*' -o -name 'vof*' \) -delete
    make_boot_code "$dom0/lab/grub"
}

# make_boot_code FOLDER: GRUB for a BIOS disk, without its tools: boot.img is the first sector's code, and core-*.img the sectors
# behind it. core-files.img reads /boot/grub/grub.cfg from the first partition; core-raw.img reads its configuration, 8 sectors
# filled with newlines, from sector 1024 of a disk without partitions.
make_boot_code() {
    local modules=(biosdisk part_msdos ext2 linux linux16 normal configfile serial terminal echo)
    mkdir -p "$1"
    cp /usr/lib/grub/i386-pc/boot.img "$1/boot.img"
    grub-mkimage -O i386-pc -o "$1/core-files.img" -p '(hd0,msdos1)/boot/grub' "${modules[@]}"
    echo 'normal (hd0)1024+8' >"$1/raw.cfg"
    grub-mkimage -O i386-pc -o "$1/core-raw.img" -p '(hd0)' -c "$1/raw.cfg" "${modules[@]}"
    rm "$1/raw.cfg"
}

# arch_toolchain: sets `compiler`, `tool_prefix` and `configure_words`: what the tree and the tests' programs are built with.
arch_toolchain() {
    compiler=(gcc) tool_prefix='' configure_words=()
}

# arch_linked_libraries PROGRAM...: prints the paths here of the libraries that these and libnbd are linked with. libnbd is loaded by
# ioreqd, and named in none.
arch_linked_libraries() {
    local nbd
    nbd=$(ldconfig -p | awk '$1 == "libnbd.so.0" { print $NF; exit }')
    {
        # ldd is run on programs of our own only; it fails on what is no program, as .la files.
        ldd "$@" 2>/dev/null || true
        [ -z "$nbd" ] || { echo "libnbd.so.0 => $nbd" && ldd "$nbd"; }
    } | awk '$2 == "=>" && $3 ~ /^\// { print $3 }'
}

# arch_machine_command XEN-WORDS DOM0-WORDS RESULTS: sets the array `machine`.
arch_machine_command() {
    # shellcheck disable=SC2054  # the commas are QEMU's
    machine=(
        qemu-system-x86_64 -name ioreqd-lab -nodefaults -no-user-config
        -machine pc -accel tcg,thread=multi -smp "$qemu_cpus" -m "$qemu_memory"
        -cpu qemu64,+svm,+npt,+pdpe1gb,+rdrand,+ssse3,+sse4.1,+sse4.2,+popcnt,+nrip-save
        -display none -vga none -net none -no-reboot
        -kernel "$images/xen" -append "console=com1 com1=115200,8n1 sched-gran=cpu $1"
        -initrd "$images/vmlinuz ${2//,/,,},$stage_dir/dom0.cpio"
        -virtfs "local,path=$3,mount_tag=results,security_model=none,multidevs=remap"
        -virtfs "local,path=$images,mount_tag=images,security_model=none,multidevs=remap,readonly=on"
    )
}

# arch_choose_cpus: sets `host_cpus`, unless given: this computer's that QEMU's threads are kept on, as taskset takes them. A
# machine with one CPU has all of them on one, the last that we may use. QEMU 7.2 clears a bit of the virtual CPU's pending
# interrupts when a guest exits (its VMEXIT), without a lock and by one instruction that is not atomic between CPUs. On two CPUs
# that loses, about once in a thousand seconds, an interrupt that another thread raises just then: Xen's timer never comes, and
# whichever guest runs then runs for ever. On one CPU a single instruction is atomic.
arch_choose_cpus() {
    local allowed
    allowed=$(taskset --pid --cpu-list $$ | sed 's/.*: //')
    [ -n "$host_cpus" ] || [ "$qemu_cpus" -gt 1 ] || host_cpus=${allowed##*[-,]}
}
