/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts of the PCI transport: virtio 1.4 §4.1.4.5, §4.1.5.1.2, §4.1.5.3, §4.1.5.4. */
#include "tests/virtio/suites.h"

#define SIZE 16

static const struct part part = {0x8000, 16, WRITE};

static void use_one(unsigned queue)
{
    driver_add(&driver, queue, &part, 1);
    driver_kick(&driver, queue);
}

static unsigned messages(void)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < FAKE_VECTORS; i++) {
        sum += fake->msix[i];
    }
    return sum;
}

static void start(bool msix)
{
    fake->msix_on = msix;
    probe->instant = true;
    driver_start(&driver, F_VERSION_1, 2, SIZE);
}

START_TEST(clause_4_1_4_5_1_isr_and_line)
{
    start(false);
    use_one(1);
    ck_assert_int_eq(fake->intx, 1);
    ck_assert_uint_eq(driver_read(&driver, ISR, 1), 1);
    ck_assert_int_eq(fake->intx, 0);
    ck_assert_uint_eq(driver_read(&driver, ISR, 1), 0);
    ioreqd_virtio_config_changed(&probe->virtio);
    ck_assert_int_eq(fake->intx, 1);
    use_one(0);
    ck_assert_uint_eq(driver_read(&driver, ISR, 1), 3);
    ck_assert_int_eq(fake->intx, 0);
    ck_assert_uint_eq(messages(), 0);
}
END_TEST

/* The configuration's bit is set whichever way the notification goes. */
START_TEST(clause_4_1_4_5_1_config_bit_with_msix)
{
    start(true);
    ioreqd_virtio_config_changed(&probe->virtio);
    ck_assert_uint_eq(driver_read(&driver, ISR, 1), 2);
    use_one(0);
    ck_assert_uint_eq(driver_read(&driver, ISR, 1), 0);
}
END_TEST

/* Any event to any vector of the table, and to none. */
START_TEST(clause_4_1_5_1_2_1_mapping)
{
    start(true);
    for (unsigned vector = 0; vector < driver.description.msix; vector++) {
        for (uint16_t queue = 0; queue < 2; queue++) {
            unsigned before = fake->msix[vector], all = messages();

            driver_select(&driver, queue);
            driver_write(&driver, QUEUE_VECTOR, 2, vector);
            ck_assert_uint_eq(driver_read(&driver, QUEUE_VECTOR, 2), vector);
            use_one(queue);
            ck_assert_uint_eq(fake->msix[vector], before + 1);
            ck_assert_uint_eq(messages(), all + 1);
        }
        driver_write(&driver, CONFIG_VECTOR, 2, vector);
        ck_assert_uint_eq(driver_read(&driver, CONFIG_VECTOR, 2), vector);
        ioreqd_virtio_config_changed(&probe->virtio);
        ck_assert_uint_eq(fake->msix[vector], 3);
    }
}
END_TEST

START_TEST(clause_4_1_5_1_2_1_failure)
{
    static const uint32_t beyond[] = {3, 4, 0x7ff, 0x800, 0xfffe};

    start(true);
    for (unsigned i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
        driver_write(&driver, CONFIG_VECTOR, 2, 1);
        driver_write(&driver, CONFIG_VECTOR, 2, beyond[i]);
        ck_assert_uint_eq(driver_read(&driver, CONFIG_VECTOR, 2), 0xffff);
        driver_write(&driver, QUEUE_VECTOR, 2, 1);
        driver_write(&driver, QUEUE_VECTOR, 2, beyond[i]);
        ck_assert_uint_eq(driver_read(&driver, QUEUE_VECTOR, 2), 0xffff);
    }
}
END_TEST

START_TEST(clause_4_1_5_1_2_1_unmapped_on_reset)
{
    start(true);
    driver_write(&driver, STATUS, 1, 0);
    ck_assert_uint_eq(driver_read(&driver, CONFIG_VECTOR, 2), 0xffff);
    for (uint16_t queue = 0; queue < 2; queue++) {
        driver_select(&driver, queue);
        ck_assert_uint_eq(driver_read(&driver, QUEUE_VECTOR, 2), 0xffff);
    }
}
END_TEST

START_TEST(clause_4_1_5_3_1_no_vector)
{
    start(true);
    driver_select(&driver, 1);
    driver_write(&driver, QUEUE_VECTOR, 2, 0xffff);
    use_one(1);
    ck_assert_uint_eq(driver_used_index(&driver, 1), 1);
    ck_assert_uint_eq(messages(), 0);
    ck_assert_int_eq(fake->intx, 0);
    driver_write(&driver, QUEUE_VECTOR, 2, 2);
    use_one(1);
    ck_assert_uint_eq(fake->msix[2], 1);
}
END_TEST

START_TEST(clause_4_1_5_4_1_no_vector)
{
    start(true);
    driver_write(&driver, CONFIG_VECTOR, 2, 0xffff);
    ioreqd_virtio_config_changed(&probe->virtio);
    ck_assert_uint_eq(messages(), 0);
    ck_assert_int_eq(fake->intx, 0);
}
END_TEST

TCase *conformance_interrupt_cases(void)
{
    TCase *cases = tcase_create("interrupt");

    tcase_add_checked_fixture(cases, probe_begin, probe_end);
    tcase_add_test(cases, clause_4_1_4_5_1_isr_and_line);
    tcase_add_test(cases, clause_4_1_4_5_1_config_bit_with_msix);
    tcase_add_test(cases, clause_4_1_5_1_2_1_mapping);
    tcase_add_test(cases, clause_4_1_5_1_2_1_failure);
    tcase_add_test(cases, clause_4_1_5_1_2_1_unmapped_on_reset);
    tcase_add_test(cases, clause_4_1_5_3_1_no_vector);
    tcase_add_test(cases, clause_4_1_5_4_1_no_vector);
    return cases;
}
