# shellcheck shell=bash
# shellcheck disable=SC2154  # set by scripts/lab, settings.sh and contents.sh, or by the caller
# SPDX-License-Identifier: BSD-2-Clause
#
# The machine: QEMU with Xen, dom0's kernel and its initramfs, and the results folder as 9p. It never outlives the lab. What it is made
# of is arch-ARCH.sh's to say.

machine_pid=''

# machine_command RESULTS WORDS: sets the array `machine`. WORDS go to dom0's kernel command line.
machine_command() {
    local results=$1 words=$2 level=all
    # Nobody wants Xen's every word in an interactive shell.
    [ "$words" != lab=shell ] || level=warning
    local xen_words="dom0_mem=${dom0_memory}M,max:${dom0_memory}M dom0_max_vcpus=$dom0_cpus"
    xen_words+=" loglvl=$level guest_loglvl=$level bootscrub=0"
    arch_machine_command "$xen_words" "console=hvc0 rdinit=/init panic=1 loglevel=6 mitigations=off $words" "$results"
    [ -z "$host_cpus" ] || machine=(taskset --cpu-list "$host_cpus" "${machine[@]}")
}

# start_machine RESULTS BOOT: starts boot number BOOT in the background; its console goes to RESULTS/boot-BOOT/console.log.
start_machine() {
    local results=$1 boot=$2 folder=$1/boot-$2
    mkdir -p "$folder"
    machine_command "$results" "lab=$boot"
    printf '%q ' "${machine[@]}" >"$folder/qemu-command"
    # pdeathsig: even a lab that is killed with SIGKILL takes its machine along.
    setpriv --pdeathsig KILL setsid "${machine[@]}" -serial "file:$folder/console.log" -monitor none \
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
# no real CPU), so there are only as many at a time as this computer has CPUs for; and one for a list of CPUs that was asked for. Holds
# the turn until the lab ends.
wait_for_turn() {
    local turns=$(($(nproc) / 2)) turn waited=''
    if [ -n "$host_cpus" ]; then
        wait_for_cpus
        return
    fi
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

# wait_for_cpus: the turn for a list of CPUs that was asked for.
wait_for_cpus() {
    taskset --cpu-list "$host_cpus" true 2>/dev/null || die "IOREQD_LAB_HOST_CPUS=$host_cpus is no list of this computer's CPUs, as 0,2-3"
    mkdir -p "$cache_dir/turns"
    exec 9>"$cache_dir/turns/cpus-$host_cpus"
    flock --nonblock 9 || timed "waiting for another run of the lab on CPU $host_cpus to end" flock 9
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

# choose_cpus: where the machine runs on this computer, and the factor of timeouts, unless they are given.
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
    arch_choose_cpus
}

end_lab() {
    stop_machine
    drop_stage
}

trap end_lab EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
