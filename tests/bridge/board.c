/* SPDX-License-Identifier: BSD-2-Clause */
/* The board around the bridge, see board.h. */
#include "tests/bridge/board.h"

#include <errno.h>
#include <string.h>

struct board board;
struct bridge *bridge;
struct bridge_host *host;

/* ---- the platform ---- */

static int claim(void *context, enum bridge_space space, uint64_t first, uint64_t last)
{
    struct board *b = context;

    if (b->claim_error != 0 && b->claims_before_error == 0) {
        return b->claim_error;
    }
    b->claims_before_error -= b->claims_before_error != 0;
    ck_assert_uint_le(first, last);
    for (unsigned i = 0; i < b->claims; i++) {
        if (b->claim[i].space == space && first <= b->claim[i].last && b->claim[i].first <= last) {
            return -EEXIST;
        }
    }
    ck_assert_uint_lt(b->claims, BOARD_CLAIMS);
    b->claim[b->claims++] = (struct board_claim){.space = space, .first = first, .last = last};
    return 0;
}

static int unclaim(void *context, enum bridge_space space, uint64_t first, uint64_t last)
{
    struct board *b = context;

    for (unsigned i = 0; i < b->claims; i++) {
        if (b->claim[i].space == space && b->claim[i].first == first && b->claim[i].last == last) {
            b->claim[i] = b->claim[--b->claims];
            return 0;
        }
    }
    b->wrong_unclaims++;
    return -ENOENT;
}

static int claim_function(void *context, uint16_t function)
{
    struct board *b = context;

    if (b->claim_function_error != 0) {
        return b->claim_function_error;
    }
    if (b->claimed_function[function]) {
        return -EEXIST;
    }
    b->claimed_function[function] = true;
    return 0;
}

static int unclaim_function(void *context, uint16_t function)
{
    struct board *b = context;

    b->wrong_unclaims += !b->claimed_function[function];
    b->claimed_function[function] = false;
    return 0;
}

static void message(void *context, uint64_t address, uint32_t data)
{
    struct board *b = context;

    if (b->on_message != NULL) {
        b->on_message(address, data);
        return;
    }
    pthread_mutex_lock(&b->lock);
    if (b->messages < BOARD_MESSAGES) {
        b->message[b->messages++] = (struct board_message){.address = address, .data = data};
    }
    pthread_mutex_unlock(&b->lock);
}

static bool message_unmaskable(void *context, uint64_t address, uint32_t data)
{
    (void)address;
    (void)data;
    return ((struct board *)context)->unmaskable;
}

static void intx(void *context, unsigned device, unsigned pin, bool level)
{
    struct board *b = context;

    pthread_mutex_lock(&b->lock);
    b->level[device][pin] = level;
    b->line_changes++;
    pthread_mutex_unlock(&b->lock);
}

static void spi(void *context, unsigned number, bool level)
{
    struct board *b = context;

    pthread_mutex_lock(&b->lock);
    if (number <= BRIDGE_SPI_LAST) {
        b->spi_level[number] = level;
        b->spi_rises[number] += level;
    }
    pthread_mutex_unlock(&b->lock);
}

const struct bridge_platform board_platform = {
    .claim = claim,
    .unclaim = unclaim,
    .claim_function = claim_function,
    .unclaim_function = unclaim_function,
    .message = message,
    .message_unmaskable = message_unmaskable,
    .intx = intx,
    .spi = spi,
};

void board_open_empty(void)
{
    memset(&board, 0, sizeof(board));
    pthread_mutex_init(&board.lock, NULL);
    bridge = bridge_create(&board_platform, &board);
    ck_assert_ptr_nonnull(bridge);
    board.bridge = bridge;
    host = NULL;
}

void board_open(void)
{
    struct bridge_host_config config;

    board_open_empty();
    bridge_default_host(&config, false, true);
    ck_assert_int_eq(bridge_add_host(bridge, &config, &host), 0);
}

/* One count for all: an assertion for each would cost a system call each. */
unsigned board_claimed_functions(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < BOARD_FUNCTIONS; i++) {
        count += board.claimed_function[i];
    }
    return count;
}

/* Whatever the test did, the bridge gives back all that it claimed, and each of it once. */
void board_close(void)
{
    bridge_destroy(bridge);
    for (unsigned i = 0; i < board.claims; i++) {
        ck_assert_msg(false, "0x%llx is still claimed", (unsigned long long)board.claim[i].first);
    }
    ck_assert_uint_eq(board.wrong_unclaims, 0);
    ck_assert_uint_eq(board_claimed_functions(), 0);
    for (unsigned i = 0; i < 32; i++) {
        for (unsigned pin = 0; pin < 4; pin++) {
            ck_assert(!board.level[i][pin]);
        }
    }
    pthread_mutex_destroy(&board.lock);
}

struct bridge_function *board_add_on(struct bridge_bus *bus, uint8_t devfn,
                                     const struct ioreqd_description *description, struct probe *probe)
{
    struct bridge_function *function = NULL;

    ck_assert_ptr_null(bridge_check_description(description));
    ck_assert_int_eq(bridge_add_function(bus, devfn, description, &probe_ops, probe, &function), 0);
    ck_assert_ptr_nonnull(function);
    return function;
}

struct bridge_function *board_add(uint8_t devfn, const struct ioreqd_description *description, struct probe *probe)
{
    return board_add_on(bridge_root_bus(host), devfn, description, probe);
}

struct bridge_host *board_add_host(const struct bridge_host_config *config)
{
    struct bridge_host *added = NULL;
    const char *reason = bridge_check_host(config);

    ck_assert_msg(reason == NULL, "%s", reason);
    ck_assert_int_eq(bridge_add_host(bridge, config, &added), 0);
    ck_assert_ptr_nonnull(added);
    return added;
}

struct bridge_bus *board_add_port(uint8_t devfn, unsigned slot)
{
    struct bridge_bus *secondary = NULL;

    ck_assert_int_eq(bridge_add_port(bridge_root_bus(host), devfn, slot, &secondary), 0);
    ck_assert_ptr_nonnull(secondary);
    return secondary;
}

/* On the PC whose firmware describes it; bus addresses are not those of the processor. */
const struct bridge_host_config board_wide_host = {
    .name = "wide",
    .segment = 1,
    .first_bus = 0x10,
    .last_bus = 0x13,
    .ecam = BOARD_ECAM,
    .io = {.space = BRIDGE_MEMORY, .first = BOARD_IO, .bus = 0, .size = 0x10000},
    .memory = {.space = BRIDGE_MEMORY, .first = BOARD_MEMORY, .bus = 0, .size = 0x4000000},
    .memory64 = {.space = BRIDGE_MEMORY, .first = BOARD_MEMORY64, .bus = BOARD_BUS64, .size = UINT64_C(1) << 37},
    .lines = BRIDGE_LINES_FOLDED,
    .lines_device = 0x1e,
};

bool board_has_claim(enum bridge_space space, uint64_t first, uint64_t last)
{
    for (unsigned i = 0; i < board.claims; i++) {
        if (board.claim[i].space == space && board.claim[i].first == first && board.claim[i].last == last) {
            return true;
        }
    }
    return false;
}

void probe_is_told(const struct probe *probe, unsigned from, unsigned count, const struct tell *tell)
{
    for (unsigned i = 0; i < count; i++) {
        probe_saw(probe, from + i, tell[i].kind, 0, 0, 0, tell[i].value);
    }
    ck_assert_uint_eq(probe->accesses, from + count);
}

uint32_t config_get(uint32_t number, unsigned reg, unsigned size)
{
    return bridge_config_read(bridge, number, reg, size);
}

void config_put(uint32_t number, unsigned reg, unsigned size, uint32_t value)
{
    bridge_config_write(bridge, number, reg, size, value);
}

/* ---- the device ---- */

uint8_t probe_byte(unsigned bar, uint64_t offset)
{
    return (uint8_t)(0x11u * (bar + 1) + (offset ^ offset >> 8) * 7);
}

uint64_t probe_value(unsigned bar, uint64_t offset, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++) {
        value |= (uint64_t)probe_byte(bar, offset + i) << (8 * i);
    }
    return value;
}

static void see(struct probe *probe, enum access_kind kind, unsigned bar, uint64_t offset, unsigned size,
                uint64_t value)
{
    if (probe != NULL && probe->accesses < BOARD_ACCESSES) {
        probe->access[probe->accesses++] =
            (struct access){.kind = kind, .bar = bar, .offset = offset, .size = size, .value = value};
    }
}

void probe_saw(const struct probe *probe, unsigned index, enum access_kind kind, unsigned bar, uint64_t offset,
               unsigned size, uint64_t value)
{
    const struct access *access = &probe->access[index];

    ck_assert_uint_lt(index, probe->accesses);
    ck_assert_int_eq(access->kind, kind);
    ck_assert_uint_eq(access->bar, bar);
    ck_assert_uint_eq(access->offset, offset);
    ck_assert_uint_eq(access->size, size);
    ck_assert_uint_eq(access->value, value);
}

/* Bits above the size are noise: the bridge has to cut them off. */
static uint64_t probe_read(void *device, unsigned bar, uint64_t offset, unsigned size)
{
    see(device, ACCESS_READ, bar, offset, size, 0);
    return size == 8 ? probe_value(bar, offset, 8) : probe_value(bar, offset, size) | UINT64_MAX << (8 * size);
}

static void probe_write(void *device, unsigned bar, uint64_t offset, unsigned size, uint64_t value)
{
    see(device, ACCESS_WRITE, bar, offset, size, value);
}

static void probe_bell(void *device, unsigned queue, uint32_t value)
{
    see(device, ACCESS_BELL, queue, 0, 0, value);
}

static uint32_t probe_config_read(void *device, unsigned index, unsigned offset, unsigned size, uint32_t value)
{
    struct probe *probe = device;

    see(probe, ACCESS_CONFIG_READ, index, offset, size, value);
    return probe->config_answer != 0 ? probe->config_answer : value;
}

static void probe_config_write(void *device, unsigned index, unsigned offset, unsigned size, uint32_t value)
{
    see(device, ACCESS_CONFIG_WRITE, index, offset, size, value);
}

static void probe_tell(struct probe *probe, enum access_kind kind, uint64_t value)
{
    if (probe != NULL && probe->tells) {
        see(probe, kind, 0, 0, 0, value);
    }
}

static void probe_reset(void *device, enum ioreqd_reset_kind kind)
{
    probe_tell(device, ACCESS_RESET, kind);
}

static void probe_interrupt_mode(void *device, enum ioreqd_interrupt_mode mode)
{
    probe_tell(device, ACCESS_INTERRUPT_MODE, mode);
}

static void probe_bus_master(void *device, bool on)
{
    probe_tell(device, ACCESS_BUS_MASTER, on);
}

const struct bridge_function_ops probe_ops = {
    .read = probe_read,
    .write = probe_write,
    .bell = probe_bell,
    .config_read = probe_config_read,
    .config_write = probe_config_write,
    .reset = probe_reset,
    .interrupt_mode = probe_interrupt_mode,
    .bus_master = probe_bus_master,
};

const struct bridge_function_ops probe_ops_without_config = {
    .read = probe_read,
    .write = probe_write,
    .bell = probe_bell,
};
