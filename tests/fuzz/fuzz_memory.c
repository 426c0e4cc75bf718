/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest memory of the fuzzing host, see fuzz_host.h: there is no store behind it. Whatever is read is new, whatever is
 * written is looked at and forgotten, mapped bytes change under the device, and windows stand elsewhere each turn. One
 * thread.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz_host.h"

/* Where RAM ends, and the most that is made of it for one call. */
#define RAM_END     (UINT64_C(1) << 40)
#define LENGTH_MOST (1u << 20)

static int reach(struct ioreqd_device *device, uint64_t address, size_t length, const char *name)
{
    fuzz_acts(device, name);
    if (!device->bus_master || device->failed) {
        return -EIO;
    }
    if (address >= RAM_END || length > LENGTH_MOST || length > RAM_END - address) {
        return -EFAULT;
    }
    switch (fuzz_take_back(&device->input)) {
    case 0xfe:
        return -EIO; /* bus mastering ended this very moment */
    case 0xff:
        return -EFAULT;
    default:
        return 0;
    }
}

/* A byte is looked at, for the sanitizer. */
static void look(const void *from, size_t length)
{
    const volatile uint8_t *bytes = from;

    for (size_t i = 0; i < length; i++) {
        (void)bytes[i];
    }
}

int fuzz_dma_read(struct ioreqd_device *device, uint64_t address, void *to, size_t length)
{
    int error = reach(device, address, length, "dma_read");

    if (error == 0) {
        fuzz_fill(&device->input, to, length);
    }
    return error;
}

int fuzz_dma_write(struct ioreqd_device *device, uint64_t address, const void *from, size_t length)
{
    int error = reach(device, address, length, "dma_write");

    if (error == 0) {
        look(from, length);
    }
    return error;
}

static struct fuzz_piece **find_piece(struct ioreqd_device *device, uint64_t pin)
{
    struct fuzz_piece **at = &device->pieces;

    while (*at != NULL && (*at)->pin != pin) {
        at = &(*at)->next;
    }
    if (*at == NULL) {
        fuzz_violation("dma_unmap: %llu is no pin that dma_map() gave, or was given back before",
                       (unsigned long long)pin);
    }
    return at;
}

void fuzz_dma_unmap(struct ioreqd_device *device, const uint64_t *pin, unsigned count)
{
    fuzz_entered(device, "dma_unmap");
    for (unsigned i = 0; i < count; i++) {
        struct fuzz_piece **at = find_piece(device, pin[i]);
        struct fuzz_piece *piece = *at;

        *at = piece->next;
        free(piece->bytes);
        free(piece);
    }
}

int fuzz_dma_map(struct ioreqd_device *device, uint64_t address, size_t length, enum ioreqd_direction direction,
                 struct iovec *iov, uint64_t *pin, unsigned count)
{
    static const size_t units[] = {4096, 512, LENGTH_MOST, 4096};
    size_t unit = units[fuzz_take_back(&device->input) % 4];
    int error = reach(device, address, length, "dma_map");
    unsigned made = 0;

    if (length == 0) {
        fuzz_violation("dma_map: length is 0");
    }
    if (error != 0) {
        return error;
    }
    while (length != 0) {
        size_t run = unit - address % unit;
        struct fuzz_piece *piece;

        run = run < length ? run : length;
        if (made == count) {
            fuzz_dma_unmap(device, pin, made);
            return -E2BIG;
        }
        piece = calloc(1, sizeof(*piece));
        *piece = (struct fuzz_piece){device->pieces, ++device->last_pin, malloc(run), run, direction};
        fuzz_fill(&device->input, piece->bytes, run);
        device->pieces = piece;
        iov[made] = (struct iovec){.iov_base = piece->bytes, .iov_len = run};
        pin[made] = piece->pin;
        made++;
        address += run;
        length -= run;
    }
    return (int)made;
}

void fuzz_change_pieces(struct ioreqd_device *device)
{
    for (struct fuzz_piece *piece = device->pieces; piece != NULL; piece = piece->next) {
        size_t at = (size_t)(fuzz_noise(&device->input) | fuzz_noise(&device->input) << 8) % piece->length;

        if (piece->direction == IOREQD_FROM_GUEST) {
            piece->bytes[at] = fuzz_noise(&device->input);
        }
    }
}

int fuzz_window_open(struct ioreqd_device *device, uint64_t address, size_t length, struct ioreqd_window **window)
{
    int error = reach(device, address, length, "window_open");
    struct ioreqd_window *made;

    if (length == 0) {
        fuzz_violation("window_open: length is 0");
    }
    if (error != 0) {
        return error;
    }
    made = calloc(1, sizeof(*made));
    *made = (struct ioreqd_window){
        .next = device->windows, .device = device, .bytes = calloc(1, length), .length = length, .address = address};
    if (fuzz_take_back(&device->input) % 2 != 0) {
        fuzz_fill(&device->input, made->bytes, length);
    }
    device->windows = made;
    *window = made;
    return 0;
}

volatile void *fuzz_window_base(struct ioreqd_window *window)
{
    struct ioreqd_device *device = window->device;
    unsigned changes = fuzz_take_back(&device->input) % 8;

    fuzz_acts(device, "window_base");
    if (device->current == NULL) {
        fuzz_violation("window_base: not on a loop");
    }
    if (!device->bus_master || device->failed || device->windows_gone) {
        return NULL;
    }
    for (unsigned i = 0; i < changes; i++) {
        size_t at = fuzz_take_back(&device->input);

        at |= (size_t)fuzz_take_back(&device->input) << 8;
        window->bytes[at % window->length] = fuzz_take_back(&device->input);
    }
    window->shown = true;
    return window->bytes;
}

void fuzz_window_close(struct ioreqd_window *window)
{
    struct ioreqd_window **at = &window->device->windows;

    fuzz_entered(window->device, "window_close");
    while (*at != window) {
        at = &(*at)->next;
    }
    *at = window->next;
    free(window->bytes);
    free(window);
}

void fuzz_move_windows(struct ioreqd_device *device)
{
    for (struct ioreqd_window *window = device->windows; window != NULL; window = window->next) {
        if (window->shown) {
            uint8_t *bytes = malloc(window->length);

            memcpy(bytes, window->bytes, window->length);
            free(window->bytes);
            window->bytes = bytes;
            window->shown = false;
        }
    }
}
