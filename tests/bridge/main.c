/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the unit tests of src/bridge. Clauses are those of PCI Local Bus 3.0, unless a file names another. */
#include <stdlib.h>

#include "tests/bridge/board.h"

int main(void)
{
    TCase *(*const group[])(void) = {
        header_tests,      config_access_tests,  bar_tests,         overlap_tests,
        access_tests,      bell_tests,           capability_tests,  msix_tests,
        msix_race_tests,   intx_tests,           msi_tests,         msi_enabled_tests,
        description_tests, host_bridge_tests,    host_config_tests, host_tests,
        ecam_tests,        aperture_tests,       port_tests,        bus_number_tests,
        window_tests,      port_interrupt_tests, express_tests,     power_tests,
        reset_tests,       failure_tests,        rom_tests,         extended_tests,
        frame_tests,       no_frame_tests,       spi_tests,         shared_spi_tests,
        machine_tests,
    };
    Suite *suite = suite_create("bridge");
    SRunner *runner;
    int failed;

    for (unsigned i = 0; i < sizeof(group) / sizeof(group[0]); i++) {
        suite_add_tcase(suite, group[i]());
    }
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
