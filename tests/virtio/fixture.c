/* SPDX-License-Identifier: BSD-2-Clause */
/* The device that test cases share, see suites.h. */
#include <stdlib.h>
#include <string.h>

#include "tests/virtio/suites.h"

struct fake *fake;
struct driver driver;
struct probe *probe;

static void begin(const struct ioreqd_model *model, bool transitional)
{
    fake = fake_create(0);
    probe = calloc(1, sizeof(*probe));
    probe->virtio.transitional = transitional;
    ck_assert_int_eq(driver_begin(&driver, fake, model, probe), 0);
}

void probe_begin(void)
{
    begin(&probe_model, false);
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
