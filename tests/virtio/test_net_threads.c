/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-net with loops that are threads: two pairs of queues and the control queue have one each, and the driver runs
 * on the main loop's. Packets come and go all the time while it sends commands, resets the device, and the host wants
 * quiet. Nobody may wait for ever, and nothing happens while the device is quiet. Made for -fsanitize=thread.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "devices/virtio-net/features.h"
#include "tests/virtio/fake_network.h"
#include "tests/virtio/threads.h"

#define SIZE    THREADS_SIZE
#define PAIRS   2u
#define QUEUES  5u
#define CONTROL 4u
#define ROUNDS  300u

#define FEATURES                                                                                                       \
    (F_VERSION_1 | F_RING_RESET | NET_BIT(NET_F_MAC) | NET_BIT(NET_F_STATUS) | NET_BIT(NET_F_MRG_RXBUF) |              \
     NET_BIT(NET_F_CTRL_VQ) | NET_BIT(NET_F_CTRL_RX) | NET_BIT(NET_F_MQ) | NET_BIT(NET_F_NOTF_COAL) |                  \
     NET_BIT(NET_F_GUEST_ANNOUNCE))

struct ioreqd_timer {
    struct ioreqd_timer *next;
    void (*fire)(void *argument);
    void *argument;
    uint64_t deadline;
};

/* What the thread of a pair knows of the network. */
struct thread_pair {
    void (*ready)(void *argument, unsigned events);
    void *argument;
    unsigned wanted;
    unsigned here; /* packets to read */
    unsigned room;
    unsigned turn;
};

static struct ioreqd_timer *timers[PAIRS + 1]; /* each list is its loop's, once that runs */
static struct thread_pair pairs[PAIRS];
static struct ioreqd_network *plugged; /* into the card */
static atomic_bool quiet, broke_the_rules;
static atomic_bool link_up = true;
static atomic_uint reads, writes;

static uint64_t clock_now(struct ioreqd_device *device)
{
    struct timespec at;

    (void)device;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static int make_timer(struct ioreqd_device *device, struct ioreqd_loop *loop, void (*fire)(void *argument),
                      void *argument, struct ioreqd_timer **timer)
{
    unsigned of = threads_loop(loop);

    (void)device;
    *timer = calloc(1, sizeof(**timer));
    **timer = (struct ioreqd_timer){timers[of], fire, argument, 0};
    timers[of] = *timer;
    return 0;
}

static void timer_set(struct ioreqd_timer *timer, uint64_t deadline)
{
    timer->deadline = deadline;
}

static void timer_destroy(struct ioreqd_timer *timer)
{
    free(timer);
}

static void fire_timers(unsigned loop)
{
    for (struct ioreqd_timer *timer = timers[loop]; timer != NULL; timer = timer->next) {
        if (timer->deadline != 0 && timer->deadline <= clock_now(NULL)) {
            timer->deadline = 0;
            timer->fire(timer->argument);
        }
    }
}

static void acts(void)
{
    if (atomic_load(&quiet)) {
        atomic_store(&broke_the_rules, true);
    }
}

static void msix(struct ioreqd_device *device, unsigned vector)
{
    (void)device;
    (void)vector;
    acts();
}

static void quiesced(struct ioreqd_device *device)
{
    (void)device;
    atomic_store(&quiet, true);
}

/* ------------------------------------------------------------------------------------------------------------------
 * The network: each pair always has something to bring, and sometimes no room
 */

static void network_facts(struct ioreqd_network *network, struct ioreqd_network_facts *facts)
{
    (void)network;
    *facts = (struct ioreqd_network_facts){
        .struct_size = sizeof(*facts), .queue_pairs = 2, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 1}};
}

static int network_watch(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_network *network,
                         unsigned pair, void (*ready)(void *argument, unsigned events), void *argument)
{
    (void)device;
    (void)loop;
    (void)network;
    pairs[pair].ready = ready;
    pairs[pair].argument = argument;
    return 0;
}

static void network_want(struct ioreqd_network *network, unsigned pair, unsigned events)
{
    (void)network;
    pairs[pair].wanted = events;
}

static int network_read(struct ioreqd_network *network, unsigned pair, void *to, size_t length)
{
    (void)network;
    (void)length;
    acts();
    if (pairs[pair].here == 0) {
        return -EAGAIN;
    }
    pairs[pair].here--;
    memset(to, 0, IOREQD_NETWORK_HEADER);
    memset((uint8_t *)to + IOREQD_NETWORK_HEADER, 0xff, 600);
    atomic_fetch_add(&reads, 1);
    return IOREQD_NETWORK_HEADER + 600;
}

static int network_write(struct ioreqd_network *network, unsigned pair, const struct iovec *iov, unsigned count)
{
    (void)network;
    (void)iov;
    (void)count;
    acts();
    if (pairs[pair].room == 0) {
        return -EAGAIN;
    }
    pairs[pair].room--;
    atomic_fetch_add(&writes, 1);
    return 1;
}

static int network_set(struct ioreqd_network *network, unsigned value)
{
    (void)network;
    (void)value;
    return 0;
}

static int network_link(struct ioreqd_network *network)
{
    (void)network;
    return atomic_load(&link_up);
}

static void stir(struct thread_pair *pair)
{
    unsigned events = 0;

    pair->turn++;
    pair->here = pair->turn % 4 == 0 ? 3 : pair->here;
    pair->room = pair->turn % 3 == 0 ? 2 : pair->room;
    events |= pair->here != 0 ? pair->wanted & IOREQD_READABLE : 0;
    events |= pair->room != 0 ? pair->wanted & IOREQD_WRITABLE : 0;
    if (pair->turn % 1000 == 0) {
        atomic_store(&link_up, pair->turn % 2000 == 0);
        events |= IOREQD_CONNECTED;
    }
    if (events != 0) {
        pair->ready(pair->argument, events);
    }
}

static void turn(unsigned loop, bool busy)
{
    (void)busy;
    fire_timers(loop);
    if (loop < PAIRS) {
        stir(&pairs[loop]);
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * The driver
 */

/* All that a queue has is used in order, so that descriptors may stay as they are. */
static void fill_up(unsigned queue)
{
    while ((uint16_t)(threads_available[queue] - threads_used(queue)) < SIZE) {
        threads_make_available(queue, threads_available[queue] % SIZE, false);
    }
}

static void start(void)
{
    driver_negotiate(&threads_driver, FEATURES);
    for (uint16_t queue = 0; queue < QUEUES; queue++) {
        driver_set_queue(&threads_driver, queue, SIZE);
        threads_available[queue] = 0;
        for (uint16_t i = 0; i < SIZE && queue < CONTROL; i++) {
            struct part part = {0x80000u + 0x10000u * queue + 0x400u * i, 300, queue % 2 == 0 ? WRITE : 0};

            driver_descriptor(&threads_driver, queue, i, part, 0);
        }
    }
    driver_write(&threads_driver, STATUS, 1, 0xf);
}

static bool answered(void)
{
    return threads_used(CONTROL) == threads_available[CONTROL];
}

static bool is_quiet(void)
{
    return atomic_load(&quiet);
}

static unsigned wanted_progress;

static bool has_progressed(void)
{
    for (unsigned queue = 0; queue < CONTROL; queue++) {
        fill_up(queue);
    }
    return atomic_load(&reads) >= wanted_progress && atomic_load(&writes) >= wanted_progress;
}

static void command(uint8_t class, uint8_t number, const uint8_t *data, unsigned length)
{
    uint8_t *to = threads_fake->ram + 0x8000;

    to[0] = class;
    to[1] = number;
    memcpy(to + 2, data, length);
    driver_descriptor(&threads_driver, CONTROL, 0, (struct part){0x8000, 2 + length, NEXT}, 1);
    driver_descriptor(&threads_driver, CONTROL, 1, (struct part){0x9000, 1, WRITE}, 0);
    threads_make_available(CONTROL, 0, false);
}

static void some_command(unsigned which)
{
    static const uint8_t on = 1, two[2] = {2, 0}, one[2] = {1, 0}, rates[8] = {3, 0, 0, 0, 50, 0, 0, 0}, none[8];

    switch (which % 5) {
    case 0:
        command(0, 0, &on, 1);
        break;
    case 1:
        command(4, 0, two, 2);
        break;
    case 2:
        command(6, (uint8_t)(which / 5 % 2), rates, 8);
        break;
    case 3:
        command(4, 0, one, 2);
        break;
    default:
        command(6, (uint8_t)(which / 5 % 2), none, 8);
        break;
    }
}

static bool round_of(unsigned round)
{
    start();
    wanted_progress = 0;
    for (unsigned i = 0; i < round % 7; i++) {
        (void)has_progressed();
        some_command(round + i);
        if (!threads_wait(answered)) {
            fprintf(stderr, "round %u: command %u was not answered\n", round, i);
            return false;
        }
    }
    atomic_store(&reads, 0);
    atomic_store(&writes, 0);
    wanted_progress = round % 3 * 20;
    if (!threads_wait(has_progressed)) {
        fprintf(stderr, "round %u: %u packets came and %u went\n", round, atomic_load(&reads), atomic_load(&writes));
        return false;
    }
    if (round % 2 == 0) {
        threads_driver.model->quiesce(fake_device(threads_fake), threads_driver.state);
        if (!threads_wait(is_quiet)) {
            fprintf(stderr, "round %u: no quiet\n", round);
            return false;
        }
        for (unsigned i = 0; i < 1000; i++) {
            threads_turn();
            sched_yield(); /* the others have their turns: what they do now is wrong */
        }
        atomic_store(&quiet, false);
        threads_driver.model->resume(fake_device(threads_fake), threads_driver.state);
    }
    if (round % 5 != 0) {
        some_command(round);
    }
    driver_write(&threads_driver, STATUS, 1, 0);
    if (!threads_wait(threads_is_reset)) {
        fprintf(stderr, "round %u: no end of reset\n", round);
        return false;
    }
    return true;
}

static bool run(void)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        if (!round_of(round)) {
            return false;
        }
    }
    return true;
}

static void set(const struct ioreqd_property *property, void *place)
{
    if (property->kind == IOREQD_PROPERTY_NETWORK) {
        memcpy(place, &plugged, sizeof(plugged));
    } else if (strcmp(property->name, "queues") == 0) {
        *(uint32_t *)place = PAIRS;
    } else if (strcmp(property->name, "queue-size") == 0) {
        *(uint32_t *)place = 64;
    }
}

static void make_host(struct ioreqd_host *host)
{
    fake_network_host(host);
    threads_make_host(host);
    host->msix = msix;
    host->quiesced = quiesced;
    host->now = clock_now;
    host->timer_create = make_timer;
    host->timer_set = timer_set;
    host->timer_destroy = timer_destroy;
    host->network_facts = network_facts;
    host->network_watch = network_watch;
    host->network_want = network_want;
    host->network_read = network_read;
    host->network_write = network_write;
    host->network_set_offloads = network_set;
    host->network_set_queue_pairs = network_set;
    host->network_link = network_link;
}

int main(void)
{
    struct ioreqd_host host;
    const struct threads_test test = {.host = &host,
                                      .loops = PAIRS + 1, /* and the control queue */
                                      .queues_of_loop = 2,
                                      .patience = 20,
                                      .set = set,
                                      .turn = turn,
                                      .run = run};
    bool good;

    make_host(&host);
    plugged = fake_network_create();
    good = threads_run(&test);
    if (atomic_load(&broke_the_rules)) {
        fprintf(stderr, "it acted while it was quiet\n");
        good = false;
    }
    fake_network_destroy(plugged);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
