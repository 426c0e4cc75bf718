/* SPDX-License-Identifier: BSD-2-Clause */
/* The header of a recording from text, see recording.h and ioreqd-recording(5). */
#include <stdlib.h>
#include <string.h>

#include "recording/recording.h"
#include "recording/words.h"

/* One more element of an array, zeroed, or NULL. */
static void *grow(void **array, size_t *count, size_t size)
{
    char *grown = realloc(*array, (*count + 1) * size);

    if (grown == NULL) {
        return NULL;
    }
    *array = grown;
    memset(grown + *count * size, 0, size);
    return grown + (*count)++ * size;
}

#define GROW(recording, array, count)                                                                                  \
    grow((void **)&(recording)->array, &(recording)->count, sizeof(*(recording)->array))

static bool no_memory(struct words *words)
{
    return words_wrong(words, "out of memory");
}

/* KEY=... : takes the word and leaves what stands after the =. */
static bool key_of(struct words *words, const char *key, struct word *value)
{
    struct word word = words_peek(words);
    size_t length = strlen(key);

    if (word.length <= length || strncmp(word.at, key, length) != 0 || word.at[length] != '=') {
        return false;
    }
    words->at += word.length;
    *value = (struct word){word.at + length + 1, word.length - length - 1};
    return true;
}

static bool yes_or_no(struct words *words, const char *key, struct word value, bool *is)
{
    *is = word_is(&value, "yes");
    return *is || word_is(&value, "no") || words_wrong_word(words, key, value, "yes or no");
}

static bool number_of(struct words *words, const char *key, struct word value, uint64_t maximum, uint64_t *number)
{
    struct word rest = value;

    return (word_number(&rest, maximum, number) && rest.length == 0) ||
           words_wrong_word(words, key, value, "a number in its range, see ioreqd-recording(5)");
}

static bool guest(struct words *words, struct recording *recording)
{
    struct hypervisor_guest *made = &recording->guest;
    struct word word, value;
    uint64_t number = 1;

    if (recording->has_guest) {
        return words_wrong(words, "the guest is given twice: give it once");
    }
    if (!words_take(words, "pvh or hvm", &word)) {
        return false;
    }
    made->intx = word_is(&word, "hvm");
    made->host_bridge = made->intx;
    if (!made->intx && !word_is(&word, "pvh")) {
        return words_wrong_word(words, "the kind of guest", word, "pvh or hvm");
    }
    for (bool good = true; words_peek(words).length != 0;) {
        if (key_of(words, "vcpus", &value)) {
            good = number_of(words, "vcpus", value, HYPERVISOR_MAX_VCPUS, &number) && number != 0;
            if (!good) {
                return words_wrong_word(words, "vcpus", value, "a number, 1 to 128");
            }
        } else if (key_of(words, "lines", &value)) {
            good = yes_or_no(words, "lines", value, &made->intx);
        } else if (key_of(words, "host-bridge", &value)) {
            good = yes_or_no(words, "host-bridge", value, &made->host_bridge);
        } else {
            return words_wrong_word(words, "a guest's", words_peek(words), "vcpus=, lines= or host-bridge=");
        }
        if (!good) {
            return false;
        }
    }
    made->vcpus = (unsigned)number;
    recording->has_guest = true;
    return true;
}

/* SPACE:FIRST:BUS:SIZE */
static bool aperture(struct words *words, const char *key, struct word value, struct bridge_aperture *made)
{
    struct word rest = value;

    made->space = value.length > 4 && memcmp(value.at, "port", 4) == 0 ? BRIDGE_PORT : BRIDGE_MEMORY;
    while (rest.length != 0 && *rest.at != ':') {
        word_skip(&rest, *rest.at);
    }
    return (word_skip(&rest, ':') && word_number(&rest, UINT64_MAX, &made->first) && word_skip(&rest, ':') &&
            word_number(&rest, UINT64_MAX, &made->bus) && word_skip(&rest, ':') &&
            word_number(&rest, UINT64_MAX, &made->size) && rest.length == 0) ||
           words_wrong_word(words, key, value,
                            "port or memory, the first address, that on the bus and the size, with : between");
}

static bool lines_of(struct words *words, struct word value, struct bridge_host_config *made)
{
    struct word rest = value;
    uint64_t number;

    made->lines = word_is(&value, "direct") ? BRIDGE_LINES_DIRECT : BRIDGE_LINES_NONE;
    if (made->lines == BRIDGE_LINES_DIRECT || word_is(&value, "none")) {
        return true;
    }
    if (value.length > 7 && memcmp(value.at, "folded:", 7) == 0) {
        rest = (struct word){value.at + 7, value.length - 7};
        if (word_number(&rest, 0x1f, &number) && rest.length == 0) {
            made->lines = BRIDGE_LINES_FOLDED;
            made->lines_device = (uint8_t)number;
            return true;
        }
    }
    return words_wrong_word(words, "lines", value, "none, direct, or folded: and a device, 0 to 31");
}

static bool buses_of(struct words *words, struct word value, struct bridge_host_config *made)
{
    struct word rest = value;
    uint64_t first, last;

    if (!word_hex(&rest, 0xff, &first) || !word_skip(&rest, '-') || !word_hex(&rest, 0xff, &last) || rest.length != 0 ||
        last < first) {
        return words_wrong_word(words, "buses", value, "the first and the last in hexadecimal, as 00-ff");
    }
    made->first_bus = (uint8_t)first;
    made->last_bus = (uint8_t)last;
    return true;
}

/* One KEY=VALUE of a host bridge. */
static bool host_key(struct words *words, struct bridge_host_config *made)
{
    uint64_t number = 0;
    struct word value;
    bool good;

    if (key_of(words, "segment", &value)) {
        good = number_of(words, "segment", value, 0xffff, &number);
        made->segment = (uint16_t)number;
        return good;
    }
    if (key_of(words, "buses", &value)) {
        return buses_of(words, value, made);
    }
    if (key_of(words, "configuration-ports", &value)) {
        return yes_or_no(words, "configuration-ports", value, &made->configuration_ports);
    }
    if (key_of(words, "address-port", &value)) {
        return yes_or_no(words, "address-port", value, &made->address_port);
    }
    if (key_of(words, "shown", &value)) {
        return yes_or_no(words, "shown", value, &made->host_bridge_shown);
    }
    if (key_of(words, "ecam", &value)) {
        return number_of(words, "ecam", value, UINT64_MAX, &made->ecam);
    }
    if (key_of(words, "io", &value)) {
        return aperture(words, "io", value, &made->io);
    }
    if (key_of(words, "memory", &value)) {
        return aperture(words, "memory", value, &made->memory);
    }
    if (key_of(words, "memory64", &value)) {
        return aperture(words, "memory64", value, &made->memory64);
    }
    if (key_of(words, "lines", &value)) {
        return lines_of(words, value, made);
    }
    return words_wrong_word(words, "a host bridge's", words_peek(words),
                            "segment=, buses=, configuration-ports=, address-port=, shown=, ecam=, io=, memory=, "
                            "memory64= or lines=");
}

static bool host(struct words *words, struct recording *recording)
{
    struct bridge_host_config *made = GROW(recording, host, hosts);

    if (made == NULL) {
        return no_memory(words);
    }
    made->last_bus = 0xff;
    if (!words_name(words, "the host bridge's name", made->name, sizeof(made->name))) {
        return false;
    }
    while (words_peek(words).length != 0) {
        if (!host_key(words, made)) {
            return false;
        }
    }
    return true;
}

static bool place(struct words *words, uint8_t *devfn)
{
    struct word word, rest;

    if (!words_take(words, "the device and function", &word)) {
        return false;
    }
    rest = word;
    return (word_devfn(&rest, devfn) && rest.length == 0) ||
           words_wrong_word(words, "device and function", word, "them in hexadecimal, as 10.0");
}

static bool port(struct words *words, struct recording *recording)
{
    struct recording_port *made = GROW(recording, port, ports);
    uint64_t slot = 0;

    if (made == NULL) {
        return no_memory(words);
    }
    if (!words_name(words, "the port's id", made->id, sizeof(made->id)) ||
        !words_name(words, "the host bridge", made->host, sizeof(made->host)) || !place(words, &made->devfn) ||
        !words_number(words, "the slot", 8191, &slot)) {
        return false;
    }
    made->slot = (unsigned)slot;
    return true;
}

static bool device(struct words *words, struct recording *recording)
{
    struct recording_device *made = GROW(recording, device, devices);
    size_t length;

    if (made == NULL) {
        return no_memory(words);
    }
    made->line = (unsigned)recording->lines;
    if (!words_name(words, "the bus", made->bus, sizeof(made->bus)) || !place(words, &made->devfn)) {
        return false;
    }
    if (words_peek(words).length == 0) {
        return words_wrong(words, "the device's model is missing: give MODEL,id=ID and its KEY=VALUE");
    }
    length = strlen(words->at);
    while (length != 0 && (words->at[length - 1] == '\r' || words->at[length - 1] == ' ')) {
        length--;
    }
    made->options = strndup(words->at, length);
    words->at += strlen(words->at);
    return made->options != NULL || no_memory(words);
}

static bool file(struct words *words, struct recording *recording)
{
    struct recording_file *made = GROW(recording, file, files);

    return made == NULL ? no_memory(words)
                        : words_name(words, "the device's id", made->device, sizeof(made->device)) &&
                              words_name(words, "the property", made->property, sizeof(made->property)) &&
                              words_number(words, "the file's size", UINT64_C(1) << 50, &made->size);
}

static bool content(struct words *words, struct recording *recording)
{
    struct recording_content *made = GROW(recording, content, contents);
    char id[RECORDING_NAME_SIZE], property[RECORDING_NAME_SIZE];
    size_t i = 0;

    if (made == NULL) {
        return no_memory(words);
    }
    if (!words_name(words, "the device's id", id, sizeof(id)) ||
        !words_name(words, "the property", property, sizeof(property))) {
        return false;
    }
    while (i < recording->files &&
           (strcmp(recording->file[i].device, id) != 0 || strcmp(recording->file[i].property, property) != 0)) {
        i++;
    }
    made->file = i;
    if (i == recording->files) {
        return words_wrong(words, "there is no file %s of device %s: give its file line first", property, id);
    }
    if (!words_number(words, "the offset", recording->file[i].size, &made->offset) ||
        !words_bytes(words, RECORDING_BYTES_MAX, &made->bytes, &made->length)) {
        return false;
    }
    recording->total += made->length;
    return made->length <= recording->file[i].size - made->offset ||
           words_wrong(words, "the bytes go beyond the file's end: give the file more bytes");
}

int recording_parse_header(const char *from, struct recording *recording, char *reason, size_t size)
{
    static const struct {
        const char *word;
        bool (*parse)(struct words *words, struct recording *recording);
    } lines[] = {{"guest", guest},   {"host", host}, {"port", port},
                 {"device", device}, {"file", file}, {"content", content}};
    struct words words = {.at = from, .reason = reason, .reason_size = size};

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (words_skip(&words, lines[i].word)) {
            return lines[i].parse(&words, recording) && words_end(&words) ? 1 : -1;
        }
    }
    return 0;
}
