# shellcheck shell=sh disable=SC2154,SC2016 # variables of tests/lab/lib.sh; commands for the guest
# SPDX-License-Identifier: BSD-2-Clause
#
# What the scenarios of the serial port share.

# serial_find GUEST FUNCTION: sets `tty` to the name that the stock driver gave the port there.
serial_find() {
    guest_check "$1" "the stock driver, 8250_pci, takes the port" \
        "ls /sys/bus/pci/devices/$2/tty && [ -e /sys/bus/pci/devices/$2/driver ] && basename \$(readlink /sys/bus/pci/devices/$2/driver)"
    tty=$(grep -o 'ttyS[0-9]*' "$OUTPUT" | head -n 1)
    expect_match '^serial$'
    check "the port has a name" [ -n "$tty" ]
}

# serial_echo GUEST SOCKET BYTES: the guest sends back what it receives, at 115200 baud with hardware flow control; all of it
# arrives as it was sent.
serial_echo() {
    guest_check "$1" "the port is set up" "stty -F /dev/$tty 115200 raw -echo crtscts clocal && (setsid cat </dev/$tty >/dev/$tty 2>/tmp/echo-$tty & sleep 1) && ps | grep '[c]at'"
    step "$3 bytes go there and back"
    if ! serial-echo "$2" "$3" >"$OUTPUT" 2>&1; then
        why=$(tail -n 1 "$OUTPUT")
        guest_run "$1" "grep . /proc/tty/driver/serial /tmp/echo-$tty; grep ttyS /proc/interrupts; stty -a -F /dev/$tty; ps" || true
        fail "the line loses bytes: $why"
    fi
    note "$(cat "$OUTPUT")"
}

# serial_interrupts GUEST PATTERN COUNT: the port's line of /proc/interrupts matches, and has counted at least so many.
serial_interrupts() {
    guest_check "$1" "interrupts of the kind that is wanted" "grep $tty /proc/interrupts"
    expect_match "$2"
    check "interrupts were taken" [ "$(awk '{ print $2 }' "$OUTPUT")" -ge "$3" ]
}
