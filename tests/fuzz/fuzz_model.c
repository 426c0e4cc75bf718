/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any model against a hostile guest and a host that takes every liberty: the input chooses the properties, then one
 * step after another. What can be done follows from the model's tables; no step is one that a host would not take, so
 * that whatever fuzz_host.h finds wrong is the model's mistake. Linked with the one model that it is for.
 *
 * After each step the counters have not fallen. After a reset the saved fields are those of power on, after quiesced()
 * nothing changes, quiesce() is answered once the outstanding work is done, and destroy() leaves nothing behind.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz_host.h"

#define TURNS_MOST 20000u /* of loops and files until a device must have come to rest */
#define WAITS_MOST 64u    /* for timers, meanwhile */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ioreqd_device device;
static uint8_t *power_on; /* fields after the cold reset */
static uint8_t *quiet;    /* fields after quiesced() */
static uint64_t *counters;

static uint64_t take(unsigned bytes)
{
    return fuzz_take(&device.input, bytes);
}

static struct ioreqd_loop *main_loop(void)
{
    return &device.loop[0];
}

/* ------------------------------------------------------------------------------------------------------------------
 * What the guest does, see fuzz_guest.c
 */

static void write_register(void)
{
    fuzz_access_bar(&device, true);
}

static void read_register(void)
{
    fuzz_access_bar(&device, false);
}

static void read_rom(void)
{
    fuzz_read_rom(&device);
}

static void access_capability(void)
{
    fuzz_access_capability(&device);
}

static void set_bus_master(bool on)
{
    if (device.bus_master != on) {
        device.bus_master = on;
        if (FUZZ_CALLS(device.model, bus_master)) {
            fuzz_begin_call(&device, main_loop());
            device.model->bus_master(&device, device.state, on);
            fuzz_end_call(&device);
        }
    }
}

static void change_bus_master(void)
{
    uint8_t how = (uint8_t)take(1);

    device.windows_gone = (how & 6) == 6;
    set_bus_master((how & 1) != 0);
}

static void set_interrupts(bool intx_off, bool msi, bool msix)
{
    unsigned before = fuzz_interrupt_mode(&device), after;

    device.intx_off = intx_off;
    device.msi_on = msi && device.description.msi != 0;
    device.msix_on = msix && device.description.msix != 0;
    after = fuzz_interrupt_mode(&device);
    if (before != after && FUZZ_CALLS(device.model, interrupt_mode)) {
        fuzz_begin_call(&device, main_loop());
        device.model->interrupt_mode(&device, device.state, (enum ioreqd_interrupt_mode)after);
        fuzz_end_call(&device);
    }
}

static void change_interrupts(void)
{
    uint8_t how = (uint8_t)take(1);

    set_interrupts((how & 1) != 0, (how & 2) != 0, (how & 4) != 0);
}

/* ------------------------------------------------------------------------------------------------------------------
 * What the host does
 */

static bool run_loops(void)
{
    bool ran = false;

    for (unsigned i = 0; i < FUZZ_LOOPS; i++) {
        ran |= fuzz_run_one(&device, &device.loop[i]);
    }
    return ran;
}

static void run_some(void)
{
    uint8_t how = (uint8_t)take(1);

    if ((how & 0x80) == 0) {
        (void)fuzz_run_one(&device, &device.loop[how % FUZZ_LOOPS]);
        return;
    }
    for (unsigned i = 0; i < 64 && run_loops(); i++) {
    }
}

static void complete_file(void)
{
    static const int errors[] = {0, 0, 0, -EIO, 0, -ENOSPC, 0, -EBADF};
    uint8_t how = (uint8_t)take(1);

    (void)fuzz_complete_one(&device, how / 8u, errors[how % 8]);
}

/* Time goes on; with it or later fires what is due. */
static void pass_time(void)
{
    uint8_t how = (uint8_t)take(1);

    switch (how % 4) {
    case 0:
        device.now += take(4);
        break;
    case 1:
        device.now += UINT64_C(1000000) << take(1) % 24;
        break;
    case 2:
        if (fuzz_next_deadline(&device) > device.now) {
            device.now = fuzz_next_deadline(&device);
        }
        break;
    default:
        break;
    }
    for (unsigned i = 0; (how & 0x80) == 0 && i < 64 && fuzz_fire_one(&device); i++) {
    }
}

static void stir_streams(void)
{
    uint8_t how = (uint8_t)take(1);

    (void)fuzz_stream_event(&device, how >> 6, how % 4, (how >> 2) % 16);
    (void)fuzz_sockets_event(&device, how);
    (void)fuzz_watch_event(&device);
    if (device.networks != NULL) {
        how = (uint8_t)take(1);
        (void)fuzz_network_event(&device, how >> 6, how % 4, (how >> 2) % 16);
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * Rest, reset and end
 */

static void wait_for_rest(void)
{
    unsigned waits = 0;

    for (unsigned turns = 0; device.phase == FUZZ_QUIESCING; turns++) {
        if (turns == TURNS_MOST) {
            fuzz_violation("quiesce: no answer after %u turns", turns);
        }
        if (run_loops() || fuzz_complete_one(&device, (unsigned)take(1), take(1) % 8 == 7 ? -EIO : 0)) {
            continue;
        }
        if (fuzz_next_deadline(&device) == 0 || waits++ == WAITS_MOST) {
            fuzz_violation("quiesce: no answer, and nothing is left to be done");
        }
        if (fuzz_next_deadline(&device) > device.now) {
            device.now = fuzz_next_deadline(&device);
        }
        (void)fuzz_fire_one(&device);
    }
}

/* Work that is posted and timers that are set may still come, and change nothing. */
static void check_rest(const uint8_t *fields, const char *when, bool after_reset)
{
    uint8_t late = (uint8_t)take(1);

    device.phase = FUZZ_QUIET;
    fuzz_fields_compare(&device, fields, when, after_reset);
    for (unsigned i = 0; i < late % 8u && run_loops(); i++) {
    }
    if ((late & 0x80) != 0 && fuzz_next_deadline(&device) != 0) {
        device.now += UINT64_C(1) << 40;
        for (unsigned i = 0; i < 64 && fuzz_fire_one(&device); i++) {
        }
    }
    fuzz_fields_compare(&device, fields, when, after_reset);
}

static void come_to_rest(void)
{
    if (FUZZ_CALLS(device.model, quiesce)) {
        device.phase = FUZZ_QUIESCING;
        fuzz_begin_call(&device, main_loop());
        device.model->quiesce(&device, device.state);
        fuzz_end_call(&device);
        wait_for_rest();
    }
    fuzz_fields_copy(&device, quiet);
    check_rest(quiet, "after quiesced()", false);
}

static void call_reset(enum ioreqd_reset_kind kind)
{
    device.phase = FUZZ_RESETTING;
    fuzz_begin_call(&device, main_loop());
    device.model->reset(&device, device.state, kind);
    fuzz_end_call(&device);
}

static void go_on(void)
{
    device.phase = FUZZ_RUNNING;
    if (FUZZ_CALLS(device.model, resume)) {
        fuzz_begin_call(&device, main_loop());
        device.model->resume(&device, device.state);
        fuzz_end_call(&device);
    }
}

/* A device that has failed comes back with its bus alone. What stands in configuration space goes with the registers. */
static void reset(void)
{
    uint8_t how = (uint8_t)take(1);
    enum ioreqd_reset_kind kind = device.failed ? IOREQD_RESET_BUS : (enum ioreqd_reset_kind)(1 + how % 3);

    come_to_rest();
    if (FUZZ_CALLS(device.model, reset)) {
        call_reset(kind);
        check_rest(power_on, "after reset()", true);
        if (device.line != 0) {
            fuzz_violation("reset: the INTx line is still raised");
        }
        if ((how & 0x80) != 0) {
            call_reset(kind);
            check_rest(power_on, "after the second reset()", true);
        }
    }
    device.failed = false;
    go_on();
    set_interrupts(false, false, false);
    set_bus_master(false);
}

/* Guest memory moves, or somebody looks at the device. A model without resume() may count on a reset. */
static void pause_device(void)
{
    if (FUZZ_CALLS(device.model, resume)) {
        come_to_rest();
        go_on();
    }
}

static void end(void)
{
    bool cut = take(1) % 4 == 3;

    if (!cut) {
        come_to_rest();
    }
    device.phase = FUZZ_DESTROYING;
    fuzz_begin_call(&device, main_loop());
    if (device.model->destroy != NULL) {
        device.model->destroy(&device, device.state);
    }
    device.current = NULL;
    fuzz_host_end(&device, cut);
}

static bool begin(void)
{
    size_t bytes = device.model->description->struct_size;
    int error;

    memcpy(&device.description, device.model->description,
           bytes < sizeof(device.description) ? bytes : sizeof(device.description));
    device.state = calloc(1, device.model->state_size);
    fuzz_set_properties(&device);
    device.phase = FUZZ_CREATING;
    fuzz_begin_call(&device, main_loop());
    error = device.model->create(&device, device.state, &device.description);
    fuzz_end_call(&device);
    if (error != 0) {
        if (error == -EINVAL && device.property_errors == 0) {
            fuzz_violation("create: -EINVAL without property_error()");
        }
        fuzz_host_end(&device, false);
        return false;
    }
    fuzz_prepare_capabilities(&device);
    if (FUZZ_CALLS(device.model, reset)) {
        call_reset(IOREQD_RESET_COLD);
    }
    fuzz_fields_copy(&device, power_on);
    device.phase = FUZZ_RUNNING;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* What drives registers comes up most often. */
    static void (*const steps[])(void) = {
        write_register, write_register, write_register,    write_register,    read_register, read_register,
        run_some,       complete_file,  pass_time,         pass_time,         stir_streams,  stir_streams,
        reset,          pause_device,   change_bus_master, change_interrupts, read_rom,      access_capability,
    };

    fuzz_host_begin(&device, data, size);
    device.model = ioreqd_module(&fuzz_host)[0];
    fuzz_check_tables(device.model);
    power_on = malloc(fuzz_fields_bytes(device.model) + 1);
    quiet = malloc(fuzz_fields_bytes(device.model) + 1);
    counters = calloc(fuzz_counters(device.model) + 1, sizeof(counters[0]));
    if (begin()) {
        while (fuzz_left(&device.input) != 0) {
            steps[take(1) % (sizeof(steps) / sizeof(steps[0]))]();
            fuzz_check_counters(&device, counters);
        }
        end();
    }
    free(device.state);
    free(power_on);
    free(quiet);
    free(counters);
    return 0;
}
