/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a test program in a guest tells: a line `PASS name` or `FAIL name: ...` for each rule, `INFO ...` for what is
 * left to the emulator. A rule that is checked many times is one line, which names the first time it did not hold.
 */
#ifndef TESTS_GUEST_REPORT_H
#define TESTS_GUEST_REPORT_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct report {
    unsigned passed;
    unsigned failed;
};

struct rule {
    char name[96];
    unsigned checks;
    unsigned wrong;
    unsigned place; /* of the first that was wrong: offset and size */
    unsigned size;
    uint64_t expected;
    uint64_t got;
};

static inline void rule_check(struct rule *rule, unsigned place, unsigned size, uint64_t expected, uint64_t got)
{
    rule->checks++;
    if (expected == got) {
        return;
    }
    if (rule->wrong++ == 0) {
        rule->place = place;
        rule->size = size;
        rule->expected = expected;
        rule->got = got;
    }
}

static inline void rule_end(struct report *report, const struct rule *rule)
{
    if (rule->checks == 0) {
        printf("INFO %s: nothing to check\n", rule->name);
    } else if (rule->wrong == 0) {
        report->passed++;
        printf("PASS %s\n", rule->name);
    } else if (rule->checks == 1) {
        report->failed++;
        printf("FAIL %s: expected %#" PRIx64 " got %#" PRIx64 "\n", rule->name, rule->expected, rule->got);
    } else {
        report->failed++;
        printf("FAIL %s: expected %#" PRIx64 " got %#" PRIx64 " (at %#x, size %u; %u of %u wrong)\n", rule->name,
               rule->expected, rule->got, rule->place, rule->size, rule->wrong, rule->checks);
    }
}

/* A rule that is checked once. */
static inline void report_check(struct report *report, const char *name, uint64_t expected, uint64_t got)
{
    struct rule rule = {.checks = 0};

    snprintf(rule.name, sizeof(rule.name), "%s", name);
    rule_check(&rule, 0, 0, expected, got);
    rule_end(report, &rule);
}

#endif
