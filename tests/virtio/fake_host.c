/* SPDX-License-Identifier: BSD-2-Clause */
/* A host for one device in a test, see fake_host.h. */
#include "tests/virtio/fake_host.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ioreqd_window {
    struct fake *fake;
    uint64_t address;
    size_t length;
};

static struct fake *fake_of(struct ioreqd_device *device)
{
    return (struct fake *)device;
}

static int reach(struct fake *fake, uint64_t address, size_t length)
{
    fake->accesses++;
    if (fake->no_bus_master) {
        return -EIO;
    }
    if (address > FAKE_RAM || length > FAKE_RAM - address ||
        (address < fake->hole + fake->hole_length && address + length > fake->hole)) {
        return -EFAULT;
    }
    return 0;
}

static int dma_read(struct ioreqd_device *device, uint64_t address, void *to, size_t length)
{
    struct fake *fake = fake_of(device);
    int error = reach(fake, address, length);

    if (error == 0) {
        memcpy(to, fake->ram + address, length);
    }
    return error;
}

static int dma_write(struct ioreqd_device *device, uint64_t address, const void *from, size_t length)
{
    struct fake *fake = fake_of(device);
    int error = reach(fake, address, length);

    if (error == 0) {
        memcpy(fake->ram + address, from, length);
    }
    return error;
}

static int dma_map(struct ioreqd_device *device, uint64_t address, size_t length, enum ioreqd_direction direction,
                   struct iovec *iov, uint64_t *pin, unsigned count)
{
    struct fake *fake = fake_of(device);
    int error = reach(fake, address, length);
    unsigned pieces = 0;

    (void)direction;
    if (error != 0) {
        return error;
    }
    while (length != 0) {
        size_t run = fake->piece - address % fake->piece;

        run = run < length ? run : length;
        if (pieces == count) {
            return -E2BIG;
        }
        iov[pieces] = (struct iovec){.iov_base = fake->ram + address, .iov_len = run};
        pin[pieces] = address;
        pieces++;
        address += run;
        length -= run;
    }
    fake->pinned += pieces;
    return (int)pieces;
}

static void dma_unmap(struct ioreqd_device *device, const uint64_t *pin, unsigned count)
{
    (void)pin;
    fake_of(device)->pinned -= count;
}

static int window_open(struct ioreqd_device *device, uint64_t address, size_t length, struct ioreqd_window **window)
{
    struct fake *fake = fake_of(device);
    int error = reach(fake, address, length);

    if (error != 0) {
        return error;
    }
    *window = malloc(sizeof(**window));
    **window = (struct ioreqd_window){fake, address, length};
    fake->windows++;
    return 0;
}

static volatile void *window_base(struct ioreqd_window *window)
{
    int error = reach(window->fake, window->address, window->length);

    return error == 0 ? window->fake->ram + window->address : NULL;
}

static void window_close(struct ioreqd_window *window)
{
    window->fake->windows--;
    free(window);
}

static void msix(struct ioreqd_device *device, unsigned vector)
{
    fake_of(device)->msix[vector]++;
}

static int msix_enabled(struct ioreqd_device *device)
{
    return fake_of(device)->msix_on;
}

static void intx(struct ioreqd_device *device, int level)
{
    fake_of(device)->intx = level && !fake_of(device)->msix_on;
}

static struct ioreqd_loop *queue_loop(struct ioreqd_device *device, unsigned queue)
{
    return &fake_of(device)->queue[queue % FAKE_QUEUES];
}

static struct ioreqd_loop *main_loop(struct ioreqd_device *device)
{
    return &fake_of(device)->main;
}

static void post(struct ioreqd_loop *loop, struct ioreqd_work *work)
{
    if (atomic_exchange(&work->posted, 1) == 0) {
        work->next = NULL;
        *loop->end = work;
        loop->end = &work->next;
    }
}

static uint64_t file_size(struct ioreqd_file *file)
{
    return file->size;
}

static int file_read_only(struct ioreqd_file *file)
{
    return file->read_only;
}

static void file_facts(struct ioreqd_file *file, struct ioreqd_file_facts *facts)
{
    uint32_t struct_size = facts->struct_size;

    *facts = file->facts;
    facts->struct_size = struct_size;
}

static int file_on_resize(struct ioreqd_device *device, struct ioreqd_file *file, void (*changed)(void *argument),
                          void *argument)
{
    (void)device;
    if (file->resized != NULL) {
        abort(); /* once */
    }
    file->resized = changed;
    file->resized_argument = argument;
    return 0;
}

static uint64_t length_of(const struct ioreqd_file_request *request)
{
    uint64_t length = request->operation >= IOREQD_FILE_DISCARD ? request->length : 0;

    for (uint32_t i = 0; i < request->iov_count; i++) {
        length += request->iov[i].iov_len;
    }
    return length;
}

static bool lies_inside(const struct ioreqd_file *file, const struct ioreqd_file_request *request)
{
    return request->offset <= file->size && length_of(request) <= file->size - request->offset;
}

/* What a model must not ask for. */
static bool is_allowed(const struct ioreqd_file *file, const struct ioreqd_file_request *request)
{
    static const uint32_t ability[] = {[IOREQD_FILE_DISCARD] = IOREQD_FILE_CAN_DISCARD,
                                       [IOREQD_FILE_WRITE_ZEROES] = IOREQD_FILE_CAN_WRITE_ZEROES,
                                       [IOREQD_FILE_ERASE] = IOREQD_FILE_CAN_ERASE};
    uint32_t needed = request->operation >= IOREQD_FILE_DISCARD ? ability[request->operation] : 0;
    bool changes = request->operation != IOREQD_FILE_READ && request->operation != IOREQD_FILE_FLUSH;

    return lies_inside(file, request) && (file->facts.abilities & needed) == needed && !(changes && file->read_only) &&
           (request->flags == 0 || request->operation == IOREQD_FILE_WRITE_ZEROES);
}

static void file_submit(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_file *file,
                        struct ioreqd_file_request *request)
{
    struct fake *fake = fake_of(device);

    (void)loop;
    if (fake->requests == FAKE_REQUESTS) {
        abort(); /* more than a device of these tests may have in flight */
    }
    if (!is_allowed(file, request)) {
        abort();
    }
    fake->request[fake->requests++] = request;
}

static void quiesced(struct ioreqd_device *device)
{
    fake_of(device)->quiesced++;
}

static void say(struct ioreqd_device *device, enum ioreqd_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(struct ioreqd_device *device, enum ioreqd_log_level level, const char *format, ...)
{
    (void)device;
    (void)level;
    (void)format;
}

static void guest_error(struct ioreqd_device *device, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void guest_error(struct ioreqd_device *device, const char *format, ...)
{
    struct fake *fake = fake_of(device);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(fake->text, sizeof(fake->text), format, arguments);
    va_end(arguments);
    fake->guest_errors++;
}

static void property_error(struct ioreqd_device *device, const char *property, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void property_error(struct ioreqd_device *device, const char *property, const char *format, ...)
{
    struct fake *fake = fake_of(device);
    va_list arguments;

    (void)property;
    va_start(arguments, format);
    vsnprintf(fake->text, sizeof(fake->text), format, arguments);
    va_end(arguments);
    fake->property_errors++;
}

static void needs_reset(struct ioreqd_device *device, const char *reason)
{
    struct fake *fake = fake_of(device);

    snprintf(fake->needs_reset, sizeof(fake->needs_reset), "%s", reason != NULL ? reason : "");
    fake->told_of_resets += reason == NULL ? 1 : 0;
}

const struct ioreqd_host fake_host = {
    .struct_size = sizeof(fake_host),
    .abi = IOREQD_ABI,
    .dma_read = dma_read,
    .dma_write = dma_write,
    .dma_map = dma_map,
    .dma_unmap = dma_unmap,
    .window_open = window_open,
    .window_base = window_base,
    .window_close = window_close,
    .msix = msix,
    .msix_enabled = msix_enabled,
    .intx = intx,
    .queue_loop = queue_loop,
    .main_loop = main_loop,
    .post = post,
    .file_size = file_size,
    .file_read_only = file_read_only,
    .file_submit = file_submit,
    .quiesced = quiesced,
    .log = say,
    .guest_error = guest_error,
    .property_error = property_error,
    .file_facts = file_facts,
    .file_on_resize = file_on_resize,
    .needs_reset = needs_reset,
};

struct fake *fake_create(uint64_t size)
{
    struct fake *fake = calloc(1, sizeof(*fake));

    fake->ram = aligned_alloc(4096, FAKE_RAM);
    memset(fake->ram, 0, FAKE_RAM);
    fake->file = (struct ioreqd_file){.data = calloc(1, size + 1), .size = size};
    fake->piece = FAKE_RAM;
    fake->msix_on = true;
    fake->main.end = &fake->main.first;
    for (unsigned i = 0; i < FAKE_QUEUES; i++) {
        fake->queue[i].end = &fake->queue[i].first;
    }
    return fake;
}

void fake_destroy(struct fake *fake)
{
    free(fake->ram);
    free(fake->file.data);
    free(fake);
}

static bool run_one(struct ioreqd_loop *loop)
{
    struct ioreqd_work *work = loop->first;

    if (work == NULL) {
        return false;
    }
    loop->first = work->next;
    if (loop->first == NULL) {
        loop->end = &loop->first;
    }
    atomic_store(&work->posted, 0);
    work->run(work->argument);
    return true;
}

void fake_pump(struct fake *fake)
{
    bool again;

    do {
        again = run_one(&fake->main);
        for (unsigned i = 0; i < FAKE_QUEUES; i++) {
            again |= run_one(&fake->queue[i]);
        }
    } while (again);
}

static void transfer(struct fake *fake, const struct ioreqd_file_request *request)
{
    uint64_t offset = request->offset;

    for (uint32_t i = 0; i < request->iov_count; i++) {
        const struct iovec *iov = &request->iov[i];

        if (request->operation == IOREQD_FILE_READ) {
            memcpy(iov->iov_base, fake->file.data + offset, iov->iov_len);
        } else {
            memcpy(fake->file.data + offset, iov->iov_base, iov->iov_len);
        }
        offset += iov->iov_len;
    }
}

static int carry_out(struct fake *fake, const struct ioreqd_file_request *request)
{
    static const uint8_t left[] = {
        [IOREQD_FILE_DISCARD] = FAKE_DISCARDED, [IOREQD_FILE_WRITE_ZEROES] = 0, [IOREQD_FILE_ERASE] = FAKE_ERASED};

    if (!lies_inside(&fake->file, request)) {
        return -EIO;
    }
    switch (request->operation) {
    case IOREQD_FILE_READ:
    case IOREQD_FILE_WRITE:
        transfer(fake, request);
        break;
    case IOREQD_FILE_FLUSH:
        break;
    default:
        memset(fake->file.data + request->offset, left[request->operation], request->length);
        break;
    }
    return 0;
}

void fake_complete(struct fake *fake, unsigned index, int error)
{
    struct ioreqd_file_request *request = fake->request[index];

    fake->requests--;
    memmove(&fake->request[index], &fake->request[index + 1], (fake->requests - index) * sizeof(fake->request[0]));
    request->result = error != 0 ? error : carry_out(fake, request);
    request->done(request);
}

void fake_resize(struct fake *fake, uint64_t size)
{
    uint64_t before = fake->file.size;

    fake->file.data = realloc(fake->file.data, size + 1);
    if (size > before) {
        memset(fake->file.data + before, 0, size - before);
    }
    fake->file.size = size;
    if (fake->file.resized != NULL) {
        fake->file.resized(fake->file.resized_argument);
    }
}

void fake_complete_all(struct fake *fake)
{
    fake_pump(fake);
    while (fake->requests != 0) {
        fake_complete(fake, 0, 0);
        fake_pump(fake);
    }
}
