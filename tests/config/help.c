/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What help prints, word for word: it is part of the interface, and its columns have to line up.
 */
#include "config/help.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct ioreqd_property disk_properties[] = {
    {.name = "file",
     .help = "the image: a raw file or a block device",
     .kind = IOREQD_PROPERTY_FILE,
     .flags = IOREQD_PROPERTY_REQUIRED,
     .read_only_by = "readonly"},
    {.name = "readonly",
     .help = "the guest may only read",
     .fallback = "off",
     .kind = IOREQD_PROPERTY_BOOL,
     .offset = 8},
    {.name = "serial",
     .help = "serial number that the guest sees",
     .fallback = "",
     .kind = IOREQD_PROPERTY_STRING,
     .offset = 9,
     .maximum = 20},
    {.name = "queue-size",
     .help = "requests that fit in a queue",
     .fallback = "256",
     .kind = IOREQD_PROPERTY_U32,
     .offset = 32,
     .minimum = 2,
     .maximum = 1024},
    {.name = "buffer",
     .help = "memory",
     .fallback = "16M",
     .kind = IOREQD_PROPERTY_SIZE,
     .offset = 40,
     .minimum = 4096,
     .maximum = UINT64_MAX},
    {.name = "line", .help = "bytes", .fallback = "pty", .kind = IOREQD_PROPERTY_STREAM, .offset = 64},
    {.name = "net", .help = "packets", .fallback = "none", .kind = IOREQD_PROPERTY_NETWORK, .offset = 72},
    {.name = "label", .help = "text", .kind = IOREQD_PROPERTY_STRING, .offset = 48, .minimum = 2, .maximum = 8},
    {.name = NULL},
};

static const struct ioreqd_model disk = {
    .name = "virtio-blk", .summary = "a disk, from a raw file or a block device", .property = disk_properties};
static const struct ioreqd_model edu = {.name = "edu", .summary = "a device for teaching"};

/* clang-format off */
static const char expected_models[] =
    "virtio-blk  a disk, from a raw file or a block device\n"
    "edu         a device for teaching\n"
    "\n"
    "--device MODEL,help lists the keys of a model.\n";

static const char expected_disk[] =
    "virtio-blk: a disk, from a raw file or a block device\n"
    "\n"
    "Key         Type       Default      Range           Required  Meaning\n"
    "file        path       -            -               yes       the image: a raw file or a block device\n"
    "readonly    on or off  off          -               no        the guest may only read\n"
    "serial      text       -            up to 20 bytes  no        serial number that the guest sees\n"
    "queue-size  number     256          2 to 1024       no        requests that fit in a queue\n"
    "buffer      size       16M          4k or more      no        memory\n"
    "line        stream     pty          -               no        bytes\n"
    "net         network    none         -               no        packets\n"
    "label       text       -            2 to 8 bytes    no        text\n"
    "\n"
    "Keys of every device with a file:\n"
    "cache       word       writeback    -               no        writeback: through the host's page cache; none: past it; unsafe: flushes do nothing\n"
    "werror      word       report       -               no        an error of writing: report it to the guest, or stop and try again each second\n"
    "rerror      word       report       -               no        the same of reading\n"
    "iops        number     -            1 or more       no        limit: requests a second\n"
    "iops-burst  number     iops / 10    1 or more       no        requests that may go at once after a pause\n"
    "bps         size       -            1 or more       no        limit: bytes a second\n"
    "bps-burst   size       bps / 10     1 or more       no        bytes that may go at once after a pause\n"
    "\n"
    "Keys of every device:\n"
    "id          name       MODEL0, ...  -               no        its name in messages: letters, digits, - and _\n"
    "addr        address    first free   0 to 1f.7       no        its place, [BUS:]DEV[.FN] in hexadecimal as lspci prints it\n"
    "bridge      name       pci          -               no        the host bridge, or the id of the root port, that it sits behind\n"
    "group       name       0            0               no        the isolation group whose process serves it: there is one, 0\n";

static const char expected_edu[] =
    "edu: a device for teaching\n"
    "\n"
    "It has no keys of its own, only those of every device.\n"
    "\n"
    "Key     Type     Default      Range      Required  Meaning\n"
    "id      name     MODEL0, ...  -          no        its name in messages: letters, digits, - and _\n"
    "addr    address  first free   0 to 1f.7  no        its place, [BUS:]DEV[.FN] in hexadecimal as lspci prints it\n"
    "bridge  name     pci          -          no        the host bridge, or the id of the root port, that it sits behind\n"
    "group   name     0            0          no        the isolation group whose process serves it: there is one, 0\n";
/* clang-format on */

/* What the next help prints goes to *out and, once that is closed, stands in *text. */
static FILE *open_text(char **text, size_t *size)
{
    FILE *out = open_memstream(text, size);

    ck_assert_ptr_nonnull(out);
    return out;
}

START_TEST(test_models)
{
    static const struct ioreqd_model *const models[] = {&disk, &edu};
    char *text;
    size_t size;
    FILE *out = open_text(&text, &size);

    help_models(out, models, 2);
    fclose(out);
    ck_assert_str_eq(text, expected_models);
    free(text);
}
END_TEST

START_TEST(test_model)
{
    char *text;
    size_t size;
    FILE *out = open_text(&text, &size);

    help_model(out, &disk);
    fclose(out);
    ck_assert_str_eq(text, expected_disk);
    free(text);
}
END_TEST

START_TEST(test_model_without_keys)
{
    char *text;
    size_t size;
    FILE *out = open_text(&text, &size);

    help_model(out, &edu);
    fclose(out);
    ck_assert_str_eq(text, expected_edu);
    free(text);
}
END_TEST

/* Every option is told about, and lines fit a terminal. */
START_TEST(test_usage)
{
    static const char *const starts[] = {
        "\n  --domain ID|NAME ",
        "\n  --config FILE ",
        "\n  --device MODEL[,KEY=VALUE]...\n",
        "\n  --device help ",
        "\n  --device MODEL,help ",
        "\n  --bridge NAME[,KEY=VALUE]...\n",
        "\n    ecam=ADDRESS ",
        "\n    memory=ADDRESS+SIZE[@BUS]\n",
        "\n    memory64=ADDRESS+SIZE[@BUS]\n",
        "\n    io=[memory:]ADDRESS+SIZE[@BUS]\n",
        "\n    segment=N ",
        "\n    buses=FIRST-LAST ",
        "\n    intx=DEV|off ",
        "\n  --describe acpi|dts|human\n",
        "\n  --record FILE ",
        "\n  --foreground ",
        "\n  --pidfile FILE ",
        "\n  --log stderr|syslog|journal|FILE\n",
        "\n  --check ",
        "\n  --module-dir DIR ",
        "\n  --log-level LEVEL ",
        "\n  --version ",
        "\n  --help ",
        "\nExit status: 0 ",
        "\nExamples:\n",
    };
    char *text;
    size_t size;
    FILE *out = open_text(&text, &size);

    help_usage(out);
    fclose(out);
    ck_assert_int_eq(strncmp(text, "Usage: ioreqd --domain ID|NAME --device MODEL", 45), 0);
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        ck_assert_msg(strstr(text, starts[i]) != NULL, "missing:%s", starts[i]);
    }
    for (char *line = text; *line != 0; line += strcspn(line, "\n") + 1) {
        ck_assert_uint_le(strcspn(line, "\n"), 88);
    }
    ck_assert_int_eq(text[size - 1], '\n');
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config/help");
    TCase *tests = tcase_create("help");
    SRunner *runner;
    int failed;

    tcase_add_test(tests, test_models);
    tcase_add_test(tests, test_model);
    tcase_add_test(tests, test_model_without_keys);
    tcase_add_test(tests, test_usage);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
