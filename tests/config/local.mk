# Unit tests of the log, the command line and the properties.
if HAVE_CHECK
config_tests = \
    tests/config/test-arm-bridges \
    tests/config/test-bridges \
    tests/config/test-command-line \
    tests/config/test-config-file \
    tests/config/test-help \
    tests/config/test-log \
    tests/config/test-places \
    tests/config/test-property \
    tests/config/test-property-table \
    tests/config/test-search
check_PROGRAMS += $(config_tests)
TESTS += $(config_tests)

tests_config_test_arm_bridges_SOURCES = tests/config/arm_bridges.c
tests_config_test_arm_bridges_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_config_test_arm_bridges_LDADD = libioreqd-config.la $(CHECK_LIBS)

tests_config_test_bridges_SOURCES = tests/config/bridges.c
tests_config_test_bridges_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_config_test_bridges_LDADD = libioreqd-config.la $(CHECK_LIBS)

tests_config_test_command_line_SOURCES = tests/config/command_line.c tests/config/describe.c tests/config/describe.h
tests_config_test_command_line_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_config_test_command_line_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_config_test_command_line_LDADD = libioreqd-config.la $(CHECK_LIBS)

tests_config_test_config_file_SOURCES = tests/config/config_file.c tests/config/describe.c tests/config/describe.h
tests_config_test_config_file_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_config_test_config_file_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_config_test_config_file_LDADD = libioreqd-config.la $(CHECK_LIBS)

tests_config_test_help_SOURCES = tests/config/help.c
tests_config_test_help_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_config_test_help_LDADD = libioreqd-config.la $(CHECK_LIBS)

tests_config_test_log_SOURCES = tests/config/log.c
tests_config_test_log_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_config_test_log_LDADD = libioreqd-config.la $(CHECK_LIBS)

tests_config_test_places_SOURCES = tests/config/places.c src/places.c src/places.h
tests_config_test_places_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_config_test_places_LDADD = libioreqd-config.la $(CHECK_LIBS)

tests_config_test_property_SOURCES = tests/config/property.c
tests_config_test_property_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_config_test_property_LDADD = libioreqd-config.la $(CHECK_LIBS)

tests_config_test_property_table_SOURCES = tests/config/property_table.c
tests_config_test_property_table_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_config_test_property_table_LDADD = libioreqd-config.la $(CHECK_LIBS)

tests_config_test_search_SOURCES = tests/config/search.c
tests_config_test_search_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_config_test_search_LDADD = libioreqd-config.la $(CHECK_LIBS)
endif

# The examples of the manuals, and that those name every key.
TESTS += tests/config/check-examples tests/config/check-config-file tests/config/check-model-pages
EXTRA_DIST += tests/config/examples-not-run tests/config/check-examples tests/config/check-config-file tests/config/check-model-pages
check_PROGRAMS += tests/config/list-keys
tests_config_list_keys_SOURCES = tests/config/list_keys.c
tests_config_list_keys_LDADD = libioreqd-config.la
