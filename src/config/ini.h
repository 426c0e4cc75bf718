/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text of sections and keys in the form that systemd's files have:
 *
 *     # a comment, or with ; instead
 *     [section name]
 *     key = value to the end of the line
 *
 * A line is taken as it stands: nothing continues on the next one, nothing is quoted, and no comment begins behind a
 * value, so that every character can be part of one. Blanks at both ends of keys and values are not. Lines may end with
 * CR LF, and the text may begin with a byte order mark.
 *
 * This is own code because libraries lose what messages need: inih as Debian builds it has lines of 200 bytes, cuts names
 * of sections at 49 without a word and values at " ;", and tells neither line numbers nor sections; libini_config takes an
 * indented line for a part of the one above, and knows no line of a section; GKeyFile and iniParser know no lines.
 *
 * No state; any thread.
 */
#ifndef IOREQD_CONFIG_INI_H
#define IOREQD_CONFIG_INI_H

#include <stdbool.h>
#include <stddef.h>

#define INI_LONGEST_LINE 8191

/* Who is told what is there. Texts last as long as the call. Lines count from 1. */
struct ini_handler {
    void (*section)(void *context, unsigned line, const char *name);
    void (*pair)(void *context, unsigned line, const char *key, const char *value);
    /* A line that is neither: what, which may be NULL, is the text that is wrong. */
    void (*fault)(void *context, unsigned line, const char *what, const char *reason);
};

/*
 * Reads text[size], which is changed in its place and has a byte of room behind it. Goes on after a fault; false: but not
 * to the end, as this is no text. Keys behind a section that was not understood are left out.
 */
bool ini_read(char *text, size_t size, const struct ini_handler *handler, void *context);

#endif
