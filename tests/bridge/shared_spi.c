/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No interrupt is lost on an SPI that four functions share, although the interrupt controller is Xen's: it forgets levels
 * (hypervisor/sim/sim.h). 100,000 events come at random moments, also between two accesses of the handler. Handlers do
 * all that systems do: look at every function, stop at the first that has something, or serve only a part of what there
 * is. Some functions are told what was served, others take a look for that, as virtio's do. A fifth is nobody's, and at
 * times holds the line high. Whenever the guest rests and no interrupt pends, all events must have been served.
 */
#include <stdlib.h>

#include "bridge/machine.h"
#include "hypervisor/sim/sim.h"
#include "tests/bridge/board.h"

#define EVENTS 100000u
#define SHARE  4u
#define MEMORY UINT64_C(0x33000000)
#define SPI    40u

/* Registers: what waits, read; how much of it is served, written. */
#define WAITING 0u
#define SERVED  4u

struct counting {
    struct bridge_function *function;
    bool by_look; /* to read what waits is to serve it */
    unsigned events;
    unsigned served;
};

static struct counting device[SHARE];
static struct counting nobodys;
static struct hypervisor *sim;
static struct bridge_platform platform;
static uint32_t state;

static uint32_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static uint64_t read_register(void *context, unsigned bar, uint64_t offset, unsigned size)
{
    struct counting *at = context;
    unsigned waiting = at->events - at->served;

    (void)bar;
    (void)size;
    if (offset != WAITING) {
        return 0;
    }
    if (at->by_look) {
        at->served = at->events;
        bridge_intx(at->function, false);
    }
    return waiting;
}

static void write_register(void *context, unsigned bar, uint64_t offset, unsigned size, uint64_t value)
{
    struct counting *at = context;

    (void)bar;
    (void)size;
    if (offset == SERVED) {
        at->served += (unsigned)value;
        bridge_intx(at->function, at->served != at->events);
    }
}

static const struct bridge_function_ops counting_ops = {.read = read_register, .write = write_register};

static const struct ioreqd_description counting = {
    .struct_size = sizeof(counting),
    .vendor = 0x1af4,
    .intx = 1,
    .bar = {{.kind = IOREQD_BAR_MEM32, .size = 0x1000, .min_access = 1, .max_access = 8}},
};

static void raise_spi(void *context, unsigned spi, bool level)
{
    (void)context;
    ck_assert_int_eq(sim->ops->spi(sim, spi, level), 0);
}

static void add(unsigned i, struct counting *at)
{
    uint32_t number = BRIDGE_ARM_SEGMENT << 16 | (i + 1) << 3;

    *at = (struct counting){.by_look = i >= SHARE / 2};
    ck_assert_int_eq(
        bridge_add_function(bridge_root_bus(host), (uint8_t)number, &counting, &counting_ops, at, &at->function), 0);
    config_put(number, BAR_REG(0), 4, (uint32_t)MEMORY + i * 0x1000);
    config_put(number, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
}

static void open_guest(void)
{
    const struct sim_options options = {.spis = 32};
    const struct bridge_spis spis = {.first = SPI, .count = 1};
    struct bridge_host_config config;

    board_open_empty();
    bridge_destroy(bridge);
    platform = board_platform;
    platform.spi = raise_spi;
    bridge = bridge_create(&platform, &board);
    sim = sim_open(&options);
    ck_assert_ptr_nonnull(bridge);
    ck_assert_ptr_nonnull(sim);
    bridge_default_arm_host(&config);
    bridge_give_lines(&config, &spis, 0, 1);
    host = board_add_host(&config);
    for (unsigned i = 0; i < SHARE; i++) {
        add(i, &device[i]);
    }
    add(SHARE, &nobodys);
}

static void close_guest(void)
{
    board_close();
    sim->ops->close(sim);
}

/* The guest's handler, which goes one access at a time. */
enum handler { LOOKS_AT_ALL, STOPS_AT_FIRST, SERVES_A_PART, HANDLERS };

struct guest {
    bool running;
    enum handler handler;
    unsigned at;      /* the function it looks at */
    uint64_t waiting; /* what it has read there, and not yet served */
    uint64_t runs;
};

static void step(struct guest *guest)
{
    unsigned spi;

    if (!guest->running) {
        if (sim_spi_take(sim, &spi)) {
            *guest = (struct guest){
                .running = true, .handler = (enum handler)(next_random() % HANDLERS), .runs = guest->runs + 1};
        }
    } else if (guest->waiting != 0) {
        bool part = guest->handler == SERVES_A_PART && guest->waiting > 1;

        bridge_write(bridge, BRIDGE_MEMORY, MEMORY + guest->at * 0x1000 + SERVED, 4, part ? 1 : guest->waiting);
        guest->waiting = 0;
        guest->at = guest->handler == STOPS_AT_FIRST ? SHARE : guest->at + 1;
    } else if (guest->at < SHARE) {
        guest->waiting = bridge_read(bridge, BRIDGE_MEMORY, MEMORY + guest->at * 0x1000 + WAITING, 4);
        if (guest->waiting == 0) {
            guest->at++;
        } else if (device[guest->at].by_look) {
            guest->waiting = 0;
            guest->at = guest->handler == STOPS_AT_FIRST ? SHARE : guest->at + 1;
        }
    } else {
        sim_spi_end(sim, SPI);
        guest->running = false;
    }
}

static bool rests(const struct guest *guest)
{
    return !guest->running && !sim_spi_is_pending(sim, SPI);
}

static unsigned unserved(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < SHARE; i++) {
        count += device[i].events - device[i].served;
    }
    return count;
}

static void happen(struct counting *at)
{
    at->events++;
    bridge_intx(at->function, true);
}

START_TEST(none_is_lost)
{
    struct guest guest = {0};
    unsigned events = 0, lost = 0;

    state = 0x2545f491;
    while (events < EVENTS) {
        /* Now a storm, now a lull in which the guest comes to rest. */
        if (next_random() % ((events >> 7 & 7) + 2) == 0) {
            happen(&device[next_random() % SHARE]);
            events++;
        }
        if (next_random() % 1024 == 0) {
            bridge_intx(nobodys.function, next_random() % 2 != 0);
        }
        step(&guest);
        lost += rests(&guest) && unserved() != 0;
    }
    while (!rests(&guest)) {
        step(&guest);
    }
    ck_assert_msg(lost == 0 && unserved() == 0, "the guest rested %u times beside events; at the end %u are left", lost,
                  unserved());
    /* It is not that the guest is interrupted all the time: a run now and then finds nothing. */
    ck_assert_uint_lt(guest.runs, 3 * (uint64_t)EVENTS);
}
END_TEST

TCase *shared_spi_tests(void)
{
    TCase *tests = tcase_create("shared SPI");

    tcase_add_checked_fixture(tests, open_guest, close_guest);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, none_is_lost);
    return tests;
}
