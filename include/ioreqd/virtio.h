/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio helper library: what a model of a virtio device needs over ioreqd/device.h. It is linked into the model
 * statically (pkg-config --libs ioreqd) and serves the PCI transport, modern and transitional, the device status, feature
 * negotiation, virtqueues and interrupts, so that a model is left with its configuration bytes and its requests (virtio
 * 1.4, §2 to §4.1).
 *
 * A model puts a struct ioreqd_virtio at the very start of its state, names the library's calls in its table with
 * IOREQD_VIRTIO_CALLS, its registers with IOREQD_VIRTIO_FIELDS, what PCI sees with IOREQD_VIRTIO_DESCRIPTION, and calls
 * ioreqd_virtio_create() from create() and ioreqd_virtio_destroy() from destroy().
 *
 * Legacy drivers. With IOREQD_VIRTIO_TRANSITIONAL in its table of properties, and the description in its options, a
 * model of a type that existed before virtio 1.0 can be made a transitional device, which has the legacy interface in an
 * I/O BAR besides the modern one; users ask for it with transitional=on. The driver picks one of the two with its first
 * write after a reset. ioreqd_virtio_is_legacy() tells which; then a model minds, besides what the legacy sections of its
 * device type say:
 *   - VERSION_1 and all other bits from 32 up are not negotiated, and bits that depend on others were dropped if those
 *     were not accepted: there is no FEATURES_OK to refuse.
 *   - Queues may run, and the configuration may be written, before DRIVER_OK and before features are settled.
 *   - Formats differ: a header of virtio-net has no num_buffers unless MRG_RXBUF is negotiated (§5.1.6.1), the fields of a
 *     configuration that drivers may write are others (net's mac, §5.1.4.2), buffers may be framed otherwise. Fields are in
 *     the guest's byte order, which is little-endian in all guests that are served.
 *   - A driver need not wait for the end of its reset: keep requests in flight short.
 *
 * Threads. Registers live on the device's main loop. A virtqueue's ring and its requests live on the queue's own loop,
 * on which ready() is called; [queue] marks functions for that loop, [any] those for any of the device's loops, the
 * others are for the main loop. Descriptors are copied to private memory and checked before a model sees them; the
 * bytes that they describe stay the guest's: copy, check, use.
 *
 * Numbers are host integers unless a comment says that they are little-endian bytes. Functions that can fail return 0
 * or a negative errno.
 */
#ifndef IOREQD_VIRTIO_H
#define IOREQD_VIRTIO_H

#include <ioreqd/device.h>

#define IOREQD_VIRTIO_MAX_QUEUES     128   /* virtqueues of one device */
#define IOREQD_VIRTIO_MAX_QUEUE_SIZE 32768 /* descriptors of one virtqueue: what both formats allow */
#define IOREQD_VIRTIO_MAX_PIECES     1024  /* that a request may have mapped at once */
#define IOREQD_VIRTIO_MAX_CHAIN      1024  /* descriptors of one buffer, with those of an indirect table */

/*
 * Feature bits that concern every device type (virtio 1.4 §6). The library offers all of these itself, but IN_ORDER only
 * where the model (options.features) or the user (IOREQD_VIRTIO_PROPERTIES) asks for it: it suits devices that complete
 * what they take at once.
 */
#define IOREQD_VIRTIO_F_ANY_LAYOUT        27 /* by the legacy interface only */
#define IOREQD_VIRTIO_F_INDIRECT_DESC     28
#define IOREQD_VIRTIO_F_EVENT_IDX         29
#define IOREQD_VIRTIO_F_VERSION_1         32
#define IOREQD_VIRTIO_F_ACCESS_PLATFORM   33 /* only where the user asks for it */
#define IOREQD_VIRTIO_F_RING_PACKED       34
#define IOREQD_VIRTIO_F_IN_ORDER          35
#define IOREQD_VIRTIO_F_NOTIFICATION_DATA 38
#define IOREQD_VIRTIO_F_RING_RESET        40

/* One virtqueue. Owned by the library, from create() to destroy(). */
struct ioreqd_virtio_queue;

/*
 * One buffer that the driver made available: a chain of device-readable bytes, then device-writable bytes, either of
 * which may be none. The model owns it from take() to complete().
 */
struct ioreqd_virtio_request;

/*
 * All that a successor of this device would need to go on, at a fixed place and in plain integers. Written by the
 * library alone: arrays by the loop of their queue while it runs, the rest on the main loop.
 */
struct ioreqd_virtio_registers {
    uint32_t device_feature_select;
    uint32_t driver_feature_select;
    uint32_t driver_feature[4]; /* 128 bits */
    uint16_t config_vector;
    uint16_t queue_select;
    uint8_t status;
    _Atomic uint8_t isr; /* set from any loop, read and cleared on the main loop */
    uint8_t config_generation;
    uint8_t config_changed;    /* since the driver last read the device configuration */
    uint8_t config_access[20]; /* the PCI configuration access capability as the driver wrote it */
    uint16_t queue_size[IOREQD_VIRTIO_MAX_QUEUES];
    uint16_t queue_vector[IOREQD_VIRTIO_MAX_QUEUES];
    uint8_t queue_enable[IOREQD_VIRTIO_MAX_QUEUES];
    uint8_t queue_reset[IOREQD_VIRTIO_MAX_QUEUES];
    uint64_t queue_descriptor[IOREQD_VIRTIO_MAX_QUEUES];
    uint64_t queue_driver[IOREQD_VIRTIO_MAX_QUEUES];
    uint64_t queue_device[IOREQD_VIRTIO_MAX_QUEUES];
    /*
     * Where the queue goes on: the index of the next buffer to take, and that of the next used entry to write. In a packed
     * ring (F_RING_PACKED in driver_feature) the offset of a descriptor in bits 0 to 14, and its wrap counter in bit 15.
     * Enabling a queue sets both to the start of the ring, so a successor sets them after that.
     */
    uint16_t queue_next_available[IOREQD_VIRTIO_MAX_QUEUES];
    uint16_t queue_next_used[IOREQD_VIRTIO_MAX_QUEUES];
    uint8_t interface; /* that the driver has picked since the last reset: 0 none yet, 1 modern, 2 legacy */
};

/* Which of the library's features the user wants offered; see IOREQD_VIRTIO_PROPERTIES. */
struct ioreqd_virtio_formats {
    uint8_t event_idx;
    uint8_t in_order;
    uint8_t indirect;
    uint8_t packed;
    uint8_t platform;
};

struct ioreqd_virtio {
    struct ioreqd_virtio_registers registers;
    struct ioreqd_virtio_device *device; /* the library's own */
    struct ioreqd_virtio_formats formats;
    uint8_t transitional; /* property, see IOREQD_VIRTIO_TRANSITIONAL */
};

/*
 * A feature bit that a driver may accept only with another one (virtio 1.4 §2.2.1): with needs or with alternative,
 * which are the same bit where there is no choice.
 */
struct ioreqd_virtio_dependency {
    uint8_t bit;
    uint8_t needs;
    uint8_t alternative;
};

#define IOREQD_VIRTIO_NEEDS(bit_, needs_)                                                                              \
    {                                                                                                                  \
        .bit = (bit_), .needs = (needs_), .alternative = (needs_)                                                      \
    }
#define IOREQD_VIRTIO_NEEDS_ONE(bit_, first, second)                                                                   \
    {                                                                                                                  \
        .bit = (bit_), .needs = (first), .alternative = (second)                                                       \
    }

/* What create() tells of one device. The library copies it; what its pointers point to must outlive the device. */
struct ioreqd_virtio_options {
    uint64_t features[2];  /* bits 0..63 and 64..127 that the device offers besides the library's own */
    uint16_t queues;       /* 1 to IOREQD_VIRTIO_MAX_QUEUES, as in the description */
    uint16_t queue_size;   /* greatest size of each: a power of 2, up to IOREQD_VIRTIO_MAX_QUEUE_SIZE */
    uint32_t context_size; /* bytes of the model's own in each request, see ioreqd_virtio_request_context() */

    /* The device configuration, little-endian bytes (virtio 1.4 §2.5). The model changes it on the main loop. */
    const uint8_t *config;
    uint32_t config_length;

    /*
     * The queue has buffers: take them, until ioreqd_virtio_take() gives none or the model wants no more. Called on
     * the queue's loop after a notification; requests may be completed here or later. A model that stops early hears
     * of the queue again after ioreqd_virtio_queue_kick() only. [queue]
     */
    void (*ready)(struct ioreqd_device *device, void *state, struct ioreqd_virtio_queue *queue);

    /*
     * The driver wrote size (1, 2 or 4) bytes at offset of the device configuration. Optional: without it nothing in
     * there is writable. The access lies inside config_length.
     */
    void (*config_write)(struct ioreqd_device *device, void *state, uint32_t offset, unsigned size, uint32_t value);

    /*
     * Descriptors of the longest chain that the device takes, up to IOREQD_VIRTIO_MAX_CHAIN, which 0 stands for; a longer
     * one breaks the device (virtio 1.4 §2.7.4.1, §2.8.18). More than a queue's size is of use with indirect tables.
     */
    uint16_t chain_limit;
    uint8_t user_formats; /* 1: the model's table of properties has IOREQD_VIRTIO_PROPERTIES */

    /*
     * Which feature bits need which. One whose needs are not offered is not offered either; a driver that accepts one
     * without its needs is refused, or, by the legacy interface, does not get it. NULL: none does.
     */
    const struct ioreqd_virtio_dependency *dependency;
    unsigned dependencies;

    /* Bits 0..31 that legacy drivers alone are offered, besides the low half of features[0]. */
    uint32_t legacy_features;

    /* The description that create() was given, adjusted before. Needed by models with IOREQD_VIRTIO_TRANSITIONAL. */
    struct ioreqd_description *description;

    /*
     * The device, or one queue alone (virtio 1.4 §2.6.1), was reset by its driver or by the host: what the driver was told
     * and what its buffers said is void. The queues that are meant stand still, so that what ready() alone touches may be
     * changed here. On the main loop; reset() is also called from ioreqd_virtio_create(). Optional.
     */
    void (*reset)(struct ioreqd_device *device, void *state);
    void (*queue_reset)(struct ioreqd_device *device, void *state, unsigned queue);

    /*
     * The driver has chosen among the features and no queue runs yet. 0, or the choice is refused: FEATURES_OK stays clear
     * (virtio 1.4 §2.2.2); a legacy driver cannot be refused. Optional.
     */
    int (*negotiate)(struct ioreqd_device *device, void *state);

    uint32_t moderated; /* 1: ioreqd_virtio_queue_moderate() will be used; the host has timers then */
};

/*
 * Makes the virtio device that virtio, the start of the model's state, stands for. host and device are those that the
 * module and create() were given. -EINVAL when the options are out of range, or offer a bit that neither the library nor
 * a device type may (virtio 1.4 §2.2.2), -ENOMEM.
 */
int ioreqd_virtio_create(struct ioreqd_virtio *virtio, const struct ioreqd_host *host, struct ioreqd_device *device,
                         const struct ioreqd_virtio_options *options);

/* Frees what create() made; nothing of the device may run any more. Does nothing when create() failed. */
void ioreqd_virtio_destroy(struct ioreqd_virtio *virtio);

/* Whether driver and device agreed on a feature bit, 0 to 127. Settled before any queue runs. [any] */
int ioreqd_virtio_negotiated(const struct ioreqd_virtio *virtio, unsigned bit);

/* Whether the driver uses the legacy interface. Settled before any queue runs. [any] */
int ioreqd_virtio_is_legacy(const struct ioreqd_virtio *virtio);

/* The model has changed the bytes of the device configuration: tells the driver (virtio 1.4 §4.1.5.4). */
void ioreqd_virtio_config_changed(struct ioreqd_virtio *virtio);

/*
 * The driver broke a rule that leaves the device without a way to answer: logs it as the guest's error, stops all
 * queues and shows DEVICE_NEEDS_RESET. Requests in flight must still be completed; nothing of them reaches the
 * guest. [any]
 */
void ioreqd_virtio_broken(struct ioreqd_virtio *virtio, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ------------------------------------------------------------------------------------------------------------------
 * Virtqueues and requests. All [queue].
 */

/* The queue of an index, from 0 to queues - 1: the same for as long as there is the device. [any] */
struct ioreqd_virtio_queue *ioreqd_virtio_queue(struct ioreqd_virtio *virtio, unsigned index);

/* Which queue it is, counted from 0. */
unsigned ioreqd_virtio_queue_index(const struct ioreqd_virtio_queue *queue);

/*
 * The next buffer of the driver, or NULL when there is none, when the queue is to stop, or when one turn has taken as
 * many as the queue has descriptors, or when its chain is long and too many such are in flight (ready() is then called
 * again soon). Within ready() only.
 */
struct ioreqd_virtio_request *ioreqd_virtio_take(struct ioreqd_virtio_queue *queue);

/*
 * Puts the buffer that was taken last back, as if it had not been taken: take() will give it again. Of several the last
 * one goes first, and all within the call of ready() that took them.
 */
void ioreqd_virtio_put_back(struct ioreqd_virtio_request *request);

/* Has ready() called soon: for a model that stopped early and now has use for buffers. */
void ioreqd_virtio_queue_kick(struct ioreqd_virtio_queue *queue);

/* The same, before it returns, for what runs on the queue's loop and not within ready(). Does nothing while it stands. */
void ioreqd_virtio_queue_run(struct ioreqd_virtio_queue *queue);

/*
 * Interrupts for the queue are held back until that many buffers are used or that many nanoseconds have passed since the
 * first of them; where either is 0 there is one for each turn. Used buffers show in the ring at once all the same. Holds
 * until the device is reset.
 */
void ioreqd_virtio_queue_moderate(struct ioreqd_virtio_queue *queue, uint32_t buffers, uint64_t delay);

/* The context_size bytes of the model in this request. Zero when the queue is enabled, then kept from use to use. */
void *ioreqd_virtio_request_context(struct ioreqd_virtio_request *request);

/* The loop to submit file requests on. */
struct ioreqd_loop *ioreqd_virtio_request_loop(const struct ioreqd_virtio_request *request);

/* How many bytes the device may read, and how many it may write: each at most 2^32 - 1, and both together too. */
uint32_t ioreqd_virtio_request_readable(const struct ioreqd_virtio_request *request);
uint32_t ioreqd_virtio_request_writable(const struct ioreqd_virtio_request *request);

/*
 * Copies length bytes from offset of the readable bytes, or to offset of the writable ones, however the driver cut
 * them into descriptors (virtio 1.4 §2.7.4.2). -EINVAL when they do not lie inside; -EFAULT and -EIO as in dma_read().
 */
int ioreqd_virtio_request_read(struct ioreqd_virtio_request *request, uint32_t offset, void *to, size_t length);
int ioreqd_virtio_request_write(struct ioreqd_virtio_request *request, uint32_t offset, const void *from,
                                size_t length);

/*
 * Maps length bytes from offset of the readable (IOREQD_FROM_GUEST) or the writable (IOREQD_TO_GUEST) bytes for file
 * requests. On success *iov and *count tell the pieces, at most IOREQD_VIRTIO_MAX_PIECES in all of the request's maps; they stay mapped
 * until complete(). -EINVAL when the bytes do not lie inside or length is 0, -E2BIG when they are in too many pieces,
 * -EFAULT, -EIO.
 */
int ioreqd_virtio_request_map(struct ioreqd_virtio_request *request, enum ioreqd_direction direction, uint32_t offset,
                              uint32_t length, const struct iovec **iov, uint32_t *count);

/*
 * Unmaps and returns the buffer to the driver. used: how many bytes were written for certain, counted from the first
 * writable byte (virtio 1.4 §2.7.8.2). The driver sees it, and is interrupted if it wants to be, with the others of
 * this turn of the loop. The request is the library's again.
 */
void ioreqd_virtio_request_complete(struct ioreqd_virtio_request *request, uint32_t used);

/* ------------------------------------------------------------------------------------------------------------------
 * The model's tables
 */

/* Calls of struct ioreqd_model that the library serves; state is the struct ioreqd_virtio. See ioreqd/device.h. */
uint64_t ioreqd_virtio_register_read(struct ioreqd_device *device, void *state, unsigned bar, uint64_t offset,
                                     unsigned size);
void ioreqd_virtio_register_write(struct ioreqd_device *device, void *state, unsigned bar, uint64_t offset,
                                  unsigned size, uint64_t value);
void ioreqd_virtio_bell(struct ioreqd_device *device, void *state, unsigned queue, uint32_t value);
void ioreqd_virtio_reset(struct ioreqd_device *device, void *state, enum ioreqd_reset_kind kind);
void ioreqd_virtio_quiesce(struct ioreqd_device *device, void *state);
void ioreqd_virtio_resume(struct ioreqd_device *device, void *state);
void ioreqd_virtio_bus_master(struct ioreqd_device *device, void *state, int on);
uint32_t ioreqd_virtio_config_read(struct ioreqd_device *device, void *state, unsigned index, unsigned offset,
                                   unsigned size, uint32_t value);
void ioreqd_virtio_config_write(struct ioreqd_device *device, void *state, unsigned index, unsigned offset,
                                unsigned size, uint32_t value);

#define IOREQD_VIRTIO_CALLS                                                                                            \
    .read = ioreqd_virtio_register_read, .write = ioreqd_virtio_register_write, .bell = ioreqd_virtio_bell,            \
    .reset = ioreqd_virtio_reset, .quiesce = ioreqd_virtio_quiesce, .config_read = ioreqd_virtio_config_read,          \
    .config_write = ioreqd_virtio_config_write, .resume = ioreqd_virtio_resume, .bus_master = ioreqd_virtio_bus_master

/*
 * Entries for the model's table of struct ioreqd_property: the user chooses what is offered to drivers. To be had with
 * options.user_formats.
 */
#define IOREQD_VIRTIO_FORMAT(type, member, name_, fallback_, format, help_)                                            \
    {                                                                                                                  \
        .name = (name_), .fallback = (fallback_), .help = (help_), .kind = IOREQD_PROPERTY_BOOL,                       \
        .offset = offsetof(type, member) + offsetof(struct ioreqd_virtio, formats.format)                              \
    }

#define IOREQD_VIRTIO_PROPERTIES(type, member)                                                                         \
    IOREQD_VIRTIO_FORMAT(type, member, "packed", "on", packed, "offer the packed ring"),                               \
        IOREQD_VIRTIO_FORMAT(type, member, "indirect", "on", indirect, "offer tables of indirect descriptors"),        \
        IOREQD_VIRTIO_FORMAT(type, member, "event-idx", "on", event_idx,                                               \
                             "offer notifications at a place in the ring"),                                            \
        IOREQD_VIRTIO_FORMAT(type, member, "in-order", "off", in_order, "offer to use buffers in order"),              \
        IOREQD_VIRTIO_FORMAT(type, member, "access-platform", "off", platform,                                         \
                             "let drivers grant their buffers one by one")

/*
 * Entries for the model's table of struct ioreqd_field. type is the model's state, member its struct ioreqd_virtio,
 * queues as in the description. Tags from 0x8000 up are the library's.
 */
#define IOREQD_VIRTIO_FIELD(type, member, tag_, kind_, name, count_)                                                   \
    {                                                                                                                  \
        .tag = (tag_), .kind = (kind_), .since = 1,                                                                    \
        .offset = offsetof(type, member) + offsetof(struct ioreqd_virtio, registers.name), .count = (count_)           \
    }

#define IOREQD_VIRTIO_FIELDS(type, member, queues)                                                                     \
    IOREQD_VIRTIO_FIELD(type, member, 0x8001, IOREQD_FIELD_U32, device_feature_select, 1),                             \
        IOREQD_VIRTIO_FIELD(type, member, 0x8002, IOREQD_FIELD_U32, driver_feature_select, 1),                         \
        IOREQD_VIRTIO_FIELD(type, member, 0x8003, IOREQD_FIELD_U32, driver_feature, 4),                                \
        IOREQD_VIRTIO_FIELD(type, member, 0x8004, IOREQD_FIELD_U16, config_vector, 1),                                 \
        IOREQD_VIRTIO_FIELD(type, member, 0x8005, IOREQD_FIELD_U16, queue_select, 1),                                  \
        IOREQD_VIRTIO_FIELD(type, member, 0x8006, IOREQD_FIELD_U8, status, 1),                                         \
        IOREQD_VIRTIO_FIELD(type, member, 0x8007, IOREQD_FIELD_U8, isr, 1),                                            \
        IOREQD_VIRTIO_FIELD(type, member, 0x8008, IOREQD_FIELD_U8, config_generation, 1),                              \
        IOREQD_VIRTIO_FIELD(type, member, 0x8009, IOREQD_FIELD_U8, config_changed, 1),                                 \
        IOREQD_VIRTIO_FIELD(type, member, 0x800a, IOREQD_FIELD_U8, config_access, 20),                                 \
        IOREQD_VIRTIO_FIELD(type, member, 0x800b, IOREQD_FIELD_U8, interface, 1),                                      \
        IOREQD_VIRTIO_FIELD(type, member, 0x8010, IOREQD_FIELD_U16, queue_size, queues),                               \
        IOREQD_VIRTIO_FIELD(type, member, 0x8011, IOREQD_FIELD_U16, queue_vector, queues),                             \
        IOREQD_VIRTIO_FIELD(type, member, 0x8012, IOREQD_FIELD_U8, queue_enable, queues),                              \
        IOREQD_VIRTIO_FIELD(type, member, 0x8013, IOREQD_FIELD_U8, queue_reset, queues),                               \
        IOREQD_VIRTIO_FIELD(type, member, 0x8014, IOREQD_FIELD_U64, queue_descriptor, queues),                         \
        IOREQD_VIRTIO_FIELD(type, member, 0x8015, IOREQD_FIELD_U64, queue_driver, queues),                             \
        IOREQD_VIRTIO_FIELD(type, member, 0x8016, IOREQD_FIELD_U64, queue_device, queues),                             \
        IOREQD_VIRTIO_FIELD(type, member, 0x8017, IOREQD_FIELD_U16, queue_next_available, queues),                     \
        IOREQD_VIRTIO_FIELD(type, member, 0x8018, IOREQD_FIELD_U16, queue_next_used, queues)

/* Entry for the model's table of properties: lets users ask for a transitional device. */
#define IOREQD_VIRTIO_TRANSITIONAL(type, member)                                                                       \
    {                                                                                                                  \
        .name = "transitional", .fallback = "off",                                                                     \
        .help = "drivers from before virtio 1.0 can use the device too, by a BAR in I/O space",                        \
        .kind = IOREQD_PROPERTY_BOOL, .offset = offsetof(type, member) + offsetof(struct ioreqd_virtio, transitional)  \
    }

/*
 * Where the structures of the transport lie (virtio 1.4 §4.1.4): BAR 4; BAR 1 holds the host's MSI-X table, and BAR 0 is
 * the legacy interface of transitional devices. Each structure may grow within its region: an administration queue, for
 * one, has two more registers at the end of the common configuration.
 */
#define IOREQD_VIRTIO_BAR_LEGACY    0
#define IOREQD_VIRTIO_BAR           4
#define IOREQD_VIRTIO_BAR_MSIX      1
#define IOREQD_VIRTIO_BAR_SIZE      0x4000
#define IOREQD_VIRTIO_COMMON        0x0000
#define IOREQD_VIRTIO_COMMON_LENGTH 60 /* up to queue_reset; the registers of the administration queue do not exist */
#define IOREQD_VIRTIO_ISR           0x1000
#define IOREQD_VIRTIO_CONFIG        0x2000
#define IOREQD_VIRTIO_NOTIFY        0x3000
#define IOREQD_VIRTIO_NOTIFY_STRIDE 4
#define IOREQD_VIRTIO_REGION_LENGTH 0x1000 /* what each structure may grow to */

#define IOREQD_VIRTIO_LE32(value)                                                                                      \
    (uint8_t)((value)&0xffu), (uint8_t)(((value) >> 8) & 0xffu), (uint8_t)(((value) >> 16) & 0xffu),                   \
        (uint8_t)(((value) >> 24) & 0xffu)

/* The body of struct virtio_pci_cap: cap_len, cfg_type, bar, id, padding, offset, length (virtio 1.4 §4.1.4). */
#define IOREQD_VIRTIO_CAPABILITY(cap_length, type, bar, offset, length)                                                \
    (cap_length), (type), (bar), 0, 0, 0, IOREQD_VIRTIO_LE32(offset), IOREQD_VIRTIO_LE32(length)

/* A type without configuration gets 4 bytes that read as 0: drivers take a structure of no length for a fault. */
#define IOREQD_VIRTIO_CAPABILITIES(queue_count, config_bytes)                                                          \
    (const struct ioreqd_capability[])                                                                                 \
    {                                                                                                                  \
        {.id = 9,                                                                                                      \
         .length = 16,                                                                                                 \
         .body = (const uint8_t[]){IOREQD_VIRTIO_CAPABILITY(16, 1, IOREQD_VIRTIO_BAR, IOREQD_VIRTIO_COMMON,            \
                                                            IOREQD_VIRTIO_COMMON_LENGTH)}},                            \
            {.id = 9,                                                                                                  \
             .length = 20,                                                                                             \
             .body = (const uint8_t[]){IOREQD_VIRTIO_CAPABILITY(20, 2, IOREQD_VIRTIO_BAR, IOREQD_VIRTIO_NOTIFY,        \
                                                                (queue_count)*IOREQD_VIRTIO_NOTIFY_STRIDE),            \
                                       IOREQD_VIRTIO_LE32(IOREQD_VIRTIO_NOTIFY_STRIDE)}},                              \
            {.id = 9,                                                                                                  \
             .length = 16,                                                                                             \
             .body = (const uint8_t[]){IOREQD_VIRTIO_CAPABILITY(16, 3, IOREQD_VIRTIO_BAR, IOREQD_VIRTIO_ISR, 1)}},     \
            {.id = 9,                                                                                                  \
             .length = 16,                                                                                             \
             .body = (const uint8_t[]){IOREQD_VIRTIO_CAPABILITY(16, 4, IOREQD_VIRTIO_BAR, IOREQD_VIRTIO_CONFIG,        \
                                                                (config_bytes) != 0 ? (config_bytes) : 4)}},           \
        {                                                                                                              \
            .id = 9, .length = 20, .flags = IOREQD_CAPABILITY_TRAP,                                                    \
            .body = (const uint8_t[]){IOREQD_VIRTIO_CAPABILITY(20, 5, 0, 0, 0), IOREQD_VIRTIO_LE32(0)},                \
            .write_mask = (const uint8_t[]){0,    0,    0xff, 0,    0,    0,    0xff, 0xff, 0xff,                      \
                                            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},                     \
        }                                                                                                              \
    }

/*
 * Initialises a constant struct ioreqd_description of a modern virtio PCI device (virtio 1.4 §4.1.2): type is the
 * virtio device type, the next three its PCI class, config_bytes the length of its device configuration.
 */
#define IOREQD_VIRTIO_DESCRIPTION(type, base_class, sub_class, interface, queue_count, config_bytes)                   \
    {                                                                                                                  \
        .struct_size = sizeof(struct ioreqd_description), .vendor = 0x1af4, .device = 0x1040 + (type),                 \
        .subsystem_vendor = 0x1af4, .subsystem = 0x1040 + (type), .revision = 1,                                       \
        .class_code = {(base_class), (sub_class), (interface)}, .intx = 1, .msix_bar = IOREQD_VIRTIO_BAR_MSIX,         \
        .msix = (queue_count) + 1, .express = 1, .queues = (queue_count), .capabilities = 5, .bells = 1,               \
        .bar = {[IOREQD_VIRTIO_BAR] = {.kind = IOREQD_BAR_MEM64,                                                       \
                                       .min_access = 1,                                                                \
                                       .max_access = 4,                                                                \
                                       .size = IOREQD_VIRTIO_BAR_SIZE}},                                               \
        .capability = IOREQD_VIRTIO_CAPABILITIES(queue_count, config_bytes),                                           \
        .bell = (const struct ioreqd_bell[]){{.bar = IOREQD_VIRTIO_BAR,                                                \
                                              .size = 2,                                                               \
                                              .count = (queue_count),                                                  \
                                              .stride = IOREQD_VIRTIO_NOTIFY_STRIDE,                                   \
                                              .offset = IOREQD_VIRTIO_NOTIFY}},                                        \
    }

#endif
