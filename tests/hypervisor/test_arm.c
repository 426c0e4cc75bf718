/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole of ioreqd for a guest as Xen's on Arm are: all of PCI is memory, answers must not be wider than accesses, and
 * interrupts are SPIs of a controller that keeps no levels (hypervisor/sim/sim.h). A virtio-blk with its driver, and a
 * model with 16 vectors and an I/O BAR on two host bridges. The sources of the models know nothing of this.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/machine.h"
#include "bridge/pci_registers.h"
#include "device/host.h"
#include "tests/drv/blk.h"
#include "tests/drv/stack.h"

#define MEMORY    (UINT64_C(8) << 20)
#define DRIVER_AT (UINT64_C(1) << 20)
#define FRAME     UINT64_C(0x0a000000)
#define SETSPI    (FRAME + 0x40)
#define FIRST_SPI 48u
#define VECTORS   16u
#define LINE      44u
#define SECOND    "second"
#define WAIT      20000u /* milliseconds */

static struct stack stack;
static struct vcpu vcpu;

/* ---- a model: register 0 raises a vector, 4 sets its line, 8 holds what is written ---- */

enum { RAISE = 0, PIN = 4, HOLD = 8 };

struct state {
    uint64_t held;
};

static const struct ioreqd_host *host;

static int create(struct ioreqd_device *device, void *memory, struct ioreqd_description *description)
{
    (void)device;
    (void)memory;
    (void)description;
    host = host_table();
    return 0;
}

static uint64_t read_register(struct ioreqd_device *device, void *memory, unsigned bar, uint64_t offset, unsigned size)
{
    const struct state *state = memory;

    (void)device;
    (void)bar;
    (void)size;
    return offset == HOLD ? state->held : UINT64_MAX;
}

static void write_register(struct ioreqd_device *device, void *memory, unsigned bar, uint64_t offset, unsigned size,
                           uint64_t value)
{
    struct state *state = memory;

    (void)bar;
    (void)size;
    if (offset == RAISE) {
        host->msix(device, (unsigned)value);
    } else if (offset == PIN) {
        host->intx(device, value != 0);
    } else if (offset == HOLD) {
        state->held = value;
    }
}

static const struct ioreqd_description description = {
    .struct_size = sizeof(description),
    .vendor = 0x1af4,
    .device = 0x10ff,
    .intx = 1,
    .msix = VECTORS,
    .msix_bar = 2,
    .bar = {{.kind = IOREQD_BAR_IO, .min_access = 4, .max_access = 4, .size = 64},
            {.kind = IOREQD_BAR_MEM32, .min_access = 1, .max_access = 8, .size = 4096}},
};

static const struct ioreqd_model model = {
    .struct_size = sizeof(model),
    .abi = IOREQD_ABI,
    .name = "probe",
    .summary = "raises what it is told to",
    .state_size = sizeof(struct state),
    .description = &description,
    .create = create,
    .read = read_register,
    .write = write_register,
};

/* ---- the guest ---- */

/* As the device tree tells it: bridge turn 0 or 1. */
static struct vcpu vcpu_of(unsigned turn)
{
    uint64_t size;
    struct vcpu made = {.sim = stack.sim, .segment = (uint16_t)(BRIDGE_ARM_SEGMENT + turn)};

    bridge_arm_window(BRIDGE_WINDOW_ECAM, turn, &made.ecam, &size);
    return made;
}

static struct pci_space space_of(unsigned turn)
{
    struct pci_space space = {0};
    uint64_t size;

    bridge_arm_window(BRIDGE_WINDOW_IO, turn, &space.ports, &size);
    bridge_arm_window(BRIDGE_WINDOW_MEMORY, turn, &space.memory, &size);
    bridge_arm_window(BRIDGE_WINDOW_MEMORY64, turn, &space.high, &size);
    space.offset.ports = space.ports; /* the bus's I/O space begins with 0 */
    space.ports += 0x1000;
    return space;
}

static void open_stack(const struct ioreqd_model *of, const struct sim_options *more)
{
    struct stack_options options = {.sim = {.spis = 32, .memory = MEMORY}, .model = of};

    if (more != NULL) {
        options.sim = *more;
    }
    ck_assert_msg(stack_open(&stack, &options), "%s", stack.error);
}

static void run_stack(void)
{
    ck_assert_msg(stack_run(&stack), "%s", stack.error);
    vcpu = vcpu_of(0);
}

static void expect_spi(unsigned wanted)
{
    unsigned spi = 0;

    ck_assert(sim_spi_take_wait(stack.sim, WAIT, &spi));
    ck_assert_uint_eq(spi, wanted);
    sim_spi_end(stack.sim, spi);
}

static void expect_no_spi(void)
{
    unsigned spi;

    ck_assert(!sim_spi_take(stack.sim, &spi));
}

static struct pci_function find(const struct vcpu *of, unsigned turn, unsigned functions)
{
    struct pci_function found[PCI_FUNCTIONS];
    struct pci_space space = space_of(turn);

    ck_assert_uint_eq(pci_enumerate(of, found, PCI_FUNCTIONS), functions);
    pci_place(of, &found[functions - 1], &space);
    return found[functions - 1];
}

/* ---- tests ---- */

/* The host bridge and the disk, a round trip of data, and the interrupt of the queue as an SPI of the frame. */
START_TEST(a_disk_is_served)
{
    static uint8_t written[8 * BLK_SECTOR], read[8 * BLK_SECTOR];
    struct pci_space space;
    struct blk blk;
    unsigned slot;

    open_stack(NULL, NULL);
    run_stack();
    space = space_of(0);
    ck_assert(blk_probe(&blk, &vcpu, DRIVER_AT, &space));
    ck_assert(blk_start(&blk, &vcpu, VIRTIO_F_INDIRECT_DESC | BLK_F_FLUSH, 0));
    for (unsigned i = 0; i < sizeof(written); i++) {
        written[i] = (uint8_t)(i * 7 + 3);
    }
    /* The driver has put an address of a PC into the table: its messages go nowhere. */
    ck_assert_int_eq(blk_do(&blk, &vcpu, BLK_OUT, 5, written, sizeof(written)), 0);
    ck_assert_int_eq(blk_do(&blk, &vcpu, BLK_FLUSH, 0, NULL, 0), 0);
    expect_no_spi();
    pci_msix_set(&vcpu, &blk.pci, 1, SETSPI, FIRST_SPI + 5);
    for (unsigned i = 0; i < 100; i++) {
        ck_assert_int_eq(blk_do(&blk, &vcpu, BLK_IN, 5, read, sizeof(read)), 0);
        expect_spi(FIRST_SPI + 5);
        ck_assert_mem_eq(read, written, sizeof(read));
        memset(read, 0, sizeof(read));
    }
    slot = blk_take_slot(&blk);
    blk_free_slot(&blk, slot);
    ck_assert_uint_eq(stack_close(&stack), 0);
}
END_TEST

START_TEST(sixteen_vectors_are_sixteen_spis)
{
    struct pci_function function;
    uint64_t registers;

    open_stack(&model, NULL);
    run_stack();
    function = find(&vcpu, 0, 2);
    ck_assert_uint_eq(function.vectors, VECTORS);
    ck_assert_uint_eq(vcpu_load(&vcpu, FRAME + 8, 4), FIRST_SPI << 16 | VECTORS);
    registers = function.bar[1].address;
    for (unsigned i = 0; i < VECTORS; i++) {
        pci_msix_set(&vcpu, &function, i, SETSPI, FIRST_SPI + i);
    }
    pci_msix_enable(&vcpu, &function, true);
    for (unsigned i = 0; i < 4 * VECTORS; i++) {
        unsigned vector = i * 5 % VECTORS;

        vcpu_store(&vcpu, registers + RAISE, 4, vector);
        expect_spi(FIRST_SPI + vector);
    }
    expect_no_spi();
    /* A mask holds one back, as everywhere. */
    pci_msix_mask(&vcpu, &function, 3, true);
    vcpu_store(&vcpu, registers + RAISE, 4, 3);
    expect_no_spi();
    pci_msix_mask(&vcpu, &function, 3, false);
    expect_spi(FIRST_SPI + 3);
    /* What is no SPI of the frame, and what is written elsewhere, raises nothing. */
    pci_msix_set(&vcpu, &function, 0, SETSPI, LINE);
    pci_msix_set(&vcpu, &function, 1, SETSPI - 0x40, FIRST_SPI);
    vcpu_store(&vcpu, registers + RAISE, 4, 0);
    vcpu_store(&vcpu, registers + RAISE, 4, 1);
    expect_no_spi();
    /* The guest's own write does. */
    vcpu_store(&vcpu, SETSPI, 4, FIRST_SPI + 9);
    expect_spi(FIRST_SPI + 9);
    ck_assert_uint_eq(stack_close(&stack), 0);
}
END_TEST

/* The device tree's interrupt-map: device 1's INTA is the second of the lines. */
START_TEST(a_line_is_an_spi)
{
    struct pci_function function;
    uint64_t registers;
    unsigned spi;

    open_stack(&model, NULL);
    run_stack();
    function = find(&vcpu, 0, 2);
    registers = function.bar[1].address;
    vcpu_store(&vcpu, registers + PIN, 4, 1);
    ck_assert(sim_spi_take(stack.sim, &spi));
    ck_assert_uint_eq(spi, LINE + 1);
    /* The handler looks and leaves: it runs again. */
    vcpu_load(&vcpu, registers + HOLD, 4);
    sim_spi_end(stack.sim, spi);
    ck_assert(sim_spi_take(stack.sim, &spi));
    vcpu_store(&vcpu, registers + PIN, 4, 0);
    sim_spi_end(stack.sim, spi);
    expect_no_spi();
    ck_assert_uint_eq(stack_close(&stack), 0);
}
END_TEST

/* Two bridges: their I/O BARs have one address on the bus, and each its own device. */
START_TEST(bridges_have_io_of_their_own)
{
    struct bridge_host_config config;
    struct bridge_interrupts interrupts;
    struct pci_function function[2];
    struct ioreqd_device *second;
    const char *property, *reason;
    uint64_t size;

    open_stack(&model, NULL);
    bridge_default_interrupts(&interrupts);
    bridge_default_arm_host(&config);
    strcpy(config.name, SECOND);
    config.segment++;
    config.last_bus = 0;
    config.host_bridge_shown = false;
    bridge_arm_window(BRIDGE_WINDOW_ECAM, 1, &config.ecam, &size);
    bridge_arm_window(BRIDGE_WINDOW_IO, 1, &config.io.first, &size);
    bridge_arm_window(BRIDGE_WINDOW_MEMORY, 1, &config.memory.first, &size);
    bridge_arm_window(BRIDGE_WINDOW_MEMORY64, 1, &config.memory64.first, &size);
    config.memory.bus = config.memory.first;
    config.memory64.bus = config.memory64.first;
    bridge_give_lines(&config, &interrupts.lines, 1, 2);
    second = device_create(&model, SECOND, worker_environment(stack.worker));
    ck_assert_ptr_nonnull(second);
    ck_assert_int_eq(device_configure(second, &property, &reason), 0);
    ck_assert_int_eq(worker_add_host(stack.worker, &config), 0);
    ck_assert_int_eq(worker_add_device(stack.worker, second, SECOND, BRIDGE_DEVFN(1, 0)), 0);
    run_stack();

    struct vcpu other = vcpu_of(1);

    function[0] = find(&vcpu, 0, 2);
    function[1] = find(&other, 1, 1);
    ck_assert_uint_eq(pci_get(&vcpu, function[0].number, PCI_BAR0, 4), 0x1001);
    ck_assert_uint_eq(pci_get(&other, function[1].number, PCI_BAR0, 4), 0x1001);
    ck_assert_uint_ne(function[0].bar[0].address, function[1].bar[0].address);
    vcpu_store(&vcpu, function[0].bar[0].address + HOLD, 4, 0x11111111);
    vcpu_store(&vcpu, function[1].bar[0].address + HOLD, 4, 0x22222222);
    ck_assert_uint_eq(vcpu_load(&vcpu, function[0].bar[0].address + HOLD, 4), 0x11111111);
    ck_assert_uint_eq(vcpu_load(&vcpu, function[1].bar[0].address + HOLD, 4), 0x22222222);
    /* The same registers, by memory. */
    ck_assert_uint_eq(vcpu_load(&vcpu, function[1].bar[1].address + HOLD, 4), 0x22222222);
    /* Device 1 of each has a line, and they differ. */
    vcpu_store(&vcpu, function[1].bar[0].address + PIN, 4, 1);
    expect_spi(LINE + 3);
    ck_assert_uint_eq(stack_close(&stack), 0);
}
END_TEST

/* Answers are cut, whatever model and bridge say: sim_violations() has it when one is not. */
START_TEST(answers_are_no_wider_than_accesses)
{
    struct pci_function function;

    open_stack(&model, NULL);
    run_stack();
    function = find(&vcpu, 0, 2);
    for (unsigned size = 1; size <= 8; size *= 2) {
        ck_assert_uint_eq(vcpu_load(&vcpu, function.bar[1].address + 0x100, size), UINT64_MAX >> (64 - 8 * size));
        vcpu_load(&vcpu, vcpu.ecam + 0x8000, size); /* a function, and one that is not there */
        vcpu_load(&vcpu, vcpu.ecam + 0x80000, size);
        vcpu_load(&vcpu, FRAME + 8, size);
        vcpu_load(&vcpu, function.bar[0].address + 0x3000, size);
    }
    /* What is claimed but nobody's is answered, and INVALIDATE too. */
    sim_punch(stack.sim, 4, 1, 0);
    sim_wait(stack.sim, 0);
    ck_assert_uint_eq(sim_access(stack.sim, 0, REQUEST_OTHER, 0, 4, 1, SIM_READ, 0), UINT32_MAX);
    ck_assert_uint_eq(stack_close(&stack), 0);
}
END_TEST

/* Configuration requests, should Xen make them one day, reach the same functions as the ECAM. */
START_TEST(configuration_requests_are_served)
{
    open_stack(&model, NULL);
    run_stack();
    ck_assert_uint_eq(sim_access(stack.sim, 0, REQUEST_CONFIG,
                                 (uint64_t)(BRIDGE_ARM_SEGMENT << 16 | STACK_FUNCTION) << 32, 4, 1, SIM_UNCHECKED, 0),
                      0x10ff1af4);
    ck_assert_uint_eq(stack_close(&stack), 0);
}
END_TEST

/* Nothing that a guest is served lies outside what was claimed before it ran, and none of it is ports or functions. */
START_TEST(windows_are_claimed_whole)
{
    static const enum bridge_window all[] = {BRIDGE_WINDOW_ECAM, BRIDGE_WINDOW_IO, BRIDGE_WINDOW_MEMORY,
                                             BRIDGE_WINDOW_MEMORY64};
    uint64_t first, size, data;

    open_stack(&model, NULL);
    run_stack();
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        bridge_arm_window(all[i], 0, &first, &size);
        ck_assert(sim_request(stack.sim, 0, REQUEST_MEMORY, first, 4, 1, SIM_READ, 0));
        sim_wait(stack.sim, 0);
        ck_assert(sim_request(stack.sim, 0, REQUEST_MEMORY, first + size - 4, 4, 1, SIM_READ, 0));
        sim_wait(stack.sim, 0);
        ck_assert(!sim_request(stack.sim, 0, REQUEST_MEMORY, first + size, 4, 1, SIM_READ, 0));
        sim_result(stack.sim, 0, &data);
    }
    ck_assert(!sim_request(stack.sim, 0, REQUEST_PORT, 0xcf8, 4, 1, SIM_READ, 0));
    ck_assert(!sim_request(stack.sim, 0, REQUEST_CONFIG, 0, 4, 1, SIM_READ, 0));
    ck_assert_uint_eq(stack_close(&stack), 0);
}
END_TEST

/* Too few SPIs, or one that is Xen's own, is told before the guest runs. */
static void refused(const struct sim_options *options, const struct bridge_interrupts *interrupts, const char *wanted)
{
    open_stack(&model, options);
    if (interrupts != NULL) {
        worker_set_interrupts(stack.worker, interrupts);
    }
    ck_assert(!stack_serve(&stack));
    ck_assert_msg(strstr(stack.error, wanted) != NULL, "%s", stack.error);
    ck_assert_uint_eq(stack_close(&stack), 0);
}

START_TEST(missing_spis_are_told)
{
    const struct sim_options few = {.spis = 20, .memory = MEMORY};
    const struct sim_options vuart = {.spis = 32, .vuart = true, .memory = MEMORY};
    const struct bridge_interrupts first = {.lines = {32, 4}, .messages = {48, 8}, .frame = FRAME};

    refused(&few, NULL,
            "SPI 52 cannot be raised: the guest has too few, or Xen uses it itself: give the guest nr_spis = 32 ");
    refused(&vuart, &first, "SPI 32 cannot be raised: ");
    /* The defaults are what both a vuart and nr_spis=32 leave. */
    open_stack(&model, &vuart);
    run_stack();
    ck_assert_uint_eq(stack_close(&stack), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("arm");
    TCase *tests = tcase_create("guest");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_disk_is_served);
    tcase_add_test(tests, sixteen_vectors_are_sixteen_spis);
    tcase_add_test(tests, a_line_is_an_spi);
    tcase_add_test(tests, bridges_have_io_of_their_own);
    tcase_add_test(tests, answers_are_no_wider_than_accesses);
    tcase_add_test(tests, configuration_requests_are_served);
    tcase_add_test(tests, windows_are_claimed_whole);
    tcase_add_test(tests, missing_spis_are_told);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
