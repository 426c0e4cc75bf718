/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of the simulated guest's memory, interrupts and planned faults.
 */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hypervisor/sim/sim.h"

#define PAGE   ((size_t)HYPERVISOR_PAGE_SIZE)
#define FRAMES 16

static struct hypervisor *sim;
static const struct hypervisor_ops *ops;
static struct hypervisor_error why;

static void open_one(void)
{
    const struct sim_options options = {.memory = FRAMES * HYPERVISOR_PAGE_SIZE, .intx = true, .pirq = true};

    sim = sim_open(&options);
    ck_assert_ptr_nonnull(sim);
    ops = sim->ops;
    ck_assert_int_eq(ops->start(sim, &why), 0);
}

static void close_one(void)
{
    ops->stop(sim);
    ops->close(sim);
}

START_TEST(bad_options_are_refused)
{
    const struct sim_options many = {.vcpus = HYPERVISOR_MAX_VCPUS + 1};
    const struct sim_options odd = {.memory = 4097};
    struct hypervisor *plain;

    ck_assert_ptr_null(sim_open(&many));
    ck_assert_ptr_null(sim_open(&odd));
    plain = sim_open(NULL);
    ck_assert_ptr_nonnull(plain);
    ck_assert_uint_eq(plain->guest.vcpus, 1);
    ck_assert(!plain->guest.intx && !plain->guest.host_bridge);
    plain->ops->close(plain);
}
END_TEST

START_TEST(both_sides_see_memory)
{
    int error[2] = {1, 1};
    char *mapped = ops->map(sim, 3, 2, error);
    char *view = sim_memory(sim, 3 * PAGE, 2 * PAGE);

    ck_assert_ptr_nonnull(mapped);
    ck_assert(error[0] == 0 && error[1] == 0);
    memcpy(view + PAGE - 2, "four", 4);
    ck_assert_mem_eq(mapped + PAGE - 2, "four", 4);
    mapped[0] = 'x';
    ck_assert_int_eq(view[0], 'x');
    ck_assert_uint_eq(sim_mappings(sim).open, 1);
    ck_assert_uint_eq(sim_mappings(sim).frames, 2);
    ops->unmap(sim, mapped, 2);
    ck_assert_uint_eq(sim_mappings(sim).open, 0);
    ck_assert_uint_eq(sim_mappings(sim).frames, 0);
    ck_assert_uint_eq(sim_mappings(sim).mapped, 1);
    ck_assert_uint_eq(sim_mappings(sim).unmapped, 1);
    ck_assert_uint_eq(sim_violations(sim), 0);
}
END_TEST

START_TEST(memory_has_an_end)
{
    int error[4];
    char *mapped = ops->map(sim, FRAMES - 1, 4, error);

    ck_assert_ptr_nonnull(mapped);
    ck_assert_int_eq(error[0], 0);
    ck_assert(error[1] < 0 && error[2] < 0 && error[3] < 0);
    mapped[PAGE - 1] = 1;
    ops->unmap(sim, mapped, 4);
    ck_assert_ptr_null(ops->map(sim, FRAMES, 1, error));
    ck_assert_ptr_null(ops->map(sim, UINT64_MAX, 1, error));
    ck_assert_ptr_null(ops->map(sim, UINT64_MAX >> HYPERVISOR_PAGE_SHIFT, 1, error));
    ck_assert_ptr_null(ops->map(sim, 0, 0, error));
    ck_assert_ptr_null(ops->map(sim, 0, HYPERVISOR_MAP_MAX + 1, error));
    ck_assert_ptr_null(sim_memory(sim, (FRAMES - 1) * PAGE, PAGE + 1));
    ck_assert_ptr_null(sim_memory(sim, UINT64_MAX, 2));
    ck_assert_ptr_nonnull(sim_memory(sim, (FRAMES - 1) * PAGE, PAGE));
}
END_TEST

START_TEST(holes_are_told)
{
    int error[4];
    char *mapped;
    uint64_t data;
    struct request request;

    sim_punch(sim, 5, 2, 0);
    ck_assert(ops->take(sim, 0, &request));
    ck_assert_int_eq(request.kind, REQUEST_INVALIDATE);
    ops->answer(sim, 0, 0);
    ck_assert(sim_result(sim, 0, &data));

    mapped = ops->map(sim, 4, 4, error);
    ck_assert_ptr_nonnull(mapped);
    ck_assert(error[0] == 0 && error[1] < 0 && error[2] < 0 && error[3] == 0);
    mapped[0] = 1;
    mapped[3 * PAGE] = 2;
    ck_assert_int_eq(*(char *)sim_memory(sim, 7 * PAGE, 1), 2);
    ck_assert_ptr_null(sim_memory(sim, 4 * PAGE, PAGE + 1));
    ops->unmap(sim, mapped, 4);
    ck_assert_ptr_null(ops->map(sim, 5, 2, error));
    ck_assert_int_eq(errno, EINVAL);
}
END_TEST

/* Whether a byte can be read, asked of the kernel: no signal is needed, which a sanitizer would take for itself. */
static bool is_readable(const char *byte)
{
    int ends[2];
    ssize_t written;

    ck_assert_int_eq(pipe(ends), 0);
    written = write(ends[1], byte, 1);
    close(ends[0]);
    close(ends[1]);
    return written == 1;
}

START_TEST(touching_a_hole_faults)
{
    int error[2];
    char *mapped;

    sim_punch(sim, 5, 1, -1);
    mapped = ops->map(sim, 4, 2, error);
    ck_assert(is_readable(mapped));
    ck_assert(!is_readable(mapped + PAGE));
    ops->unmap(sim, mapped, 2);
    ck_assert(!is_readable(mapped));
}
END_TEST

START_TEST(old_mapping_shows_old_frame)
{
    int error[3];
    char *old = ops->map(sim, 4, 3, error);
    char *fresh;

    memset(old, 'o', 3 * PAGE);
    sim_punch(sim, 5, 1, -1);
    ck_assert_int_eq(old[PAGE], 'o');
    ck_assert_int_eq(sim_populate(sim, 5, 1), 0);
    ck_assert_int_eq(*(char *)sim_memory(sim, 5 * PAGE, 1), 0);
    fresh = ops->map(sim, 4, 3, error);
    ck_assert(error[0] == 0 && error[1] == 0 && error[2] == 0);
    ck_assert(fresh[0] == 'o' && fresh[PAGE] == 0 && fresh[2 * PAGE] == 'o');
    old[PAGE] = 'p';
    ck_assert_int_eq(fresh[PAGE], 0);
    *(char *)sim_memory(sim, 5 * PAGE, 1) = 'n';
    ck_assert_int_eq(fresh[PAGE], 'n');
    ops->unmap(sim, old, 3);
    ops->unmap(sim, fresh, 3);
    ck_assert_int_eq(sim_populate(sim, FRAMES, 1), -EINVAL);
    ck_assert_int_eq(sim_populate(sim, 0, FRAMES), 0);
}
END_TEST

START_TEST(wrong_unmap_is_caught)
{
    int error[2];
    char *mapped = ops->map(sim, 4, 2, error);

    ops->unmap(sim, mapped, 1);
    ops->unmap(sim, mapped + PAGE, 2);
    ck_assert_uint_eq(sim_violations_of(sim, SIM_VIOLATION_UNMAP), 2);
    ops->unmap(sim, mapped, 2);
    ops->unmap(sim, mapped, 2);
    ck_assert_uint_eq(sim_violations_of(sim, SIM_VIOLATION_UNMAP), 3);
    ck_assert_uint_eq(sim_violations(sim), 3);
}
END_TEST

START_TEST(one_mapping_is_the_view)
{
    const struct sim_options options = {.memory = FRAMES * HYPERVISOR_PAGE_SIZE, .one_mapping = true};
    struct hypervisor *shared = sim_open(&options);
    int error[2];
    void *first = shared->ops->map(shared, 2, 2, error);
    void *second = shared->ops->map(shared, 2, 2, error);

    ck_assert_ptr_eq(first, sim_memory(shared, 2 * PAGE, PAGE));
    ck_assert_ptr_eq(second, first);
    ck_assert_uint_eq(sim_mappings(shared).open, 2);
    ck_assert_ptr_null(shared->ops->map(shared, FRAMES - 1, 2, error));
    shared->ops->unmap(shared, first, 2);
    shared->ops->unmap(shared, second, 2);
    ck_assert_uint_eq(sim_violations(shared), 0);
    shared->ops->close(shared);
}
END_TEST

START_TEST(messages_are_recorded)
{
    struct sim_interrupt interrupt;

    ck_assert(!sim_interrupt(sim, &interrupt));
    ck_assert_int_eq(ops->message(sim, 0xfee00000, 0x21), 0);
    ck_assert_int_eq(ops->message(sim, 0x1fee02000, 0x22), 0);
    ck_assert(sim_interrupt(sim, &interrupt));
    ck_assert(interrupt.is_message);
    ck_assert_uint_eq(interrupt.address, 0xfee00000);
    ck_assert_uint_eq(interrupt.data, 0x21);
    ck_assert(sim_interrupt_wait(sim, 1000, &interrupt));
    ck_assert_uint_eq(interrupt.address, 0x1fee02000);
    ck_assert(!sim_interrupt_wait(sim, 1, &interrupt));

    for (uint32_t i = 0; i < SIM_INTERRUPTS + 3; i++) {
        ck_assert_int_eq(ops->message(sim, 0xfee00000, i), 0);
    }
    ck_assert_uint_eq(sim_interrupts_lost(sim), 3);
    ck_assert(sim_interrupt(sim, &interrupt));
    ck_assert_uint_eq(interrupt.data, 3);

    ck_assert(ops->message_unmaskable(sim, 0xfee00000, 0x700));
    ck_assert(!ops->message_unmaskable(sim, 0xfee00000, 0x721));
}
END_TEST

START_TEST(lines_are_recorded)
{
    struct sim_interrupt interrupt;
    struct hypervisor *pvh;

    ck_assert_int_eq(ops->intx(sim, 5, 2, true), 0);
    ck_assert(sim_intx_level(sim, 5, 2));
    ck_assert(!sim_intx_level(sim, 5, 1));
    ck_assert_int_eq(ops->intx(sim, 5, 2, false), 0);
    ck_assert(!sim_intx_level(sim, 5, 2));
    ck_assert(sim_interrupt(sim, &interrupt));
    ck_assert(!interrupt.is_message && interrupt.device == 5 && interrupt.pin == 2 && interrupt.level);
    ck_assert(sim_interrupt(sim, &interrupt));
    ck_assert(!interrupt.level);
    ck_assert_int_eq(ops->intx(sim, 32, 0, true), -EINVAL);
    ck_assert_int_eq(ops->intx(sim, 0, 4, true), -EINVAL);
    ck_assert_uint_eq(sim_violations(sim), 0);

    pvh = sim_open(NULL);
    ck_assert_int_lt(pvh->ops->intx(pvh, 1, 0, true), 0);
    ck_assert_uint_eq(sim_violations_of(pvh, SIM_VIOLATION_INTX), 1);
    ck_assert(!pvh->ops->message_unmaskable(pvh, 0xfee00000, 0));
    pvh->ops->close(pvh);
}
END_TEST

static void *send_later(void *argument)
{
    (void)argument;
    ops->message(sim, 0xfee00000, 0x33);
    return NULL;
}

START_TEST(a_test_can_wait_for_a_message)
{
    struct sim_interrupt interrupt;
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, send_later, NULL), 0);
    ck_assert(sim_interrupt_wait(sim, 10000, &interrupt));
    ck_assert_uint_eq(interrupt.data, 0x33);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

START_TEST(faults_come_once)
{
    int error[1];
    void *mapped;

    sim_fail(sim, SIM_FAULT_MAP, 1, ENOMEM);
    mapped = ops->map(sim, 0, 1, error);
    ck_assert_ptr_nonnull(mapped);
    ck_assert_ptr_null(ops->map(sim, 1, 1, error));
    ck_assert_int_eq(errno, ENOMEM);
    ops->unmap(sim, mapped, 1);
    mapped = ops->map(sim, 1, 1, error);
    ck_assert_ptr_nonnull(mapped);
    ops->unmap(sim, mapped, 1);

    sim_fail(sim, SIM_FAULT_CLAIM, 0, EPERM);
    ck_assert_int_eq(ops->claim(sim, CLAIM_PORT, 0, 1), -EPERM);
    ck_assert_int_eq(ops->claim(sim, CLAIM_PORT, 0, 1), 0);
    sim_fail(sim, SIM_FAULT_CLAIM, 0, EPERM);
    ck_assert_int_eq(ops->claim_function(sim, 1), -EPERM);
    sim_fail(sim, SIM_FAULT_MESSAGE, 0, EIO);
    ck_assert_int_eq(ops->message(sim, 0, 0), -EIO);
    ck_assert_int_eq(ops->message(sim, 0, 0), 0);
    sim_fail(sim, SIM_FAULT_INTX, 0, EIO);
    ck_assert_int_eq(ops->intx(sim, 1, 0, true), -EIO);
    ck_assert(!sim_intx_level(sim, 1, 0));
    ops->stop(sim);
    sim_fail(sim, SIM_FAULT_START, 0, ENOSPC);
    ck_assert_int_eq(ops->start(sim, &why), -1);
    ck_assert_int_eq(ops->start(sim, &why), 0);
}

/* xen/arch/arm/vgic.c, vgic_inject_irq(): what is high pends once, what falls pends still, and nobody looks again. */
START_TEST(spis_keep_no_level)
{
    const struct sim_options options = {.spis = 32, .vuart = true};
    struct hypervisor *arm = sim_open(&options);
    unsigned spi = 0;

    ck_assert_ptr_nonnull(arm);
    ck_assert_int_eq(arm->ops->spi(arm, 31, true), -EINVAL);
    ck_assert_int_eq(arm->ops->spi(arm, 32, true), -EINVAL); /* the vuart's */
    ck_assert_int_eq(arm->ops->spi(arm, 64, true), -EINVAL);
    ck_assert_int_eq(arm->ops->spi(arm, UINT32_MAX, true), -EINVAL);
    ck_assert_int_eq(arm->ops->spi(arm, 63, false), 0);
    ck_assert(!sim_spi_take(arm, &spi));
    ck_assert_int_eq(arm->ops->spi(arm, 63, true), 0);
    ck_assert_int_eq(arm->ops->spi(arm, 63, true), 0);
    ck_assert_int_eq(arm->ops->spi(arm, 63, false), 0);
    ck_assert_int_eq(arm->ops->spi(arm, 33, true), 0);
    ck_assert(sim_spi_take(arm, &spi));
    ck_assert_uint_eq(spi, 33);
    ck_assert(sim_spi_take(arm, &spi));
    ck_assert_uint_eq(spi, 63);
    /* High still, and not looked at when it ends; raised again meanwhile it comes again, after the end. */
    sim_spi_end(arm, 33);
    ck_assert(!sim_spi_take(arm, &spi));
    ck_assert_int_eq(arm->ops->spi(arm, 63, true), 0);
    ck_assert(sim_spi_is_pending(arm, 63));
    ck_assert(!sim_spi_take(arm, &spi));
    sim_spi_end(arm, 63);
    ck_assert(sim_spi_take(arm, &spi));
    ck_assert_uint_eq(sim_spi_count(arm, 63), 3);
    sim_fail(arm, SIM_FAULT_SPI, 0, EIO);
    ck_assert_int_eq(arm->ops->spi(arm, 40, true), -EIO);
    ck_assert_uint_eq(sim_violations(arm), 0);
    /* What such a guest does not have. */
    ck_assert_int_eq(arm->ops->message(arm, 0xfee00000, 1), -EOPNOTSUPP);
    ck_assert_uint_eq(sim_violations_of(arm, SIM_VIOLATION_MACHINE), 1);
    arm->ops->close(arm);
    ck_assert_int_eq(ops->spi(sim, 40, true), -EOPNOTSUPP);
    ck_assert_uint_eq(sim_violations_of(sim, SIM_VIOLATION_MACHINE), 1);
}
END_TEST
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim guest");
    TCase *memory = tcase_create("memory");
    TCase *interrupts = tcase_create("interrupts and faults");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(memory, open_one, close_one);
    tcase_add_test(memory, bad_options_are_refused);
    tcase_add_test(memory, both_sides_see_memory);
    tcase_add_test(memory, memory_has_an_end);
    tcase_add_test(memory, holes_are_told);
    tcase_add_test(memory, old_mapping_shows_old_frame);
    tcase_add_test(memory, wrong_unmap_is_caught);
    tcase_add_test(memory, one_mapping_is_the_view);
    tcase_add_test(memory, touching_a_hole_faults);
    suite_add_tcase(suite, memory);

    tcase_add_checked_fixture(interrupts, open_one, close_one);
    tcase_add_test(interrupts, messages_are_recorded);
    tcase_add_test(interrupts, lines_are_recorded);
    tcase_add_test(interrupts, a_test_can_wait_for_a_message);
    tcase_add_test(interrupts, faults_come_once);
    tcase_add_test(interrupts, spis_keep_no_level);
    suite_add_tcase(suite, interrupts);

    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
