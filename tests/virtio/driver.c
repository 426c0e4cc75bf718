/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver's side of a virtio PCI device, see driver.h. Little-endian hosts only. */
#include "tests/virtio/driver.h"

#include <string.h>

#define BAR 4

/* As the host does with what the user leaves out: it is on. */
static void set_formats(const struct ioreqd_model *model, uint8_t *state)
{
    static const char *const formats[] = {"packed", "indirect", "event-idx"};

    for (const struct ioreqd_property *one = model->property; one != NULL && one->name != NULL; one++) {
        for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
            if (strcmp(one->name, formats[i]) == 0 && strcmp(one->fallback, "on") == 0) {
                state[one->offset] = 1;
            }
        }
    }
}

int driver_begin(struct driver *driver, struct fake *fake, const struct ioreqd_model *model, void *state)
{
    int error;

    *driver = (struct driver){.fake = fake, .model = model, .state = state, .description = *model->description};
    set_formats(model, state);
    error = model->create(fake_device(fake), state, &driver->description);
    if (error == 0) {
        model->reset(fake_device(fake), state, IOREQD_RESET_COLD);
    }
    return error;
}

void driver_end(struct driver *driver)
{
    driver->model->destroy(fake_device(driver->fake), driver->state);
}

uint32_t driver_read(struct driver *driver, uint64_t offset, unsigned size)
{
    return (uint32_t)driver->model->read(fake_device(driver->fake), driver->state, BAR, offset, size);
}

void driver_write(struct driver *driver, uint64_t offset, unsigned size, uint32_t value)
{
    driver->model->write(fake_device(driver->fake), driver->state, BAR, offset, size, value);
}

uint8_t driver_status(struct driver *driver)
{
    return (uint8_t)driver_read(driver, STATUS, 1);
}

void driver_select(struct driver *driver, uint16_t queue)
{
    driver_write(driver, QUEUE_SELECT, 2, queue);
}

uint64_t driver_offered(struct driver *driver)
{
    uint64_t low;

    driver_write(driver, DEVICE_FEATURE_SELECT, 4, 0);
    low = driver_read(driver, DEVICE_FEATURE, 4);
    driver_write(driver, DEVICE_FEATURE_SELECT, 4, 1);
    return low | (uint64_t)driver_read(driver, DEVICE_FEATURE, 4) << 32;
}

void driver_negotiate(struct driver *driver, uint64_t features)
{
    driver_write(driver, STATUS, 1, 1);
    driver_write(driver, STATUS, 1, 3);
    driver_write(driver, DRIVER_FEATURE_SELECT, 4, 0);
    driver_write(driver, DRIVER_FEATURE, 4, (uint32_t)features);
    driver_write(driver, DRIVER_FEATURE_SELECT, 4, 1);
    driver_write(driver, DRIVER_FEATURE, 4, (uint32_t)(features >> 32));
    driver_write(driver, STATUS, 1, 0xb);
    driver->features = features;
}

void driver_set_queue(struct driver *driver, uint16_t queue, uint16_t size)
{
    memset(driver->fake->ram + DESC_AREA(queue), 0, 0x10000);
    driver->size = size;
    driver->queue[queue] = (struct driver_queue){.wrap = true, .used_wrap = true};
    driver_select(driver, queue);
    driver_write(driver, QUEUE_SIZE, 2, size);
    driver_write(driver, QUEUE_VECTOR, 2, queue + 1u);
    driver_write(driver, QUEUE_DESC, 4, DESC_AREA(queue));
    driver_write(driver, QUEUE_DESC + 4, 4, 0);
    driver_write(driver, QUEUE_DRIVER, 4, DRIVER_AREA(queue));
    driver_write(driver, QUEUE_DEVICE, 4, DEVICE_AREA(queue));
    driver_write(driver, QUEUE_ENABLE, 2, 1);
}

void driver_start(struct driver *driver, uint64_t features, uint16_t queues, uint16_t size)
{
    driver_negotiate(driver, features);
    driver_write(driver, CONFIG_VECTOR, 2, 0);
    for (uint16_t i = 0; i < queues; i++) {
        driver_set_queue(driver, i, size);
    }
    driver_write(driver, STATUS, 1, 0xf);
    fake_pump(driver->fake);
}

void driver_set16(struct driver *driver, uint64_t address, uint16_t value)
{
    memcpy(driver->fake->ram + address, &value, sizeof(value));
}

uint16_t driver_get16(struct driver *driver, uint64_t address)
{
    uint16_t value;

    memcpy(&value, driver->fake->ram + address, sizeof(value));
    return value;
}

static bool has(const struct driver *driver, uint64_t feature)
{
    return (driver->features & feature) != 0;
}

static void put_descriptor(struct driver *driver, uint64_t address, struct part part, uint16_t third, uint16_t fourth)
{
    uint8_t *to = driver->fake->ram + address;

    memcpy(to, &part.address, 8);
    memcpy(to + 8, &part.length, 4);
    memcpy(to + 12, &third, 2);
    memcpy(to + 14, &fourth, 2);
}

void driver_descriptor(struct driver *driver, unsigned queue, uint16_t index, struct part part, uint16_t next)
{
    put_descriptor(driver, DESC_AREA(queue) + 16u * index, part, part.flags, next);
}

void driver_packed(struct driver *driver, unsigned queue, uint16_t index, struct part part, uint16_t id)
{
    put_descriptor(driver, DESC_AREA(queue) + 16u * index, part, id, part.flags);
}

void driver_table(struct driver *driver, uint64_t table, unsigned index, struct part part, uint16_t next)
{
    if (has(driver, F_PACKED)) {
        put_descriptor(driver, table + 16u * index, part, next, part.flags);
    } else {
        put_descriptor(driver, table + 16u * index, part, part.flags, next);
    }
}

void driver_set_available(struct driver *driver, unsigned queue, uint16_t index)
{
    driver->queue[queue].available = index;
    driver_set16(driver, DRIVER_AREA(queue) + 2, index);
}

void driver_expose(struct driver *driver, unsigned queue, uint16_t head)
{
    uint16_t index = driver->queue[queue].available;

    driver_set16(driver, DRIVER_AREA(queue) + 4 + 2u * (index % driver->size), head);
    driver_set_available(driver, queue, (uint16_t)(index + 1));
}

static uint16_t add_split(struct driver *driver, unsigned index, const struct part *part, unsigned count)
{
    struct driver_queue *queue = &driver->queue[index];
    uint16_t head = queue->next_free;

    for (unsigned i = 0; i < count; i++) {
        uint16_t here = queue->next_free;
        struct part one = part[i];

        queue->next_free = (uint16_t)((here + 1) % driver->size);
        if (i + 1 < count) {
            one.flags |= NEXT;
        }
        driver_descriptor(driver, index, here, one, queue->next_free);
    }
    driver_expose(driver, index, head);
    return head;
}

/* The lowest that is free; when none is, what a driver out of its mind would take. */
static uint16_t free_id(const struct driver *driver, const struct driver_queue *queue)
{
    for (uint16_t id = 0; id < driver->size; id++) {
        if (!queue->id[id].in_flight) {
            return id;
        }
    }
    return 0;
}

static uint16_t add_packed(struct driver *driver, unsigned index, const struct part *part, unsigned count)
{
    struct driver_queue *queue = &driver->queue[index];
    uint16_t id = free_id(driver, queue);

    for (unsigned i = 0; i < count; i++) {
        uint16_t here = queue->next_free;
        struct part one = part[i];

        one.flags |= queue->wrap ? AVAILABLE : USED;
        if (i + 1 < count) {
            one.flags |= NEXT;
        }
        /* The id of the last is the chain's (§2.8.6). */
        driver_packed(driver, index, here, one, i + 1 < count ? 0xeeee : id);
        queue->next_free = (uint16_t)((here + 1) % driver->size);
        queue->wrap ^= queue->next_free == 0;
    }
    queue->available++;
    return id;
}

uint16_t driver_add(struct driver *driver, unsigned index, const struct part *part, unsigned count)
{
    struct driver_queue *queue = &driver->queue[index];
    uint16_t id =
        has(driver, F_PACKED) ? add_packed(driver, index, part, count) : add_split(driver, index, part, count);

    queue->id[id].in_flight = true;
    queue->id[id].descriptors = (uint16_t)count;
    queue->id[id].writable = 0;
    for (unsigned i = 0; i < count; i++) {
        queue->id[id].writable += (part[i].flags & WRITE) != 0 ? part[i].length : 0;
    }
    queue->order[queue->youngest++ % DRIVER_MAX_SIZE] = id;
    return id;
}

void driver_kick(struct driver *driver, unsigned queue)
{
    uint32_t value = queue;

    if (queue < 4 && has(driver, F_NOTIFICATION_DATA)) {
        const struct driver_queue *one = &driver->queue[queue];
        uint32_t next = has(driver, F_PACKED) ? one->next_free | (one->wrap ? 0x8000u : 0) : one->available;

        value |= next << 16;
    }
    driver->model->bell(fake_device(driver->fake), driver->state, queue, value);
    fake_pump(driver->fake);
}

/* What the device wrote at the next place, and whether it did. */
static bool used_entry(struct driver *driver, unsigned index, uint32_t *id, uint32_t *length)
{
    const struct driver_queue *queue = &driver->queue[index];
    uint64_t entry;

    if (!has(driver, F_PACKED)) {
        entry = DEVICE_AREA(index) + 4 + 8u * (queue->seen_used % driver->size);
        memcpy(id, driver->fake->ram + entry, 4);
        memcpy(length, driver->fake->ram + entry + 4, 4);
        return queue->seen_used != driver_get16(driver, DEVICE_AREA(index) + 2);
    }
    entry = DESC_AREA(index) + 16u * queue->next_used;
    uint16_t flags = driver_get16(driver, entry + 14);
    memcpy(length, driver->fake->ram + entry + 8, 4);
    *id = driver_get16(driver, entry + 12);
    return ((flags & AVAILABLE) != 0) == queue->used_wrap && ((flags & USED) != 0) == queue->used_wrap;
}

static void step(struct driver *driver, unsigned index, uint32_t id)
{
    struct driver_queue *queue = &driver->queue[index];

    queue->seen_used++;
    queue->id[id].in_flight = false;
    if (has(driver, F_PACKED)) {
        queue->next_used = (uint16_t)(queue->next_used + queue->id[id].descriptors);
        if (queue->next_used >= driver->size) {
            queue->next_used = (uint16_t)(queue->next_used - driver->size);
            queue->used_wrap = !queue->used_wrap;
        }
    }
}

bool driver_used(struct driver *driver, unsigned index, uint32_t *id, uint32_t *length)
{
    struct driver_queue *queue = &driver->queue[index];

    if (!has(driver, F_IN_ORDER)) {
        if (!used_entry(driver, index, id, length) || *id >= DRIVER_MAX_SIZE) {
            return false;
        }
        step(driver, index, *id);
        return true;
    }
    /* One entry stands for all up to its buffer, whose lengths are then what the device could write (§2.7.9, §2.8.8). */
    if (!queue->in_batch) {
        if (queue->oldest == queue->youngest || !used_entry(driver, index, &queue->batch_id, &queue->batch_length)) {
            return false;
        }
        queue->in_batch = true;
    }
    *id = queue->order[queue->oldest++ % DRIVER_MAX_SIZE];
    *length = *id == queue->batch_id ? queue->batch_length : queue->id[*id].writable;
    queue->in_batch = *id != queue->batch_id;
    step(driver, index, *id);
    return true;
}

uint16_t driver_used_index(struct driver *driver, unsigned queue)
{
    struct driver copy = *driver;
    uint32_t id, length;

    if (!has(driver, F_PACKED)) {
        return driver_get16(driver, DEVICE_AREA(queue) + 2);
    }
    while (driver_used(&copy, queue, &id, &length)) {
    }
    return copy.queue[queue].seen_used;
}

bool driver_held_back(struct driver *driver, unsigned queue)
{
    return driver_get16(driver, DEVICE_AREA(queue) + (has(driver, F_PACKED) ? 2 : 0)) == 1;
}

void driver_hold_back(struct driver *driver, unsigned queue, bool on)
{
    driver_set16(driver, DRIVER_AREA(queue) + (has(driver, F_PACKED) ? 2 : 0), on);
}

void driver_listen(struct driver *driver, unsigned index)
{
    const struct driver_queue *queue = &driver->queue[index];

    if (has(driver, F_PACKED)) {
        driver_set16(driver, DRIVER_AREA(index), (uint16_t)(queue->next_used | (queue->used_wrap ? 0x8000u : 0)));
        driver_set16(driver, DRIVER_AREA(index) + 2, has(driver, F_EVENT_IDX) ? 2 : 0);
    } else {
        driver_set_used_event(driver, index, queue->seen_used);
    }
}

void driver_set_used_event(struct driver *driver, unsigned queue, uint16_t value)
{
    driver_set16(driver, DRIVER_AREA(queue) + 4 + 2u * driver->size, value);
}

uint16_t driver_available_event(struct driver *driver, unsigned queue)
{
    return driver_get16(driver, DEVICE_AREA(queue) + 4 + 8u * driver->size);
}
