/* SPDX-License-Identifier: BSD-2-Clause */
/* Feature bits: virtio 1.4 §2.2, §4.1.4.3.1, §6. With the probe of many dependencies, as a modern device. */
#include <errno.h>
#include <string.h>

#include "tests/virtio/suites.h"

#define OFFERED_LOW 0x3fu

static uint32_t offered(uint32_t word)
{
    driver_write(&driver, DEVICE_FEATURE_SELECT, 4, word);
    return driver_read(&driver, DEVICE_FEATURE, 4);
}

/* Bit 9 needs 10, which is not offered, and 8 needs 9: neither may be offered. Nor is 20, which is a legacy bit. */
START_TEST(clause_2_2_2_no_offer_without_its_need)
{
    ck_assert_uint_eq(offered(0) & 0x00ffffff, OFFERED_LOW);
}
END_TEST

/* Reserved bits, those of features that do not exist here, and those of the legacy interface. */
START_TEST(clause_2_2_2_nothing_unserved)
{
    static const unsigned never[] = {24, 25, 26, 27, 30, 31, 37, 39, 41, 42, 43, 44, 45, 46, 47, 48, 49};

    for (unsigned i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        ck_assert_uint_eq(offered(never[i] / 32) >> never[i] % 32 & 1, 0);
    }
    ck_assert_uint_eq(offered(2), 0);
    ck_assert_uint_eq(offered(3), 0);
}
END_TEST

/* A model that wants to offer one of them is refused. */
START_TEST(clause_2_2_2_model_offers_reserved)
{
    static const unsigned bits[] = {30, 37, 39, 41, 43, 44, 49};
    struct ioreqd_virtio virtio = {.transitional = 0};
    struct ioreqd_virtio_options options = {.queues = 1, .queue_size = 4, .ready = probe_ready};

    ck_assert_int_eq(ioreqd_virtio_create(&virtio, &fake_host, fake_device(fake), &options), 0);
    ioreqd_virtio_destroy(&virtio);
    for (unsigned i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
        options.features[0] = UINT64_C(1) << bits[i];
        ck_assert_int_eq(ioreqd_virtio_create(&virtio, &fake_host, fake_device(fake), &options), -EINVAL);
    }
}
END_TEST

static const struct {
    uint32_t features;
    bool agreed;
} choices[] = {
    {0x00, true},  {0x01, true},  {0x02, false}, {0x03, true},  {0x04, true},   {0x08, false},
    {0x0c, true},  {0x0a, false}, {0x0b, true},  {0x10, true},  {0x20, false},  {0x2c, true},
    {0x28, false}, {0x3f, true},  {0x40, false}, {0x80, false}, {0x13f, false},
};

START_TEST(clause_2_2_2_features_ok)
{
    driver_negotiate(&driver, F_VERSION_1 | choices[_i].features);
    ck_assert_uint_eq(driver_status(&driver), choices[_i].agreed ? 0xb : 3);
    ck_assert_uint_eq(fake->guest_errors, !choices[_i].agreed);
    /* Refused, the driver may ask for less without a reset. */
    driver_write(&driver, DRIVER_FEATURE_SELECT, 4, 0);
    driver_write(&driver, DRIVER_FEATURE, 4, 1);
    driver_write(&driver, STATUS, 1, 0xb);
    ck_assert_uint_eq(driver_status(&driver), 0xb);
    ck_assert_int_eq(ioreqd_virtio_negotiated(&probe->virtio, 0), choices[_i].agreed ? choices[_i].features & 1 : 1);
}
END_TEST

START_TEST(clause_2_2_2_again_after_reset)
{
    for (unsigned i = 0; i < 3; i++) {
        driver_start(&driver, F_VERSION_1 | F_EVENT_IDX | OFFERED_LOW, 1, 16);
        ck_assert_uint_eq(driver_status(&driver), 0xf);
        driver_write(&driver, STATUS, 1, 0);
        ck_assert(!ioreqd_virtio_negotiated(&probe->virtio, IOREQD_VIRTIO_F_VERSION_1));
        if (i == 1) {
            driver.model->reset(fake_device(fake), driver.state, IOREQD_RESET_COLD);
        }
    }
}
END_TEST

START_TEST(clause_6_2_version_1)
{
    ck_assert_uint_eq(offered(1) & 1, 1);
    driver_negotiate(&driver, 0);
    ck_assert_uint_eq(driver_status(&driver), 3);
    ck_assert(!ioreqd_virtio_is_legacy(&probe->virtio));
}
END_TEST

/* 128 bits, in words of 32; every word beyond is 0. */
START_TEST(clause_4_1_4_3_1_feature_words)
{
    for (uint32_t word = 4; word != 0; word <<= 1) {
        ck_assert_uint_eq(offered(word), 0);
    }
    for (uint32_t word = 0; word < 4; word++) {
        driver_write(&driver, DRIVER_FEATURE_SELECT, 4, word);
        driver_write(&driver, DRIVER_FEATURE, 4, 1u << word);
    }
    for (uint32_t word = 0; word < 4; word++) {
        driver_write(&driver, DRIVER_FEATURE_SELECT, 4, word);
        ck_assert_uint_eq(driver_read(&driver, DRIVER_FEATURE, 4), 1u << word);
    }
    driver_write(&driver, DRIVER_FEATURE_SELECT, 4, 4);
    driver_write(&driver, DRIVER_FEATURE, 4, 0xffffffff);
    ck_assert_uint_eq(driver_read(&driver, DRIVER_FEATURE, 4), 0);
    driver_write(&driver, DEVICE_FEATURE_SELECT, 4, 0);
    driver_write(&driver, DEVICE_FEATURE, 4, 0); /* read-only */
    ck_assert_uint_eq(offered(0) & 0x00ffffff, OFFERED_LOW);
}
END_TEST

TCase *conformance_features_cases(void)
{
    TCase *cases = tcase_create("features");

    tcase_add_checked_fixture(cases, probe_old_begin, probe_end);
    tcase_add_test(cases, clause_2_2_2_no_offer_without_its_need);
    tcase_add_test(cases, clause_2_2_2_nothing_unserved);
    tcase_add_test(cases, clause_2_2_2_model_offers_reserved);
    tcase_add_loop_test(cases, clause_2_2_2_features_ok, 0, (int)(sizeof(choices) / sizeof(choices[0])));
    tcase_add_test(cases, clause_2_2_2_again_after_reset);
    tcase_add_test(cases, clause_6_2_version_1);
    tcase_add_test(cases, clause_4_1_4_3_1_feature_words);
    return cases;
}
