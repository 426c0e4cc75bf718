/* SPDX-License-Identifier: BSD-2-Clause */
/* A shared object that is no module. For the tests of module_open(). */
int ioreqd_modul(void);

int ioreqd_modul(void)
{
    return 0;
}
