/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recordings that a simulated guest makes with the real models: replayed, nothing differs, and one byte that is not
 * what it was is found.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay/report.h"
#include "tests/drv/blk.h"
#include "tests/drv/stack.h"
#include "tests/replay/suites.h"

#define RAM       (UINT64_C(8) << 20)
#define DRIVER_AT (UINT64_C(1) << 20)
#define WAIT_MS   10000u
#define MESSAGE   UINT64_C(0xfee00000)

static struct stack stack;
static struct vcpu vcpu;
static char path[64];

size_t replay_and_update(const char *text, size_t length, const char *updated, char **printed)
{
    struct replay_options options = {.milliseconds = 300};
    struct recording_error wrong;
    struct recording recording;
    struct config_error error;
    struct replay replay;
    size_t size, differences;
    FILE *out = open_memstream(printed, &size);

    ck_assert_ptr_nonnull(out);
    ck_assert_msg(recording_read(text, length, &recording, &wrong) == 0, "line %zu: %s", wrong.line, wrong.text);
    options.guest.models = models_open(MODULE_BUILD_DIRECTORY);
    ck_assert_msg(replay_run(&replay, &recording, &options, &error) == 0, "%s", error.text);
    differences = report_print(&replay, "made", out);
    fclose(out);
    if (updated != NULL) {
        ck_assert_int_eq(report_update(&replay, updated), 0);
    }
    replay_free(&replay);
    models_close(options.guest.models);
    recording_free(&recording);
    return differences;
}

size_t replay_text(const char *text, size_t length, char **printed)
{
    return replay_and_update(text, length, NULL, printed);
}

char *file_text(const char *name, size_t *length)
{
    FILE *file = fopen(name, "re");
    char *text = malloc((size_t)1 << 22);

    ck_assert_ptr_nonnull(file);
    *length = fread(text, 1, ((size_t)1 << 22) - 1, file);
    text[*length] = '\0';
    fclose(file);
    return text;
}

/* ---- edu ---- */

static uint64_t registers;

static void await_line(bool level)
{
    struct sim_interrupt interrupt;

    ck_assert(sim_interrupt_wait(stack.sim, WAIT_MS, &interrupt));
    ck_assert(!interrupt.is_message);
    ck_assert_int_eq(interrupt.level, level);
}

static void await_message(void)
{
    struct sim_interrupt interrupt;

    ck_assert(sim_interrupt_wait(stack.sim, WAIT_MS, &interrupt));
    ck_assert(interrupt.is_message);
}

static void acknowledge(void)
{
    vcpu_store(&vcpu, registers + 0x64, 4, vcpu_load(&vcpu, registers + 0x24, 4));
}

static void transfer(uint64_t source, uint64_t destination, uint64_t length, uint64_t command)
{
    vcpu_store(&vcpu, registers + 0x80, 8, source);
    vcpu_store(&vcpu, registers + 0x88, 8, destination);
    vcpu_store(&vcpu, registers + 0x90, 8, length);
    vcpu_store(&vcpu, registers + 0x98, 8, command);
}

static void use_edu(void)
{
    struct pci_space space = {.ports = 0xc000, .memory = 0xf0000000, .high = UINT64_C(0x800000000)};
    struct pci_function function[PCI_FUNCTIONS];
    unsigned count = pci_enumerate(&vcpu, function, PCI_FUNCTIONS), at = 0, msi;
    uint8_t *memory = sim_memory(stack.sim, 0x2000, 256);

    while (at < count && function[at].device != 0x11e8) {
        at++;
    }
    ck_assert_uint_lt(at, count);
    pci_place(&vcpu, &function[at], &space);
    registers = function[at].bar[0].address;

    vcpu_store(&vcpu, registers + 4, 4, 0x12345678);
    ck_assert_uint_eq(vcpu_load(&vcpu, registers + 4, 4), 0xedcba987);
    vcpu_store(&vcpu, registers + 0x20, 4, 0x80);
    vcpu_store(&vcpu, registers + 8, 4, 5);
    await_line(true);
    ck_assert_uint_eq(vcpu_load(&vcpu, registers + 8, 4), 120);
    acknowledge();
    await_line(false);

    for (unsigned i = 0; i < 256; i++) {
        memory[i] = (uint8_t)(i * 3);
    }
    transfer(0x2000, 0x40000, 256, 1 | 4);
    await_line(true);
    acknowledge();
    await_line(false);

    msi = pci_capability(&vcpu, &function[at], 0x05, 0);
    pci_put(&vcpu, function[at].number, msi + 4, 4, (uint32_t)MESSAGE);
    pci_put(&vcpu, function[at].number, msi + ((pci_get(&vcpu, function[at].number, msi + 2, 2) & 0x80) != 0 ? 12 : 8),
            2, 0x41);
    pci_put(&vcpu, function[at].number, msi + 2, 2, 1);
    transfer(0x40000, 0x3001, 100, 1 | 2 | 4);
    await_message();
    ck_assert_int_eq(memcmp(sim_memory(stack.sim, 0x3001, 100), memory, 100), 0);
    acknowledge();

    /* A string instruction from memory, and one to it. */
    memset(memory, 0x11, 12);
    sim_access(stack.sim, 0, REQUEST_MEMORY, registers + 4, 4, 1, SIM_WRITE | SIM_POINTER, 0x2000);
    sim_access(stack.sim, 0, REQUEST_MEMORY, registers + 4, 4, 1, SIM_POINTER, 0x2100);
}

static void open_stack(struct stack_options *options)
{
    snprintf(path, sizeof(path), "/tmp/test-recording-XXXXXX");
    close(mkstemp(path));
    options->record = path;
    options->sim.memory = RAM;
    ck_assert_msg(stack_open(&stack, options) && stack_run(&stack), "%s", stack.error);
    vcpu = (struct vcpu){.sim = stack.sim};
}

static char *close_stack(size_t *length)
{
    char *text;

    stack_end(&stack);
    ck_assert_uint_eq(stack_close(&stack), 0);
    text = file_text(path, length);
    unlink(path);
    return text;
}

static char *record_edu(size_t *length)
{
    struct stack_options options = {.sim = {.intx = true}};
    char reason[256], *text;
    struct module *module = module_open(MODULE_BUILD_DIRECTORY "/edu.so", reason, sizeof(reason));

    ck_assert_msg(module != NULL, "%s", reason);
    options.model = module_models(module)[0];
    open_stack(&options);
    use_edu();
    text = close_stack(length);
    module_close(module);
    return text;
}

static void keep(const char *name, const char *text)
{
    const char *folder = getenv("KEEP_RECORDINGS");
    char file[256];
    FILE *out;

    if (folder == NULL) {
        return;
    }
    snprintf(file, sizeof(file), "%s/%s", folder, name);
    out = fopen(file, "we");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    fclose(out);
}

START_TEST(edu_is_replayed)
{
    size_t length;
    char *text = record_edu(&length), *printed;

    keep("edu", text);
    ck_assert_ptr_nonnull(strstr(text, "\n  dma-read disk0 0x2000 "));
    ck_assert_ptr_nonnull(strstr(text, "\n  dma-write disk0 0x3001 "));
    ck_assert_ptr_nonnull(strstr(text, "\n  line 0x01 A up\n"));
    ck_assert_ptr_nonnull(strstr(text, "\n  message 0xfee00000 0x41\n"));
    ck_assert_ptr_nonnull(strstr(text, "\n  operand-read 0x2000 11111111\n"));
    ck_assert_msg(replay_text(text, length, &printed) == 0, "%s", printed);
    free(printed);
    free(text);
}
END_TEST

/* The byte after a word of the recording becomes another one. */
static void spoil(char *text, const char *before)
{
    char *at = strstr(text, before);

    ck_assert_ptr_nonnull(at);
    at += strlen(before);
    *at = *at == '7' ? '8' : '7';
}

START_TEST(one_wrong_byte_is_found)
{
    static const char *const before[] = {" = 0xedcba98", "  dma-write disk0 0x3001 0", "  message 0xfee00000 0x4"};

    size_t length;
    char *text = record_edu(&length);

    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        char *spoilt = strdup(text), *printed;

        spoil(spoilt, before[i]);
        ck_assert_uint_ge(replay_text(spoilt, length, &printed), 1);
        ck_assert_msg(strstr(printed, "\n- ") != NULL && strstr(printed, "\n+ ") != NULL, "%s", printed);
        free(printed);
        free(spoilt);
    }
    free(text);
}
END_TEST

/* What a device read from memory is put there: with another byte in the recording, another one comes back. */
START_TEST(memory_is_served)
{
    size_t length;
    char *text = record_edu(&length), *printed;

    spoil(text, "  dma-read disk0 0x2000 0003");
    ck_assert_uint_eq(replay_text(text, length, &printed), 1);
    ck_assert_msg(strstr(printed, "dma-write disk0 0x3001") != NULL, "%s", printed);
    free(printed);
    free(text);
}
END_TEST

/* ---- virtio-blk ---- */

START_TEST(virtio_blk_is_replayed)
{
    struct pci_space space = {.ports = 0xc000, .memory = 0xf0000000, .high = UINT64_C(0x800000000)};
    struct stack_options options = {.sectors = 64};
    static struct blk blk;
    uint8_t data[1024];
    char *text, *printed;
    size_t length;

    open_stack(&options);
    ck_assert(blk_probe(&blk, &vcpu, DRIVER_AT, &space));
    ck_assert(blk_start(&blk, &vcpu, VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX, 16));
    memset(data, 0x5a, sizeof(data));
    ck_assert_int_eq(blk_do(&blk, &vcpu, BLK_OUT, 3, data, sizeof(data)), 0);
    memset(data, 0, sizeof(data));
    ck_assert_int_eq(blk_do(&blk, &vcpu, BLK_IN, 3, data, sizeof(data)), 0);
    ck_assert_int_eq(data[1023], 0x5a);
    ck_assert_int_eq(blk_do(&blk, &vcpu, BLK_IN, 60, data, sizeof(data)), 0);
    pthread_mutex_destroy(&blk.lock);
    text = close_stack(&length);

    keep("virtio-blk", text);
    ck_assert_ptr_nonnull(strstr(text, "\nfile disk0 file 32768\n"));
    ck_assert_ptr_nonnull(strstr(text, "\n  bell disk0 0 "));
    ck_assert_ptr_nonnull(strstr(text, "\n  file-read disk0 0 0x600 5a*1024\n"));
    ck_assert_ptr_nonnull(strstr(text, "\n  map-wrote disk0 0x104000 5a*1024\n"));
    ck_assert_msg(replay_text(text, length, &printed) == 0, "%s\n%s", printed, text);
    free(printed);
    spoil(text, "\n  map-wrote disk0 0x104000 ");
    ck_assert_uint_eq(replay_text(text, length, &printed), 1);
    free(printed);
    free(text);
}
END_TEST

TCase *made_tests(void)
{
    TCase *tests = tcase_create("made");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, edu_is_replayed);
    tcase_add_test(tests, one_wrong_byte_is_found);
    tcase_add_test(tests, memory_is_served);
    tcase_add_test(tests, virtio_blk_is_replayed);
    return tests;
}
