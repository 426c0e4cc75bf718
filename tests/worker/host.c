/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the host gives a model (struct ioreqd_host), seen by a model: it does what its registers say, on the loop that
 * the interface promises, and shows the result.
 */
#include "device/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device/file.h"
#include "tests/worker/disk.h"

enum command {
    DMA_READ = 1,
    DMA_WRITE,
    DMA_MAP,
    WINDOW_OPEN,
    WINDOW_LOOK,
    WINDOW_CLOSE,
    MSIX,
    MSIX_ENABLED,
    INTX,
    POST,
    FILE_READ,
    ERROR,
    LOOPS
};

/* Registers of BAR 0, 8 bytes each: command, argument, result, data. The bell of queue 0 is at 0x100. */
enum { COMMAND = 0, ARGUMENT = 8, RESULT = 16, DATA = 24, BELL = 0x100 };

struct state {
    struct ioreqd_device *device;
    uint64_t argument;
    uint64_t data;
    int64_t result;
    struct ioreqd_window *window;
    struct ioreqd_work work;
    struct ioreqd_file_request request;
    struct iovec iov;
    _Atomic uint64_t works;
    _Atomic uint64_t bells;
    _Atomic uint64_t last_bell;
    _Atomic uint64_t resets;
    uint32_t trapped;
};

static const struct ioreqd_host *host;
static struct ioreqd_file *file;
static bool restless;
static struct state *the_state;
static const char *refuse_property;

static void on_work(void *argument)
{
    struct state *state = argument;

    atomic_fetch_add(&state->works, 1);
}

static void on_file(struct ioreqd_file_request *request)
{
    atomic_store(&the_state->works, request->result == 0 ? 100 : 1000);
}

static int64_t run_command(struct state *state, enum command command)
{
    struct iovec iov[2];
    uint64_t pin[2];
    const uint8_t *base;
    int rc;

    switch (command) {
    case DMA_READ:
        return host->dma_read(state->device, state->argument, &state->data, sizeof(state->data));
    case DMA_WRITE:
        return host->dma_write(state->device, state->argument, &state->data, sizeof(state->data));
    case DMA_MAP:
        rc = host->dma_map(state->device, state->argument, 64, IOREQD_TO_GUEST, iov, pin, 2);
        if (rc > 0) {
            memset(iov[0].iov_base, (int)state->data, iov[0].iov_len);
            host->dma_unmap(state->device, pin, (unsigned)rc);
        }
        return rc;
    case WINDOW_OPEN:
        return host->window_open(state->device, state->argument, 4096, &state->window);
    case WINDOW_LOOK:
        base = (const uint8_t *)(uintptr_t)host->window_base(state->window);
        return base == NULL ? -1 : *base;
    case WINDOW_CLOSE:
        host->window_close(state->window);
        state->window = NULL;
        host->window_close(NULL);
        return 0;
    case MSIX:
        host->msix(state->device, (unsigned)state->argument);
        return 0;
    case MSIX_ENABLED:
        return host->msix_enabled(state->device);
    case INTX:
        host->intx(state->device, (int)state->argument);
        return 0;
    case POST:
        host->post(host->main_loop(state->device), &state->work);
        host->post(host->main_loop(state->device), &state->work);
        return (int64_t)atomic_load(&state->works);
    case FILE_READ:
        state->iov = (struct iovec){&state->data, sizeof(state->data)};
        state->request = (struct ioreqd_file_request){
            .operation = IOREQD_FILE_READ, .iov = &state->iov, .iov_count = 1, .done = on_file};
        host->file_submit(state->device, host->main_loop(state->device), file, &state->request);
        return (int64_t)host->file_size(file) + host->file_read_only(file);
    case ERROR:
        host->guest_error(state->device, "wrote %u", 1u);
        host->log(state->device, IOREQD_LOG_DEBUG, "not shown");
        host->log(state->device, IOREQD_LOG_WARNING, "shown %s", "once");
        return 0;
    case LOOPS:
        return host->queue_loop(state->device, 0) != host->main_loop(state->device) &&
               host->queue_loop(state->device, 0) == host->queue_loop(state->device, 1);
    }
    return -EINVAL;
}

static int create(struct ioreqd_device *device, void *memory, struct ioreqd_description *description)
{
    struct state *state = memory;

    (void)description;
    host = host_table();
    state->device = device;
    state->work.run = on_work;
    state->work.argument = state;
    the_state = state;
    /* Before it has a place, a device has no interrupts and no memory. */
    host->msix(device, 0);
    host->intx(device, 1);
    if (host->msix_enabled(device) || host->dma_read(device, 0, state, 1) != -EIO) {
        return -EPROTO;
    }
    if (refuse_property != NULL) {
        host->property_error(device, refuse_property, "because of %d", 7);
        return -EINVAL;
    }
    return 0;
}

static uint64_t read_register(struct ioreqd_device *device, void *memory, unsigned bar, uint64_t offset, unsigned size)
{
    struct state *state = memory;

    (void)device;
    (void)bar;
    (void)size;
    switch (offset) {
    case RESULT:
        return (uint64_t)state->result;
    case DATA:
        return state->data;
    default:
        return 0;
    }
}

static void write_register(struct ioreqd_device *device, void *memory, unsigned bar, uint64_t offset, unsigned size,
                           uint64_t value)
{
    struct state *state = memory;

    (void)device;
    (void)bar;
    (void)size;
    switch (offset) {
    case COMMAND:
        state->result = run_command(state, (enum command)value);
        break;
    case ARGUMENT:
        state->argument = value;
        break;
    case DATA:
        state->data = value;
        break;
    }
}

static void bell(struct ioreqd_device *device, void *memory, unsigned queue, uint32_t value)
{
    struct state *state = memory;

    atomic_store(&state->last_bell, (uint64_t)queue << 32 | value);
    atomic_fetch_add(&state->bells, 1);
    host->msix(device, queue);
}

static void reset(struct ioreqd_device *device, void *memory, enum ioreqd_reset_kind kind)
{
    (void)device;
    (void)kind;
    atomic_fetch_add(&((struct state *)memory)->resets, 1);
}

static void quiesce(struct ioreqd_device *device, void *memory)
{
    (void)memory;
    if (!restless) {
        host->quiesced(device);
    }
}

static uint32_t config_read(struct ioreqd_device *device, void *memory, unsigned index, unsigned offset, unsigned size,
                            uint32_t value)
{
    (void)device;
    (void)index;
    (void)size;
    return offset == 4 ? ((struct state *)memory)->trapped + 1 : value;
}

static void config_write(struct ioreqd_device *device, void *memory, unsigned index, unsigned offset, unsigned size,
                         uint32_t value)
{
    (void)device;
    (void)index;
    (void)offset;
    (void)size;
    ((struct state *)memory)->trapped = value;
}

static const uint8_t trap_body[6] = {0};
static const uint8_t trap_mask[6] = {0, 0, 0xff, 0xff, 0xff, 0xff};
static const struct ioreqd_capability trap = {
    .id = 9, .length = 8, .flags = IOREQD_CAPABILITY_TRAP, .body = trap_body, .write_mask = trap_mask};
static const struct ioreqd_bell bells = {.bar = 0, .size = 4, .count = 2, .stride = 8, .offset = BELL};

static const struct ioreqd_description description = {
    .struct_size = sizeof(description),
    .vendor = 0x1af4,
    .intx = 1,
    .msix = 2,
    .msix_bar = 2,
    .queues = 2,
    .capabilities = 1,
    .capability = &trap,
    .bells = 1,
    .bell = &bells,
    .bar = {{.kind = IOREQD_BAR_MEM64, .min_access = 8, .max_access = 8, .size = 4096}},
};

static const struct ioreqd_counter counters[] = {
    {.name = "bells", .unit = "bells", .offset = offsetof(struct state, bells)},
    {.name = NULL},
};

static const struct ioreqd_model model = {
    .struct_size = sizeof(model),
    .abi = IOREQD_ABI,
    .name = "probe",
    .summary = "does what its registers say",
    .state_size = sizeof(struct state),
    .description = &description,
    .counter = counters,
    .create = create,
    .read = read_register,
    .write = write_register,
    .bell = bell,
    .reset = reset,
    .quiesce = quiesce,
    .config_read = config_read,
    .config_write = config_write,
};

/* ---- the guest ---- */

static struct pci_function function;

static void open_probe(void)
{
    const struct stack_options options = {.sim = {.intx = true, .memory = DISK_MEMORY}, .model = &model};
    struct pci_space space = {.ports = 0xc000, .memory = 0xf0000000};
    struct pci_function found[PCI_FUNCTIONS];

    ck_assert_msg(stack_open(&stack, &options) && stack_run(&stack), "%s", stack.error);
    vcpu[0] = (struct vcpu){.sim = stack.sim};
    ck_assert_uint_eq(pci_enumerate(&vcpu[0], found, PCI_FUNCTIONS), 2);
    function = found[1];
    pci_place(&vcpu[0], &function, &space);
}

static void close_probe(void)
{
    ck_assert_uint_eq(stack_close(&stack), 0);
}

static int64_t command(enum command what, uint64_t argument)
{
    vcpu_store(&vcpu[0], function.bar[0].address + ARGUMENT, 8, argument);
    vcpu_store(&vcpu[0], function.bar[0].address + COMMAND, 8, what);
    return (int64_t)vcpu_load(&vcpu[0], function.bar[0].address + RESULT, 8);
}

static uint64_t get_data(void)
{
    return vcpu_load(&vcpu[0], function.bar[0].address + DATA, 8);
}

static void set_data(uint64_t data)
{
    vcpu_store(&vcpu[0], function.bar[0].address + DATA, 8, data);
}

static void set_command(uint32_t bits)
{
    pci_put(&vcpu[0], function.number, 4, 2, bits);
}

START_TEST(dma_needs_bus_mastering_and_memory)
{
    const uint64_t word = UINT64_C(0x1122334455667788);

    memcpy(sim_memory(stack.sim, 0x1000, 8), &word, 8);
    ck_assert_int_eq(command(DMA_READ, 0x1000), 0);
    ck_assert_uint_eq(get_data(), word);
    ck_assert_int_eq(command(DMA_WRITE, 0x2000), 0);
    ck_assert_mem_eq(sim_memory(stack.sim, 0x2000, 8), &word, 8);
    set_data(0x5a);
    ck_assert_int_eq(command(DMA_MAP, 0x3000), 1);
    ck_assert_uint_eq(*(uint8_t *)sim_memory(stack.sim, 0x303f, 1), 0x5a);
    ck_assert_int_eq(command(DMA_READ, DISK_MEMORY), -EFAULT);
    ck_assert_int_eq(command(DMA_WRITE, UINT64_MAX - 3), -EFAULT);
    ck_assert_int_eq(command(DMA_MAP, DISK_MEMORY - 32), -EFAULT);
    ck_assert_int_eq(command(DMA_READ, function.bar[0].address), -EFAULT); /* a BAR is no memory */
    set_command(2);
    ck_assert_int_eq(command(DMA_READ, 0x1000), -EIO);
    ck_assert_int_eq(command(DMA_WRITE, 0x1000), -EIO);
    ck_assert_int_eq(command(DMA_MAP, 0x1000), -EIO);
    ck_assert_int_eq(command(WINDOW_OPEN, 0x1000), -EIO);
}
END_TEST

START_TEST(windows)
{
    memset(sim_memory(stack.sim, 0x4000, 4096), 0x21, 4096);
    ck_assert_int_eq(command(WINDOW_OPEN, DISK_MEMORY), -EFAULT);
    ck_assert_int_eq(command(WINDOW_OPEN, 0x4000), 0);
    ck_assert_int_eq(command(WINDOW_LOOK, 0), 0x21);
    set_command(2);
    ck_assert_int_eq(command(WINDOW_LOOK, 0), -1);
    set_command(6);
    ck_assert_int_eq(command(WINDOW_LOOK, 0), 0x21);
    sim_punch(stack.sim, 4, 1, 0);
    sim_wait(stack.sim, 0);
    ck_assert_int_eq(command(WINDOW_LOOK, 0), -1);
    ck_assert_int_eq(sim_populate(stack.sim, 4, 1), 0);
    ck_assert_int_eq(command(WINDOW_LOOK, 0), 0);
    ck_assert_int_eq(command(WINDOW_CLOSE, 0), 0);
}
END_TEST

START_TEST(interrupts)
{
    struct sim_interrupt interrupt;

    ck_assert_int_eq(command(MSIX_ENABLED, 0), 0);
    command(INTX, 1);
    ck_assert(sim_intx_level(stack.sim, function.number >> 3, 0));
    pci_msix_set(&vcpu[0], &function, 1, 0xfee00000, 0x41);
    pci_msix_enable(&vcpu[0], &function, true);
    ck_assert_int_eq(command(MSIX_ENABLED, 0), 1);
    ck_assert(!sim_intx_level(stack.sim, function.number >> 3, 0));
    while (sim_interrupt(stack.sim, &interrupt)) {
    }
    command(MSIX, 1);
    command(MSIX, 2); /* there is none */
    ck_assert(sim_interrupt(stack.sim, &interrupt));
    ck_assert(interrupt.is_message);
    ck_assert_uint_eq(interrupt.data, 0x41);
    ck_assert(!sim_interrupt(stack.sim, &interrupt));
    sim_fail(stack.sim, SIM_FAULT_MESSAGE, 0, EINVAL); /* a message that goes nowhere is no reason to stop */
    command(MSIX, 1);
    ck_assert(!sim_interrupt(stack.sim, &interrupt));
    pci_msix_enable(&vcpu[0], &function, false);
    ck_assert(sim_intx_level(stack.sim, function.number >> 3, 0));
    sim_fail(stack.sim, SIM_FAULT_INTX, 0, EINVAL);
    command(INTX, 0);
    command(INTX, 1);
    command(INTX, 0);
    ck_assert(!sim_intx_level(stack.sim, function.number >> 3, 0));
}
END_TEST

static bool wait_for(const _Atomic uint64_t *value, uint64_t wanted)
{
    struct sim_interrupt interrupt;

    for (unsigned i = 0; i < 10000 && atomic_load(value) != wanted; i++) {
        sim_interrupt_wait(stack.sim, 1, &interrupt);
    }
    return atomic_load(value) == wanted;
}

START_TEST(bells_and_work)
{
    ck_assert_int_eq(command(LOOPS, 0), 1);
    for (unsigned i = 1; i <= 20; i++) {
        vcpu_store(&vcpu[0], function.bar[0].address + BELL + 8 * (i % 2), 8, i);
        ck_assert(wait_for(&the_state->last_bell, (uint64_t)(i % 2) << 32 | i));
    }
    ck_assert(wait_for(&the_state->bells, 20));
    ck_assert_uint_eq(atomic_load(&the_state->resets), 1);
    ck_assert_int_eq(command(POST, 0), 0); /* not before the caller returns */
    ck_assert(wait_for(&the_state->works, 1));
    command(ERROR, 0);
}
END_TEST

/* A file request of the main loop goes out though nothing else wakes that loop. */
START_TEST(file_requests_of_the_main_loop)
{
    char path[] = "/tmp/test-host-XXXXXX";
    int fd = mkstemp(path);
    char reason[128];

    ck_assert_int_eq(write(fd, "8 bytes.tail", 12), 12);
    close(fd);
    file = file_open(path, true, reason, sizeof(reason));
    unlink(path);
    ck_assert_int_eq(command(FILE_READ, 0), 12 + 1);
    ck_assert(wait_for(&the_state->works, 100));
    ck_assert_mem_eq(&the_state->data, "8 bytes.", 8);
    file_close(file);
}
END_TEST

START_TEST(trapped_capabilities)
{
    unsigned reg = pci_capability(&vcpu[0], &function, 9, 0);

    ck_assert_uint_ne(reg, 0);
    pci_put(&vcpu[0], function.number, reg + 4, 4, 0x1234);
    ck_assert_uint_eq(pci_get(&vcpu[0], function.number, reg + 4, 4), 0x1235);
    ck_assert_uint_eq(pci_get(&vcpu[0], function.number, reg + 4, 2), 0x1235);
    ck_assert_uint_eq(pci_get(&vcpu[0], function.number, reg + 2, 2), 0);
}
END_TEST

/* A device that does not rest: the worker ends all the same, says so, and must not be destroyed. */
START_TEST(a_device_that_does_not_rest)
{
    restless = true;
    open_probe();
    stack.guest_gone = true;
    stack_end(&stack);
    ck_assert(!stack.rested);
    restless = false;
    close_probe(); /* this one has nothing in flight */
}
END_TEST

START_TEST(properties_that_the_model_refuses)
{
    const struct stack_options options = {.model = &model};

    refuse_property = "colour";
    ck_assert(!stack_open(&stack, &options));
    ck_assert_str_eq(stack.error, "colour: because of 7");
    device_destroy(stack.device);
    ck_assert_uint_eq(stack_close(&stack), 0);
}
END_TEST

TCase *host_tests(void)
{
    TCase *group = tcase_create("host");

    tcase_set_timeout(group, 60);
    tcase_add_checked_fixture(group, open_probe, close_probe);
    tcase_add_test(group, dma_needs_bus_mastering_and_memory);
    tcase_add_test(group, windows);
    tcase_add_test(group, interrupts);
    tcase_add_test(group, bells_and_work);
    tcase_add_test(group, file_requests_of_the_main_loop);
    tcase_add_test(group, trapped_capabilities);
    return group;
}

TCase *host_life_tests(void)
{
    TCase *group = tcase_create("life of a device");

    tcase_set_timeout(group, 60);
    tcase_add_test(group, a_device_that_does_not_rest);
    tcase_add_test(group, properties_that_the_model_refuses);
    return group;
}
