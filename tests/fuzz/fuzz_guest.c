/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest of the fuzzed device: its accesses to BARs, doorbells, ROM and capabilities, of any kind that a host lets
 * through to a model, see fuzz_host.h. One thread.
 */
#include <string.h>

#include "tests/fuzz/fuzz_host.h"

static uint8_t capability[256][256]; /* the host's copy of what stands in configuration space */

static bool is_bar(unsigned kind)
{
    return kind >= IOREQD_BAR_IO && kind <= IOREQD_BAR_MEM64_PREFETCH;
}

/* Somewhere in size bytes where an access may begin: most registers are at the start of a BAR or of a page. */
static uint64_t take_offset(struct ioreqd_device *device, uint64_t bytes, unsigned size)
{
    uint64_t places = bytes / size, page;

    switch (fuzz_take(&device->input, 1) % 8) {
    case 0:
        return fuzz_take(&device->input, 2) % places * size;
    case 1:
        return fuzz_take(&device->input, 8) % places * size;
    case 2:
        return (places - 1 - fuzz_take(&device->input, 1) % places) * size;
    case 3:
    case 4:
        page = fuzz_take(&device->input, 1) % 16 * 4096 / size;
        return (page + fuzz_take(&device->input, 1)) % places * size;
    default:
        return fuzz_take(&device->input, 1) % places * size;
    }
}

/* On the queue's loop, with the last value. A device that has come to rest is not rung any more. */
static void run_bell(void *argument)
{
    struct fuzz_bell *bell = argument;
    struct ioreqd_device *device = bell->device;

    if (device->phase == FUZZ_RUNNING || device->phase == FUZZ_QUIESCING) {
        device->model->bell(device, device->state, (unsigned)(bell - device->bell), bell->value);
    }
}

static bool ring_bell(struct ioreqd_device *device, unsigned bar, uint64_t offset, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < device->description.bells; i++) {
        const struct ioreqd_bell *bell = &device->description.bell[i];
        uint64_t from = offset - bell->offset;

        if (bell->bar == bar && size >= bell->size && offset >= bell->offset && from % bell->stride == 0 &&
            from / bell->stride < bell->count) {
            unsigned queue = bell->first_queue + (unsigned)(from / bell->stride);

            device->bell[queue].device = device;
            device->bell[queue].value = (uint32_t)value;
            device->bell[queue].work.run = run_bell;
            device->bell[queue].work.argument = &device->bell[queue];
            fuzz_host.post(fuzz_queue_loop(device, queue), &device->bell[queue].work);
            return true;
        }
    }
    return false;
}

void fuzz_access_bar(struct ioreqd_device *device, bool write)
{
    uint8_t how = (uint8_t)fuzz_take(&device->input, 1);
    unsigned bar = how % 8u;
    const struct ioreqd_bar *found;
    uint64_t offset, value;
    unsigned size;

    /* The first one that there is, from the chosen one on. */
    for (unsigned i = 0; i < IOREQD_BARS && !is_bar(device->description.bar[bar % IOREQD_BARS].kind); i++) {
        bar++;
    }
    bar %= IOREQD_BARS;
    found = &device->description.bar[bar];
    if (!is_bar(found->kind) || device->failed) {
        return;
    }
    size = 1u << (how >> 3) % 4;
    size = size < found->min_access ? found->min_access : size > found->max_access ? found->max_access : size;
    offset = take_offset(device, found->size, size);
    value = write ? fuzz_take(&device->input, size) : 0;
    if (write && ring_bell(device, bar, offset, size, value)) {
        return;
    }
    fuzz_begin_call(device, &device->loop[0]);
    if (write) {
        device->model->write(device, device->state, bar, offset, size, value);
    } else {
        (void)device->model->read(device, device->state, bar, offset, size);
    }
    fuzz_end_call(device);
}

void fuzz_read_rom(struct ioreqd_device *device)
{
    uint64_t bytes = IOREQD_HAS(&device->description, rom_size) ? device->description.rom_size : 0;

    if (bytes != 0 && !device->failed) {
        unsigned size = 1u << fuzz_take(&device->input, 1) % 3;

        fuzz_begin_call(device, &device->loop[0]);
        (void)device->model->read(device, device->state, IOREQD_ROM,
                                  fuzz_take(&device->input, 4) % (bytes / size) * size, size);
        fuzz_end_call(device);
    }
}

static uint32_t get(const uint8_t *bytes, unsigned size)
{
    uint32_t value = 0;

    for (unsigned i = size; i-- > 0;) {
        value = value << 8 | bytes[i];
    }
    return value;
}

static void store(const struct ioreqd_device *device, unsigned index, unsigned offset, unsigned size, uint32_t value)
{
    const struct ioreqd_capability *one = &device->description.capability[index];
    unsigned header = (one->flags & IOREQD_CAPABILITY_EXTENDED) != 0 ? 4 : 2;

    for (unsigned i = offset < header ? header - offset : 0; i < size; i++) {
        unsigned at = offset + i - header;
        uint8_t byte = (uint8_t)(value >> (8 * i));
        uint8_t writable = one->write_mask != NULL ? one->write_mask[at] : 0;
        uint8_t clears = one->clear_mask != NULL ? one->clear_mask[at] : 0;
        uint8_t *to = &capability[index][offset + i];

        *to = (uint8_t)(((*to & ~writable) | (byte & writable)) & ~(byte & clears));
    }
}

void fuzz_access_capability(struct ioreqd_device *device)
{
    uint8_t how = (uint8_t)fuzz_take(&device->input, 1);
    unsigned size = 1u << how % 3;

    for (unsigned i = 0; i < device->description.capabilities && i < 256; i++) {
        const struct ioreqd_capability *one = &device->description.capability[i];
        unsigned offset;

        if ((one->flags & IOREQD_CAPABILITY_TRAP) == 0 || one->length > 256 || one->length < size) {
            continue;
        }
        offset = (unsigned)fuzz_take(&device->input, 1) % (one->length / size) * size;
        fuzz_begin_call(device, &device->loop[0]);
        if ((how & 0x80) != 0) {
            store(device, i, offset, size, (uint32_t)fuzz_take(&device->input, size));
            if (FUZZ_CALLS(device->model, config_write)) {
                device->model->config_write(device, device->state, i, offset, size, get(capability[i] + offset, size));
            }
        } else if (FUZZ_CALLS(device->model, config_read)) {
            (void)device->model->config_read(device, device->state, i, offset, size, get(capability[i] + offset, size));
        }
        fuzz_end_call(device);
    }
}

void fuzz_prepare_capabilities(struct ioreqd_device *device)
{
    for (unsigned i = 0; i < device->description.capabilities && i < 256; i++) {
        const struct ioreqd_capability *one = &device->description.capability[i];
        unsigned header = (one->flags & IOREQD_CAPABILITY_EXTENDED) != 0 ? 4 : 2;

        memset(capability[i], 0, sizeof(capability[i]));
        capability[i][0] = (uint8_t)one->id;
        if (one->length <= sizeof(capability[i]) && one->length > header) {
            memcpy(capability[i] + header, one->body, one->length - header);
        }
    }
}
