# shellcheck shell=bash
# shellcheck disable=SC2154  # set by scripts/lab, settings.sh and contents.sh, or by the caller
# SPDX-License-Identifier: BSD-2-Clause
#
# `lab run`: gives dom0 a plan of scenarios, watches it over the results folder, and prints TAP. dom0 works through the plan in one
# boot; when a scenario hangs, or kills dom0 or Xen, the rest of the plan goes to a fresh boot.

# new_results_folder: sets `results` to a new folder and drops old ones.
new_results_folder() {
    local old
    results=$results_root/$(date +%Y%m%d-%H%M%S)
    [ -e "$results" ] && results=$results-$$
    mkdir -p "$results"
    find "$results_root" -mindepth 1 -maxdepth 1 -type d | sort -r | tail -n "+$((results_kept + 1))" |
        while read -r old; do rm -rf "$old"; done
}

# find_scenarios NAME...: sets `files` and `names`; without names, all of tests/lab/ that are for this architecture.
find_scenarios() {
    local wanted=("$@") item file
    files=() names=()
    if [ "${#wanted[@]}" -eq 0 ]; then
        # shellcheck disable=SC2046 # names have no spaces
        set -- $(known_scenarios)
        wanted=("$@")
    fi
    for item in "${wanted[@]}"; do
        file=$item
        case $item in */* | *.sh) ;; *) file=$top/tests/lab/$item.sh ;; esac
        [ -f "$file" ] || die_usage "there is no scenario \"$item\" ($file); those for $arch: $(known_scenarios)"
        is_for_arch "$file" || die_usage "scenario \"$item\" is for $(scenario_archs "$file"), not for $arch, as its line" \
            "\"# arch:\" says (without one: x86_64); those for $arch: $(known_scenarios)"
        files+=("$file")
        names+=("$(basename "$file" .sh)")
    done
    item=$(printf '%s\n' "${names[@]}" | sort | uniq -d | head -n 1)
    [ -z "$item" ] || die_usage "scenario \"$item\" is given twice"
}

# known_scenarios: prints the names of those in tests/lab/ that are for this architecture.
known_scenarios() {
    local file
    for file in "$top"/tests/lab/*.sh; do
        if [ "$(basename "$file")" != lib.sh ] && is_for_arch "$file"; then printf '%s ' "$(basename "$file" .sh)"; fi
    done
}

# scenario_archs FILE: prints the architectures that the scenario is for, or `any`.
scenario_archs() {
    local archs
    archs=$(sed -n '1,30s/^# arch: *//p' "$1" | head -n 1)
    echo "${archs:-x86_64}"
}

# is_for_arch FILE: true if the scenario is for this architecture.
is_for_arch() {
    case " $(scenario_archs "$1") " in *" any "* | *" $arch "*) return 0 ;; *) return 1 ;; esac
}

# scenario_timeout FILE: the seconds that the scenario has.
scenario_timeout() {
    local seconds
    seconds=$(sed -n '1,30s/^# timeout: *\([0-9][0-9]*\).*/\1/p' "$1" | head -n 1)
    echo $((${seconds:-$default_scenario_timeout} * timeout_factor))
}

run_scenarios() {
    local results files names began=$SECONDS boot=0 next=0 failed=0
    find_scenarios "$@"
    need_packages "${host_packages_run[@]}"
    ensure_images
    new_results_folder
    make_stage "$results" "${files[@]}"
    stage_scenarios "$results" "${files[@]}"
    wait_for_turn

    echo "1..${#names[@]}"
    while [ "$next" -lt "${#names[@]}" ]; do
        boot=$((boot + 1))
        run_boot
    done
    progress "$((${#names[@]} - failed)) of ${#names[@]} scenarios passed in $((SECONDS - began)) s; logs and consoles: $results"
    [ "$failed" -eq 0 ]
}

# run_boot: one boot of the machine with the scenarios from number `next` on; moves `next` past those that have an outcome.
run_boot() {
    local folder=$results/boot-$boot index started
    mkdir -p "$folder"
    for ((index = next; index < ${#names[@]}; index++)); do
        echo "${names[index]} $(scenario_timeout "${files[index]}")"
    done >"$folder/plan"

    progress "boot $boot: starting Xen"
    started=$SECONDS
    start_machine "$results" "$boot"
    if ! wait_for_file "$folder/ready" "$((boot_timeout * timeout_factor))"; then
        outcome_without_status "boot $boot: dom0 was not ready after $((SECONDS - started)) s" "$folder/console.log"
        stop_machine
        return 0
    fi
    progress "boot $boot: dom0 is ready ($((SECONDS - started)) s)"

    while [ "$next" -lt "${#names[@]}" ]; do
        [ ! -e "$folder/leave" ] || break
        run_one || break
    done
    # dom0 powers off when its plan is done; nothing of value is left in it.
    stop_machine
}

# run_one: waits for the outcome of scenario number `next`; false when the boot is of no more use.
run_one() {
    local name=${names[next]} folder=$results/${names[next]} started=$SECONDS limit status usable=0
    limit=$(scenario_timeout "${files[next]}")
    progress "$name: running (at most $limit s)"
    if wait_for_file "$folder/status" "$((limit + timeout_grace * timeout_factor))"; then
        read -r status <"$folder/status"
        if [ "$status" != 0 ] && [ -e "$folder/stuck-in-firmware" ] && [ ! -e "$folder.stuck" ]; then
            # The emulated machine's fault, as far as is known: seen once in some thirty boots of HVM guests, before their kernel.
            progress "$name: a guest did not leave its firmware; once more, with a fresh boot"
            mv "$folder" "$folder.stuck"
            return 1
        fi
        [ ! -e "$results/boot-$boot/leave" ] || usable=1
        if [ "$status" = 0 ]; then
            tap_ok "$name" "$((SECONDS - started)) s"
        else
            tap_not_ok "$name" "$((SECONDS - started)) s" "$(cat "$folder/why" 2>/dev/null)" "$folder/log"
        fi
        next=$((next + 1))
        return "$usable"
    fi
    if machine_runs; then
        outcome_without_status "dom0 gave no outcome in $((SECONDS - started)) s; last step: $(last_step "$folder")" \
            "$results/boot-$boot/console.log"
    else
        outcome_without_status "Xen or dom0 died after $((SECONDS - started)) s; last step: $(last_step "$folder")" \
            "$results/boot-$boot/console.log"
    fi
    return 1
}

# outcome_without_status WHY LOG: the scenario number `next` failed with the machine.
outcome_without_status() {
    tap_not_ok "${names[next]}" "no outcome" "$1" "$results/${names[next]}/log" "$2"
    next=$((next + 1))
}

last_step() {
    if [ -s "$1/step" ]; then cat "$1/step"; else echo "none begun"; fi
}

# wait_for_file FILE SECONDS: true when it is there; false when time is over or the machine has gone.
wait_for_file() {
    local file=$1 end=$((SECONDS + $2))
    while [ ! -e "$file" ]; do
        if ! machine_runs; then
            [ -e "$file" ] && return 0
            return 1
        fi
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.2
    done
}

tap_ok() {
    echo "ok $((next + 1)) - $1 ($2)"
    [ ! -e "$results/$1.stuck" ] || echo "# ran twice: at first a guest did not leave its firmware, see $results/$1.stuck"
    sed -n 's/^note: /# /p' "$results/$1/log" 2>/dev/null
}

# tap_not_ok NAME TIME WHY LOG...: shows the ends of the logs that are there.
tap_not_ok() {
    local log name=$1
    failed=$((failed + 1))
    echo "not ok $((next + 1)) - $name ($2)"
    printf '%s\n' "$3" | sed 's/^/# /'
    shift 3
    for log in "$@"; do
        [ -s "$log" ] || continue
        echo "# the end of $log:"
        tail -n 40 "$log" | tr -d '\r' | sed 's/^/#   /'
    done
    [ ! -e "$results/$name/hung" ] || echo "# what dom0 was doing then: $results/$name/hung"
}
