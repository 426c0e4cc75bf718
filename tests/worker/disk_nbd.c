/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk on the export of an NBD server that dies, and with it all that was not flushed: the guest sees a pause.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/device/nbd_server.h"
#include "tests/worker/disk.h"

#define REQUESTS 200u /* at a time */
#define DEATHS   4u

static const struct nbd_server_options export = {.size = DISK_SECTORS * BLK_SECTOR,
                                                 .abilities = NBD_SERVER_FLUSH | NBD_SERVER_TRIM | NBD_SERVER_ZEROES};

static void open_disk(void)
{
    struct stack_options options = {.sim = {.memory = DISK_MEMORY, .vcpus = 1}};
    struct pci_space space;
    char uri[64];

    nbd_server_start(NULL, &export);
    snprintf(uri, sizeof(uri), "nbd://127.0.0.1:%u/disk", nbd_server_port());
    options.file = uri;
    ck_assert_msg(stack_open(&stack, &options) && stack_run(&stack), "%s", stack.error);
    vcpu[0] = stack_vcpu(&stack, 0);
    space = stack_space(&stack);
    ck_assert(blk_probe(&blk, &vcpu[0], DRIVER_AT, &space));
    disk_start(DISK_FEATURES, 0);
}

static void die_and_return(void)
{
    nbd_server_stop(true);
    nbd_server_start(NULL, &export);
}

/* What the guest has flushed is there for all time. */
static void close_disk(void)
{
    ck_assert_int_eq(blk_do(&blk, &vcpu[0], BLK_FLUSH, 0, NULL, 0), 0);
    nbd_server_stop(true);
    ck_assert_int_eq(memcmp(nbd_server_image, disk_model, sizeof(disk_model)), 0);
    stack_end(&stack);
    ck_assert(stack.rested);
    ck_assert_uint_eq(stack_close(&stack), 0);
}

static void put(uint64_t sector, uint32_t sectors, uint8_t value)
{
    static uint8_t data[BLK_DATA_MAX];

    memset(data, value, sizeof(data));
    memset(disk_model + sector * BLK_SECTOR, value, sectors * BLK_SECTOR);
    ck_assert_int_eq(blk_do(&blk, &vcpu[0], BLK_OUT, sector, data, sectors * BLK_SECTOR), 0);
}

START_TEST(writes_outlive_the_server)
{
    uint8_t data[BLK_SECTOR];

    open_disk();
    put(0, 16, 0x11);
    put(8, 16, 0x22);
    put(1000, 32, 0x33);
    put(4, 8, 0x44);
    die_and_return();
    for (unsigned sector = 0; sector < 24; sector++) {
        ck_assert_int_eq(blk_do(&blk, &vcpu[0], BLK_IN, sector, data, sizeof(data)), 0);
        ck_assert_int_eq(memcmp(data, disk_model + sector * BLK_SECTOR, sizeof(data)), 0);
    }
    close_disk();
}
END_TEST

static atomic_bool dead; /* for the last time */

static void *die_again_and_again(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < DEATHS; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
        die_and_return();
    }
    atomic_store(&dead, true);
    return NULL;
}

START_TEST(a_load_outlives_the_server)
{
    struct disk_load load = {.vcpu = &vcpu[0], .seed = 5, .parts = 1, .requests = REQUESTS, .indirect = true};
    pthread_t thread;

    open_disk();
    ck_assert_int_eq(pthread_create(&thread, NULL, die_again_and_again, NULL), 0);
    do {
        disk_run(&load);
    } while (load.wrong == NULL && !atomic_load(&dead));
    pthread_join(thread, NULL);
    ck_assert_msg(load.wrong == NULL, "%s", load.wrong);
    close_disk();
}
END_TEST

START_TEST(a_loss_is_told)
{
    uint8_t data[BLK_SECTOR];

    open_disk();
    put(0, 16, 0x11);
    nbd_server_stop(true);
    atomic_store(&nbd_server_error_of, NBD_SERVER_OF_WRITES);
    atomic_store(&nbd_server_error, 5); /* NBD_EIO */
    nbd_server_start(NULL, &export);
    ck_assert_int_eq(blk_do(&blk, &vcpu[0], BLK_IN, 0, data, sizeof(data)), 0);
    atomic_store(&nbd_server_error, 0);
    ck_assert_int_eq(blk_do(&blk, &vcpu[0], BLK_FLUSH, 0, NULL, 0), 1);
    put(0, 16, 0x12);
    close_disk();
}
END_TEST

TCase *disk_nbd_tests(void)
{
    TCase *group = tcase_create("a disk over NBD");

    tcase_set_timeout(group, 120);
    tcase_add_test(group, writes_outlive_the_server);
    tcase_add_test(group, a_load_outlives_the_server);
    tcase_add_test(group, a_loss_is_told);
    return group;
}
