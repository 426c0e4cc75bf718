/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-net with loops that are threads: two pairs of queues and the control queue have one each, and the driver runs
 * on the main loop's. Packets come and go all the time while it sends commands, resets the device, and the host wants
 * quiet. Nobody may wait for ever, and nothing happens while the device is quiet. Made for -fsanitize=thread.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "devices/virtio-net/features.h"
#include "tests/virtio/driver.h"
#include "tests/virtio/fake_network.h"

#define SIZE     8
#define LOOPS    4u /* two pairs, the control queue, the driver */
#define QUEUES   5u
#define CONTROL  4u
#define ROUNDS   300u
#define PATIENCE 20 /* seconds without progress */

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

struct thread_loop {
    pthread_mutex_t lock;
    struct ioreqd_work *first;
    struct ioreqd_work **end;
    struct ioreqd_timer *timers; /* the thread's, once it runs */
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

static struct thread_loop loops[LOOPS];
static struct thread_pair pairs[2];
static pthread_t threads[LOOPS - 1];
static atomic_bool stop, quiet, broke_the_rules;
static atomic_uint answers; /* of quiesce() */
static atomic_bool link_up = true;
static atomic_uint reads, writes;
static struct ioreqd_host host;
static struct driver driver;
static struct fake *fake;
static struct ioreqd_work bell_work[QUEUES];
static uint16_t available[QUEUES]; /* our indices */

static uint64_t clock_now(struct ioreqd_device *device)
{
    struct timespec at;

    (void)device;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static struct ioreqd_loop *get_main_loop(struct ioreqd_device *device)
{
    (void)device;
    return (struct ioreqd_loop *)&loops[LOOPS - 1];
}

static struct ioreqd_loop *get_queue_loop(struct ioreqd_device *device, unsigned queue)
{
    (void)device;
    return (struct ioreqd_loop *)&loops[queue / 2];
}

static void post(struct ioreqd_loop *to, struct ioreqd_work *work)
{
    struct thread_loop *loop = (struct thread_loop *)to;

    if (atomic_exchange(&work->posted, 1) == 0) {
        pthread_mutex_lock(&loop->lock);
        work->next = NULL;
        *loop->end = work;
        loop->end = &work->next;
        pthread_mutex_unlock(&loop->lock);
    }
}

static bool run_one(struct thread_loop *loop)
{
    struct ioreqd_work *work;

    pthread_mutex_lock(&loop->lock);
    work = loop->first;
    if (work != NULL) {
        loop->first = work->next;
        if (loop->first == NULL) {
            loop->end = &loop->first;
        }
    }
    pthread_mutex_unlock(&loop->lock);
    if (work == NULL) {
        return false;
    }
    atomic_store(&work->posted, 0);
    work->run(work->argument);
    return true;
}

static int make_timer(struct ioreqd_device *device, struct ioreqd_loop *loop, void (*fire)(void *argument),
                      void *argument, struct ioreqd_timer **timer)
{
    struct thread_loop *of = (struct thread_loop *)loop;

    (void)device;
    *timer = calloc(1, sizeof(**timer));
    **timer = (struct ioreqd_timer){of->timers, fire, argument, 0};
    of->timers = *timer;
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

static void fire_timers(struct thread_loop *loop)
{
    for (struct ioreqd_timer *timer = loop->timers; timer != NULL; timer = timer->next) {
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
    atomic_fetch_add(&answers, 1);
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

static void *run_loop(void *argument)
{
    struct thread_loop *loop = argument;
    unsigned index = (unsigned)(loop - loops);

    while (!atomic_load(&stop)) {
        if (!run_one(loop)) {
            sched_yield(); /* there are more threads than processors */
        }
        fire_timers(loop);
        if (index < 2) {
            stir(&pairs[index]);
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------------------------------------------------------
 * The driver
 */

static void ring(void *argument)
{
    struct ioreqd_work *work = argument;

    driver.model->bell(fake_device(fake), driver.state, (unsigned)(work - bell_work), 0);
}

static uint16_t *at16(uint64_t address)
{
    return (uint16_t *)(void *)(fake->ram + address);
}

static uint16_t used_index(unsigned queue)
{
    return __atomic_load_n(at16(DEVICE_AREA(queue) + 2), __ATOMIC_ACQUIRE);
}

static void make_available(unsigned queue, uint16_t head)
{
    __atomic_store_n(at16(DRIVER_AREA(queue) + 4 + 2u * (available[queue] % SIZE)), head, __ATOMIC_RELAXED);
    available[queue]++;
    __atomic_store_n(at16(DRIVER_AREA(queue) + 2), available[queue], __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(at16(DEVICE_AREA(queue)), __ATOMIC_RELAXED) == 0) {
        post(get_queue_loop(NULL, queue), &bell_work[queue]);
    }
}

/* All that a queue has is used in order, so that descriptors may stay as they are. */
static void fill_up(unsigned queue)
{
    while ((uint16_t)(available[queue] - used_index(queue)) < SIZE) {
        make_available(queue, available[queue] % SIZE);
    }
}

static void start(void)
{
    driver_negotiate(&driver, FEATURES);
    for (uint16_t queue = 0; queue < QUEUES; queue++) {
        driver_set_queue(&driver, queue, SIZE);
        available[queue] = 0;
        for (uint16_t i = 0; i < SIZE && queue < CONTROL; i++) {
            struct part part = {0x80000u + 0x10000u * queue + 0x400u * i, 300, queue % 2 == 0 ? WRITE : 0};

            driver_descriptor(&driver, queue, i, part, 0);
        }
    }
    driver_write(&driver, STATUS, 1, 0xf);
}

static bool wait_for(bool (*condition)(void))
{
    time_t since = time(NULL);

    while (!condition()) {
        if (!run_one(&loops[LOOPS - 1])) {
            sched_yield();
        }
        if (time(NULL) - since > PATIENCE) {
            return false;
        }
    }
    return true;
}

static bool answered(void)
{
    return used_index(CONTROL) == available[CONTROL];
}

static bool is_reset(void)
{
    return driver_status(&driver) == 0;
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
    uint8_t *to = fake->ram + 0x8000;

    to[0] = class;
    to[1] = number;
    memcpy(to + 2, data, length);
    driver_descriptor(&driver, CONTROL, 0, (struct part){0x8000, 2 + length, NEXT}, 1);
    driver_descriptor(&driver, CONTROL, 1, (struct part){0x9000, 1, WRITE}, 0);
    make_available(CONTROL, 0);
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
        if (!wait_for(answered)) {
            fprintf(stderr, "round %u: command %u was not answered\n", round, i);
            return false;
        }
    }
    atomic_store(&reads, 0);
    atomic_store(&writes, 0);
    wanted_progress = round % 3 * 20;
    if (!wait_for(has_progressed)) {
        fprintf(stderr, "round %u: %u packets came and %u went\n", round, atomic_load(&reads), atomic_load(&writes));
        return false;
    }
    if (round % 2 == 0) {
        driver.model->quiesce(fake_device(fake), driver.state);
        if (!wait_for(is_quiet)) {
            fprintf(stderr, "round %u: no quiet\n", round);
            return false;
        }
        for (unsigned i = 0; i < 1000; i++) {
            run_one(&loops[LOOPS - 1]);
        }
        atomic_store(&quiet, false);
        driver.model->resume(fake_device(fake), driver.state);
    }
    if (round % 5 != 0) {
        some_command(round);
    }
    driver_write(&driver, STATUS, 1, 0);
    if (!wait_for(is_reset)) {
        fprintf(stderr, "round %u: no end of reset\n", round);
        return false;
    }
    return true;
}

static void make_host(void)
{
    fake_network_host(&host);
    host.main_loop = get_main_loop;
    host.queue_loop = get_queue_loop;
    host.post = post;
    host.msix = msix;
    host.quiesced = quiesced;
    host.now = clock_now;
    host.timer_create = make_timer;
    host.timer_set = timer_set;
    host.timer_destroy = timer_destroy;
    host.network_facts = network_facts;
    host.network_watch = network_watch;
    host.network_want = network_want;
    host.network_read = network_read;
    host.network_write = network_write;
    host.network_set_offloads = network_set;
    host.network_set_queue_pairs = network_set;
    host.network_link = network_link;
}

int main(void)
{
    struct ioreqd_network *network = fake_network_create();
    const struct ioreqd_model *model;
    bool good = true;
    void *state;

    for (unsigned i = 0; i < LOOPS; i++) {
        pthread_mutex_init(&loops[i].lock, NULL);
        loops[i].end = &loops[i].first;
    }
    for (unsigned i = 0; i < QUEUES; i++) {
        bell_work[i] = (struct ioreqd_work){.run = ring, .argument = &bell_work[i]};
    }
    make_host();
    fake = fake_create(0);
    model = ioreqd_module(&host)[0];
    state = calloc(1, model->state_size);
    for (const struct ioreqd_property *one = model->property; one->name != NULL; one++) {
        char *to = (char *)state + one->offset;

        if (one->kind == IOREQD_PROPERTY_NETWORK) {
            memcpy(to, &network, sizeof(network));
        } else if (strcmp(one->name, "queues") == 0) {
            *(uint32_t *)(void *)to = 2;
        } else if (strcmp(one->name, "queue-size") == 0) {
            *(uint32_t *)(void *)to = 64;
        }
    }
    if (driver_begin(&driver, fake, model, state) != 0) {
        return EXIT_FAILURE;
    }
    for (unsigned i = 0; i < LOOPS - 1; i++) {
        pthread_create(&threads[i], NULL, run_loop, &loops[i]);
    }
    for (unsigned round = 0; good && round < ROUNDS; round++) {
        good = round_of(round);
    }
    atomic_store(&stop, true);
    for (unsigned i = 0; i < LOOPS - 1; i++) {
        pthread_join(threads[i], NULL);
    }
    driver_end(&driver);
    if (fake->windows != 0 || fake->pinned != 0 || fake->guest_errors != 0 || atomic_load(&broke_the_rules)) {
        fprintf(stderr, "%u windows, %u pieces, %u errors (%s)%s\n", fake->windows, fake->pinned, fake->guest_errors,
                fake->text, atomic_load(&broke_the_rules) ? ", and it acted while it was quiet" : "");
        good = false;
    }
    free(state);
    fake_network_destroy(network);
    fake_destroy(fake);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
