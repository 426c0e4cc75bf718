/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-console against a hostile driver and restless people: the input is a list of what the driver does to registers,
 * rings and doorbells, control messages above all, and of who comes, goes, types and reads at which port. Guest memory
 * changes under the device's hands: when the device copies from it, bytes of the input may be poked into it first.
 *
 * Whatever happens, the device stays inside guest memory, never keeps a loop busy without end, leaves its streams alone
 * while it is quiet, and comes to rest at once.
 */
#include <errno.h>
#include <ioreqd/virtio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/virtio/driver.h"

#define PORTS       4
#define QUEUES      10
#define SIZE        16
#define WORKS_MOST  100000u
#define BUFFERS     0xc0000u
#define BUFFER_MOST 512u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct ioreqd_stream {
    void (*ready)(void *argument, unsigned events);
    void *argument;
    unsigned wanted;
    size_t waiting, room;
    uint16_t columns;
    bool connected;
};

struct ioreqd_timer {
    void (*fire)(void *argument);
    void *argument;
    bool set;
};

static const uint8_t *input;
static size_t left;
static struct fake *fake;
static struct driver driver;
static struct ioreqd_host host;
static struct ioreqd_stream stream[PORTS];
static struct ioreqd_timer timer[PORTS];
static unsigned timers, uses;
static bool quiet;

static uint32_t take(unsigned bytes)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < bytes && left != 0; i++, left--) {
        value = value << 8 | *input++;
    }
    return value;
}

static int dma_read(struct ioreqd_device *device, uint64_t address, void *to, size_t length)
{
    if (left != 0 && (*input & 7) == 0 && address < FAKE_RAM) {
        (void)take(1);
        fake->ram[address] = (uint8_t)take(1);
    }
    return fake_host.dma_read(device, address, to, length);
}

static struct ioreqd_loop *queue_loop(struct ioreqd_device *device, unsigned queue)
{
    (void)device;
    (void)queue;
    return &fake->queue[0];
}

static void msix(struct ioreqd_device *device, unsigned vector)
{
    (void)device;
    if (vector > QUEUES) {
        abort();
    }
}

static uint64_t now(struct ioreqd_device *device)
{
    (void)device;
    return 1;
}

static int make_timer(struct ioreqd_device *device, struct ioreqd_loop *loop, void (*fire)(void *argument),
                      void *argument, struct ioreqd_timer **made)
{
    (void)device;
    (void)loop;
    *made = &timer[timers++];
    **made = (struct ioreqd_timer){.fire = fire, .argument = argument};
    return 0;
}

static void timer_set(struct ioreqd_timer *one, uint64_t deadline)
{
    one->set = deadline != 0;
}

static void timer_destroy(struct ioreqd_timer *one)
{
    one->set = false;
    timers--;
}

static int stream_watch(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_stream *one,
                        void (*ready)(void *argument, unsigned events), void *argument)
{
    (void)device;
    (void)loop;
    one->ready = ready;
    one->argument = argument;
    return 0;
}

static void stream_want(struct ioreqd_stream *one, unsigned events)
{
    one->wanted = events;
}

static void use(void)
{
    if (quiet || ++uses > WORKS_MOST) {
        abort();
    }
}

static size_t stream_read(struct ioreqd_stream *one, void *to, size_t length)
{
    size_t count = one->waiting < length ? one->waiting : length;

    use();
    memset(to, 'i', count);
    one->waiting -= count;
    return count;
}

static size_t stream_write(struct ioreqd_stream *one, const void *from, size_t length)
{
    size_t count = one->connected && one->room < length ? one->room : length;
    const volatile uint8_t *byte = from;

    use();
    for (size_t i = 0; i < length; i++) {
        (void)byte[i];
    }
    one->room -= one->connected ? count : 0;
    return count;
}

static int stream_connected(struct ioreqd_stream *one)
{
    return one->connected;
}

static int stream_size(struct ioreqd_stream *one, uint16_t *columns, uint16_t *rows)
{
    *columns = one->columns;
    *rows = 25;
    return one == &stream[1] ? -ENOTTY : 0;
}

static void stir(struct ioreqd_stream *one, unsigned what, size_t bytes)
{
    unsigned events = 0;

    switch (what) {
    case 0:
        one->connected = !one->connected;
        events = IOREQD_CONNECTED;
        break;
    case 1:
        one->waiting += bytes;
        break;
    case 2:
        one->room += bytes;
        break;
    default:
        one->columns = (uint16_t)bytes;
        events = one->wanted & IOREQD_RESIZED;
        break;
    }
    events |= (one->waiting != 0 ? one->wanted & IOREQD_READABLE : 0) |
              (one->room != 0 || !one->connected ? one->wanted & IOREQD_WRITABLE : 0);
    if (events != 0) {
        one->ready(one->argument, events);
    }
}

static void say(void)
{
    uint32_t how = take(1);
    const uint8_t byte[8] = {(uint8_t)(how & 7), 0, 0, 0, (uint8_t)(how >> 3 & 7), 0, (uint8_t)(how >> 6 & 1), 0};
    struct part part = {BUFFERS + 8 * (how & 15), 8, 0};

    memcpy(fake->ram + part.address, byte, sizeof(byte));
    driver_add(&driver, 3, &part, 1);
    driver.model->bell(fake_device(fake), driver.state, 3, 0);
}

static void add_buffer(void)
{
    unsigned queue = take(1) % QUEUES;
    uint32_t how = take(1);
    struct part parts[2] = {{BUFFERS + how, 1 + take(2) % BUFFER_MOST, queue % 2 == 0 ? WRITE : 0},
                            {FAKE_RAM - 64, 128, queue % 2 == 0 ? WRITE : 0}};

    if (how % 16 == 15) {
        parts[0].flags ^= WRITE;
    }
    driver_add(&driver, queue, parts, how % 32 == 30 ? 2 : 1);
    driver.model->bell(fake_device(fake), driver.state, queue, 0);
}

static void rest(void)
{
    unsigned before = fake->quiesced;

    driver.model->quiesce(fake_device(fake), driver.state);
    fake_pump(fake);
    if (fake->quiesced != before + 1) {
        abort();
    }
    quiet = true;
    stir(&stream[take(1) % PORTS], take(1) % 4, take(1));
    fake_pump(fake);
    quiet = false;
}

static void act(void)
{
    uint32_t what = take(1) % 14;

    switch (what) {
    case 0:
        driver_write(&driver, STATUS, 1, 0);
        fake_pump(fake);
        driver_start(&driver, F_VERSION_1 | take(1) % 8, QUEUES, SIZE);
        break;
    case 1:
        driver_write(&driver, CONFIG + take(1) % 12 / 4 * 4, 4, take(1));
        break;
    case 2:
        rest();
        driver.model->resume(fake_device(fake), driver.state);
        break;
    case 3:
        fake->no_bus_master = (take(1) & 1) != 0;
        driver.model->bus_master(fake_device(fake), driver.state, !fake->no_bus_master);
        break;
    case 4:
        for (unsigned i = 0; i < timers; i++) {
            if (timer[i].set) {
                timer[i].set = false;
                timer[i].fire(timer[i].argument);
            }
        }
        break;
    case 5:
    case 6:
    case 7:
        stir(&stream[take(1) % PORTS], take(1) % 4, take(1));
        break;
    case 8:
    case 9:
    case 10:
        say();
        break;
    case 11:
        driver_select(&driver, (uint16_t)(take(1) % QUEUES));
        driver_write(&driver, QUEUE_RESET, 2, 1);
        break;
    default:
        add_buffer();
        break;
    }
    if ((what & 1) != 0) {
        uses = 0;
        fake_pump(fake);
    }
}

static void *property(const char *name)
{
    const struct ioreqd_property *one = driver.model->property;

    while (strcmp(one->name, name) != 0) {
        one++;
    }
    return (char *)driver.state + one->offset;
}

static void give_stream(const char *name, unsigned i)
{
    memcpy(property(name), &(struct ioreqd_stream *){&stream[i]}, sizeof(struct ioreqd_stream *));
}

static void begin(void)
{
    host = fake_host;
    host.dma_read = dma_read;
    host.queue_loop = queue_loop;
    host.msix = msix;
    host.now = now;
    host.timer_create = make_timer;
    host.timer_set = timer_set;
    host.timer_destroy = timer_destroy;
    host.stream_watch = stream_watch;
    host.stream_want = stream_want;
    host.stream_read = stream_read;
    host.stream_write = stream_write;
    host.stream_connected = stream_connected;
    host.stream_size = stream_size;
    memset(stream, 0, sizeof(stream));
    timers = uses = 0;
    fake = fake_create(0);
    driver.model = ioreqd_module(&host)[0];
    driver.state = calloc(1, driver.model->state_size);
    give_stream("stream", 0);
    give_stream("port1", 1);
    give_stream("port2", 2);
    give_stream("port3", 3);
    memset(property("name1"), 'n', 63);
    *(uint8_t *)property("console2") = 1;
    *(uint8_t *)property("hotplug3") = 1;
    if (driver_begin(&driver, fake, driver.model, driver.state) != 0) {
        abort();
    }
    driver_start(&driver, F_VERSION_1 | 7, QUEUES, SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input = data;
    left = size;
    begin();
    while (left != 0) {
        act();
    }
    uses = 0;
    rest();
    driver_end(&driver);
    if (fake->windows != 0 || fake->pinned != 0 || timers != 0) {
        abort();
    }
    free(driver.state);
    fake_destroy(fake);
    return 0;
}
