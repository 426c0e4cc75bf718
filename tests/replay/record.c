/* SPDX-License-Identifier: BSD-2-Clause */
/* --record: what the header tells of the devices, and files that it does not overwrite. */
#include "record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recording/recording.h"
#include "tests/replay/suites.h"

static char path[] = "/tmp/test-record-XXXXXX";
static char image[] = "/tmp/test-,image-XXXXXX";

static void configure(struct config *config)
{
    char device[128];
    char *argv[] = {(char *)"ioreqd", (char *)"--domain", (char *)"1", (char *)"--device",
                    device,           (char *)"--record", path,        NULL};
    struct config_error error;

    strcpy(path, "/tmp/test-record-XXXXXX");
    strcpy(image, "/tmp/test-,image-XXXXXX");
    close(mkstemp(path));
    ck_assert_int_eq(ftruncate(mkstemp(image), 5120), 0);
    snprintf(device, sizeof(device), "virtio-blk,serial=x,,y,readonly=on,file=/tmp/test-,,%s",
             image + strlen("/tmp/test-,"));
    ck_assert_msg(config_from_arguments(7, argv, config, &error) == 0, "%s", error.text);
}

START_TEST(the_header_has_the_devices)
{
    struct models *models = models_open(MODULE_BUILD_DIRECTORY);
    const struct hypervisor_guest guest = {.vcpus = 2};
    struct recorder_file *file;
    struct config_error error;
    struct config config;
    char *text, expected[256];
    size_t length;

    configure(&config);
    file = record_open(&config, models, &error);
    ck_assert_msg(file != NULL, "%s", error.text);
    recorder_guest(recorder_file_recorder(file), &guest);
    recorder_device(recorder_file_recorder(file), "virtio-blk0", "pci", 0x10 << 3);
    recorder_file_close(file);
    text = file_text(path, &length);
    snprintf(expected, sizeof(expected),
             RECORDING_FIRST_LINE "\nguest pvh vcpus=2 lines=no host-bridge=no\n"
                                  "device pci 10.0 virtio-blk,id=virtio-blk0,serial=x,,y,readonly=on,"
                                  "file=/tmp/test-,,%s\nfile virtio-blk0 file 5120\n",
             image + strlen("/tmp/test-,"));
    ck_assert_str_eq(text, expected);

    /* A recording may be made anew, another file not. */
    file = record_open(&config, models, &error);
    ck_assert_ptr_nonnull(file);
    recorder_file_close(file);
    ck_assert_ptr_null(recorder_file_open(image));
    ck_assert_int_eq(errno, EEXIST);
    ck_assert_ptr_null(recorder_file_open("/dev/null"));
    ck_assert_int_eq(errno, EEXIST);
    ck_assert_ptr_null(recorder_file_open("/nowhere/at/all"));
    ck_assert_int_eq(errno, ENOENT);
    free(text);
    config_free(&config);
    models_close(models);
    unlink(path);
    unlink(image);
}
END_TEST

TCase *record_tests(void)
{
    TCase *tests = tcase_create("record");

    tcase_add_test(tests, the_header_has_the_devices);
    return tests;
}
