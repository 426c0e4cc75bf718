/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A module whose model is wrong in the one way that the environment variable BAD_MODEL names; without it, it is good.
 * For the tests of module_open().
 */
#include <ioreqd/device.h>
#include <stdlib.h>
#include <string.h>

struct state {
    uint32_t word;
    uint8_t bytes[4];
    _Atomic uint64_t counter;
};

static struct ioreqd_bell bell = {.bar = 0, .size = 2, .count = 1, .stride = 4};

static struct ioreqd_description description = {
    .struct_size = sizeof(description),
    .vendor = 0x1af4,
    .queues = 1,
    .bells = 1,
    .bell = &bell,
    .bar = {{.kind = IOREQD_BAR_MEM32, .min_access = 1, .max_access = 4, .size = 4096}},
};

static struct ioreqd_field fields[] = {
    {.tag = 1, .kind = IOREQD_FIELD_U32, .since = 1, .offset = offsetof(struct state, word), .count = 1},
    {.tag = 2, .kind = IOREQD_FIELD_U8, .since = 1, .offset = offsetof(struct state, bytes), .count = 4},
    {.tag = 0},
};

static struct ioreqd_counter counters[] = {
    {.name = "events", .unit = "events", .offset = offsetof(struct state, counter)},
    {.name = NULL},
};

static struct ioreqd_parameter parameters[IOREQD_PARAMETERS + 2] = {
    {.name = "first", .help = "a number", .kind = IOREQD_PROPERTY_U32},
    {.name = "second", .help = "a text", .kind = IOREQD_PROPERTY_STRING},
    {.name = NULL},
};

static int run(struct ioreqd_device *device, void *state, const struct ioreqd_value *value, char *reason, size_t size)
{
    (void)device;
    (void)state;
    (void)value;
    (void)reason;
    (void)size;
    return 0;
}

static struct ioreqd_verb verbs[] = {
    {.name = "do", .help = "does it", .parameter = parameters, .run = run},
    {.name = "do-more", .help = "does more", .run = run},
    {.name = NULL},
};

static int create(struct ioreqd_device *device, void *state, struct ioreqd_description *given)
{
    (void)device;
    (void)state;
    (void)given;
    return 0;
}

static uint64_t read_register(struct ioreqd_device *device, void *state, unsigned bar, uint64_t offset, unsigned size)
{
    (void)device;
    (void)state;
    (void)bar;
    (void)offset;
    (void)size;
    return 0;
}

static void write_register(struct ioreqd_device *device, void *state, unsigned bar, uint64_t offset, unsigned size,
                           uint64_t value)
{
    (void)device;
    (void)state;
    (void)bar;
    (void)offset;
    (void)size;
    (void)value;
}

static void ring(struct ioreqd_device *device, void *state, unsigned queue, uint32_t value)
{
    (void)device;
    (void)state;
    (void)queue;
    (void)value;
}

static struct ioreqd_model model = {
    .struct_size = sizeof(model),
    .abi = IOREQD_ABI,
    .name = "bad-model",
    .summary = "is wrong",
    .state_size = sizeof(struct state),
    .state_version = 1,
    .description = &description,
    .field = fields,
    .counter = counters,
    .create = create,
    .read = read_register,
    .write = write_register,
    .bell = ring,
    .verb = verbs,
};

static const struct ioreqd_model *models[] = {&model, NULL};

static void spoil_model(const char *way)
{
    if (strcmp(way, "table") == 0) {
        model.struct_size = offsetof(struct ioreqd_model, read);
    } else if (strcmp(way, "abi") == 0) {
        model.abi = IOREQD_ABI + 1;
    } else if (strcmp(way, "name") == 0) {
        model.name = "bad model";
    } else if (strcmp(way, "long-name") == 0) {
        model.name = "a-name-of-more-than-thirty-one-letters";
    } else if (strcmp(way, "no-name") == 0) {
        model.name = NULL;
    } else if (strcmp(way, "summary") == 0) {
        model.summary = NULL;
    } else if (strcmp(way, "no-state") == 0) {
        model.state_size = 0;
    } else if (strcmp(way, "state") == 0) {
        model.state_size = UINT32_MAX;
    } else if (strcmp(way, "create") == 0) {
        model.create = NULL;
    } else if (strcmp(way, "read") == 0) {
        model.read = NULL;
    } else if (strcmp(way, "write") == 0) {
        model.write = NULL;
    } else if (strcmp(way, "bell") == 0) {
        model.bell = NULL;
    } else if (strcmp(way, "no-description") == 0) {
        model.description = NULL;
    } else if (strcmp(way, "none") == 0) {
        models[0] = NULL;
    }
}

static void spoil_tables(const char *way)
{
    if (strcmp(way, "description") == 0) {
        description.struct_size = offsetof(struct ioreqd_description, bell);
    } else if (strcmp(way, "bar") == 0) {
        description.bar[0].size = 5000;
    } else if (strcmp(way, "queue") == 0) {
        bell.first_queue = 1;
    } else if (strcmp(way, "tags") == 0) {
        fields[1].tag = 1;
    } else if (strcmp(way, "field-kind") == 0) {
        fields[0].kind = 5;
    } else if (strcmp(way, "no-field-kind") == 0) {
        fields[0].kind = 0;
    } else if (strcmp(way, "field-reserved") == 0) {
        fields[0].reserved = 1;
    } else if (strcmp(way, "field-place") == 0) {
        fields[1].offset = sizeof(struct state) - 3;
    } else if (strcmp(way, "field-far") == 0) {
        fields[1].offset = UINT32_MAX;
    } else if (strcmp(way, "field-odd") == 0) {
        fields[0].offset = 2;
    } else if (strcmp(way, "field-count") == 0) {
        fields[1].count = 0;
    } else if (strcmp(way, "field-many") == 0) {
        fields[0].count = UINT32_MAX;
    } else if (strcmp(way, "field-new") == 0) {
        fields[1].since = 2;
    } else if (strcmp(way, "counter-unit") == 0) {
        counters[0].unit = NULL;
    } else if (strcmp(way, "counter-place") == 0) {
        counters[0].offset = sizeof(struct state);
    }
}

static void spoil_verbs(const char *way)
{
    static const char *const words[] = {"a", NULL};

    if (strcmp(way, "verb-name") == 0) {
        verbs[1].name = "Do";
    } else if (strcmp(way, "verb-help") == 0) {
        verbs[1].help = NULL;
    } else if (strcmp(way, "verb-run") == 0) {
        verbs[1].run = NULL;
    } else if (strcmp(way, "verb-twice") == 0) {
        verbs[1].name = "do";
    } else if (strcmp(way, "parameter-name") == 0) {
        parameters[1].name = "a b";
    } else if (strcmp(way, "parameter-help") == 0) {
        parameters[1].help = NULL;
    } else if (strcmp(way, "parameter-kind") == 0) {
        parameters[1].kind = IOREQD_PROPERTY_FILE;
    } else if (strcmp(way, "parameter-choice") == 0) {
        parameters[0].choice = words;
    } else if (strcmp(way, "parameter-flags") == 0) {
        parameters[0].flags = 2;
    } else if (strcmp(way, "parameters") == 0) {
        for (unsigned i = 2; i <= IOREQD_PARAMETERS; i++) {
            parameters[i] = parameters[0];
        }
    } else if (strcmp(way, "no-verbs") ==
               0) { /* an older table, which ends before them: what is wrong there is not seen */
        verbs[0].run = NULL;
        model.struct_size = offsetof(struct ioreqd_model, verb);
    }
}

const struct ioreqd_model *const *ioreqd_module(const struct ioreqd_host *host)
{
    const char *way = getenv("BAD_MODEL");

    if (way == NULL) {
        return models;
    }
    if (host->abi != IOREQD_ABI || strcmp(way, "null") == 0) {
        return NULL;
    }
    spoil_model(way);
    spoil_tables(way);
    spoil_verbs(way);
    return models;
}
