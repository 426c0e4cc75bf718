/* SPDX-License-Identifier: BSD-2-Clause */
/* Recordings by hand: each kind of difference is found and shown, and written into the file when asked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/replay/suites.h"

#define HEAD                                                                                                           \
    "ioreqd-recording 1\n"                                                                                             \
    "guest hvm\n"                                                                                                      \
    "device pci 10.0 edu,id=edu0\n"

static const struct {
    const char *text;
    const char *printed;
} shown[] = {
    {HEAD "0 read config 0000:00:10.0+0x0 4 = 0x11e81234\n", ""},
    {HEAD "0 read config 0000:00:10.0+0x0 4\n", ""},
    {HEAD "0 read config 0000:00:10.0+0x0 4 = 0x11e80000/0xffff0000\n", ""},
    {HEAD "0 read config 0000:00:10.0+0x0 4 = 0x1\n",
     "made:4: another answer\n- 0 read config 0000:00:10.0+0x0 4 = 0x1\n"
     "+ 0 read config 0000:00:10.0+0x0 4 = 0x11e81234\n"},
    {HEAD "0 invalidate\n  message 0xfee00000 0x1\n", "made:5: did not happen\n-   message 0xfee00000 0x1\n"},
    {HEAD "0 write config 0000:00:10.0+0x10 4 0xf0000000\n0 write config 0000:00:10.0+0x4 2 0x2\n"
          "0 write memory 0xf0000060 4 0x1\n",
     "made:6: not recorded, but it happened\n+   line 0x10 A up\n"},
    {HEAD "0 write config 0000:00:10.0+0x10 4 0xf0000000\n0 write config 0000:00:10.0+0x4 2 0x2\n"
          "0 write memory 0xf0000004 4 at 0x5000\n  operand-read 0x5000 fails 4 EFAULT\n"
          "0 read memory 0xf0000004 4 = 0xffffffff\n"
          "0 invalidate\n"
          "0 write memory 0xf0000004 4 at 0x5000\n  operand-read 0x5000 01000000\n"
          "0 read memory 0xf0000004 4 = 0xfffffffe\n",
     ""},
};

START_TEST(differences_are_shown)
{
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        char *printed;

        replay_text(shown[i].text, strlen(shown[i].text), &printed);
        ck_assert_str_eq(printed, shown[i].printed);
        free(printed);
    }
}
END_TEST

START_TEST(an_update_is_without_difference)
{
    static const char text[] =
        HEAD "# stays\n0 read config 0000:00:10.0+0x0 4\n  message 0x1 0x2\n"
             "0 write config 0000:00:10.0+0x10 4 0xf0000000\n0 write config 0000:00:10.0+0x4 2 0x2\n"
             "0 write memory 0xf0000060 4 0x1\n0 read memory 0xf0000024 4 = 0x7\n";
    static const char updated[] =
        HEAD "# stays\n0 read config 0000:00:10.0+0x0 4 = 0x11e81234\n"
             "0 write config 0000:00:10.0+0x10 4 0xf0000000\n0 write config 0000:00:10.0+0x4 2 0x2\n"
             "0 write memory 0xf0000060 4 0x1\n  line 0x10 A up\n0 read memory 0xf0000024 4 = 0x1\n";
    char path[] = "/tmp/test-update-XXXXXX", *printed, *found;
    size_t length;

    close(mkstemp(path));
    ck_assert_uint_eq(replay_and_update(text, strlen(text), path, &printed), 3);
    free(printed);
    found = file_text(path, &length);
    ck_assert_str_eq(found, updated);
    ck_assert_uint_eq(replay_text(found, length, &printed), 0);
    free(printed);
    free(found);
    unlink(path);
}
END_TEST

TCase *difference_tests(void)
{
    TCase *tests = tcase_create("differences");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, differences_are_shown);
    tcase_add_test(tests, an_update_is_without_difference);
    return tests;
}
