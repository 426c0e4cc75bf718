/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The format: lines that come back as they were, and a table with one line for each way to get one wrong, with the
 * message (ioreqd-recording(5)).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recording/recording.h"
#include "tests/replay/suites.h"

static const char *const same[] = {
    "0 read memory 0xf0000000 4 = 0x10000ed",
    "0 read memory 0xf0000000 4 = 0x0/0xff",
    "127 write memory 0xffffffffffffffff 8 0xffffffffffffffff",
    "1 write port 0xc000 2 x4 down at 0x1000",
    "1 read port 0xc000 1 x4096 at 0x1000",
    "0 read config 0000:00:01.0+0x4 4 = 0x100007",
    "0 write config ffff:ff:1f.7+0xffffffff 4294967295 x0 0x1",
    "0 invalidate",
    "0 other",
    "  operand-read 0x1000 0102",
    "  operand-write 0x1000 00*8,01,02*9,0304",
    "  operand-read 0x1000 fails 4 EFAULT",
    "  dma-read disk0 0x0 -",
    "  dma-read disk0 0x1000 fails 18446744073709551615 EIO",
    "  dma-write disk0 0x1000 ff*4096",
    "  dma-write disk0 0x1000 fails 4 99",
    "  map-read disk0 0x1000 00",
    "  map-write disk0 0x1000 4096",
    "  map-write disk0 0x1000 fails 4096 E2BIG",
    "  map-wrote disk0 0x1000 0102",
    "  window disk0 0x1000 4096",
    "  look disk0 0x1002 01",
    "  file-read disk0 1 0x200 00*512",
    "  message 0xfee00000 0x41",
    "  line 0x1f D down",
    "  bell disk0 3 0xffffffff",
    "time 1000",
};

START_TEST(lines_come_back)
{
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        struct text text = {.data = NULL};
        struct recording_line line;
        char reason[256];

        ck_assert_msg(recording_parse(same[i], &line, reason, sizeof(reason)) == 0, "%s: %s", same[i], reason);
        recording_print(&line, &text);
        recording_print_answer(&line, &text);
        ck_assert_str_eq(text.data, same[i]);
        text_free(&text);
        recording_line_free(&line);
    }
}
END_TEST

#define HEAD  "ioreqd-recording 1\n"
#define GUEST HEAD "guest hvm vcpus=2 lines=no host-bridge=yes\n"

START_TEST(a_header)
{
    static const char text[] =
        "# by hand\n\n" GUEST "host pci1 segment=0x1 buses=10-1f configuration-ports=no address-port=no shown=yes "
        "ecam=0xe0000000 io=port:0x1000:0x0:0x1000 memory=memory:0xd0000000:0xd0000000:0x10000000 lines=folded:3\n"
        "port rp0 pci1 02.0 7\n"
        "device rp0 00.0 virtio-blk,id=disk0,file=a file with,,a comma\n"
        "file disk0 file 1024\n"
        "content disk0 file 512 00*511,01\n"
        "1 invalidate\n";
    struct text printed = {.data = NULL};
    struct recording_error error;
    struct recording recording;

    ck_assert_msg(recording_read(text, strlen(text), &recording, &error) == 0, "%zu: %s", error.line, error.text);
    ck_assert_uint_eq(recording.lines, 10);
    ck_assert_uint_eq(recording.guest.vcpus, 2);
    ck_assert(!recording.guest.intx && recording.guest.host_bridge);
    ck_assert_str_eq(recording.device[0].options, "virtio-blk,id=disk0,file=a file with,,a comma");
    ck_assert_uint_eq(recording.device[0].line, 7);
    ck_assert_uint_eq(recording.content[0].length, 512);
    recording_print_host(&recording.host[0], &printed);
    recording_print_port(&recording.port[0], &printed);
    recording_print_device(&recording.device[0], &printed);
    recording_print_file(&recording.file[0], &printed);
    ck_assert_msg(strstr(text, printed.data) != NULL, "%s", printed.data);
    text_free(&printed);
    recording_free(&recording);
}
END_TEST

static const struct {
    const char *text;
    size_t line;
    const char *message;
} wrong[] = {
    {"", 0, "nothing is in it: begin with ioreqd-recording 1"},
    {"# only this\n\n", 0, "nothing is in it: begin with ioreqd-recording 1"},
    {"ioreqd-recording 2\n", 1, "not a recording of this version: begin with ioreqd-recording 1"},
    {"#\nguest pvh\n", 2, "not a recording of this version: begin with ioreqd-recording 1"},
    {HEAD, 0, "the guest is missing: give guest pvh or guest hvm in the header"},
    {HEAD "0 invalidate\n", 2, "the guest is missing before it: give guest pvh or guest hvm in the header"},
    {HEAD "guest\n", 2, "pvh or hvm is missing at the end of the line: add it"},
    {HEAD "guest pv\n", 2, "the kind of guest pv: give pvh or hvm"},
    {HEAD "guest pvh vcpus=0\n", 2, "vcpus 0: give a number, 1 to 128"},
    {HEAD "guest pvh vcpus=129\n", 2, "vcpus 129: give a number, 1 to 128"},
    {HEAD "guest pvh lines=maybe\n", 2, "lines maybe: give yes or no"},
    {HEAD "guest pvh cpus=1\n", 2, "a guest's cpus=1: give vcpus=, lines= or host-bridge="},
    {GUEST "guest pvh\n", 3, "the guest is given twice: give it once"},
    {GUEST "host\n", 3, "the host bridge's name is missing at the end of the line: add it"},
    {GUEST "host a buses=2-1\n", 3, "buses 2-1: give the first and the last in hexadecimal, as 00-ff"},
    {GUEST "host a lines=folded:32\n", 3, "lines folded:32: give none, direct, or folded: and a device, 0 to 31"},
    {GUEST "host a memory=4\n", 3,
     "memory 4: give port or memory, the first address, that on the bus and the size, with : between"},
    {GUEST "host a segment=65536\n", 3, "segment 65536: give a number in its range, see ioreqd-recording(5)"},
    {GUEST "port rp0 pci 20.0 1\n", 3, "device and function 20.0: give them in hexadecimal, as 10.0"},
    {GUEST "port rp0 pci 2.0 8192\n", 3, "the slot 8192: give a number, 0 to 0x1fff"},
    {GUEST "device pci 01.0\n", 3, "the device's model is missing: give MODEL,id=ID and its KEY=VALUE"},
    {GUEST "file disk0 file x\n", 3, "the file's size x: give a number, 0 to 0x4000000000000"},
    {GUEST "content disk0 file 0 00\n", 3, "there is no file file of device disk0: give its file line first"},
    {GUEST "file d f 4\ncontent d f 3 0000\n", 4, "the bytes go beyond the file's end: give the file more bytes"},
    {GUEST "0 invalidate\nfile d f 4\n", 4, "this belongs to the header: give it before the first request or event"},
    {GUEST "2 invalidate\n", 3, "the guest has no such vCPU: give it more with vcpus= in the header"},
    {GUEST "128 invalidate\n", 3, "the vCPU 128: give a number, 0 to 0x7f"},
    {GUEST "0\n", 3, "read, write, invalidate or other is missing at the end of the line: add it"},
    {GUEST "0 fetch port 1 1\n", 3, "the access fetch: give read, write, invalidate or other"},
    {GUEST "0 read\n", 3, "port, memory or config is missing at the end of the line: add it"},
    {GUEST "0 read room 1 1\n", 3, "the space room: give port, memory or config"},
    {GUEST "0 read port 0xg 1\n", 3, "the address 0xg: give a number, 0 to 0xffffffffffffffff"},
    {GUEST "0 read port 0x10000000000000000 1\n", 3,
     "the address 0x10000000000000000: give a number, 0 to 0xffffffffffffffff"},
    {GUEST "0 read config 1.0+4 4\n", 3, "function and register 1.0+4: give them as 0000:00:10.0+0x4"},
    {GUEST "0 read port 1\n", 3, "the size is missing at the end of the line: add it"},
    {GUEST "0 read port 1 4294967296\n", 3, "the size 4294967296: give a number, 0 to 0xffffffff"},
    {GUEST "0 read port 1 1 x\n", 3, "the count x: give x and a number, as x4"},
    {GUEST "0 read port 1 1 at\n", 3, "the operand's address is missing at the end of the line: add it"},
    {GUEST "0 write port 1 1\n", 3, "the value is missing at the end of the line: add it"},
    {GUEST "0 write port 1 1 1 = 2\n", 3, "= stands where there is no answer: only reads without an operand have one"},
    {GUEST "0 read port 1 1 =\n", 3, "the answer is missing at the end of the line: add it"},
    {GUEST "0 read port 1 1 = 1/\n", 3, "the answer 1/: give a number, or a number, / and the bits to compare"},
    {GUEST "0 read port 1 1 = 1 2\n", 3, "at the end of the line stands 2: give nothing there"},
    {GUEST "dma-reed disk0 0 00\n", 3,
     "the line begins with dma-reed: give a vCPU's number, or an event of ioreqd-recording(5)"},
    {GUEST "dma-read\n", 3, "the device's id is missing at the end of the line: add it"},
    {GUEST "dma-read disk0\n", 3, "the address is missing at the end of the line: add it"},
    {GUEST "dma-read disk0 0\n", 3, "the bytes is missing at the end of the line: add it"},
    {GUEST "dma-read disk0 0 0\n", 3,
     "bytes 0: give pairs of hexadecimal digits, as 01ff, or 00*16 for 16 times the same, with commas between, 16 MiB "
     "at most; - for none"},
    {GUEST "dma-read disk0 0 00*16777217\n", 3,
     "bytes 00*16777217: give pairs of hexadecimal digits, as 01ff, or 00*16 for 16 times the same, with commas "
     "between, 16 MiB at most; - for none"},
    {GUEST "dma-read disk0 0 0000*2\n", 3,
     "bytes 0000*2: give pairs of hexadecimal digits, as 01ff, or 00*16 for 16 times the same, with commas between, 16 "
     "MiB at most; - for none"},
    {GUEST "dma-read disk0 0xffffffffffffffff 0000\n", 3, "the bytes go beyond the highest address: give a lower one"},
    {GUEST "dma-read disk0 0 fails 4 ENOENT\n", 3,
     "the error ENOENT: give EFAULT, EIO, E2BIG, EINVAL, ENOMEM or its number"},
    {GUEST "map-write disk0 0 x\n", 3, "how many bytes x: give a number, 0 to 0xffffffffffffffff"},
    {GUEST "message 1 0x100000000\n", 3, "the data 0x100000000: give a number, 0 to 0xffffffff"},
    {GUEST "line 32 A up\n", 3, "the line's device 32: give a number, 0 to 0x1f"},
    {GUEST "line 1 E up\n", 3, "the pin E: give A, B, C or D"},
    {GUEST "line 1 A high\n", 3, "the level high: give up or down"},
    {GUEST "bell disk0 x 1\n", 3, "the queue x: give a number, 0 to 0xffff"},
    {GUEST "time soon\n", 3, "the time soon: give a number, 0 to 0x4189374bc6a7ef"},
    {GUEST "0 read port 1 1 = \x01\n", 3, "the answer ?: give a number, or a number, / and the bits to compare"},
    {GUEST "0 readreadreadreadreadreadreadreadreadreadread\n", 3,
     "the access readreadreadreadreadreadreadreadreadread...: give read, write, invalidate or other"},
};

START_TEST(what_is_wrong_is_told)
{
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct recording_error error;
        struct recording recording;

        if (recording_read(wrong[i].text, strlen(wrong[i].text), &recording, &error) == 0) {
            ck_abort_msg("taken: %s", wrong[i].text);
        }
        ck_assert_str_eq(error.text, wrong[i].message);
        ck_assert_uint_eq(error.line, wrong[i].line);
    }
}
END_TEST

START_TEST(zeros)
{
    static const char inside[] = GUEST "0 inval\0idate\n", behind[] = GUEST "0 invalidate\n\0\0\0";
    struct recording_error error;
    struct recording recording;

    ck_assert_int_eq(recording_read(inside, sizeof(inside), &recording, &error), -1);
    ck_assert_str_eq(error.text, "a zero byte stands in it: a recording is text");
    ck_assert_int_eq(recording_read(behind, sizeof(behind), &recording, &error), 0);
    recording_free(&recording);
}
END_TEST

TCase *format_tests(void)
{
    TCase *tests = tcase_create("format");

    tcase_add_test(tests, lines_come_back);
    tcase_add_test(tests, a_header);
    tcase_add_test(tests, what_is_wrong_is_told);
    tcase_add_test(tests, zeros);
    return tests;
}
