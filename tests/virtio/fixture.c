/* SPDX-License-Identifier: BSD-2-Clause */
/* The device that test cases share, see suites.h. */
#include <stdlib.h>
#include <string.h>

#include "tests/virtio/suites.h"

struct fake *fake;
struct driver driver;
struct probe *probe;
uint64_t ring_format;

static void begin(const struct ioreqd_model *model, bool transitional)
{
    ring_format = 0;
    fake = fake_create(0);
    probe = calloc(1, sizeof(*probe));
    probe->virtio.transitional = transitional;
    ck_assert_int_eq(driver_begin(&driver, fake, model, probe), 0);
}

void probe_begin(void)
{
    begin(&probe_model, false);
}

void probe_begin_packed(void)
{
    probe_begin();
    ring_format = F_PACKED;
}

void probe_old_begin(void)
{
    begin(&probe_old_model, false);
}

void probe_transitional_begin(void)
{
    begin(&probe_old_model, true);
}

void probe_end(void)
{
    driver_end(&driver);
    ck_assert_uint_eq(fake->windows, 0);
    ck_assert_uint_eq(fake->pinned, 0);
    free(probe);
    fake_destroy(fake);
}

void probe_complete(unsigned i, uint32_t used)
{
    struct ioreqd_virtio_request *request = probe->held[i];

    probe->count--;
    memmove(&probe->held[i], &probe->held[i + 1], (probe->count - i) * sizeof(probe->held[0]));
    ioreqd_virtio_request_complete(request, used);
}

void assert_ring_broken(void)
{
    const struct part part = {0x8000, 16, WRITE};
    unsigned taken = probe->taken;
    unsigned accesses;
    uint32_t id, length;

    fake_pump(fake);
    ck_assert_uint_eq(driver_status(&driver), 0x4f);
    ck_assert_uint_eq(fake->guest_errors, 1);
    ck_assert_uint_eq(fake->msix[0], 1);
    accesses = fake->accesses;
    driver_add(&driver, 1, &part, 1);
    driver_kick(&driver, 0);
    driver_kick(&driver, 1);
    driver_kick(&driver, 0);
    while (probe->count != 0) {
        probe_complete(0, 0);
    }
    fake_pump(fake);
    ck_assert_uint_eq(fake->accesses, accesses);
    ck_assert_uint_eq(probe->taken, taken);
    ck_assert(!driver_used(&driver, 0, &id, &length));
    ck_assert_uint_eq(fake->msix[1] + fake->msix[2], 0);
    /* A reset heals. */
    driver_write(&driver, STATUS, 1, 0);
    ck_assert_uint_eq(driver_status(&driver), 0);
    driver_start(&driver, F_VERSION_1 | ring_format, 2, 16);
    driver_add(&driver, 0, &part, 1);
    driver_kick(&driver, 0);
    ck_assert_uint_eq(probe->taken, taken + 1);
    probe_complete(0, 0);
    fake_pump(fake);
}
