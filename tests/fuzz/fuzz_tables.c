/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tables of a model mean to a fuzzer: values for its properties, copies of its saved fields, its counters, see
 * fuzz_host.h. One thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/value.h"
#include "tests/fuzz/fuzz_host.h"

/*
 * Saved fields that a reset leaves alone, with their reason: of the virtio library's, config_generation and
 * config_changed, as a driver that reads the configuration across a reset must notice; of serial's, the modem's lines,
 * which are the other end's. model NULL: of all models.
 */
static const struct {
    const char *model;
    uint16_t tag;
} kept[] = {{NULL, 0x8008}, {NULL, 0x8009}, {"serial", 6}, {"serial", 7}};

static bool is_kept(const struct ioreqd_model *model, uint16_t tag)
{
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (kept[i].tag == tag && (kept[i].model == NULL || strcmp(kept[i].model, model->name) == 0)) {
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Fields and counters
 */

static size_t field_bytes(const struct ioreqd_field *field)
{
    return ((size_t)1 << (field->kind - IOREQD_FIELD_U8)) * field->count;
}

static bool inside_state(const struct ioreqd_model *model, size_t offset, size_t bytes)
{
    return offset <= model->state_size && bytes <= model->state_size - offset;
}

void fuzz_check_tables(const struct ioreqd_model *model)
{
    for (const struct ioreqd_field *one = model->field; one != NULL && one->tag != 0; one++) {
        for (const struct ioreqd_field *other = model->field; other != one; other++) {
            if (other->tag == one->tag) {
                fuzz_violation("two fields have the tag %u", one->tag);
            }
        }
        if (one->kind < IOREQD_FIELD_U8 || one->kind > IOREQD_FIELD_U64 || one->count == 0 || one->since == 0 ||
            one->since > model->state_version || !inside_state(model, one->offset, field_bytes(one))) {
            fuzz_violation("field %u is no part of the state", one->tag);
        }
    }
    for (const struct ioreqd_counter *one = model->counter; one != NULL && one->name != NULL; one++) {
        if (one->unit == NULL || one->offset % 8 != 0 || !inside_state(model, one->offset, 8)) {
            fuzz_violation("counter %s is no part of the state", one->name);
        }
    }
}

size_t fuzz_fields_bytes(const struct ioreqd_model *model)
{
    size_t bytes = 0;

    for (const struct ioreqd_field *field = model->field; field != NULL && field->tag != 0; field++) {
        bytes += field_bytes(field);
    }
    return bytes;
}

void fuzz_fields_copy(const struct ioreqd_device *device, uint8_t *to)
{
    for (const struct ioreqd_field *field = device->model->field; field != NULL && field->tag != 0; field++) {
        memcpy(to, (const uint8_t *)device->state + field->offset, field_bytes(field));
        to += field_bytes(field);
    }
}

void fuzz_fields_compare(const struct ioreqd_device *device, const uint8_t *with, const char *when, bool after_reset)
{
    for (const struct ioreqd_field *field = device->model->field; field != NULL && field->tag != 0; field++) {
        if (!(after_reset && is_kept(device->model, field->tag)) &&
            memcmp(with, (const uint8_t *)device->state + field->offset, field_bytes(field)) != 0) {
            fuzz_violation("%s: field %u is not as it was", when, field->tag);
        }
        with += field_bytes(field);
    }
}

size_t fuzz_counters(const struct ioreqd_model *model)
{
    size_t count = 0;

    while (model->counter != NULL && model->counter[count].name != NULL) {
        count++;
    }
    return count;
}

void fuzz_check_counters(const struct ioreqd_device *device, uint64_t *last)
{
    for (size_t i = 0; i < fuzz_counters(device->model); i++) {
        uint64_t value;

        memcpy(&value, (const uint8_t *)device->state + device->model->counter[i].offset, sizeof(value));
        if (value < last[i]) {
            fuzz_violation("counter %s went back", device->model->counter[i].name);
        }
        last[i] = value;
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * Properties
 */

#ifndef FUZZ_FIXED
#define FUZZ_FIXED ""
#endif

/* Whether the fuzzer was built with a value of its own for a property: "KEY=VALUE,KEY=VALUE". Not of text. */
static bool take_fixed(const struct ioreqd_property *property, uint64_t *value)
{
    size_t length = strlen(property->name);
    struct value_reason reason;
    char text[32];

    for (const char *at = FUZZ_FIXED, *end; *at != '\0'; at = *end == ',' ? end + 1 : end) {
        end = at + strcspn(at, ",");
        if (strncmp(at, property->name, length) == 0 && at[length] == '=') {
            snprintf(text, sizeof(text), "%.*s", (int)(end - at - (ptrdiff_t)length - 1), at + length + 1);
            if (value_parse(property, text, value, &reason) != 0) {
                fuzz_violation("property %s: %s", property->name, reason.text);
            }
            return true;
        }
    }
    return false;
}

static uint64_t most_of(const struct ioreqd_property *property)
{
    return property->kind == IOREQD_PROPERTY_U32 && property->maximum > UINT32_MAX ? UINT32_MAX : property->maximum;
}

/* A number in the property's range: its ends, any, or one of those that hardware likes. */
static uint64_t choose_number(struct ioreqd_device *device, const struct ioreqd_property *property)
{
    uint64_t least = property->minimum, most = most_of(property);
    uint64_t value = 0;

    if (take_fixed(property, &value)) {
        return value;
    }
    switch (fuzz_take(&device->input, 1) % 8) {
    case 0:
        value = least;
        break;
    case 1:
        value = most;
        break;
    case 2:
        value = fuzz_take(&device->input, 8);
        value = most - least == UINT64_MAX ? value : least + value % (most - least + 1);
        break;
    case 3:
        value = UINT64_C(1) << fuzz_take(&device->input, 1) % 64;
        break;
    case 4:
        value = (UINT64_C(1) << fuzz_take(&device->input, 1) % 64) - 1;
        break;
    default:
        if (property->fallback != NULL) {
            struct value_reason reason;

            if (value_parse(property, property->fallback, &value, &reason) != 0) {
                fuzz_violation("property %s: its fallback is no value: %s", property->name, reason.text);
            }
        }
        break;
    }
    return value < least ? least : value > most ? most : value;
}

static void choose_text(struct ioreqd_device *device, const struct ioreqd_property *property, char *text)
{
    uint64_t length = property->minimum + fuzz_take(&device->input, 1) % (property->maximum - property->minimum + 1);

    if (fuzz_take(&device->input, 1) % 2 == 0 && property->fallback != NULL) {
        strcpy(text, property->fallback);
        return;
    }
    for (uint64_t i = 0; i < length; i++) {
        text[i] = (char)('a' + i % 26);
    }
    text[length] = '\0';
}

static bool is_on(const struct ioreqd_device *device, const char *name)
{
    const struct ioreqd_property *property = device->model->property;

    while (name != NULL && property->name != NULL && strcmp(property->name, name) != 0) {
        property++;
    }
    return name != NULL && property->name != NULL && ((const uint8_t *)device->state)[property->offset] != 0;
}

static struct ioreqd_file *choose_file(struct ioreqd_device *device, const struct ioreqd_property *property)
{
    static const uint64_t sizes[] = {8192, 8192, 65536, 0, 511, 513, 1u << 20, UINT64_C(1) << 40};
    uint8_t choice = (uint8_t)fuzz_take(&device->input, 1);
    struct ioreqd_file *file;

    if ((choice & 0xc0) == 0xc0 && (property->flags & IOREQD_PROPERTY_REQUIRED) == 0) {
        return NULL;
    }
    file = calloc(1, sizeof(*file));
    *file = (struct ioreqd_file){device->files, sizes[choice % 8],
                                 (choice & 8) != 0 || is_on(device, property->read_only_by)};
    device->files = file;
    return file;
}

static struct ioreqd_stream *choose_stream(struct ioreqd_device *device, const struct ioreqd_property *property)
{
    uint8_t choice = (uint8_t)fuzz_take(&device->input, 1);
    struct ioreqd_stream *stream;

    if ((choice & 0xc0) == 0xc0 && (property->flags & IOREQD_PROPERTY_REQUIRED) == 0) {
        return NULL;
    }
    stream = calloc(1, sizeof(*stream));
    stream->next = device->streams;
    stream->device = device;
    stream->connected = (choice & 1) == 0;
    stream->room = choice & 0x3e;
    stream->columns = (choice & 0x20) != 0 ? 80 : 0;
    device->streams = stream;
    return stream;
}

static void set_property(struct ioreqd_device *device, const struct ioreqd_property *property)
{
    uint8_t *to = (uint8_t *)device->state + property->offset;
    uint64_t number;
    uint32_t word;

    switch (property->kind) {
    case IOREQD_PROPERTY_BOOL:
        number = take_fixed(property, &number) ? number : fuzz_take(&device->input, 1) % 2;
        *to = (uint8_t)number;
        break;
    case IOREQD_PROPERTY_U32:
    case IOREQD_PROPERTY_U64:
    case IOREQD_PROPERTY_SIZE:
        number = choose_number(device, property);
        word = (uint32_t)number;
        memcpy(to, property->kind == IOREQD_PROPERTY_U32 ? (void *)&word : (void *)&number,
               property->kind == IOREQD_PROPERTY_U32 ? sizeof(word) : sizeof(number));
        break;
    case IOREQD_PROPERTY_STRING:
        choose_text(device, property, (char *)to);
        break;
    case IOREQD_PROPERTY_FILE:
        memcpy(to, &(struct ioreqd_file *){choose_file(device, property)}, sizeof(void *));
        break;
    case IOREQD_PROPERTY_STREAM:
        memcpy(to, &(struct ioreqd_stream *){choose_stream(device, property)}, sizeof(void *));
        break;
    case IOREQD_PROPERTY_SOCKETS:
        memcpy(to, &(struct ioreqd_sockets *){fuzz_sockets_open(device)}, sizeof(void *));
        break;
    case IOREQD_PROPERTY_NETWORK:
        memcpy(to, &(struct ioreqd_network *){fuzz_network_choose(device, property)}, sizeof(void *));
        break;
    default:
        fuzz_violation("property %s: kind %u", property->name, property->kind);
    }
}

/* Files last: whether they may be written is another property's. */
void fuzz_set_properties(struct ioreqd_device *device)
{
    for (unsigned files = 0; files < 2; files++) {
        const struct ioreqd_property *property = device->model->property;

        for (; property != NULL && property->name != NULL; property++) {
            if ((property->kind == IOREQD_PROPERTY_FILE) == (files != 0)) {
                set_property(device, property);
            }
        }
    }
}
