# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# The lab itself on arm64, as smoke has it for x86: dom0's programs run, Xen has IOREQ servers, and a guest with two vCPUs and a piece of device
# tree starts, runs commands, gives statuses and output back, and ends.
# arch: arm64
# timeout: 180

step "dom0's programs"
if command -v ioreqd >/dev/null; then
    expect_status 0 ioreqd --version
    expect_status 0 ioreqd --device help
    expect_match '^virtio-blk'
fi
note "Xen $(xl info xen_version), dom0 Linux $(uname -r) on $(uname -m), $(xl info nr_cpus) CPUs"

cat >"$WORK/piece.dts" <<'TREE'
/dts-v1/;
/ {
    #address-cells = <2>;
    #size-cells = <2>;
    passthrough {
        compatible = "simple-bus";
        #address-cells = <2>;
        #size-cells = <2>;
        ranges;
        note {
            compatible = "lab,note";
            words = "told by dom0";
        };
    };
};
TREE
check "dtc takes a device tree" dtc -q -I dts -O dtb -o "$WORK/piece.dtb" "$WORK/piece.dts"

guest_create g pvh vcpus=2 dtb="$WORK/piece.dtb"
step "IOREQ servers of the paused guest"
expect_equal "free IOREQ servers" "$(xen_servers g)" 8
mkfifo "$WORK/hold"
ioreq-servers "$domid" --hold 3 <"$WORK/hold" >"$WORK/held" &
exec 3>"$WORK/hold"
check "three are held" wait_until 10 grep -q 'holding 3' "$WORK/held"
expect_equal "free IOREQ servers then" "$(xen_servers g)" 5
exec 3>&-
wait $!

guest_unpause g
measure start_ms guest_wait_up g
note "from unpause to the first command in $(seconds_of "$start_ms") s"
step "running commands"
expect_equal "output of a command" "$(guest_run g 'echo "one  two"; echo three >&2; printf four')" "one  two
three
four"
status=0
guest_run g 'exit 7' || status=$?
expect_equal "status of a command" "$status" 7
expect_equal "machine" "$(guest_run g 'uname -m')" aarch64
expect_equal "vCPUs that are online" "$(guest_run g 'cat /sys/devices/system/cpu/online')" 0-1
expect_equal "what the device tree says" "$(guest_run g "tr -d '\\000' </proc/device-tree/passthrough/note/words")" "told by dom0"
guest_check g "shared interrupts 32 to 63 are there" 'dmesg | grep -E "GIC.*: [0-9]+ SPIs|SPIs implemented"'
measure run_ms guest_run g 'uname -r; lspci -n'
echo "  a command takes $(seconds_of "$run_ms") s"
# The kernel's messages share the console with the answers.
guest_check g "many lines among kernel messages" \
    'for i in $(seq 1 20); do echo "<4>message $i" >/dev/kmsg; seq 1 40; done'
expect_equal "lines of output" "$(wc -l <"$OUTPUT")" 800
expect_equal "free IOREQ servers at the end" "$(xen_servers g)" 8
guest_shutdown g
guest_wait_gone g 10
