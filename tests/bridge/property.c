/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bridge against its reference (reference.h): random configuration and BAR traffic on two host bridges, one with a
 * root port and no apertures, one with ECAM and apertures, and after each step the same registers, addresses, claims,
 * lines, messages and news for the devices.
 *
 * IOREQD_PROPERTY_STEPS says how many steps, IOREQD_PROPERTY_SEED where the random numbers begin.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "tests/bridge/board.h"
#include "tests/bridge/reference.h"

#define STEPS      "100000"
#define PORT_INDEX 2u
#define WIDE_HOST  5u /* functions from here on are below it */

/* The device, as the bridge tells it things. */
struct news {
    int mode, master;
    unsigned resets[4];
};

static struct bridge_host *hosts[2];
static struct bridge_bus *secondary;
static struct bridge_function *function[REF_FUNCTIONS];
static struct news news[REF_FUNCTIONS];
static uint64_t random_state;
static uint64_t first_seed;
static unsigned long step;

#define BAR(k, n, most)                                                                                                \
    {                                                                                                                  \
        .kind = IOREQD_BAR_##k, .min_access = 1, .max_access = (most), .size = (n)                                     \
    }
#define COMMON(id) .struct_size = sizeof(struct ioreqd_description), .vendor = 0x1af4, .device = (id)

static const struct ioreqd_description descriptions[REF_FUNCTIONS] = {
    {COMMON(0), .intx = 1, .msix = REF_VECTORS, .msix_bar = 4, .power = IOREQD_POWER_KEEPS,
     .bar = {BAR(IO, 16, 4), BAR(MEM32, 0x1000, 4), BAR(MEM64, 0x1000, 8)}},
    {COMMON(1), .intx = 1, .msi = 4, .power = IOREQD_POWER_RESETS, .rom_size = 0x800,
     .bar = {BAR(MEM32, 16, 4), BAR(MEM64_PREFETCH, 0x100000, 8), [3] = BAR(IO, 256, 4)}},
    {0}, /* the port */
    {COMMON(3), .intx = 1, .msix = REF_VECTORS, .msix_bar = 5, .msi = 4, .express = 1, .rom_size = 0x10000,
     .bar = {BAR(MEM64_PREFETCH, 0x200000, 8), [2] = BAR(MEM32, 0x1000, 4), BAR(IO, 4, 4)}},
    {COMMON(4), .express = 1, .power = IOREQD_POWER_RESETS, .msi = 4,
     .bar = {BAR(IO, 64, 4), [1] = BAR(MEM32, 0x100000, 4), BAR(MEM64, 16, 8)}},
    {COMMON(5), .intx = 1, .express = 1, .msix = REF_VECTORS, .msix_bar = 0, .rom_size = 0x1000,
     .bar = {[1] = BAR(MEM32, 16, 4), BAR(IO, 16, 4), BAR(MEM64, 0x1000000000, 8), [5] = BAR(MEM32, 0x1000, 4)}},
    {COMMON(6), .intx = 1, .msi = 4,
     .bar = {BAR(MEM64_PREFETCH, 0x1000, 8), [2] = BAR(MEM64, 0x100000, 4), [4] = BAR(IO, 16, 4), BAR(MEM32, 16, 4)}},
};
static const uint8_t devfns[REF_FUNCTIONS] = {0x08, 0x09, 0x10, 0x00, 0x01, 0x00, 0x28};

static uint64_t draw(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

static unsigned below(unsigned n)
{
    return (unsigned)(draw() % n);
}

static void require(bool holds, const char *what, uint64_t where)
{
    if (holds) { /* what check is told of goes through a system call */
        return;
    }
    ck_abort_msg("seed 0x%llx, step %lu: %s (0x%llx)", (unsigned long long)first_seed, step, what,
                 (unsigned long long)where);
}

/* ---- devices ---- */

static uint64_t value_of(unsigned index, unsigned bar, uint64_t offset, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++) {
        value |= (uint64_t)(uint8_t)(index * 0x35 + bar * 0x1d + (offset + i) * 3 + (offset >> 9)) << (8 * i);
    }
    return value;
}

static uint64_t on_read(void *device, unsigned bar, uint64_t offset, unsigned size)
{
    return value_of((unsigned)((struct news *)device - news), bar, offset, size);
}

static void on_write(void *device, unsigned bar, uint64_t offset, unsigned size, uint64_t value)
{
    (void)device, (void)bar, (void)offset, (void)size, (void)value;
}

static void on_reset(void *device, enum ioreqd_reset_kind kind)
{
    ((struct news *)device)->resets[kind]++;
}

static void on_interrupt_mode(void *device, enum ioreqd_interrupt_mode mode)
{
    require((int)mode != ((struct news *)device)->mode, "an interrupt mode is told twice", mode);
    ((struct news *)device)->mode = (int)mode;
}

static void on_bus_master(void *device, bool on)
{
    require(on != ((struct news *)device)->master, "bus mastering is told twice", on);
    ((struct news *)device)->master = on;
}

static const struct bridge_function_ops ops = {
    .read = on_read,
    .write = on_write,
    .reset = on_reset,
    .interrupt_mode = on_interrupt_mode,
    .bus_master = on_bus_master,
};

static void come(unsigned i)
{
    struct bridge_bus *bus = ref[i].port != NULL ? secondary : bridge_root_bus(hosts[i >= WIDE_HOST]);

    ref_build(&ref[i]);
    news[i] = (struct news){.mode = ref[i].mode};
    require(bridge_add_function(bus, devfns[i], &descriptions[i], &ops, &news[i], &function[i]) == 0, "no function", i);
}

static void set_up(void)
{
    struct bridge_host_config plain;

    board_open_empty();
    bridge_default_host(&plain, false, true);
    plain.last_bus = 5;
    hosts[0] = host = board_add_host(&plain);
    secondary = board_add_port(devfns[PORT_INDEX], 5);
    hosts[1] = board_add_host(&board_wide_host);
    for (unsigned i = 0; i < REF_FUNCTIONS; i++) {
        ref[i] = (struct ref_function){.host = bridge_host_config(hosts[i >= WIDE_HOST]), .devfn = devfns[i]};
        ref[i].port = i == 3 || i == 4 ? &ref[PORT_INDEX] : NULL;
        ref[i].description = i == PORT_INDEX ? NULL : &descriptions[i];
        if (i == PORT_INDEX) {
            ref_build(&ref[i]);
        } else {
            come(i);
        }
    }
}

/* ---- what the guest does ---- */

static unsigned number_of(unsigned i)
{
    unsigned bus = ref[i].port != NULL ? ref[PORT_INDEX].value[0x19] : ref[i].host->first_bus;

    return (unsigned)ref[i].host->segment << 16 | bus << 8 | ref[i].devfn;
}

static bool decodes(const struct ref_function *f, unsigned bar, const struct ref_place *place)
{
    const struct bar *of = &function[f - ref]->bar[bar];

    return of->mapped && of->address == place->first && of->space == place->space;
}

/* All that follows from the registers, after each write: who came first to a place counts. */
static void settle(void)
{
    ref_settle();
    require(ref_place_all(decodes), "a BAR decodes where it must not, or does not where it must", 0);
}

static void write_config(unsigned number, unsigned reg, unsigned size, uint32_t value)
{
    if (number >> 16 != 0 && below(2) != 0) {
        bridge_write(bridge, BRIDGE_MEMORY, BOARD_ECAM + ((uint64_t)(number & 0x3ff) << 12) + reg, size, value);
    } else {
        bridge_config_write(bridge, number, reg, size, value);
    }
    ref_config_write(number, reg, size, value);
    settle();
}

/* Addresses are few, so that BARs meet each other, windows and the edges of apertures. */
static uint32_t some_address(void)
{
    static const uint32_t address[] = {0,          0x1000,     0xc000,     0xc010,     0xffe0,
                                       0x100000,   0x101000,   0x3fff000,  0x4000000,  0xfe000000,
                                       0xfe001000, 0xfe100000, 0xfe200000, 0xffffffff, 0xc0001000,
                                       0xe0001000, 0x7fff0,    0xfee00000, 0x40,       0x4040};

    return address[below(20)] + (below(4) == 0 ? below(8) * 16 : 0);
}

static void write_port(void)
{
    static const uint8_t windows[] = {0x1c, 0x20, 0x22, 0x24, 0x26};
    unsigned number = number_of(PORT_INDEX);

    switch (below(6)) {
    case 0:
        write_config(number, 0x18, 4, below(7) << 8 | below(8) << 16);
        break;
    case 1:
        write_config(number, 0x3e, 2, below(4) == 0 ? 0x40 : 0);
        break;
    case 2:
        write_config(number, windows[below(5)], 2, (uint32_t)draw());
        break;
    case 3: /* wide open */
        write_config(number, 0x1c, 2, 0xf000);
        write_config(number, 0x20, 4, 0xfff00000);
        write_config(number, 0x3e, 2, 0);
        write_config(number, 0x18, 4, 0x010100);
        write_config(number, 0x04, 2, 7);
        break;
    case 4:
        write_config(number, 0x24, 4, 0xfff00000);
        write_config(number, 0x28 + 4 * below(2), 4, below(2) * 0x40);
        break;
    default:
        write_config(number, 4, 2, below(8));
        break;
    }
}

static void write_capability(unsigned i)
{
    const struct ref_function *f = &ref[i];
    unsigned number = number_of(i);

    if (f->msix != 0 && below(3) == 0) {
        write_config(number, f->msix + 2, 2, below(4) << 14);
    } else if (f->msi != 0 && below(2) == 0) {
        write_config(number, f->msi + 4 * below(5), 4, below(2) == 0 ? (uint32_t)draw() : 0x00510000);
    } else if (f->power != 0 && below(2) == 0) {
        write_config(number, f->power + 4, 1u << below(3), below(3) == 0 ? below(4) : 0);
    } else if (f->express != 0) {
        write_config(number, f->express + 8, 2, (uint32_t)draw() & (below(8) == 0 ? 0xffff : 0x7fff));
    }
}

static void write_table(unsigned i)
{
    const struct ioreqd_description *d = &descriptions[i];
    uint64_t offset = 4 * below(4 * REF_VECTORS);
    uint32_t value = offset % 16 == 12 ? below(2) : (uint32_t)draw();

    if (d->msix != 0 && ref[i].decodes[d->msix_bar] && ref_awake(&ref[i])) {
        bridge_write(bridge, BRIDGE_MEMORY, ref[i].place[d->msix_bar].first + offset, 4, value);
        ref_msix_write(&ref[i], offset, value);
    }
}

/* A failed function's BARs are in the way until its ports are touched, or anything that makes the bridge look. */
static void break_down(unsigned i)
{
    if (ref[i].port != NULL && ref[i].present) {
        bridge_fail(function[i]);
        ref[i].failed = true;
        write_config(number_of(PORT_INDEX), 4, 2, (uint32_t)ref_value(&ref[PORT_INDEX], 4, 2));
    }
}

static void come_or_go(unsigned i)
{
    if (i == PORT_INDEX) {
        return;
    }
    if (!ref[i].present) {
        come(i);
        return;
    }
    bridge_remove_function(function[i]);
    ref[i].present = false;
    memset(ref[i].decodes, 0, sizeof(ref[i].decodes));
}

static void event(unsigned i)
{
    unsigned vector = below(5);

    if (!ref[i].present || i == PORT_INDEX) {
        return;
    }
    if (below(3) == 0) {
        ref[i].raised = vector % 2 != 0 && descriptions[i].intx != 0;
        bridge_intx(function[i], vector % 2 != 0);
    } else if (below(2) == 0) {
        ref_msix(&ref[i], vector);
        bridge_msix(function[i], vector);
    } else {
        ref_msi(&ref[i], vector);
        bridge_msi(function[i], vector);
    }
}

static void act(void)
{
    unsigned i = below(REF_FUNCTIONS), what = below(64), size;
    unsigned number = number_of(i);

    if (what < 12) {
        write_config(number, 0x10 + 4 * below(6), 4, below(8) == 0 ? (uint32_t)draw() & 0x7f : some_address());
    } else if (what < 20) {
        write_config(number, 4, 2, (uint32_t)draw() | (below(4) != 0 ? 7 : 0));
    } else if (what < 24) {
        write_config(number, 0x30, 4, i == PORT_INDEX ? 0 : some_address() | below(2));
    } else if (what < 32) {
        write_port();
    } else if (what < 42) {
        write_capability(i);
    } else if (what < 48) {
        write_table(i);
    } else if (what < 58) {
        event(i);
    } else if (what < 62) {
        size = 1u << below(3);
        write_config(number, below(0x110 / size) * size, size, (uint32_t)draw() & (below(2) == 0 ? 0x7fff7fff : 0));
    } else if (below(4) == 0) {
        come_or_go(i);
    } else if (below(4) == 0) {
        break_down(i);
    }
}

/* ---- what has to be the same ---- */

static void check_config(void)
{
    unsigned number = below(3) != 0 ? number_of(below(REF_FUNCTIONS)) : below(8) << 8 | devfns[below(REF_FUNCTIONS)];
    unsigned size = 1u << below(3), reg = below(4) != 0 ? below(0x100) : below(0x1000);

    require(bridge_config_read(bridge, number, reg, size) == ref_config_read(number, reg, size), "a register differs",
            (uint64_t)number << 16 | reg);
}

static uint64_t expected(enum bridge_space space, uint64_t address, unsigned size)
{
    unsigned bar;
    const struct ref_function *f = ref_at(space, address, &bar);
    uint64_t offset = f == NULL ? 0 : address - f->place[bar].first;
    uint64_t low;

    if (space == BRIDGE_MEMORY && address >= BOARD_ECAM && address < BOARD_ECAM + 0x400000) {
        unsigned number = 0x11000 + (unsigned)((address - BOARD_ECAM) >> 12), reg = address & 0xfff;

        low = ref_config_read(number, reg & 0xffc, 4);
        return (address & (size - 1)) != 0 ? UINT64_MAX
               : size == 8                 ? low | (uint64_t)ref_config_read(number, reg + 4, 4) << 32
                                           : ref_config_read(number, reg, size);
    }
    if (f == NULL || (offset & (size - 1)) != 0 || offset + size > ref_bar_size(f, bar)) {
        return UINT64_MAX;
    }
    if (f->description->msix == 0 || bar != f->description->msix_bar) {
        return value_of((unsigned)(f - ref), bar, offset, size);
    }
    low = ref_msix_read(f, offset & ~UINT64_C(3)) >> 8 * (offset & 3);
    return size == 8 ? low | (uint64_t)ref_msix_read(f, offset + 4) << 32 : low;
}

static void check_address(void)
{
    const struct ref_place *near = &ref[below(REF_FUNCTIONS)].place[below(REF_BARS)];
    enum bridge_space space = below(4) == 0 ? BRIDGE_PORT : BRIDGE_MEMORY;
    uint64_t address = below(2) == 0 ? near->first : near->last;
    unsigned size = 1u << below(4);

    space = below(8) == 0 ? space : near->space;
    address += below(2) == 0 ? below(0x20) - UINT64_C(0x10) : below(4) * UINT64_C(4);
    if (below(8) == 0) {
        address = below(2) == 0 ? BOARD_ECAM + below(0x400000) : some_address();
    }
    require(((bridge_read(bridge, space, address, size) ^ expected(space, address, size)) & bridge_all_ones(size)) == 0,
            "an address differs", address);
}

static void check_claims(void)
{
    unsigned claims = 4;

    for (unsigned i = 0; i < REF_FUNCTIONS * REF_BARS; i++) {
        const struct ref_place *place = &ref[i / REF_BARS].place[i % REF_BARS];

        if (ref[i / REF_BARS].decodes[i % REF_BARS] && place->claim) {
            claims++;
            require(board_has_claim(place->space, place->first, place->last), "a claim is missing", place->first);
        }
    }
    require(board.claims == claims && board.wrong_unclaims == 0, "there are other claims", board.claims);
    for (unsigned bus = 0; bus < 8; bus++) {
        for (unsigned i = 0; i < REF_FUNCTIONS; i++) {
            require(board.claimed_function[bus << 8 | devfns[i]] == (ref_find(0, bus, devfns[i]) != NULL),
                    "a function is claimed, or not", bus << 8 | devfns[i]);
        }
    }
}

static bool was_sent(struct ref_message *message)
{
    for (unsigned i = 0; i < board.messages; i++) {
        if (board.message[i].address == message->address && board.message[i].data == message->data) {
            board.message[i] = board.message[--board.messages];
            return true;
        }
    }
    return false;
}

static void check_events(void)
{
    for (; ref_messages != 0; ref_messages--) {
        require(was_sent(&ref_message[ref_messages - 1]), "a message is missing",
                ref_message[ref_messages - 1].address);
    }
    require(board.messages == 0, "there are other messages", board.message[0].address);
    for (unsigned i = 0; i < 32 * 4; i++) {
        require(board.level[i / 4][i % 4] == ref_level(i / 4, i % 4), "a line differs", i);
    }
    for (unsigned i = 0; i < REF_FUNCTIONS; i++) {
        if (i == PORT_INDEX || !ref[i].present) {
            continue;
        }
        require(news[i].mode == ref[i].mode && news[i].master == ref[i].master, "a device was told otherwise", i);
        require(bridge_bus_master(function[i]) == ref[i].master, "bus mastering differs", i);
        require(memcmp(news[i].resets, ref[i].resets, sizeof(news[i].resets)) == 0, "resets differ", i);
    }
}

START_TEST(bridge_and_reference_agree)
{
    const char *steps = getenv("IOREQD_PROPERTY_STEPS"), *seed = getenv("IOREQD_PROPERTY_SEED");
    unsigned long count = strtoul(steps != NULL ? steps : STEPS, NULL, 0);

    random_state = seed != NULL ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL) * 0x9e3779b97f4a7c15;
    random_state |= random_state == 0;
    first_seed = random_state;
    printf("IOREQD_PROPERTY_SEED=0x%llx IOREQD_PROPERTY_STEPS=%lu\n", (unsigned long long)random_state, count);
    fflush(stdout);
    log_set_level(LOG_ERROR);
    set_up();
    for (step = 1; step <= count; step++) {
        act();
        settle();
        check_config();
        check_address();
        check_claims();
        check_events();
    }
    board_close();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bridge property");
    TCase *group = tcase_create("reference");
    SRunner *runner;
    int failed;

    tcase_set_timeout(group, 600);
    tcase_add_test(group, bridge_and_reference_agree);
    suite_add_tcase(suite, group);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
