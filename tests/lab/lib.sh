# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause
#
# What a scenario of the lab may use. Runs in dom0 under busybox's sh, which sources it before the scenario, with `set -eu` in force: a
# command that fails ends the scenario, as does fail or a check that does not hold. README.md describes each function for the
# people who write scenarios. SCENARIO and RESULTS are set by the lab.

set -eu

# shellcheck source=/dev/null
. /lab/profile
# Sets ARCH, and knows what differs from one architecture to the next.
# shellcheck source=/dev/null
. /lab/arch.sh

# Files of this scenario in dom0's memory; gone when it ends.
WORK=/run/lab/work
# Both outputs of the command that expect_status ran last.
OUTPUT=$WORK/output

# ---------------------------------------------------------------------------------------------------------------------
# Telling, checking, measuring

# uptime_ms: prints the milliseconds since dom0's start (in steps of 10).
uptime_ms() {
    read -r uptime_now _ </proc/uptime
    uptime_now=${uptime_now%.*}${uptime_now#*.}0
    echo "${uptime_now#0}"
}

# seconds_of MILLISECONDS: prints them as seconds, 1234 as 1.23.
seconds_of() {
    printf '%d.%02d\n' "$(($1 / 1000))" "$(($1 % 1000 / 10))"
}

# step TEXT...: says what comes next. It is named when the scenario fails or hangs.
step() {
    printf '%s\n' "$*" >"$RESULTS/step"
    echo "[$(seconds_of "$(uptime_ms)")] $*"
}

# note TEXT...: a result for people, shown by the lab beside the scenario's outcome.
note() {
    echo "note: $*"
}

# fail TEXT...: ends the scenario as failed.
fail() {
    echo "FAILED: $*" >&2
    # What failed first, perhaps in a subshell whose end the caller did not notice, is the reason.
    [ -s "$RESULTS/why" ] || { echo "$*"; echo "in the step: $(cat "$RESULTS/step")"; } >"$RESULTS/why"
    exit 1
}

# check DESCRIPTION COMMAND...: the command succeeds, or the scenario fails with the description.
check() {
    check_what=$1
    shift
    if "$@"; then
        echo "  ok: $check_what"
    else
        fail "$check_what: does not hold (\"$*\" failed)"
    fi
}

# expect_status STATUS COMMAND...: the command ends with this status. Its output, both streams, goes to $OUTPUT and to the log.
expect_status() {
    expect_wanted=$1
    shift
    expect_got=0
    "$@" >"$OUTPUT" 2>&1 </dev/null || expect_got=$?
    show_output
    [ "$expect_got" -eq "$expect_wanted" ] ||
        fail "\"$*\" ended with status $expect_got instead of $expect_wanted; it said: $(head -c 1000 "$OUTPUT")"
    echo "  ok: status $expect_got of \"$*\""
}

# show_output: puts $OUTPUT into the scenario's log, or its beginning.
show_output() {
    sed -n '1,60s/^/  | /p; 61s/.*/  | (and more)/p' "$OUTPUT"
}

# expect_match PATTERN [FILE]: a line of FILE (default: $OUTPUT) matches the extended regular expression.
expect_match() {
    grep -qE -e "$1" "${2:-$OUTPUT}" || fail "no line of ${2:-$OUTPUT} matches \"$1\"; it says: $(head -c 1000 "${2:-$OUTPUT}")"
    echo "  ok: \"$1\" is in ${2:-the output}"
}

# expect_no_match PATTERN [FILE]
expect_no_match() {
    if grep -E -e "$1" "${2:-$OUTPUT}"; then fail "a line of ${2:-$OUTPUT} matches \"$1\""; fi
    echo "  ok: \"$1\" is not in ${2:-the output}"
}

# expect_equal DESCRIPTION A B
expect_equal() {
    [ "$2" = "$3" ] || fail "$1: \"$2\" is not \"$3\""
    echo "  ok: $1: $2"
}

# wait_until SECONDS COMMAND...: true as soon as the command succeeds, false when the time is over.
wait_until() {
    wait_end=$(($(uptime_ms) + $1 * 1000))
    shift
    until "$@"; do
        [ "$(uptime_ms)" -lt "$wait_end" ] || return 1
        sleep 0.2
    done
}

# measure VARIABLE COMMAND...: runs the command and sets VARIABLE to the milliseconds it took.
measure() {
    measure_variable=$1
    shift
    measure_start=$(uptime_ms)
    "$@"
    eval "$measure_variable=$(($(uptime_ms) - measure_start))"
}

# on_arch NAME: true when Xen and guests are of that architecture, x86_64 or arm64.
on_arch() {
    [ "$1" = "$ARCH" ]
}

# ---------------------------------------------------------------------------------------------------------------------
# Guests

# guest_file NAME KEY: the file that keeps KEY of this guest.
guest_file() {
    echo "$WORK/guest/$1/$2"
}

# guest_domid NAME: prints its domain id, also after its end.
guest_domid() {
    cat "$(guest_file "$1" domid)"
}

# guest_log NAME: prints the name of its console's log, of which guest_run's answers are a part.
guest_log() {
    echo "$RESULTS/console/guest-$1.log"
}

# guest_create NAME hvm|pvh [vcpus=N] [memory=MB] [cmdline=WORDS] [qemu=WORDS] [boot=disk] [KEY=VALUE...]: a paused domain; sets `domid`.
# WORDS are added to the guest's kernel command line, and to QEMU's; KEY=VALUE are lines for xl.cfg(5). On arm64 also dtb=FILE, a device tree
# whose /passthrough the guest's own has too, instead of that of ioreqd's bridge pci; dtb=none: nothing is added.
guest_create() {
    guest_name=$1 guest_kind=$2
    shift 2
    # shellcheck disable=SC2034 # guest_dtb is for arch.sh
    guest_vcpus=1 guest_memory=256 guest_words='' guest_qemu='' guest_boot='' guest_version='' guest_dtb=''
    mkdir -p "$WORK/guest/$guest_name"
    guest_config=$(guest_file "$guest_name" config)
    : >"$guest_config.more"
    for guest_argument in "$@"; do
        case $guest_argument in
        vcpus=*) guest_vcpus=${guest_argument#*=} ;;
        memory=*) guest_memory=${guest_argument#*=} ;;
        cmdline=*) guest_words=${guest_argument#*=} ;;
        qemu=*) guest_qemu=${guest_argument#*=} ;;
        kernel=13) guest_version=13 ;;
        boot=*) guest_boot=${guest_argument#*=} ;;
        *=*) arch_guest_option "$guest_argument" || printf '%s\n' "$guest_argument" >>"$guest_config.more" ;;
        *) fail "guest_create $guest_name: \"$guest_argument\" is not KEY=VALUE" ;;
        esac
    done
    step "creating $guest_kind guest $guest_name ($guest_vcpus vCPUs, $guest_memory MB)"
    guest_write_config >"$guest_config"
    cp "$guest_config" "$RESULTS/guest-$guest_name.cfg"
    timeout 60 xl create -p "$guest_config" >"$RESULTS/xl-create-$guest_name.log" 2>&1 ||
        fail "xl create of $guest_name failed: $(tail -n 5 "$RESULTS/xl-create-$guest_name.log")"
    domid=$(xl domid "$guest_name")
    echo "$domid" >"$(guest_file "$guest_name" domid)"
    echo 0 >"$(guest_file "$guest_name" sequence)"
}

# guest_write_config: prints xl's configuration from the guest_* variables.
guest_write_config() {
    guest_line name "\"$guest_name\""
    guest_line type "\"$guest_kind\""
    guest_line vcpus "$guest_vcpus"
    guest_line memory "$guest_memory"
    guest_line on_poweroff '"destroy"'
    guest_line on_reboot '"destroy"'
    guest_line on_crash '"destroy"'
    # The kernel's console is Xen's, in HVM guests as well: a character on an emulated serial port costs an exit to QEMU.
    guest_words="console=hvc0 rdinit=/init $guest_words"
    arch_guest_config
    case $guest_kind in
    pvh) : "${guest_boot:=kernel}" ;;
    hvm)
        : "${guest_boot:=lab}"
        guest_serial=$WORK/guest/$guest_name/serial
        : >"$guest_serial"
        tail -n +1 -f "$guest_serial" >"$RESULTS/console/guest-$guest_name-serial.log" 2>/dev/null &
        echo $! >>"$WORK/helpers"
        guest_line serial "\"file:$guest_serial\""
        guest_line vga '"none"'
        guest_line vnc 0
        guest_line nographic 1
        ;;
    *) fail "guest_create $guest_name: \"$guest_kind\" is not hvm or pvh" ;;
    esac
    case $guest_boot in
    kernel)
        # Unpacked, as Xen's tools take seconds to do so; but QEMU wants it packed.
        guest_images "$guest_version"
        [ "$guest_kind" = pvh ] || guest_vmlinux=$guest_vmlinuz
        guest_line kernel "\"$guest_vmlinux\""
        guest_line ramdisk "\"$guest_initrd\""
        guest_line cmdline "\"$guest_words\""
        ;;
    lab)
        # QEMU hands kernel= to the firmware byte by byte, which takes 40 s here. So: a disk of QEMU's, which Linux has it
        # unplug before it looks at the PCI bus.
        disk_create_lab_boot "$WORK/guest/$guest_name/boot.img" "$guest_words"
        guest_qemu="-drive file=$WORK/guest/$guest_name/boot.img,if=none,id=lab-boot,format=raw,readonly=on \
            -device virtio-blk-pci,drive=lab-boot,bootindex=0,addr=0x04 $guest_qemu"
        ;;
    disk) ;;
    *) fail "guest_create $guest_name: boot=$guest_boot is not disk, kernel or lab" ;;
    esac
    if [ -n "$guest_qemu" ]; then
        # shellcheck disable=SC2086  # words
        guest_line device_model_args_hvm "[$(printf '"%s",' $guest_qemu)]"
    fi
    cat "$guest_config.more"
}

# guest_images VERSION: sets `guest_vmlinuz`, `guest_vmlinux` and `guest_initrd`: those of Debian 13, or of this machine's Debian.
guest_images() {
    guest_vmlinuz=/lab/vmlinuz guest_vmlinux=/lab/vmlinux guest_initrd=/lab/initrd
    [ "$1" != 13 ] || guest_vmlinuz=/images/vmlinuz-other guest_vmlinux=/images/vmlinux-other guest_initrd=/lab/initrd-13
}

# guest_line KEY VALUE: a line of the configuration, unless the scenario gave that key.
guest_line() {
    grep -q "^$1 *=" "$guest_config.more" || printf '%s = %s\n' "$1" "$2"
}

# guest_unpause NAME
guest_unpause() {
    step "starting $1"
    xl unpause "$(guest_domid "$1")" || fail "xl unpause $1 failed"
}

# guest_state NAME: prints running, shutdown, dying or gone.
guest_state() {
    xl list 2>/dev/null | awk -v domid="$(guest_domid "$1")" '
        $2 == domid { state = "running"; if ($5 ~ /s/) state = "shutdown"; if ($5 ~ /d$/ || $1 == "(null)") state = "dying"; found = 1 }
        END { print found ? state : "gone" }'
}

# guest_runs NAME: true while the domain is neither shut down nor dying.
guest_runs() {
    [ "$(guest_state "$1")" = running ]
}

guest_ended() {
    case $(guest_state "$1") in dying | gone) return 0 ;; *) return 1 ;; esac
}

guest_gone() {
    [ "$(guest_state "$1")" = gone ]
}

# console_has NAME PATTERN: a line of the guest's console, Xen's or serial, matches.
console_has() {
    cat "$(guest_log "$1")" "$WORK/guest/$1/serial" 2>/dev/null | grep -qE -e "$2"
}

# guest_wait_console NAME PATTERN SECONDS: waits for a line on the guest's console that matches the extended regular expression.
guest_wait_console() {
    step "waiting for \"$2\" on the console of $1"
    wait_end=$(($(uptime_ms) + $3 * 1000))
    until await-line 5 "$2" "$(guest_log "$1")" "$WORK/guest/$1/serial"; do
        [ "$(uptime_ms)" -lt "$wait_end" ] || fail "\"$2\" is not on the console of $1 after $3 s"
        if ! guest_runs "$1" && ! console_has "$1" "$2"; then
            fail "guest $1 is $(guest_state "$1"), and \"$2\" never was on its console"
        fi
    done
}

# guest_wait_up NAME [SECONDS]: waits until the guest takes commands.
guest_wait_up() {
    wait_from=$(uptime_ms)
    if ! wait_until 120 [ -s "$(guest_log "$1")" ]; then
        [ "$ARCH_FIRMWARE" = no ] || : >"$RESULTS/stuck-in-firmware"
        xenctx "$(guest_domid "$1")" 0 >"$RESULTS/xenctx" 2>&1 || true
        fail "guest $1 printed nothing in 120 s: its kernel was not started"
    fi
    guest_wait_console "$1" '^@agent ready' "${2:-180}"
    echo "  $1 is up after $(seconds_of $(($(uptime_ms) - wait_from))) s"
}

# guest_send NAME COMMAND [SECONDS]: gives the guest a command, and does not wait for the answer. Sets `guest_sequence`.
guest_send() {
    guest_sequence=$(($(cat "$(guest_file "$1" sequence)") + 1))
    echo "$guest_sequence" >"$(guest_file "$1" sequence)"
    guest_tell "$1" "run $guest_sequence ${3:-30} $(printf '%s' "$2" | base64 | tr -d '\n')"
}

# guest_tell NAME LINE: a line to the guest's agent. The terminal comes from xenconsoled.
guest_tell() {
    guest_terminal=$(xenstore-read "/local/domain/$(guest_domid "$1")/console/tty" 2>/dev/null) ||
        fail "guest $1 has no console in xenstore (it is $(guest_state "$1"))"
    printf '%s\n' "$2" >"$guest_terminal"
}

# guest_run NAME COMMAND [SECONDS]: runs a shell command in the guest (30 s unless told), prints its output, returns its status.
guest_run() {
    guest_limit=${3:-30}
    guest_send "$1" "$2" "$guest_limit"
    guest_try=1
    while true; do
        await-line $((guest_limit + 15)) "^@$guest_sequence\\.$guest_try= [0-9]+ [0-9a-f]{32}" "$(guest_log "$1")" ||
            fail "no answer from guest $1 to \"$2\" in $((guest_limit + 15)) s (it is $(guest_state "$1"))"
        guest_end=$(tr -d '\r' <"$(guest_log "$1")" |
            awk -v mark="@$guest_sequence.$guest_try" -v answer="$WORK/answer" '
                BEGIN { printf "" >answer }
                index($0, mark "> ") == 1 { print substr($0, length(mark) + 3) >answer }
                index($0, mark "= ") == 1 { end = substr($0, length(mark) + 3) }
                END { print end }')
        # A message of the guest's kernel may have fallen into a line.
        guest_sum=$(md5sum <"$WORK/answer")
        [ "${guest_end#* }" != "${guest_sum%% *}" ] || break
        [ "$guest_try" -lt 5 ] || fail "the answer of guest $1 to \"$2\" came garbled $guest_try times"
        guest_try=$((guest_try + 1))
        sleep 0.3
        guest_tell "$1" "again $guest_sequence $guest_try"
    done
    cat "$WORK/answer"
    return "${guest_end%% *}"
}

# guest_check NAME DESCRIPTION COMMAND [SECONDS]: the command succeeds in the guest, or the scenario fails; its output goes to the log.
guest_check() {
    guest_status=0
    guest_run "$1" "$3" "${4:-30}" >"$OUTPUT" || guest_status=$?
    show_output
    [ "$guest_status" -eq 0 ] ||
        fail "$2 in guest $1: \"$3\" ended with status $guest_status: $(head -c 1000 "$OUTPUT")"
    echo "  ok: $2"
}

# guest_mark_end NAME: notes the time of the guest's end for ioreqd_wait_exit.
guest_mark_end() {
    uptime_ms >"$(guest_file "$1" ended)"
}

# guest_wait_end NAME [SECONDS]: waits until the domain is dying or gone.
guest_wait_end() {
    wait_until "${2:-30}" guest_ended "$1" || fail "guest $1 has not ended after ${2:-30} s: it is $(guest_state "$1")"
    guest_mark_end "$1"
}

# guest_wait_gone NAME [SECONDS]: waits until the domain is not even a zombie.
guest_wait_gone() {
    wait_until "${2:-30}" guest_gone "$1" || fail "domain $(guest_domid "$1") of guest $1 is still there after ${2:-30} s: it is $(guest_state "$1")"
}

# guest_shutdown NAME [SECONDS]: powers the guest off from inside and waits for its end.
guest_shutdown() {
    step "shutting $1 down"
    # What the guest prints in its last moment does not reach the console's log.
    guest_send "$1" 'sync; sleep 0.3; poweroff -f'
    guest_wait_end "$1" "${2:-30}"
}

# guest_destroy NAME
guest_destroy() {
    step "destroying $1"
    timeout 60 xl destroy "$(guest_domid "$1")" || fail "xl destroy $1 failed"
    # xl ends QEMU first, which takes seconds: only then the domain begins to go.
    guest_mark_end "$1"
}

# ---------------------------------------------------------------------------------------------------------------------
# ioreqd. INSTANCE is the guest's name, or GUEST/WORD where a guest has more than one.

ioreqd_file() {
    echo "$WORK/ioreqd/$(echo "$1" | tr / -).$2"
}

# ioreqd_log INSTANCE: prints the name of its log.
ioreqd_log() {
    echo "$RESULTS/ioreqd-$(echo "$1" | tr / -).log"
}

ioreqd_pid() {
    cat "$(ioreqd_file "$1" pid)"
}

# ioreqd_launch INSTANCE [OPTION...]: starts ioreqd for the guest in the background and returns at once.
ioreqd_launch() {
    ioreqd_name=$1
    shift
    step "starting ioreqd for $ioreqd_name: $*"
    mkdir -p "$WORK/ioreqd"
    rm -f "$(ioreqd_file "$ioreqd_name" pidfile)" "$(ioreqd_file "$ioreqd_name" status)"
    echo "# ioreqd --domain ${ioreqd_name%%/*} $*" >>"$(ioreqd_log "$ioreqd_name")"
    (
        ioreqd_result=0
        # shellcheck disable=SC2016  # expanded by the inner shell
        sh -c 'echo $$ >"$1"; shift; exec ioreqd "$@"' sh "$(ioreqd_file "$ioreqd_name" pid)" --domain "${ioreqd_name%%/*}" \
            --foreground --pidfile "$(ioreqd_file "$ioreqd_name" pidfile)" "$@" || ioreqd_result=$?
        uptime_ms >"$(ioreqd_file "$ioreqd_name" ended)"
        echo "$ioreqd_result" >"$(ioreqd_file "$ioreqd_name" status)"
    ) >>"$(ioreqd_log "$ioreqd_name")" 2>&1 </dev/null &
}

ioreqd_ready_or_gone() {
    [ -e "$(ioreqd_file "$1" pidfile)" ] || [ -e "$(ioreqd_file "$1" status)" ]
}

# ioreqd_start INSTANCE [OPTION...]: starts ioreqd for the guest and waits until it is ready.
ioreqd_start() {
    ioreqd_launch "$@"
    wait_until 30 ioreqd_ready_or_gone "$1" || fail "ioreqd for $1 is not ready after 30 s: $(tail -n 5 "$(ioreqd_log "$1")")"
    [ ! -e "$(ioreqd_file "$1" status)" ] ||
        fail "ioreqd for $1 ended with status $(cat "$(ioreqd_file "$1" status)"): $(tail -n 5 "$(ioreqd_log "$1")")"
}

# ioreqd_runs INSTANCE
ioreqd_runs() {
    [ ! -e "$(ioreqd_file "$1" status)" ] && kill -0 "$(ioreqd_pid "$1")" 2>/dev/null
}

ioreqd_ended() {
    [ -e "$(ioreqd_file "$1" status)" ]
}

# ioreqd_wait_exit INSTANCE SECONDS: waits for its end; sets exit_status, and exit_ms: the time since the guest's end (since the call, where
# the guest has not ended).
ioreqd_wait_exit() {
    exit_from=$(uptime_ms)
    step "waiting for the end of ioreqd for $1"
    wait_until "$2" ioreqd_ended "$1" || fail "ioreqd for $1 (process $(ioreqd_pid "$1")) still runs after $2 s"
    exit_status=$(cat "$(ioreqd_file "$1" status)")
    [ ! -e "$(guest_file "${1%%/*}" ended)" ] || exit_from=$(cat "$(guest_file "${1%%/*}" ended)")
    exit_ms=$(($(cat "$(ioreqd_file "$1" ended)") - exit_from))
    # It may notice the end before this script does.
    [ "$exit_ms" -ge 0 ] || exit_ms=0
    echo "  ioreqd for $1 ended with status $exit_status, $(seconds_of "$exit_ms") s after the guest's end or the call"
}

# ioreqd_stop INSTANCE [SIGNAL]: sends SIGTERM (or another) and waits for its end; sets exit_status and exit_ms.
ioreqd_stop() {
    step "stopping ioreqd for $1 with SIG${2:-TERM}"
    kill "-${2:-TERM}" "$(ioreqd_pid "$1")" || fail "ioreqd for $1 does not run"
    ioreqd_wait_exit "$1" 10
}

# expect_guest_over NAME: after the guest's end: ioreqd has exited with 0 within 2 s (on this emulated architecture: EXIT_LIMIT_MS), and no
# zombie is left.
expect_guest_over() {
    ioreqd_wait_exit "$1" 30
    expect_equal "exit status of ioreqd for $1" "$exit_status" 0
    check "ioreqd for $1 ended within $(seconds_of "$EXIT_LIMIT_MS") s of the guest ($(seconds_of "$exit_ms") s)" \
        [ "$exit_ms" -le "$EXIT_LIMIT_MS" ]
    guest_wait_gone "$1" 10
    note "$1: ioreqd ended $(seconds_of "$exit_ms") s after the guest"
}

# xen_servers NAME: prints how many more IOREQ servers the domain can have (Xen has no list of them).
xen_servers() {
    ioreq-servers "$(guest_domid "$1")" || fail "ioreq-servers failed for $1"
}

# ---------------------------------------------------------------------------------------------------------------------
# Tools: programs that are on a disk of their own, run with `tool NAME ARGUMENT...`

# What ioreqd_start is given to show that disk to a guest: --device "$TOOLS_DISK".
# shellcheck disable=SC2034 # for scenarios
TOOLS_DISK=virtio-blk,file=/images/tools.img,readonly=on,serial=tools,id=tools

# tools_mount: in dom0, for `tool`.
tools_mount() {
    modprobe ext4 && modprobe loop || fail "dom0 has no ext4"
    [ -d /tools/usr ] || mount -t ext4 -o ro,loop /images/tools.img /tools || fail "the disk of tools cannot be mounted in dom0"
}

# guest_tools NAME: mounts the disk of tools in the guest.
guest_tools() {
    guest_check "$1" "the disk of tools is mounted" \
        'modprobe virtio_pci && modprobe virtio_blk && modprobe crc32c_generic && modprobe ext4 && mkdir -p /tools || exit 1
         for try in $(seq 1 50); do
             for disk in /sys/block/vd*; do
                 [ "$(cat "$disk/serial" 2>/dev/null)" != tools ] || exec mount -t ext4 -o ro "/dev/${disk##*/}" /tools
             done
             sleep 0.1
         done
         exit 1' 30
}

# ---------------------------------------------------------------------------------------------------------------------
# Networks

# tap_create NAME [ADDRESS [WORD...]]: a tap, which is up and in dom0 has that address (as 10.9.0.1/24), made with the words of `ip tuntap`. It goes
# with the scenario. Needs tools_mount.
tap_create() {
    tap_name=$1
    tap_address=${2:-}
    shift "$(($# < 2 ? $# : 2))"
    modprobe tun
    tool ip tuntap add dev "$tap_name" mode tap "$@" || fail "no tap $tap_name"
    echo "$tap_name" >>"$WORK/taps"
    [ -z "$tap_address" ] || tool ip address add "$tap_address" dev "$tap_name" || fail "no address for the tap $tap_name"
    tool ip link set "$tap_name" up || fail "the tap $tap_name does not come up"
}

# ---------------------------------------------------------------------------------------------------------------------
# Disks

# disk_create FILE MB: a raw image full of zeros (sparse).
disk_create() {
    truncate -s "${2}M" "$1"
}

# disk_create_bootable FILE MB [WORDS]: a disk that a BIOS boots with GRUB: MBR, an ext4 partition with the guests' kernel and initramfs.
# WORDS are the kernel's command line.
disk_create_bootable() {
    disk_sectors=$(($2 * 2048 - 2048))
    disk_tree=$WORK/boot-tree
    rm -rf "$disk_tree"
    mkdir -p "$disk_tree/boot/grub"
    ln /lab/vmlinuz "$disk_tree/boot/vmlinuz" 2>/dev/null || cp /lab/vmlinuz "$disk_tree/boot/vmlinuz"
    ln /lab/initrd "$disk_tree/boot/initrd" 2>/dev/null || cp /lab/initrd "$disk_tree/boot/initrd"
    cat >"$disk_tree/boot/grub/grub.cfg" <<GRUB
serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
echo "lab-grub: loading the kernel"
linux /boot/vmlinuz rdinit=/init ${3:-console=hvc0 console=ttyS0}
initrd /boot/initrd
boot
GRUB
    rm -f "$1"
    truncate -s "${2}M" "$1"
    mkfs.ext4 -q -O '^metadata_csum_seed,^orphan_file' -E offset=1048576 -d "$disk_tree" "$1" $((disk_sectors / 2))k 2>"$OUTPUT" ||
        mkfs.ext4 -q -E offset=1048576 -d "$disk_tree" "$1" $((disk_sectors / 2))k
    disk_add_boot_code "$1" core-files.img
    # One active Linux partition from sector 2048 on.
    {
        printf '\200\376\377\377\203\376\377\377'
        little_endian_32 2048
        little_endian_32 "$disk_sectors"
    } | dd of="$1" bs=1 seek=446 conv=notrunc 2>/dev/null
    rm -rf "$disk_tree"
}

# disk_add_boot_code FILE CORE: GRUB's first sector (without the partition table's bytes) and the sectors behind it.
disk_add_boot_code() {
    dd if=/lab/grub/boot.img of="$1" bs=440 count=1 conv=notrunc 2>/dev/null
    dd if="/lab/grub/$2" of="$1" bs=512 seek=1 conv=notrunc 2>/dev/null
    printf '\125\252' | dd of="$1" bs=1 seek=510 conv=notrunc 2>/dev/null
}

# disk_create_lab_boot FILE WORDS: a disk without partitions that boots the guests' kernel and initramfs, as fast as can be.
disk_create_lab_boot() {
    guest_images "$guest_version"
    disk_kernel_size=$(stat -L -c %s "$guest_vmlinuz")
    disk_initrd_size=$(stat -L -c %s "$guest_initrd")
    disk_initrd_at=$(((disk_kernel_size >> 20) + 2))
    dd if="$guest_vmlinuz" of="$1" bs=1M seek=1 2>/dev/null
    dd if="$guest_initrd" of="$1" bs=1M seek="$disk_initrd_at" conv=notrunc 2>/dev/null
    truncate -s "$((disk_initrd_at + (disk_initrd_size >> 20) + 2))M" "$1"
    disk_add_boot_code "$1" core-raw.img
    {
        # The 16-bit protocol, as with the other GRUB moves 60 MB byte by byte before the kernel starts.
        echo "linux16 (hd0)2048+$(((disk_kernel_size + 511) / 512)) $2"
        echo "initrd16 (hd0)$((disk_initrd_at * 2048))+$(((disk_initrd_size + 511) / 512))"
        echo boot
        yes ''
    } 2>/dev/null | head -c 4096 | dd of="$1" bs=512 seek=1024 conv=notrunc 2>/dev/null
}

# little_endian_32 NUMBER: its four bytes.
little_endian_32() {
    # shellcheck disable=SC2059  # the format is the bytes
    printf "$(printf '\\%03o\\%03o\\%03o\\%03o' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)))"
}

# as_nobody COMMAND...: runs it without root's rights.
as_nobody() {
    as-nobody "$@"
}

# ---------------------------------------------------------------------------------------------------------------------
# Beginning and end

# scenario_done: called by the lab behind the scenario's last line.
scenario_done() {
    step "cleaning up"
    exit 0
}

# clean_up: whatever the scenario started goes. Also runs when it failed.
clean_up() {
    clean_status=$?
    trap - EXIT TERM INT
    set +e
    [ "$clean_status" -eq 0 ] || show_ends_of_logs
    for clean_file in "$WORK"/ioreqd/*.pid; do
        clean_name=${clean_file%.pid}
        if [ ! -e "$clean_file" ] || [ -e "$clean_name.status" ]; then continue; fi
        clean_pid=$(cat "$clean_file")
        kill -TERM "$clean_pid" 2>/dev/null
        wait_until 5 [ -e "$clean_name.status" ] || {
            echo "ioreqd process $clean_pid does not end on SIGTERM: killed"
            if [ "$clean_status" -eq 0 ]; then
                clean_status=1
                echo "ioreqd process $clean_pid did not end within 5 s of SIGTERM when the scenario was over" >"$RESULTS/why"
            fi
            kill -KILL "$clean_pid"
        }
    done
    for clean_file in "$WORK"/guest/*; do
        [ -d "$clean_file" ] || continue
        clean_name=$(basename "$clean_file")
        xl domid "$clean_name" >/dev/null 2>&1 && timeout 60 xl destroy "$clean_name"
    done
    # xl's own process for each domain needs a moment; then a zombie is one.
    wait_until 10 no_domain_left
    if [ -e "$WORK/helpers" ]; then
        # shellcheck disable=SC2046  # a list of numbers
        kill $(cat "$WORK/helpers") 2>/dev/null
    fi
    if [ -e "$WORK/taps" ]; then
        sort -u "$WORK/taps" | while read -r clean_file; do tool ip link delete "$clean_file" 2>/dev/null; done
    fi
    if [ -e "$WORK/mounts" ]; then
        # shellcheck disable=SC2046  # a list of folders
        umount $(cat "$WORK/mounts") 2>/dev/null
        losetup -D 2>/dev/null
    fi
    # Nothing that is still mounted below goes with it.
    awk -v below="$WORK/" 'index($2, below) == 1 { print $2 }' /proc/mounts | sort -r | while read -r clean_file; do umount -l "$clean_file"; done
    ! grep -q " $WORK/" /proc/mounts || exit 1
    rm -rf "$WORK"
    exit "$clean_status"
}

no_domain_left() {
    [ "$(xl list 2>/dev/null | wc -l)" -eq 2 ]
}

show_ends_of_logs() {
    for clean_file in "$RESULTS"/console/guest-*.log "$RESULTS"/ioreqd-*.log "$RESULTS"/xen/qemu-dm-*.log; do
        [ -s "$clean_file" ] || continue
        echo "--- the end of ${clean_file#/results/}:"
        tail -n 8 "$clean_file" | cut -c1-200
    done
}

rm -rf "$WORK"
mkdir -p "$WORK/guest" "$WORK/ioreqd"
: >"$OUTPUT"
trap clean_up EXIT
trap 'exit 143' TERM INT
