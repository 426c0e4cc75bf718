/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Storms, see storm.h. Two vCPUs, each a thread, keep the queues full; a third, the test's, does what a driver may do at
 * any time, and what none should. A queue's lock is held by whoever touches its ring or buffers: so after a reset has
 * been confirmed, only the device could still write there.
 *
 * IOREQD_STORM_STEPS and IOREQD_STORM_SEED make another storm.
 */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bridge/pci_registers.h"
#include "tests/worker/storm.h"

#define MEMORY   (UINT64_C(8) << 20)
#define AREA     UINT64_C(0x100000) /* rings, then buffers: what the device has */
#define RING     UINT64_C(0x4000)
#define BUFFERS  (AREA + STORM_QUEUES * RING)
#define SLOTS    32u
#define SLOT     UINT64_C(8192)
#define TABLE    3072u /* in a slot: indirect table */
#define WRITABLE 4096u
#define AREA_END (BUFFERS + STORM_QUEUES * SLOTS * SLOT)
#define PAINT    0x3c

#define F_RING_RESET (UINT64_C(1) << 40)
#define QUEUE_RESET  58u /* common configuration (§4.1.4.3) */
#define EXPRESS      0x10

#define THREADS  2u
#define STEPS    300u
#define SECONDS  15  /* the storm ends then, however many steps it has made: emulators are slow */
#define PATIENCE 120 /* seconds without an answer */

enum step {
    RESET,
    FUNCTION_RESET,
    QUEUE_RESETS,
    MASTER_OFF,
    INVALIDATE,
    PUNCH,
    RUBBISH,
    DRAIN,
    STEP_KINDS,
};

/* How often each is made. */
static const enum step choice[] = {RESET,        RESET,      FUNCTION_RESET, QUEUE_RESETS, QUEUE_RESETS,
                                   QUEUE_RESETS, MASTER_OFF, MASTER_OFF,     INVALIDATE,   PUNCH,
                                   RUBBISH,      DRAIN,      DRAIN,          DRAIN};

static const char *const step_names[STEP_KINDS] = {"resets",        "function resets", "queue resets", "bus master off",
                                                   "invalidations", "holes",           "rubbish",      "drained"};

struct queue {
    pthread_mutex_t lock;
    struct virtio_queue ring;
    bool open;
    unsigned given;
    uint32_t idle; /* a bit for each slot that is the driver's */
    uint8_t slot_of[VIRTIO_QUEUE_MAX];
};

static struct stack stack;
static const struct storm_kind *kind;
static struct pci_function function;
static struct virtio virtio;
static struct vcpu vcpu[THREADS + 1];
static struct queue queues[STORM_QUEUES];
static unsigned queues_used;
static bool spoiled; /* the ring is not what the driver believes: only a reset helps */
static _Atomic bool over, peer_over;
static _Atomic unsigned requests, answers;
static char place[64];
static char wrong[sizeof(stack.error)];

uint32_t storm_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

unsigned storm_queues(void)
{
    return queues_used;
}

static time_t now(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec;
}

static uint64_t slot_at(unsigned queue, unsigned slot)
{
    return BUFFERS + (queue * SLOTS + slot) * SLOT;
}

static uint8_t *view(uint64_t address, uint64_t length)
{
    return sim_memory(stack.sim, address, (size_t)length);
}

/* ---- requests; with the queue's lock ---- */

static unsigned cut(struct virtio_segment *segment, uint64_t address, uint32_t length, bool device_writes,
                    uint32_t share)
{
    unsigned count = 0;

    share = share < length ? share : 0;
    if (share > 0) {
        segment[count++] = (struct virtio_segment){address, share, device_writes};
    }
    if (length > share) {
        segment[count++] = (struct virtio_segment){address + share, length - share, device_writes};
    }
    return count;
}

static bool give(unsigned index, unsigned slot, const struct storm_request *request, uint32_t share, bool indirect)
{
    struct queue *queue = &queues[index];
    const uint64_t at = slot_at(index, slot);
    struct virtio_segment segment[4];
    unsigned count = cut(segment, at, request->readable, false, share);
    int head;

    count += cut(segment + count, at + WRITABLE, request->writable, true, share);
    head = virtio_queue_add(&queue->ring, segment, count, indirect ? at + TABLE : 0);
    if (head < 0) {
        return false;
    }
    queue->slot_of[head] = (uint8_t)slot;
    queue->idle &= ~(1u << slot);
    queue->given++;
    return true;
}

static int take(unsigned index, uint32_t *written)
{
    struct queue *queue = &queues[index];
    int head = virtio_queue_take(&queue->ring, written);

    if (head < 0) {
        return head;
    }
    queue->idle |= 1u << queue->slot_of[head];
    queue->given--;
    return queue->slot_of[head];
}

static void notify(unsigned index, const struct vcpu *by)
{
    (void)virtio_queue_needs_kick(&queues[index].ring);
    virtio_queue_notify(&queues[index].ring, by);
}

static void serve(unsigned index, const struct vcpu *by, uint32_t *seed)
{
    struct queue *queue = &queues[index];
    uint32_t written;

    while (take(index, &written) >= 0) {
        atomic_fetch_add(&answers, 1);
    }
    for (unsigned more = storm_random(seed) % 12; more > 0 && queue->idle != 0; more--) {
        unsigned slot = (unsigned)__builtin_ctz(queue->idle);
        struct storm_request request = storm_request_of(index, slot);

        kind->fill(index, &request, seed);
        if (!give(index, slot, &request, storm_random(seed) % 64, storm_random(seed) % 2 == 0)) {
            break;
        }
        atomic_fetch_add(&requests, 1);
    }
    if (virtio_queue_needs_kick(&queue->ring) || storm_random(seed) % 16 == 0) {
        virtio_queue_notify(&queue->ring, by);
    }
}

static void *keep_full(void *argument)
{
    const struct vcpu *by = argument;
    uint32_t seed = by->index;

    while (!atomic_load(&over)) {
        unsigned index = storm_random(&seed) % STORM_QUEUES;

        pthread_mutex_lock(&queues[index].lock);
        if (queues[index].open) {
            serve(index, by, &seed);
        }
        pthread_mutex_unlock(&queues[index].lock);
        sched_yield(); /* the lock is nobody's for a moment */
    }
    return NULL;
}

/* ---- what prove() uses, when the threads are gone ---- */

struct storm_request storm_request_of(unsigned queue, unsigned slot)
{
    return (struct storm_request){.bytes = view(slot_at(queue, slot), SLOT)};
}

const uint8_t *storm_written(unsigned queue, unsigned slot)
{
    return view(slot_at(queue, slot) + WRITABLE, STORM_WRITABLE);
}

int storm_next(unsigned queue, uint32_t *written)
{
    const time_t end = now() + PATIENCE;
    int slot;

    while ((slot = take(queue, written)) < 0 && now() < end) {
        sched_yield();
    }
    return slot;
}

bool storm_do(unsigned queue, unsigned slot, const struct storm_request *request, bool wait, uint32_t *written)
{
    if (!give(queue, slot, request, 0, false)) {
        return false;
    }
    notify(queue, &vcpu[0]);
    return !wait || storm_next(queue, written) == (int)slot;
}

/* ---- the driver; with all locks ---- */

static void lock_all(void)
{
    for (unsigned i = 0; i < STORM_QUEUES; i++) {
        pthread_mutex_lock(&queues[i].lock);
    }
}

static void unlock_all(void)
{
    for (unsigned i = 0; i < STORM_QUEUES; i++) {
        pthread_mutex_unlock(&queues[i].lock);
    }
}

static bool give_up(const char *what)
{
    snprintf(wrong, sizeof(wrong), "%s", what);
    return false;
}

static bool open_queue(unsigned index, uint32_t *seed)
{
    struct queue *queue = &queues[index];
    bool packed = (virtio.features & VIRTIO_F_RING_PACKED) != 0;
    uint16_t size = (uint16_t)(packed ? 4 + storm_random(seed) % 125 : 4u << storm_random(seed) % 6);
    uint64_t at = AREA + index * RING;

    queue->open = virtio_queue_open(&queue->ring, &virtio, &vcpu[0], (uint16_t)index, size, at, 0) ||
                  virtio_queue_open(&queue->ring, &virtio, &vcpu[0], (uint16_t)index, 0, at, 0);
    queue->given = 0;
    queue->idle = UINT32_MAX;
    return queue->open || give_up("a queue cannot be had");
}

/* Of a device that is reset: another format, other sizes, another number of queues. */
static bool start(uint32_t *seed)
{
    uint64_t features = kind->features | F_RING_RESET;

    features |= storm_random(seed) % 2 == 0 ? VIRTIO_F_RING_PACKED : 0;
    features |= storm_random(seed) % 2 == 0 ? VIRTIO_F_EVENT_IDX : 0;
    features |= storm_random(seed) % 2 == 0 ? VIRTIO_F_INDIRECT_DESC : 0;
    features |= storm_random(seed) % 4 == 0 ? VIRTIO_F_NOTIFICATION_DATA : 0;
    if (!virtio_negotiate(&virtio, &vcpu[0], features)) {
        return give_up("the features are refused");
    }
    pci_msix_set(&vcpu[0], &function, 0, 0xfee00000, 0x41);
    pci_msix_enable(&vcpu[0], &function, storm_random(seed) % 4 != 0);
    queues_used = kind->any_number ? 1 + storm_random(seed) % kind->queues : kind->queues;
    for (unsigned i = 0; i < queues_used; i++) {
        if (!open_queue(i, seed)) {
            return false;
        }
    }
    virtio_driver_ok(&virtio, &vcpu[0]);
    spoiled = false;
    return true;
}

/* What the driver puts there stays: the device has let go. */
static bool is_left_alone(uint64_t from, uint64_t to)
{
    uint8_t *area = view(from, to - from);

    memset(area, PAINT, (size_t)(to - from));
    for (unsigned i = 0; i < 8; i++) { /* a moment */
        virtio_get(&virtio, &vcpu[0], VIRTIO_STATUS, 1);
    }
    for (uint64_t i = 0; i < to - from; i++) {
        if (area[i] != PAINT) {
            snprintf(wrong, sizeof(wrong), "the device wrote at 0x%llx after its reset",
                     (unsigned long long)(from + i));
            return false;
        }
    }
    return true;
}

static bool start_again(uint32_t *seed)
{
    bool good;

    for (unsigned i = 0; i < STORM_QUEUES; i++) {
        queues[i].open = false;
    }
    good = is_left_alone(AREA, AREA_END);
    return good && start(seed);
}

/* ---- steps ---- */

/* The threads go on meanwhile: they ring, and write to rings that are no longer the device's. */
static bool reset(uint32_t *seed)
{
    bool good = virtio_reset(&virtio, &vcpu[0]) || give_up("a reset does not end");

    lock_all();
    good = good && start_again(seed);
    unlock_all();
    return good;
}

static bool reset_function(uint32_t *seed)
{
    unsigned control = pci_capability(&vcpu[0], &function, EXPRESS, 0) + PCI_EXPRESS_DEVICE_CONTROL;
    struct pci_space space = stack_space(&stack);
    const time_t end = now() + PATIENCE;
    bool good;

    pci_put(&vcpu[0], function.number, control, 2, PCI_EXPRESS_CONTROL_RESET);
    lock_all();
    pci_place(&vcpu[0], &function, &space);
    while (virtio_get(&virtio, &vcpu[0], VIRTIO_STATUS, 1) == 0xff && now() < end) {
    }
    good = virtio_get(&virtio, &vcpu[0], VIRTIO_STATUS, 1) == 0 || give_up("a function level reset does not end");
    good = good && start_again(seed);
    unlock_all();
    return good;
}

static bool reset_queue(uint32_t *seed)
{
    unsigned index = storm_random(seed) % queues_used;
    const time_t end = now() + PATIENCE;
    bool good = true;

    if ((virtio.features & F_RING_RESET) == 0 || spoiled) {
        return true;
    }
    virtio_put(&virtio, &vcpu[0], VIRTIO_QUEUE_SELECT, 2, index);
    virtio_put(&virtio, &vcpu[0], (enum virtio_register)QUEUE_RESET, 2, 1);
    while (virtio_get(&virtio, &vcpu[0], (enum virtio_register)QUEUE_RESET, 2) != 0 && now() < end) {
    }
    pthread_mutex_lock(&queues[index].lock);
    if (virtio_get(&virtio, &vcpu[0], (enum virtio_register)QUEUE_RESET, 2) != 0) {
        good = give_up("a reset of a queue does not end");
    }
    queues[index].open = false;
    good = good && is_left_alone(AREA + index * RING, AREA + (index + 1) * RING) &&
           is_left_alone(slot_at(index, 0), slot_at(index, SLOTS)) && open_queue(index, seed);
    pthread_mutex_unlock(&queues[index].lock);
    return good;
}

static bool turn_master_off(uint32_t *seed)
{
    pci_put(&vcpu[0], function.number, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    for (unsigned i = storm_random(seed) % 16; i > 0; i--) {
        virtio_get(&virtio, &vcpu[0], VIRTIO_STATUS, 1);
    }
    pci_put(&vcpu[0], function.number, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER);
    return true;
}

/* A page of the area goes, and another comes. What was under way to it may have broken the device, which then says so. */
static bool punch(uint32_t *seed)
{
    uint64_t frame =
        (AREA >> HYPERVISOR_PAGE_SHIFT) + storm_random(seed) % (uint32_t)((AREA_END - AREA) >> HYPERVISOR_PAGE_SHIFT);
    bool good;

    lock_all();
    sim_punch(stack.sim, frame, 1, 0);
    sim_wait(stack.sim, 0);
    for (unsigned i = 0; i < queues_used; i++) {
        virtio_queue_notify(&queues[i].ring, &vcpu[0]);
    }
    good = sim_populate(stack.sim, frame, 1) == 0 || give_up("no memory");
    spoiled = true;
    unlock_all();
    return good;
}

/* Into a ring, as a driver gone mad would: what the device then does to the guest's memory is the guest's affair. */
static bool write_rubbish(uint32_t *seed)
{
    unsigned index = storm_random(seed) % queues_used;
    uint8_t *ring;

    lock_all();
    ring = view(AREA + index * RING, RING);
    for (unsigned i = storm_random(seed) % 512; i > 0; i--) {
        ring[storm_random(seed) % RING] = (uint8_t)storm_random(seed);
    }
    notify(index, &vcpu[0]);
    spoiled = true;
    unlock_all();
    return true;
}

/* Every request is answered. */
static bool drain(uint32_t *seed)
{
    const time_t end = now() + PATIENCE;
    bool good = true;
    uint32_t written;

    (void)seed;
    if (spoiled) {
        return true;
    }
    lock_all();
    for (unsigned i = 0; i < queues_used && good; i++) {
        notify(i, &vcpu[0]);
        while ((kind->answers >> i & 1) != 0 && queues[i].given != 0 && good) {
            if (take(i, &written) >= 0) {
                atomic_fetch_add(&answers, 1);
            } else if (now() > end) {
                snprintf(wrong, sizeof(wrong), "%u requests of queue %u were not answered, status 0x%x",
                         queues[i].given, i, virtio_get(&virtio, &vcpu[0], VIRTIO_STATUS, 1));
                good = false;
            } else {
                sched_yield();
            }
        }
    }
    unlock_all();
    return good;
}

static bool make_step(enum step step, uint32_t *seed)
{
    switch (step) {
    case RESET:
        return reset(seed);
    case FUNCTION_RESET:
        return reset_function(seed);
    case QUEUE_RESETS:
        return reset_queue(seed);
    case MASTER_OFF:
        return turn_master_off(seed);
    case INVALIDATE:
        sim_access(stack.sim, 0, REQUEST_INVALIDATE, 0, 0, 0, 0, 0);
        return true;
    case PUNCH:
        return punch(seed);
    case RUBBISH:
        return write_rubbish(seed);
    case DRAIN:
        return drain(seed);
    case STEP_KINDS:
        break;
    }
    return false;
}

/* ---- beginning and end ---- */

static bool open_device(void)
{
    struct stack_options options = {
        .sim = {.memory = MEMORY, .vcpus = THREADS + 1}, .module = kind->module, .key = kind->key};
    struct pci_function all[PCI_FUNCTIONS];
    struct pci_space space;
    unsigned count;
    char value[96];

    snprintf(value, sizeof(value), "%s%s", kind->value != NULL ? kind->value : "",
             kind->peer != NULL && kind->value != NULL ? place : "");
    options.value = value;
    if (!stack_open(&stack, &options) || !stack_run(&stack)) {
        return give_up(stack.error);
    }
    for (unsigned i = 0; i <= THREADS; i++) {
        vcpu[i] = stack_vcpu(&stack, i);
    }
    space = stack_space(&stack);
    count = pci_enumerate(&vcpu[0], all, PCI_FUNCTIONS);
    for (unsigned i = 0; i < count; i++) {
        if (all[i].device == kind->device) {
            function = all[i];
        }
    }
    pci_place(&vcpu[0], &function, &space);
    return virtio_probe(&virtio, &vcpu[0], &function) || give_up("there is no such device");
}

static unsigned setting(const char *name, unsigned otherwise)
{
    const char *value = getenv(name);

    return value != NULL ? (unsigned)strtoul(value, NULL, 0) : otherwise;
}

static void *be_the_peer(void *unused)
{
    (void)unused;
    kind->peer(place, &peer_over);
    return NULL;
}

static uint64_t counter(const char *name)
{
    const struct ioreqd_counter *at = module_models(stack.module)[0]->counter;

    while (at->name != NULL && strcmp(at->name, name) != 0) {
        at++;
    }
    ck_assert_msg(at->name != NULL, "there is no counter %s", name);
    return atomic_load((_Atomic uint64_t *)(void *)((uint8_t *)device_state(stack.device) + at->offset));
}

static bool has_grown(const char *name, uint64_t before)
{
    const time_t end = now() + PATIENCE;

    while (counter(name) <= before) {
        if (now() > end) {
            snprintf(wrong, sizeof(wrong), "counter %s has not grown", name);
            return false;
        }
        sched_yield();
    }
    return true;
}

/* After all of it: a reset, and no more, makes a device that works. */
static bool prove(uint32_t *seed)
{
    uint64_t before[3] = {0};
    const char *what;

    if (!reset(seed)) {
        return false;
    }
    for (unsigned i = 0; i < 3 && kind->counters[i] != NULL; i++) {
        before[i] = counter(kind->counters[i]);
    }
    what = kind->prove();
    if (what != NULL) {
        return give_up(what);
    }
    for (unsigned i = 0; i < 3 && kind->counters[i] != NULL; i++) {
        if (!has_grown(kind->counters[i], before[i])) {
            return false;
        }
    }
    return true;
}

static bool storm(uint32_t *seed, unsigned *made)
{
    const unsigned steps = setting("IOREQD_STORM_STEPS", STEPS);
    const time_t end = now() + SECONDS * (time_t)(1 + steps / (STEPS + 1));
    unsigned done = 0;

    for (; done < steps && now() < end; done++) {
        enum step step = choice[storm_random(seed) % (sizeof(choice) / sizeof(choice[0]))];

        if (!make_step(step, seed)) {
            break;
        }
        made[step]++;
        usleep(storm_random(seed) % 2000);
    }
    return wrong[0] == '\0';
}

static void run_storm(const struct storm_kind *of)
{
    uint32_t seed = setting("IOREQD_STORM_SEED", 1);
    pthread_t thread[THREADS], peer;
    unsigned made[STEP_KINDS] = {0};
    bool good;

    kind = of;
    snprintf(place, sizeof(place), "/tmp/ioreqd-storm-%d", (int)getpid());
    if (kind->peer != NULL) {
        ck_assert_int_eq(pthread_create(&peer, NULL, be_the_peer, NULL), 0);
    }
    for (unsigned i = 0; i < 10000 && kind->peer_listens && access(place, F_OK) != 0; i++) {
        usleep(1000);
    }
    ck_assert_msg(open_device(), "%s", wrong);
    for (unsigned i = 0; i < STORM_QUEUES; i++) {
        pthread_mutex_init(&queues[i].lock, NULL);
    }
    ck_assert_msg(reset(&seed), "%s", wrong);
    for (unsigned i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&thread[i], NULL, keep_full, &vcpu[i + 1]), 0);
    }
    good = storm(&seed, made);
    atomic_store(&over, true);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
    }
    good = good && prove(&seed);
    atomic_store(&peer_over, true);
    if (kind->peer != NULL) {
        pthread_join(peer, NULL);
    }
    printf("%s: %u requests, %u answers", kind->module, atomic_load(&requests), atomic_load(&answers));
    for (unsigned i = 0; i < STEP_KINDS; i++) {
        printf(", %u %s", made[i], step_names[i]);
    }
    printf("\n");
    fflush(stdout);
    ck_assert_msg(good, "%s: %s", kind->module, wrong);
    ck_assert_uint_gt(atomic_load(&answers), 0);
    stack_end(&stack);
    ck_assert(stack.rested);
    ck_assert_uint_eq(stack_close(&stack), 0);
    unlink(place);
}

START_TEST(storm_over)
{
    static const struct storm_kind *const all[] = {&storm_disk, &storm_network, &storm_console, &storm_vsock,
                                                   &storm_rng};

    run_storm(all[_i]);
}
END_TEST

int main(void)
{
    TCase *group = tcase_create("storm");
    Suite *suite = suite_create("storm");
    SRunner *runner;
    int failed;

    tcase_set_timeout(group, 300);
    tcase_add_loop_test(group, storm_over, 0, 5);
    suite_add_tcase(suite, group);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
