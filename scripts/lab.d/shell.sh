# shellcheck shell=bash
# shellcheck disable=SC2154  # set by scripts/lab, settings.sh and contents.sh, or by the caller
# SPDX-License-Identifier: BSD-2-Clause
#
# `lab shell`: dom0's console on this terminal.

# open_shell [SCENARIO]: with one that is run first.
open_shell() {
    local results files names
    find_scenarios "$@"
    need_packages "${host_packages_run[@]}"
    ensure_images
    new_results_folder
    make_stage "$results" "${files[@]}"
    mkdir -p "$results/boot-shell"
    [ $# -eq 0 ] || echo "${names[0]}" >"$results/boot-shell/first"
    stage_scenarios "$results" "${files[@]}"
    wait_for_turn
    machine_command "$results" "lab=shell"
    progress "booting; leave with \"exit\" or Ctrl-D in the shell, or at any time with Ctrl-A X"
    progress "the folder /results in dom0 is $results here"
    # In the background, though with this terminal: so that a signal to the lab is acted on at once.
    setpriv --pdeathsig KILL "${machine[@]}" -serial mon:stdio <&0 8>&- 9>&- &
    machine_pid=$!
    wait "$machine_pid" || true
}
