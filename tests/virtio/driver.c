/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver's side of a virtio PCI device, see driver.h. Little-endian hosts only. */
#include "tests/virtio/driver.h"

#include <string.h>

#define BAR 4

int driver_begin(struct driver *driver, struct fake *fake, const struct ioreqd_model *model, void *state)
{
    int error;

    *driver = (struct driver){.fake = fake, .model = model, .state = state, .description = *model->description};
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
}

void driver_set_queue(struct driver *driver, uint16_t queue, uint16_t size)
{
    memset(driver->fake->ram + DESC_AREA(queue), 0, 0x10000);
    driver->size = size;
    driver->available[queue] = 0;
    driver->seen_used[queue] = 0;
    driver->next_free[queue] = 0;
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

void driver_descriptor(struct driver *driver, unsigned queue, uint16_t index, struct part part, uint16_t next)
{
    uint8_t *to = driver->fake->ram + DESC_AREA(queue) + 16u * index;

    memcpy(to, &part.address, 8);
    memcpy(to + 8, &part.length, 4);
    memcpy(to + 12, &part.flags, 2);
    memcpy(to + 14, &next, 2);
}

void driver_set_available(struct driver *driver, unsigned queue, uint16_t index)
{
    driver->available[queue] = index;
    driver_set16(driver, DRIVER_AREA(queue) + 2, index);
}

void driver_expose(struct driver *driver, unsigned queue, uint16_t head)
{
    uint16_t index = driver->available[queue];

    driver_set16(driver, DRIVER_AREA(queue) + 4 + 2u * (index % driver->size), head);
    driver_set_available(driver, queue, (uint16_t)(index + 1));
}

uint16_t driver_add(struct driver *driver, unsigned queue, const struct part *part, unsigned count)
{
    uint16_t head = driver->next_free[queue];

    for (unsigned i = 0; i < count; i++) {
        uint16_t index = driver->next_free[queue];
        uint16_t next = (uint16_t)((index + 1) % driver->size);
        struct part one = part[i];

        if (i + 1 < count) {
            one.flags |= NEXT;
        }
        driver_descriptor(driver, queue, index, one, next);
        driver->next_free[queue] = next;
    }
    driver_expose(driver, queue, head);
    return head;
}

void driver_kick(struct driver *driver, unsigned queue)
{
    driver->model->bell(fake_device(driver->fake), driver->state, queue, queue);
    fake_pump(driver->fake);
}

uint16_t driver_used_index(struct driver *driver, unsigned queue)
{
    return driver_get16(driver, DEVICE_AREA(queue) + 2);
}

bool driver_used(struct driver *driver, unsigned queue, uint32_t *id, uint32_t *length)
{
    uint64_t entry = DEVICE_AREA(queue) + 4 + 8u * (driver->seen_used[queue] % driver->size);

    if (driver->seen_used[queue] == driver_used_index(driver, queue)) {
        return false;
    }
    driver->seen_used[queue]++;
    memcpy(id, driver->fake->ram + entry, 4);
    memcpy(length, driver->fake->ram + entry + 4, 4);
    return true;
}

void driver_set_used_event(struct driver *driver, unsigned queue, uint16_t value)
{
    driver_set16(driver, DRIVER_AREA(queue) + 4 + 2u * driver->size, value);
}

uint16_t driver_available_event(struct driver *driver, unsigned queue)
{
    return driver_get16(driver, DEVICE_AREA(queue) + 4 + 8u * driver->size);
}
