# shellcheck shell=bash
# shellcheck disable=SC2154  # set by scripts/lab, settings.sh and contents.sh, or by the caller
# SPDX-License-Identifier: BSD-2-Clause
#
# The machine: QEMU with Xen, dom0's kernel and its initramfs, and the results folder as 9p. It never outlives the lab.

machine_pid=''
on_one_cpu=()

# machine_command RESULTS WORDS: sets the array `machine`. WORDS go to dom0's kernel command line.
machine_command() {
    local results=$1 words=$2 level=all
    # Nobody wants Xen's every word in an interactive shell.
    [ "$words" != lab=shell ] || level=warning
    local xen_words="console=com1 com1=115200,8n1 dom0_mem=${dom0_memory}M,max:${dom0_memory}M dom0_max_vcpus=$dom0_cpus"
    xen_words+=" loglvl=$level guest_loglvl=$level bootscrub=0 sched-gran=cpu"
    local dom0_words="console=hvc0 rdinit=/init panic=1 loglevel=6 mitigations=off $words"
    # shellcheck disable=SC2054  # the commas are QEMU's
    machine=(
        qemu-system-x86_64 -name ioreqd-lab -nodefaults -no-user-config
        -machine pc -accel tcg,thread=multi -smp "$qemu_cpus" -m "$qemu_memory"
        -cpu qemu64,+svm,+npt,+pdpe1gb,+rdrand,+ssse3,+sse4.1,+sse4.2,+popcnt,+nrip-save
        -display none -vga none -net none -no-reboot
        -kernel "$images/xen" -append "$xen_words"
        -initrd "$images/vmlinuz ${dom0_words//,/,,},$stage_dir/dom0.cpio"
        -virtfs "local,path=$results,mount_tag=results,security_model=none,multidevs=remap"
        -virtfs "local,path=$images,mount_tag=images,security_model=none,multidevs=remap,readonly=on"
    )
}

# start_machine RESULTS BOOT: starts boot number BOOT in the background; its console goes to RESULTS/boot-BOOT/console.log.
start_machine() {
    local results=$1 boot=$2 folder=$1/boot-$2
    mkdir -p "$folder"
    machine_command "$results" "lab=$boot"
    printf '%q ' "${machine[@]}" >"$folder/qemu-command"
    # pdeathsig: even a lab that is killed with SIGKILL takes its machine along.
    setpriv --pdeathsig KILL setsid "${on_one_cpu[@]}" "${machine[@]}" -serial "file:$folder/console.log" -monitor none \
        >"$folder/qemu.log" 2>&1 </dev/null 8>&- 9>&- &
    machine_pid=$!
}

machine_runs() {
    [ -n "$machine_pid" ] && kill -0 "$machine_pid" 2>/dev/null
}

# stop_machine: takes the machine away, at once.
stop_machine() {
    [ -n "$machine_pid" ] || return 0
    kill -KILL "$machine_pid" 2>/dev/null || true
    wait "$machine_pid" 2>/dev/null || true
    machine_pid=''
}

# wait_for_turn: two machines on the CPUs of one make each other many times slower (a virtual CPU that spins waits for one that has
# no real CPU), so there are only as many at a time as this computer has CPUs for. Holds the turn until the lab ends.
wait_for_turn() {
    local turns=$(($(nproc) / 2)) turn waited=''
    [ "$turns" -ge 1 ] || turns=1
    mkdir -p "$cache_dir/turns"
    while true; do
        for ((turn = 1; turn <= turns; turn++)); do
            exec 9>"$cache_dir/turns/$turn"
            if flock --nonblock 9; then break 2; fi
        done
        [ -n "$waited" ] || progress "waiting for another run of the lab to end ($turns at a time on $(nproc) CPUs)"
        waited=1
        sleep 1
    done
    choose_cpus
}

# idle_share: prints how many per cent of this computer's CPU time were idle in the last second.
idle_share() {
    local user nice system idle rest total before_idle before_total
    read -r _ user nice system idle rest </proc/stat
    before_idle=$idle before_total=$((user + nice + system + idle + ${rest// /+}))
    sleep 1
    read -r _ user nice system idle rest </proc/stat
    total=$((user + nice + system + idle + ${rest// /+} - before_total))
    echo $((total > 0 ? 100 * (idle - before_idle) / total : 100))
}

# choose_cpus: the machine's CPUs and the factor of timeouts, where they are not given. One CPU: with two, guests now and then end
# in a triple fault with a piece of the hypervisor's state in their registers (QEMU 7.2's emulation of SVM: 3 of 20 guests in
# one count, none of 26 with one CPU), and two that wait for each other are slow as soon as the computer has anything else to do.
choose_cpus() {
    local idle
    idle=$(idle_share)
    if [ "$timeout_factor" = auto ]; then
        timeout_factor=2
        if [ "$idle" -lt 70 ]; then
            timeout_factor=3
            progress "this computer is busy (only $idle% idle): timeouts times $timeout_factor"
        fi
    fi
    if [ "$qemu_cpus" = auto ]; then qemu_cpus=1; fi
    [ "$qemu_cpus" -gt 1 ] || choose_host_cpu
}

# choose_host_cpu: has all threads of QEMU run on one of this computer's CPUs, the last that we may use. QEMU 7.2 clears a bit of
# the virtual CPU's pending interrupts when a guest exits (its VMEXIT), without a lock and by one instruction that is not atomic between
# CPUs. On two CPUs that loses, about once in a thousand seconds, an interrupt that another thread raises just then: Xen's timer
# never comes, and whichever guest runs then runs for ever. On one CPU a single instruction is atomic.
choose_host_cpu() {
    local allowed
    allowed=$(taskset --pid --cpu-list $$ | sed 's/.*: //')
    on_one_cpu=(taskset --cpu-list "${allowed##*[-,]}")
}

end_lab() {
    stop_machine
    drop_stage
}

trap end_lab EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
